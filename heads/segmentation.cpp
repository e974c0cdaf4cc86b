#include "heads/segmentation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "heads/finite_scores.h"
#include "nn/core/error.h"

namespace zoo::heads {
namespace {

/// A position between two neighbouring scores.
struct Tap {
  size_t low = 0;
  size_t high = 0;
  float weight = 0.0F;  ///< of `high`
};

Tap tap_at(const MapAxis& axis, int64_t pixel, int64_t scores) {
  const double centre = axis.scale * (static_cast<double>(pixel) + 0.5) + axis.offset - 0.5;
  const double position = std::clamp(centre, 0.0, static_cast<double>(scores - 1));
  const double low = std::floor(position);
  const auto index = static_cast<size_t>(low);
  return {index, std::min(index + 1, static_cast<size_t>(scores - 1)), static_cast<float>(position - low)};
}

/// Neighbouring pixels of a line that lie between the same two scores.
struct Run {
  size_t begin = 0;
  size_t end = 0;
  size_t low = 0;
  size_t high = 0;
};

/// The scores of one line of pixels, interpolated between two lines of the map.
class Line {
 public:
  Line(std::span<const float> logits, int64_t classes, graph::Size2d size, const MapAxis& x)
      : logits_(logits),
        classes_(static_cast<size_t>(classes)),
        height_(static_cast<size_t>(size.h)),
        width_(static_cast<size_t>(size.w)),
        scores_(classes_ * width_),
        best_(width_),
        winner_(width_) {
    for (int64_t i = x.first; i < x.last; ++i) {
      const Tap tap = tap_at(x, i, size.w);
      const auto pixel = static_cast<size_t>(i);
      if (runs_.empty() || runs_.back().low != tap.low) runs_.push_back({pixel, pixel, tap.low, tap.high});
      runs_.back().end = pixel + 1;
      weights_.push_back(tap.weight);
    }
    first_ = static_cast<size_t>(x.first);
    best_of_run_.resize(weights_.size());
    winner_of_run_.resize(weights_.size());
    contenders_.reserve(classes_);
  }

  void write(const Tap& y, std::span<uint8_t> labels) {
    interpolate(y);
    for (const Run& run : runs_) {
      // Along a straight line between two scores nobody overtakes a class that leads at both ends.
      if (winner_[run.low] == winner_[run.high]) {
        std::fill(labels.begin() + static_cast<std::ptrdiff_t>(run.begin),
                  labels.begin() + static_cast<std::ptrdiff_t>(run.end), static_cast<uint8_t>(winner_[run.low]));
      } else {
        write_run(run, labels);
      }
    }
  }

 private:
  void interpolate(const Tap& y) {
    for (size_t c = 0; c < classes_; ++c) {
      const float* low = logits_.data() + (c * height_ + y.low) * width_;
      const float* high = logits_.data() + (c * height_ + y.high) * width_;
      float* out = scores_.data() + c * width_;
      for (size_t x = 0; x < width_; ++x) out[x] = low[x] + y.weight * (high[x] - low[x]);
      if (c == 0) {
        std::copy_n(out, width_, best_.begin());
        std::ranges::fill(winner_, 0);
        continue;
      }
      const auto label = static_cast<int32_t>(c);
      for (size_t x = 0; x < width_; ++x) {
        const bool wins = out[x] > best_[x];
        winner_[x] = wins ? label : winner_[x];
        best_[x] = wins ? out[x] : best_[x];
      }
    }
  }

  void write_run(const Run& run, std::span<uint8_t> labels) {
    find_contenders(run);
    const size_t count = run.end - run.begin;
    const float* weight = weights_.data() + (run.begin - first_);
    float* best = best_of_run_.data();
    int32_t* winner = winner_of_run_.data();
    std::fill_n(best, count, -std::numeric_limits<float>::infinity());
    for (const int32_t label : contenders_) {
      const float* scores = scores_.data() + static_cast<size_t>(label) * width_;
      const float low = scores[run.low];
      const float rise = scores[run.high] - low;
      for (size_t i = 0; i < count; ++i) {
        const float score = low + weight[i] * rise;
        const bool wins = score > best[i];
        winner[i] = wins ? label : winner[i];
        best[i] = wins ? score : best[i];
      }
    }
    for (size_t i = 0; i < count; ++i) labels[run.begin + i] = static_cast<uint8_t>(winner[i]);
  }

  /// The classes that can win somewhere in the run: those not everywhere below another.
  void find_contenders(const Run& run) {
    float beaten = -std::numeric_limits<float>::infinity();
    for (size_t c = 0; c < classes_; ++c) {
      const float* scores = scores_.data() + c * width_;
      beaten = std::max(beaten, std::min(scores[run.low], scores[run.high]));
    }
    contenders_.clear();
    for (size_t c = 0; c < classes_; ++c) {
      const float* scores = scores_.data() + c * width_;
      if (std::max(scores[run.low], scores[run.high]) >= beaten) contenders_.push_back(static_cast<int32_t>(c));
    }
  }

  std::span<const float> logits_;
  size_t classes_;
  size_t height_;
  size_t width_;
  size_t first_ = 0;  ///< pixel that runs_ and weights_ begin with
  std::vector<Run> runs_;
  std::vector<float> weights_;  ///< per pixel
  std::vector<float> scores_;   ///< [classes, width]
  std::vector<float> best_;     ///< per column of the map: the highest score and its class
  std::vector<int32_t> winner_;
  std::vector<float> best_of_run_;  ///< the same per pixel of a run
  std::vector<int32_t> winner_of_run_;
  std::vector<int32_t> contenders_;
};

void check(std::span<const float> logits, int64_t classes, graph::Size2d size, const MapAxis& y, const MapAxis& x,
           std::span<uint8_t> labels) {
  if (classes < 1 || classes > kMaxMapClasses) {
    throw Error(fmt::format("label map: {} classes, a map tells 1 to {} apart", classes, kMaxMapClasses));
  }
  if (size.h < 1 || size.w < 1 || static_cast<int64_t>(logits.size()) != classes * size.h * size.w) {
    throw Error(fmt::format("label map: {} scores, expected {}x{}x{}", logits.size(), classes, size.h, size.w));
  }
  for (const MapAxis& axis : {x, y}) {
    if (axis.first < 0 || axis.first > axis.last || axis.last > axis.count) {
      throw Error(fmt::format("label map: pixels {} to {} of {}", axis.first, axis.last, axis.count));
    }
  }
  if (static_cast<int64_t>(labels.size()) != y.count * x.count) {
    throw Error(fmt::format("label map: room for {} labels, expected {}x{}", labels.size(), y.count, x.count));
  }
}

}  // namespace

MapAxis whole_axis(int64_t count, int64_t scores) {
  return {count, static_cast<double>(scores) / static_cast<double>(count), 0.0, 0, count};
}

void label_map(std::span<const float> logits, int64_t classes, graph::Size2d size, const MapAxis& y, const MapAxis& x,
               std::span<uint8_t> labels) {
  check(logits, classes, size, y, x, labels);
  check_finite_scores(logits);
  std::ranges::fill(labels, kVoidLabel);
  Line line(logits, classes, size, x);
  const auto width = static_cast<size_t>(x.count);
  for (int64_t row = y.first; row < y.last; ++row) {
    line.write(tap_at(y, row, size.h), labels.subspan(static_cast<size_t>(row) * width, width));
  }
}

}  // namespace zoo::heads
