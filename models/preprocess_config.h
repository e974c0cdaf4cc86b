// How an image becomes the tensor a network was trained on. Travels with the weights, in the model file.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nn/core/config_node.h"

namespace zoo::models {

/// How pictures are resized.
enum class Interpolation {
  kNearest,  ///< this and the next three: PIL's filters (Pillow `Image.Resampling`), antialiased, 8 bit
  kBilinear,
  kBicubic,
  kLanczos,
  kTorchBilinear,  ///< torch's interpolate: of the normalised floats, not antialiased (torchvision's detectors)
};

/// "nearest", "bilinear", "bicubic", "lanczos", "torch_bilinear".
std::string_view to_string(Interpolation interpolation);
std::optional<Interpolation> interpolation_from_name(std::string_view name);

enum class ColorOrder { kRgb, kBgr, kGray };

/// `letterbox: {size, fill, position}`: the whole picture, its ratio kept, as large as `size` holds it (PIL's
/// ImageOps.pad).
struct Letterbox {
  enum class Position { kCenter, kTopLeft };

  std::array<int64_t, 2> size = {0, 0};  ///< [H, W]
  /// 8-bit colour around the picture, one value per channel in the order of `color`; empty: black.
  std::vector<uint8_t> fill = {};
  Position position = Position::kCenter;

  bool operator==(const Letterbox&) const = default;
};

/// resize -> centre crop (or letterbox in place of both) -> /255 -> (v - mean) / std.
struct PreprocessConfig {
  /// `resize: 256`: the shorter side becomes 256, the longer int(256 * long / short). `resize: [h, w]`: exactly that.
  /// Empty: no resizing.
  std::vector<int64_t> resize = {256};
  /// `crop: 224` or `[h, w]`: centre crop, zero-padded where the image is smaller (torchvision's center_crop).
  /// Empty: no crop.
  std::vector<int64_t> crop = {224};
  /// If set, `resize` and `crop` are empty.
  std::optional<Letterbox> letterbox = std::nullopt;
  Interpolation interpolation = Interpolation::kBilinear;
  /// One value per channel. Both empty: the network has neither 1 nor 3 input channels, so it reads no pictures.
  std::vector<float> mean = {0.485F, 0.456F, 0.406F};
  std::vector<float> std = {0.229F, 0.224F, 0.225F};
  ColorOrder color = ColorOrder::kRgb;

  bool operator==(const PreprocessConfig&) const = default;

  /// [H, W] of the tensor where the configuration fixes it (a crop, an exact resize or a letterbox).
  std::optional<std::array<int64_t, 2>> output_size() const;
};

/// `resize 256, crop 224, bicubic, mean [0.5, 0.5, 0.5], std [0.5, 0.5, 0.5]`, for messages.
std::string to_string(const PreprocessConfig& config);

/// What is allowed and yet rarely meant, one line, or empty: a crop that reaches past the resized picture.
std::string remark_on(const PreprocessConfig& config);

/// Reads `preprocess:` for a network with this many input channels. Problems are recorded in the node; what it leaves
/// out, and an absent node, yields the ImageNet defaults above (for other channel numbers than 3: no mean and std).
PreprocessConfig decode_preprocess(const ConfigNode& node, int64_t in_channels);

}  // namespace zoo::models
