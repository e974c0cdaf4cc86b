#include "serve/inference/oip_request.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/config_node.h"
#include "nn/core/counted.h"
#include "nn/core/error.h"
#include "nn/core/parse_number.h"
#include "nn/core/shown_text.h"
#include "serve/inference/oip_tensor.h"
#include "serve/inference/tensor_names.h"

namespace zoo::serve {
namespace {

constexpr const char* kLengthHeader = "Inference-Header-Content-Length";

std::vector<std::string> names_of(const std::vector<TensorInfo>& tensors) {
  std::vector<std::string> names;
  for (const TensorInfo& tensor : tensors) names.push_back(tensor.name);
  return names;
}

const TensorInfo* find(const std::vector<TensorInfo>& tensors, std::string_view name) {
  const auto found = std::ranges::find(tensors, name, &TensorInfo::name);
  return found == tensors.end() ? nullptr : &*found;
}

std::string unknown_name(std::string_view kind, std::string_view name, const std::vector<TensorInfo>& known) {
  const std::vector<std::string> names = names_of(known);
  if (name.empty()) return fmt::format("an {} has no name; there are {}", kind, fmt::join(names, ", "));
  const std::string nearest = nearest_name(name, names);
  return fmt::format("{} \"{}\" is unknown{} (there are {})", kind, shortened(name, 40),
                     nearest.empty() ? "" : ", did you mean " + nearest + "?", fmt::join(names, ", "));
}

/// The rest of the body divided among the inputs that have binary data; all of it, and no more.
std::vector<std::string_view> divided(std::string_view rest, const std::vector<OipInput>& inputs, bool has_header) {
  std::vector<std::string_view> parts;
  const size_t all = rest.size();
  for (const OipInput& input : inputs) {
    const int64_t bytes = input.binary_bytes.value_or(0);
    if (input.binary_bytes && !has_header) {
      throw Error(fmt::format("binary_data_size needs the header {}, the length of the JSON", kLengthHeader));
    }
    if (std::cmp_greater(bytes, rest.size())) {
      throw Error(fmt::format("input \"{}\": binary_data_size is {}, but {} of {} behind the JSON are left",
                              shortened(input.name, 40), bytes, rest.size(),
                              counted(static_cast<int64_t>(all), "byte")));
    }
    parts.push_back(rest.substr(0, static_cast<size_t>(bytes)));
    rest.remove_prefix(static_cast<size_t>(bytes));
  }
  if (!rest.empty()) {
    throw Error(fmt::format("{} behind the JSON belong to no input's binary_data_size",
                            counted(static_cast<int64_t>(rest.size()), "byte")));
  }
  return parts;
}

OipRequest one_picture(std::string_view body, const ServedModelInfo& model) {
  const TensorInfo* images = find(model.inputs, kImages);
  if (images == nullptr) {
    throw Error(fmt::format("{} 0 is a body without JSON, one picture, and this model takes none", kLengthHeader));
  }
  if (body.empty()) throw Error("the body is empty; a picture is expected");
  OipRequest request;
  request.infer.input = {images->name, images->datatype, {1}, std::vector<std::string>{std::string(body)}};
  request.binary_outputs = true;
  return request;
}

/// A body that should have gone elsewhere.
bool begins_like_a_picture(std::string_view body) {
  using namespace std::string_view_literals;
  constexpr std::array kBegins = {"\xFF\xD8\xFF"sv, "\x89PNG"sv, "RIFF"sv, "BM"sv, "II*\0"sv, "MM\0*"sv, "GIF8"sv};
  return std::ranges::any_of(kBegins, [body](std::string_view begin) { return body.starts_with(begin); });
}

class Reader {
 public:
  Reader(OipRequestJson json, const ServedModelInfo& model) : json_(std::move(json)), model_(model) {}

  OipRequest read(const std::vector<std::string_view>& binary);

 private:
  void read_input(const std::vector<std::string_view>& binary);
  void read_outputs();
  void check_classes(const OipOutput& output, const TensorInfo& info);

  OipRequestJson json_;
  const ServedModelInfo& model_;
  OipRequest request_;
  std::vector<std::string> problems_;
};

OipRequest Reader::read(const std::vector<std::string_view>& binary) {
  read_input(binary);
  read_outputs();
  if (!problems_.empty()) throw Error(fmt::format("{}", fmt::join(problems_, "; ")));
  request_.id = std::move(json_.id);
  request_.parameters = std::move(json_.parameters);
  request_.binary_outputs = json_.binary_outputs;
  if (json_.timeout_us > 0) request_.timeout = std::chrono::microseconds(*json_.timeout_us);
  request_.outputs = std::move(json_.outputs);
  return std::move(request_);
}

void Reader::read_input(const std::vector<std::string_view>& binary) {
  std::set<std::string_view> seen;
  for (const OipInput& input : json_.inputs) {
    if (find(model_.inputs, input.name) == nullptr) {
      problems_.push_back(unknown_name("input", input.name, model_.inputs));
    } else if (!seen.insert(input.name).second) {
      problems_.push_back(fmt::format("input \"{}\" is there twice", input.name));
    }
  }
  if (json_.inputs.size() != 1) {
    problems_.push_back(fmt::format("one of the inputs {} makes a request, found {}",
                                    fmt::join(names_of(model_.inputs), ", "), json_.inputs.size()));
  }
  if (!problems_.empty()) return;
  try {
    OipInput& input = json_.inputs.front();
    const TensorInfo& expected = *find(model_.inputs, input.name);
    request_.infer.input = tensor_from(std::move(input), binary.front(), expected);
  } catch (const Error& error) {
    problems_.emplace_back(error.what());
  }
}

void Reader::read_outputs() {
  std::set<std::string_view> seen;
  for (const OipOutput& output : json_.outputs) {
    const TensorInfo* info = find(model_.outputs, output.name);
    if (info == nullptr) {
      problems_.push_back(unknown_name("output", output.name, model_.outputs));
    } else if (!seen.insert(output.name).second) {
      problems_.push_back(fmt::format("output \"{}\" is there twice", output.name));
    } else {
      check_classes(output, *info);
      request_.infer.outputs.push_back(output.name);
    }
  }
}

void Reader::check_classes(const OipOutput& output, const TensorInfo& info) {
  constexpr std::array<std::string_view, 3> kNoScores = {kScores, kBoxes, kAnchors};
  const bool has_classes = info.datatype == Datatype::kFp32 && info.shape.size() == 2 &&
                           std::ranges::find(kNoScores, info.name) == kNoScores.end();
  if (output.classes == 0 || has_classes) return;
  problems_.push_back(
      fmt::format("output \"{}\": classification is of a network's output with one score per class, not of {} [{}]",
                  output.name, to_string(info.datatype), fmt::join(info.shape, ", ")));
}

}  // namespace

OipRequest read_oip_request(std::string_view body, std::optional<size_t> json_bytes, const ServedModelInfo& model) {
  if (json_bytes == 0) return one_picture(body, model);
  if (json_bytes.value_or(0) > body.size()) {
    throw Error(fmt::format("{} is {}, but the body has {}", kLengthHeader, *json_bytes,
                            counted(static_cast<int64_t>(body.size()), "byte")));
  }
  if (body.empty()) throw Error("the body is empty; a JSON object with \"inputs\" is expected");
  if (!json_bytes && begins_like_a_picture(body)) {
    throw Error(
        fmt::format("the body is a picture, not JSON: with the header \"{}: 0\" it is taken as one, and by "
                    "/predict/{} as it is",
                    kLengthHeader, model.name));
  }
  OipRequestJson json = parse_oip_json(body.substr(0, json_bytes.value_or(body.size())));
  const std::vector<std::string_view> binary =
      divided(body.substr(json_bytes.value_or(body.size())), json.inputs, json_bytes.has_value());
  return Reader(std::move(json), model).read(binary);
}

std::optional<size_t> json_bytes_of(std::string_view header) {
  if (header.empty()) return std::nullopt;
  const std::optional<size_t> bytes = parse_number<size_t>(header);
  if (!bytes) throw Error(fmt::format("{}: \"{}\" is no number of bytes", kLengthHeader, shortened(header, 40)));
  return bytes;
}

}  // namespace zoo::serve
