#include "pipeline/preprocess/resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "pipeline/preprocess/resample_kernels.h"

namespace zoo::pipeline {
namespace {

using models::Interpolation;

double triangle(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

// The parameter of Keys' cubic convolution (1981).
constexpr double kA = -0.5;

double cubic(double x) {
  x = std::abs(x);
  if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * kA;
  return 0.0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos3(double x) { return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0; }

struct Filter {
  double (*value)(double x);
  double support;
};

Filter filter_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::kBicubic:
      return {cubic, 2.0};
    case Interpolation::kLanczos:
      return {lanczos3, 3.0};
    case Interpolation::kNearest:
    case Interpolation::kBilinear:
    case Interpolation::kTorchBilinear:  // of floats: TorchBilinear
      break;
  }
  return {triangle, 1.0};
}

void fill_nearest(FilterTable& table) {
  const double scale = static_cast<double>(table.in_size) / table.out_size;
  // Pillow walks along the axis and adds up the step, so the rounding errors of the walk belong to the result.
  double position = scale * 0.5;
  for (int i = 0; i < table.first; ++i) position += scale;
  for (size_t i = 0; i < static_cast<size_t>(table.count); ++i) {
    table.start[i] = std::min(static_cast<int>(position), table.in_size - 1);
    table.taps[i] = 1;
    position += scale;
  }
}

void fill_filtered(FilterTable& table, const Filter& filter) {
  const double scale = static_cast<double>(table.in_size) / table.out_size;
  const double stretch = std::max(scale, 1.0);
  const double support = filter.support * stretch;
  const double shrink = 1.0 / stretch;
  const size_t most_taps = static_cast<size_t>(std::ceil(support)) * 2 + 1;
  const size_t stride = (std::min(most_taps, static_cast<size_t>(table.in_size)) + 3) / 4 * 4;
  table.stride = static_cast<int>(stride);
  table.weights.assign(static_cast<size_t>(table.count) * stride, 0);
  std::vector<double> values(stride);
  for (size_t i = 0; i < static_cast<size_t>(table.count); ++i) {
    const double center = (table.first + static_cast<double>(i) + 0.5) * scale;
    const int begin = static_cast<int>(std::max(center - support + 0.5, 0.0));
    const int end = static_cast<int>(std::min(center + support + 0.5, static_cast<double>(table.in_size)));
    const auto taps = static_cast<size_t>(end - begin);
    double sum = 0.0;
    for (size_t k = 0; k < taps; ++k) {
      values[k] = filter.value((static_cast<double>(k) + begin - center + 0.5) * shrink);
      sum += values[k];
    }
    for (size_t k = 0; k < taps; ++k) {
      const double value = (sum != 0.0 ? values[k] / sum : values[k]) * (1 << kWeightBits);
      table.weights[i * stride + k] = static_cast<int32_t>(value + (value < 0.0 ? -0.5 : 0.5));
    }
    table.start[i] = begin;
    table.taps[i] = end - begin;
  }
  table.split();
}

FilterTable make_table(Interpolation interpolation, int in_size, int out_size, int first, int count) {
  FilterTable table;
  table.in_size = in_size;
  table.out_size = out_size;
  table.first = first;
  table.count = count;
  table.start.resize(static_cast<size_t>(count));
  table.taps.resize(static_cast<size_t>(count));
  if (interpolation == Interpolation::kNearest) {
    fill_nearest(table);
  } else {
    fill_filtered(table, filter_of(interpolation));
  }
  table.in_begin = table.start.front();
  table.in_end = table.start.back() + table.taps.back();
  return table;
}

// Keeps the table while the sizes stay what they were.
void update(FilterTable& table, Interpolation interpolation, int in_size, int out_size, int first, int count) {
  if (table.in_size == in_size && table.out_size == out_size && table.first == first && table.count == count) return;
  table = make_table(interpolation, in_size, out_size, first, count);
}

void check(const cv::Mat& src, cv::Size size, const cv::Rect& window) {
  if (src.empty() || src.dims != 2 || src.depth() != CV_8U || (src.channels() != 1 && src.channels() != 3)) {
    throw Error(
        fmt::format("cannot resize a picture of {}x{} pixels with {} channels and OpenCV depth {}: it must be "
                    "8 bit with 1 or 3 channels and not empty",
                    src.cols, src.rows, src.channels(), src.depth()));
  }
  if (size.width < 1 || size.height < 1) {
    throw Error(fmt::format("cannot resize a picture to {}x{} pixels", size.width, size.height));
  }
  const bool inside = window.x >= 0 && window.y >= 0 && window.width > 0 && window.height > 0 &&
                      window.width <= size.width - window.x && window.height <= size.height - window.y;
  if (!inside) {
    throw Error(fmt::format("cannot take {}x{} pixels at x={}, y={} of a picture of {}x{}", window.width, window.height,
                            window.x, window.y, size.width, size.height));
  }
}

// Whether a kernel may read kRowSlack bytes past a row's last needed pixel: they are the rest of the row or the next
// row.
bool has_slack(const cv::Mat& src, int row, int in_end) {
  const size_t width = static_cast<size_t>(src.cols) * src.elemSize();
  return static_cast<size_t>(in_end) * src.elemSize() + kRowSlack <= width ||
         (row + 1 < src.rows && width >= kRowSlack);
}

}  // namespace

void FilterTable::split() {
  split_weights.resize(weights.size() * 2);
  byte_weights.resize(weights.size() * 3);
  for (size_t i = 0; i < weights.size(); ++i) {
    int16_t* const halves = split_weights.data() + i / 4 * 8 + i % 4;
    halves[0] = static_cast<int16_t>(weights[i] >> 15);
    halves[4] = static_cast<int16_t>(weights[i] & 0x7fff);
    const WeightBytes bytes(weights[i]);
    int8_t* const parts = byte_weights.data() + i / 4 * 12 + i % 4;
    parts[0] = bytes.upper;
    parts[4] = bytes.middle;
    parts[8] = bytes.lower;
  }
}

void Resampler::run(const cv::Mat& src, cv::Size size, const cv::Rect& window, cv::Mat& dst) {
  check(src, size, window);
  dst.create(window.size(), src.type());
  const bool same_width = src.cols == size.width;
  const bool same_height = src.rows == size.height;
  if (same_width && same_height) {
    src(window).copyTo(dst);
    return;
  }
  update(x_, interpolation_, src.cols, size.width, window.x, window.width);
  update(y_, interpolation_, src.rows, size.height, window.y, window.height);
  if (interpolation_ == Interpolation::kNearest) {
    nearest(src, dst);
  } else if (same_height) {
    horizontal(src.rowRange(window.y, window.y + window.height), dst);
  } else if (same_width) {
    vertical(src(cv::Rect(window.x, y_.in_begin, window.width, y_.in_end - y_.in_begin)), dst);
  } else {
    rows_.create(y_.in_end - y_.in_begin, window.width, src.type());
    horizontal(src.rowRange(y_.in_begin, y_.in_end), rows_);
    vertical(rows_, dst);
  }
}

void Resampler::horizontal(const cv::Mat& src, cv::Mat& dst) {
  const size_t pixel = src.elemSize();
  const size_t bytes = static_cast<size_t>(x_.in_end - x_.in_begin) * pixel;
  const size_t line = bytes + kRowSlack;
  lines_.resize(std::max(lines_.size(), line * kRowsPerStep));
  const ResampleKernels& kernels = best_resample_kernels();
  const auto kernel = src.channels() == 3 ? kernels.horizontal3 : kernels.horizontal1;
  std::array<const uint8_t*, kRowsPerStep> in{};
  std::array<uint8_t*, kRowsPerStep> out{};
  for (int y = 0; y < src.rows; y += kRowsPerStep) {
    for (size_t r = 0; r < kRowsPerStep; ++r) {
      // A last, incomplete group repeats its last row.
      const int row = std::min(y + static_cast<int>(r), src.rows - 1);
      in[r] = src.ptr(row) + static_cast<size_t>(x_.in_begin) * pixel;
      out[r] = dst.ptr(row);
      if (has_slack(src, row, x_.in_end)) continue;
      uint8_t* copy = lines_.data() + r * line;
      std::memcpy(copy, in[r], bytes);
      in[r] = copy;
    }
    kernel(x_, in.data(), out.data());
  }
}

// `src` starts at the first row that the table needs.
void Resampler::vertical(const cv::Mat& src, cv::Mat& dst) const {
  const auto kernel = best_resample_kernels().vertical;
  const size_t bytes = static_cast<size_t>(dst.cols) * dst.elemSize();
  for (int y = 0; y < dst.rows; ++y) {
    const auto index = static_cast<size_t>(y);
    kernel(y_, index, src.ptr(y_.start[index] - y_.in_begin), src.step[0], dst.ptr(y), bytes);
  }
}

void Resampler::nearest(const cv::Mat& src, cv::Mat& dst) const {
  for (int y = 0; y < dst.rows; ++y) {
    const uint8_t* in = src.ptr(y_.start[static_cast<size_t>(y)]);
    uint8_t* out = dst.ptr(y);
    if (src.channels() == 1) {
      for (int32_t x : x_.start) *out++ = in[x];
      continue;
    }
    for (int32_t x : x_.start) {
      std::memcpy(out, in + static_cast<ptrdiff_t>(x) * 3, 3);
      out += 3;
    }
  }
}

cv::Mat resize_image(const cv::Mat& src, cv::Size size, models::Interpolation interpolation) {
  cv::Mat dst;
  Resampler(interpolation).run(src, size, cv::Rect(cv::Point(), size), dst);
  return dst;
}

}  // namespace zoo::pipeline
