#include "models/preprocess_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "nn/core/counted.h"

namespace zoo::models {
namespace {

// The largest side a frame or a tensor may have.
constexpr int64_t kMaxSize = 8192;
constexpr int64_t kWhite = 255;
const std::array<std::string, 5> kInterpolationNames = {"nearest", "bilinear", "bicubic", "lanczos", "torch_bilinear"};
constexpr std::array kInterpolations = {Interpolation::kNearest, Interpolation::kBilinear, Interpolation::kBicubic,
                                        Interpolation::kLanczos, Interpolation::kTorchBilinear};
constexpr std::array kColorOrders = {ColorOrder::kRgb, ColorOrder::kBgr, ColorOrder::kGray};

// `224`, `[h, w]` or null (empty).
std::vector<int64_t> decode_size(const ConfigNode& node) {
  if (node.is_null()) return {};
  if (!node.is_list()) return {node.as_int_in(1, kMaxSize, 1)};
  std::vector<int64_t> size;
  for (const ConfigNode& item : node.items()) size.push_back(item.as_int_in(1, kMaxSize, 1));
  if (size.size() != 2) {
    node.problem(fmt::format("{}; a size is one number, [height, width] or null", counted(std::ssize(size), "value")));
  }
  return size;
}

void check_count(const ConfigNode& node, size_t values, int64_t in_channels) {
  if (!node.is_list() || static_cast<int64_t>(values) == in_channels) return;
  node.problem(fmt::format("{}, but the network has {}", counted(static_cast<int64_t>(values), "value"),
                           counted(in_channels, "input channel")));
}

// What `mean` and `std` may be: pixels lie between 0 and 1 by then. Other programs' files have both for 0 to 255.
struct ChannelValues {
  bool positive;
  double largest;  // beyond, in size, only the other scale makes sense
};
constexpr ChannelValues kMean = {false, 1.0};
constexpr ChannelValues kStd = {true, 2.0};

// One value per input channel.
std::vector<float> decode_channel_values(const ConfigNode& node, int64_t in_channels, const ChannelValues& allowed) {
  std::vector<float> values;
  for (const ConfigNode& item : node.items()) {
    const double wide = item.as_double(1.0);
    const auto value = static_cast<float>(wide);
    if (!std::isfinite(value)) {
      item.problem(fmt::format("must fit single precision, found {}", wide));
    } else if (allowed.positive && !(value > 0.0F)) {
      item.problem(fmt::format("must be greater than 0, found {}", value));
    } else if (std::abs(wide) > allowed.largest) {
      item.problem(fmt::format("{} is on the scale of 0 to 255, but pixels are divided by 255 first: write {:.4g}",
                               wide, wide / kWhite));
    }
    values.push_back(value);
  }
  check_count(node, values.size(), in_channels);
  return values;
}

std::string size_text(const std::vector<int64_t>& size) {
  if (size.empty()) return "none";
  return size.size() == 1 ? fmt::format("{}", size[0]) : fmt::format("{}x{}", size[0], size[1]);
}

std::vector<uint8_t> decode_fill(const ConfigNode& node, int64_t in_channels) {
  if (!node.is_list()) {
    return std::vector<uint8_t>(static_cast<size_t>(in_channels), static_cast<uint8_t>(node.as_int_in(0, kWhite, 0)));
  }
  std::vector<uint8_t> fill;
  for (const ConfigNode& item : node.items()) fill.push_back(static_cast<uint8_t>(item.as_int_in(0, kWhite, 0)));
  check_count(node, fill.size(), in_channels);
  return fill;
}

Letterbox decode_letterbox(const ConfigNode& node, int64_t in_channels) {
  Letterbox letterbox;
  const ConfigNode size_node = node.at("size");
  const std::vector<int64_t> size = decode_size(size_node);
  if (size_node && size.empty()) size_node.problem("a letterbox needs a size");
  if (!size.empty()) letterbox.size = {size.front(), size.back()};
  if (const ConfigNode fill = node.find("fill")) letterbox.fill = decode_fill(fill, in_channels);
  if (const ConfigNode position = node.find("position")) {
    const std::array<std::string, 2> names = {"center", "top_left"};
    const auto choice = position.as_choice(names, "position");
    if (choice && *choice == 1) letterbox.position = Letterbox::Position::kTopLeft;
  }
  return letterbox;
}

int64_t channels_of(ColorOrder color) { return color == ColorOrder::kGray ? 1 : 3; }

}  // namespace

std::string_view to_string(Interpolation interpolation) {
  return kInterpolationNames[static_cast<size_t>(std::ranges::find(kInterpolations, interpolation) -
                                                 kInterpolations.begin())];
}

std::optional<Interpolation> interpolation_from_name(std::string_view name) {
  for (size_t i = 0; i < kInterpolationNames.size(); ++i) {
    if (kInterpolationNames[i] == name) return kInterpolations[i];
  }
  return std::nullopt;
}

std::string to_string(const PreprocessConfig& config) {
  return fmt::format("resize {}, crop {}, {}, mean [{}], std [{}]", size_text(config.resize), size_text(config.crop),
                     to_string(config.interpolation), fmt::join(config.mean, ", "), fmt::join(config.std, ", "));
}

std::string remark_on(const PreprocessConfig& config) {
  if (config.resize.empty() || config.crop.empty()) return {};
  if (config.crop.front() <= config.resize.front() && config.crop.back() <= config.resize.back()) return {};
  return fmt::format("preprocess: crop {} is larger than resize {}: what is beyond the picture is black",
                     size_text(config.crop), size_text(config.resize));
}

std::optional<std::array<int64_t, 2>> PreprocessConfig::output_size() const {
  if (letterbox) return letterbox->size;
  const std::vector<int64_t>& size = crop.empty() ? resize : crop;
  if (size.size() == 2) return std::array<int64_t, 2>{size[0], size[1]};
  if (size.size() == 1 && !crop.empty()) return std::array<int64_t, 2>{size[0], size[0]};
  return std::nullopt;
}

PreprocessConfig decode_preprocess(const ConfigNode& node, int64_t in_channels) {
  PreprocessConfig config;
  const bool has_defaults = in_channels == 3;
  if (!has_defaults) {
    config.mean.clear();
    config.std.clear();
    config.color = ColorOrder::kGray;
  }
  if (!given(node)) return config;

  const ConfigNode resize = node.find("resize");
  const ConfigNode crop = node.find("crop");
  if (resize) config.resize = decode_size(resize);
  if (crop) config.crop = decode_size(crop);
  if (const ConfigNode letterbox = node.find("letterbox"); given(letterbox)) {
    config.letterbox = decode_letterbox(letterbox, in_channels);
    if (resize && !config.resize.empty()) resize.problem("a letterbox resizes by itself; leave this out");
    if (crop && !config.crop.empty()) crop.problem("a letterbox shows the whole picture; leave this out");
    config.resize.clear();
    config.crop.clear();
  }
  if (const ConfigNode interpolation = node.find("interpolation")) {
    if (const auto choice = interpolation.as_choice(kInterpolationNames, "interpolation"))
      config.interpolation = kInterpolations[*choice];
  }
  for (const std::string_view key : {"mean", "std"}) {
    const ConfigNode values = has_defaults ? node.find(key) : node.at(key);
    if (values)
      (key == "mean" ? config.mean : config.std) =
          decode_channel_values(values, in_channels, key == "std" ? kStd : kMean);
  }
  if (const ConfigNode color = node.find("color")) {
    const std::array<std::string, 3> names = {"rgb", "bgr", "gray"};  // as kColorOrders
    if (const auto choice = color.as_choice(names, "color")) {
      config.color = kColorOrders[*choice];
      if (channels_of(config.color) != in_channels) {
        color.problem(fmt::format("{} is {}, but the network has {}", names[*choice],
                                  counted(channels_of(config.color), "channel"),
                                  counted(in_channels, "input channel")));
      }
    }
  }
  return config;
}

}  // namespace zoo::models
