#include "pipeline/preprocess/preprocess.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "nn/core/error.h"

namespace zoo::pipeline {
namespace {

using models::ColorOrder;

constexpr int kMaxSide = std::numeric_limits<int>::max();

void check_sizes(const std::vector<int64_t>& sizes, const char* key) {
  const bool ok =
      sizes.size() <= 2 && std::ranges::all_of(sizes, [](int64_t size) { return size >= 1 && size <= kMaxSide; });
  if (!ok) throw Error(fmt::format("preprocess.{}: must be one or two sizes from 1 to {}", key, kMaxSide));
}

void check(const models::PreprocessConfig& config) {
  check_sizes(config.resize, "resize");
  check_sizes(config.crop, "crop");
  if (config.mean.empty() || config.mean.size() != config.std.size()) {
    throw Error(fmt::format("preprocess: {} of mean, but {} of std", counted(std::ssize(config.mean), "value"),
                            config.std.size()));
  }
  if (config.color != ColorOrder::kGray && config.mean.size() != 3) {
    throw Error(fmt::format("preprocess: a colour picture has 3 channels, but mean has {}", config.mean.size()));
  }
  if (config.letterbox) {
    check_sizes({config.letterbox->size[0], config.letterbox->size[1]}, "letterbox.size");
    if (!config.resize.empty() || !config.crop.empty()) {
      throw Error("preprocess: a letterbox excludes resize and crop");
    }
    if (!config.letterbox->fill.empty() && config.letterbox->fill.size() != config.mean.size()) {
      throw Error(fmt::format("preprocess: {} of mean, but {} of letterbox.fill",
                              counted(std::ssize(config.mean), "value"), config.letterbox->fill.size()));
    }
  }
  if (std::ranges::find(config.std, 0.0F) != config.std.end()) throw Error("preprocess.std: must not be 0");
  const auto is_finite = [](float value) { return std::isfinite(value); };
  if (!std::ranges::all_of(config.mean, is_finite) || !std::ranges::all_of(config.std, is_finite)) {
    throw Error("preprocess: mean and std must be finite numbers");
  }
}

// Python's int(round(n / 2)): halves go to the even neighbour.
int round_half(int n) { return n / 2 + (n % 2 != 0 && n / 2 % 2 != 0 ? 1 : 0); }

// Python's int(size * long / short): one correctly rounded division, then truncation.
int longer_side(int64_t size, int64_t longer, int64_t shorter) {
  const double side = static_cast<double>(size) * static_cast<double>(longer) / static_cast<double>(shorter);
  if (side > kMaxSide) {
    throw Error(
        fmt::format("a picture of {} x {} pixels, resized to {} on the shorter side, would be {:.0f} pixels long",
                    longer, shorter, size, side));
  }
  return static_cast<int>(side);
}

struct Axis {
  int origin;
  int first;
  int count;
};

// torchvision's center_crop along one axis: zeros around a picture that is too small, else the middle.
Axis crop_axis(int size, int crop) {
  if (crop > size) return {(crop - size) / 2, 0, size};
  return {0, round_half(size - crop), crop};
}

// One side of a picture that keeps its ratio while the other becomes `other`: Python's round(side / other_side *
// other).
int side_at_ratio(int64_t side, int64_t other_side, int64_t other) {
  const double ratio = static_cast<double>(side) / static_cast<double>(other_side);
  return std::max(1, static_cast<int>(std::nearbyint(ratio * static_cast<double>(other))));
}

PreprocessGeometry place_in_letterbox(const models::Letterbox& letterbox, int64_t frame_height, int64_t frame_width) {
  PreprocessGeometry placed;
  placed.output = cv::Size(static_cast<int>(letterbox.size[1]), static_cast<int>(letterbox.size[0]));
  placed.resized = placed.output;
  const double ratio = static_cast<double>(frame_width) / static_cast<double>(frame_height);
  const double room = static_cast<double>(placed.output.width) / static_cast<double>(placed.output.height);
  if (ratio > room) placed.resized.height = side_at_ratio(frame_height, frame_width, placed.output.width);
  if (ratio < room) placed.resized.width = side_at_ratio(frame_width, frame_height, placed.output.height);
  placed.window = cv::Rect(cv::Point(), placed.resized);
  if (letterbox.position == models::Letterbox::Position::kCenter) {
    placed.origin = cv::Point(round_half(placed.output.width - placed.resized.width),
                              round_half(placed.output.height - placed.resized.height));
  }
  return placed;
}

int64_t scaled(int64_t value, int64_t to, int64_t from) {
  return std::llround(static_cast<double>(value) * static_cast<double>(to) / static_cast<double>(from));
}

// One channel of `pixels`, its bytes replaced by `values`, to rows `stride` apart.
void write_plane(const cv::Mat& pixels, int channel, const std::array<float, 256>& values, float* dst, size_t stride) {
  const auto count = static_cast<size_t>(pixels.cols);
  const auto step = static_cast<size_t>(pixels.channels());
  for (int y = 0; y < pixels.rows; ++y, dst += stride) {
    const uint8_t* in = pixels.ptr(y) + channel;
    for (size_t x = 0; x < count; ++x) dst[x] = values[in[x * step]];
  }
}

}  // namespace

models::PreprocessConfig with_input_size(const models::PreprocessConfig& config, std::array<int64_t, 2> size) {
  models::PreprocessConfig result = config;
  if (config.letterbox) {
    result.letterbox->size = size;
    return result;
  }
  if (config.crop.empty()) {
    result.resize = {size[0], size[1]};
    return result;
  }
  const std::array<int64_t, 2> crop = {config.crop.front(), config.crop.back()};
  result.crop = {size[0], size[1]};
  if (config.resize.size() == 2) {
    result.resize = {scaled(config.resize[0], size[0], crop[0]), scaled(config.resize[1], size[1], crop[1])};
  } else if (config.resize.size() == 1) {
    result.resize = {std::max(scaled(config.resize[0], size[0], crop[0]), scaled(config.resize[0], size[1], crop[1]))};
  }
  return result;
}

Preprocessor::Preprocessor(models::PreprocessConfig config)
    : config_(std::move(config)), resampler_(config_.interpolation) {
  check(config_);
  tables_.resize(config_.mean.size());
  for (size_t c = 0; c < tables_.size(); ++c) {
    for (size_t v = 0; v < tables_[c].size(); ++v) {
      tables_[c][v] = (static_cast<float>(v) / 255.0F - config_.mean[c]) / config_.std[c];
    }
  }
}

PreprocessGeometry Preprocessor::geometry(int64_t frame_height, int64_t frame_width) const {
  if (frame_height < 1 || frame_width < 1 || frame_height > kMaxSide || frame_width > kMaxSide) {
    throw Error(fmt::format("cannot preprocess a frame of {}x{} pixels", frame_width, frame_height));
  }
  if (config_.letterbox) return place_in_letterbox(*config_.letterbox, frame_height, frame_width);
  PreprocessGeometry placed;
  placed.resized = cv::Size(static_cast<int>(frame_width), static_cast<int>(frame_height));
  if (config_.resize.size() == 2) {
    placed.resized = cv::Size(static_cast<int>(config_.resize[1]), static_cast<int>(config_.resize[0]));
  } else if (config_.resize.size() == 1) {
    const int64_t size = config_.resize.front();
    const bool portrait = frame_width <= frame_height;
    const int longer = longer_side(size, std::max(frame_width, frame_height), std::min(frame_width, frame_height));
    const int shorter = static_cast<int>(size);
    placed.resized = portrait ? cv::Size(shorter, longer) : cv::Size(longer, shorter);
  }
  placed.output = placed.resized;
  if (!config_.crop.empty()) {
    placed.output = cv::Size(static_cast<int>(config_.crop.back()), static_cast<int>(config_.crop.front()));
  }
  const Axis x = crop_axis(placed.resized.width, placed.output.width);
  const Axis y = crop_axis(placed.resized.height, placed.output.height);
  placed.origin = cv::Point(x.origin, y.origin);
  placed.window = cv::Rect(x.first, y.first, x.count, y.count);
  return placed;
}

std::array<int64_t, 2> Preprocessor::output_size(int64_t frame_height, int64_t frame_width) const {
  const cv::Size output = geometry(frame_height, frame_width).output;
  return {output.height, output.width};
}

void Preprocessor::run(const cv::Mat& frame, std::span<float> dst) {
  const OneThread::Use use = one_thread_.enter("Preprocessor");
  if (frame.empty() || frame.dims != 2 || frame.depth() != CV_8U || (frame.channels() != 1 && frame.channels() != 3)) {
    throw Error(
        fmt::format("cannot preprocess a frame of {}x{} pixels with {} channels and OpenCV depth {}: it must be "
                    "8 bit with 1 or 3 channels and not empty",
                    frame.cols, frame.rows, frame.channels(), frame.depth()));
  }
  const PreprocessGeometry placed = geometry(frame.rows, frame.cols);
  const size_t plane = static_cast<size_t>(placed.output.width) * static_cast<size_t>(placed.output.height);
  const size_t channels = tables_.size();
  if (dst.size() != channels * plane) {
    throw Error(fmt::format("preprocessing yields {}x{}x{} values, but there is room for {}", channels,
                            placed.output.height, placed.output.width, dst.size()));
  }
  const bool to_gray = config_.color == ColorOrder::kGray && frame.channels() == 3;
  if (to_gray) bgr_to_gray(frame, gray_);
  const cv::Mat& picture = to_gray ? gray_ : frame;
  const bool of_floats = config_.interpolation == models::Interpolation::kTorchBilinear;
  if (of_floats) {
    torch_bilinear_.prepare(picture.size(), placed.resized, placed.window);
  } else {
    resampler_.run(picture, placed.resized, placed.window, pixels_);
  }
  const bool padded = placed.window.size() != placed.output;
  for (size_t c = 0; c < channels; ++c) {
    const std::span<float> values = dst.subspan(c * plane, plane);
    if (padded) std::ranges::fill(values, tables_[c][fill_of(c)]);
    const int source = source_channel(c, picture.channels());
    const auto width = static_cast<size_t>(placed.output.width);
    float* const first =
        values.data() + static_cast<size_t>(placed.origin.y) * width + static_cast<size_t>(placed.origin.x);
    if (of_floats) {
      torch_bilinear_.run(picture, source, tables_[c], first, width);
    } else {
      write_plane(pixels_, source, tables_[c], first, width);
    }
  }
}

uint8_t Preprocessor::fill_of(size_t channel) const {
  return config_.letterbox && !config_.letterbox->fill.empty() ? config_.letterbox->fill[channel] : uint8_t{0};
}

int Preprocessor::source_channel(size_t channel, int channels) const {
  if (channels == 1) return 0;
  return static_cast<int>(config_.color == ColorOrder::kRgb ? 2 - channel : channel);
}

void bgr_to_gray(const cv::Mat& src, cv::Mat& dst) {
  dst.create(src.size(), CV_8UC1);
  for (int y = 0; y < src.rows; ++y) {
    const uint8_t* in = src.ptr(y);
    uint8_t* out = dst.ptr(y);
    for (int x = 0; x < src.cols; ++x, in += 3) {
      out[x] = static_cast<uint8_t>((in[2] * 19595U + in[1] * 38470U + in[0] * 7471U + 0x8000U) >> 16);
    }
  }
}

}  // namespace zoo::pipeline
