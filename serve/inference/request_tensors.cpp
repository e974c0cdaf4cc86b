#include "serve/inference/request_tensors.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/error.h"
#include "nn/core/shown_text.h"
#include "pipeline/images/image_io.h"

namespace zoo::serve {
namespace {

constexpr int64_t kMaxSide = 1 << 20;  // as read_image

std::string shape_text(const std::vector<int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ",")); }

size_t size_of(const TensorData& data) {
  return std::visit([](const auto& values) { return values.size(); }, data);
}

template <typename Values>
bool holds(const TensorData& data) {
  return std::holds_alternative<Values>(data);
}

bool holds_datatype(const NamedTensor& tensor) {
  switch (tensor.datatype) {
    case Datatype::kBool:
    case Datatype::kUint8:
      return holds<std::vector<uint8_t>>(tensor.data);
    case Datatype::kInt64:
      return holds<std::vector<int64_t>>(tensor.data);
    case Datatype::kFp32:
      return holds<std::vector<float>>(tensor.data);
    case Datatype::kBytes:
      return holds<std::vector<std::string>>(tensor.data);
  }
  return false;
}

/// Or the outputs would not be, which is no fault of the model.
void check_finite(const NamedTensor& input) {
  const auto* values = std::get_if<std::vector<float>>(&input.data);
  if (values == nullptr) return;
  const auto wrong = std::ranges::find_if(*values, [](float value) { return !std::isfinite(value); });
  if (wrong == values->end()) return;
  throw Error(fmt::format("input \"{}\": value {} is {}; finite numbers are expected", input.name,
                          std::distance(values->begin(), wrong), *wrong));
}

cv::Mat bgr_from(const uint8_t* rgb, int height, int width) {
  cv::Mat picture(height, width, CV_8UC3);
  for (size_t i = 0; i < picture.total() * 3; i += 3) {
    picture.data[i] = rgb[i + 2];
    picture.data[i + 1] = rgb[i + 1];
    picture.data[i + 2] = rgb[i];
  }
  return picture;
}

}  // namespace

const TensorInfo& checked_input(const ServedModelInfo& model, const NamedTensor& input) {
  const auto info = std::ranges::find(model.inputs, input.name, &TensorInfo::name);
  if (info == model.inputs.end()) {
    std::vector<std::string> names;
    for (const TensorInfo& known : model.inputs) names.push_back(known.name);
    throw Error(fmt::format("input \"{}\": model {} has no such input; it has {}", shortened(input.name), model.name,
                            fmt::join(names, ", ")));
  }
  if (input.datatype != info->datatype) {
    throw Error(fmt::format("input \"{}\": expected datatype {}, found {}", info->name, to_string(info->datatype),
                            to_string(input.datatype)));
  }
  if (!fits_shape(input.shape, info->shape)) {
    throw Error(fmt::format("input \"{}\": expected shape {} (-1: any, at least 1), found {}", info->name,
                            shape_text(info->shape), shape_text(input.shape)));
  }
  const std::optional<int64_t> elements = element_count(input.shape);
  const auto values = static_cast<int64_t>(size_of(input.data));
  if (!holds_datatype(input) || elements != values) {
    throw Error(fmt::format("input \"{}\": its shape {} does not go with {} values", info->name,
                            shape_text(input.shape), values));
  }
  check_finite(input);
  return *info;
}

PictureReader::PictureReader(NamedTensor input)
    : input_(std::move(input)), count_(static_cast<size_t>(input_.shape.front())) {
  if (input_.datatype == Datatype::kBytes) return;
  const std::vector<int64_t>& shape = input_.shape;  // [N, H, W, 3]
  if (std::max(shape[1], shape[2]) > kMaxSide) {
    throw Error(fmt::format("input \"{}\": {}x{} pixels, but a side may have at most {}", input_.name, shape[2],
                            shape[1], kMaxSide));
  }
}

std::optional<cv::Mat> PictureReader::next() {
  if (next_ == count_) return std::nullopt;
  const size_t index = next_++;
  if (auto* files = std::get_if<std::vector<std::string>>(&input_.data)) return decode(std::move((*files)[index]));
  const std::vector<int64_t>& shape = input_.shape;
  const auto picture = static_cast<size_t>(shape[1] * shape[2] * 3);
  return bgr_from(std::get<std::vector<uint8_t>>(input_.data).data() + index * picture, static_cast<int>(shape[1]),
                  static_cast<int>(shape[2]));
}

cv::Mat PictureReader::decode(std::string file) const {
  const std::string name = count_ == 1 ? "the picture" : fmt::format("picture {} of {}", next_, count_);
  return pipeline::decode_image({file.begin(), file.end()}, name);
}

}  // namespace zoo::serve
