#include "heads/detection.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "heads/box_coding.h"
#include "heads/finite_scores.h"
#include "heads/nms.h"
#include "nn/core/error.h"

namespace zoo::heads {
namespace {

/// A class score above the threshold.
struct Candidate {
  float score = 0.0F;
  int64_t row = 0;  ///< over all levels
  int64_t label = 0;
};

bool better(const Candidate& a, const Candidate& b) {
  if (a.score != b.score) return a.score > b.score;
  return a.row != b.row ? a.row < b.row : a.label < b.label;
}

int64_t positions_of(const LevelMaps& level) { return level.size.h * level.size.w; }

void check(const DetectionDecoding& decoding, std::span<const LevelMaps> levels) {
  if (levels.size() != decoding.anchors_per_position.size()) {
    throw Error(fmt::format("detection: {} levels, expected {}", levels.size(), decoding.anchors_per_position.size()));
  }
  for (size_t i = 0; i < levels.size(); ++i) {
    const int64_t rows = positions_of(levels[i]) * decoding.anchors_per_position[i];
    const auto scores = static_cast<int64_t>(levels[i].class_logits.size());
    const auto offsets = static_cast<int64_t>(levels[i].box_regression.size());
    if (scores != rows * decoding.classes || offsets != rows * 4) {
      throw Error(
          fmt::format("detection: level {} of {}x{} positions with {} anchors and {} classes has {} scores and {} "
                      "offsets, expected {} and {}",
                      i, levels[i].size.h, levels[i].size.w, decoding.anchors_per_position[i], decoding.classes, scores,
                      offsets, rows * decoding.classes, rows * 4));
    }
  }
}

/// Collects the candidates of one level.
class LevelScores {
 public:
  LevelScores(const DetectionDecoding& decoding, const LevelMaps& level, int64_t anchors, int64_t first_row)
      : classes_(decoding.classes),
        positions_(positions_of(level)),
        anchors_(anchors),
        first_row_(first_row),
        logits_(level.class_logits),
        threshold_(static_cast<float>(decoding.postprocess.score_thresh)) {}

  void add_sigmoid(std::vector<Candidate>& candidates) const {
    // Most logits are far below the threshold: they need no exponential. The margin covers its rounding.
    constexpr double kMargin = 1e-3;
    const double t = threshold_;
    const double inverse = t <= 0.0 ? -HUGE_VAL : t >= 1.0 ? HUGE_VAL : std::log(t / (1.0 - t)) - kMargin;
    const auto cutoff = static_cast<float>(inverse);
    for (int64_t a = 0; a < anchors_; ++a) {
      for (int64_t label = 0; label < classes_; ++label) {
        const std::span<const float> plane = plane_of(logits_, a * classes_ + label);
        for (int64_t p = 0; p < positions_; ++p) {
          const float logit = plane[static_cast<size_t>(p)];
          if (logit > cutoff) add(candidates, 1.0F / (1.0F + std::exp(-logit)), p, a, label);
        }
      }
    }
  }

  void add_softmax(std::vector<Candidate>& candidates) const {
    std::vector<float> exponentials(static_cast<size_t>(classes_ * positions_));
    std::vector<float> highest(static_cast<size_t>(positions_));
    std::vector<float> sum(static_cast<size_t>(positions_));
    for (int64_t a = 0; a < anchors_; ++a) {
      std::ranges::fill(highest, -std::numeric_limits<float>::infinity());
      std::ranges::fill(sum, 0.0F);
      for (int64_t label = 0; label < classes_; ++label) {
        const std::span<const float> plane = plane_of(logits_, a * classes_ + label);
        for (size_t p = 0; p < plane.size(); ++p) highest[p] = std::max(highest[p], plane[p]);
      }
      for (int64_t label = 0; label < classes_; ++label) {
        const std::span<const float> plane = plane_of(logits_, a * classes_ + label);
        float* out = exponentials.data() + label * positions_;
        for (size_t p = 0; p < plane.size(); ++p) sum[p] += out[p] = std::exp(plane[p] - highest[p]);
      }
      for (int64_t label = 1; label < classes_; ++label) {  // 0 is the background
        const std::span<const float> plane = plane_of(exponentials, label);
        for (int64_t p = 0; p < positions_; ++p) {
          add(candidates, plane[static_cast<size_t>(p)] / sum[static_cast<size_t>(p)], p, a, label);
        }
      }
    }
  }

 private:
  std::span<const float> plane_of(std::span<const float> map, int64_t channel) const {
    return map.subspan(static_cast<size_t>(channel * positions_), static_cast<size_t>(positions_));
  }

  void add(std::vector<Candidate>& candidates, float score, int64_t position, int64_t anchor, int64_t label) const {
    if (score > threshold_) candidates.push_back({score, first_row_ + position * anchors_ + anchor, label});
  }

  int64_t classes_;
  int64_t positions_;
  int64_t anchors_;
  int64_t first_row_;
  std::span<const float> logits_;
  float threshold_;
};

/// Sorts the candidates from `begin` on, best first, and leaves the best `count` of them.
void keep_best(std::vector<Candidate>& candidates, size_t begin, int64_t count) {
  const size_t kept = std::min(candidates.size() - begin, static_cast<size_t>(count));
  const auto first = candidates.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto last = first + static_cast<std::ptrdiff_t>(kept);
  std::partial_sort(first, last, candidates.end(), better);
  candidates.erase(last, candidates.end());
}

std::vector<Candidate> best_of_every_class(const std::vector<Candidate>& candidates, int64_t classes, int64_t count) {
  std::vector<std::vector<Candidate>> per_class(static_cast<size_t>(classes));
  for (const Candidate& candidate : candidates) per_class[static_cast<size_t>(candidate.label)].push_back(candidate);
  std::vector<Candidate> best;
  for (std::vector<Candidate>& of_class : per_class) {
    keep_best(of_class, 0, count);
    best.insert(best.end(), of_class.begin(), of_class.end());
  }
  return best;
}

/// What reaches the suppression, best first.
std::vector<Candidate> select_candidates(const DetectionDecoding& decoding, std::span<const LevelMaps> levels) {
  const int64_t count = decoding.postprocess.topk_candidates;
  std::vector<Candidate> candidates;
  int64_t first_row = 0;
  for (size_t i = 0; i < levels.size(); ++i) {
    const size_t before = candidates.size();
    const int64_t anchors = decoding.anchors_per_position[i];
    check_finite_scores(levels[i].class_logits);
    const LevelScores scores(decoding, levels[i], anchors, first_row);
    decoding.score == ScoreFunction::kSigmoid ? scores.add_sigmoid(candidates) : scores.add_softmax(candidates);
    if (decoding.selection == CandidateSelection::kPerLevel) keep_best(candidates, before, count);
    first_row += positions_of(levels[i]) * anchors;
  }
  if (decoding.selection == CandidateSelection::kPerClass) {
    candidates = best_of_every_class(candidates, decoding.classes, count);
  }
  std::ranges::sort(candidates, better);
  return candidates;
}

/// Finds a row's four offsets in the maps.
class OffsetReader {
 public:
  OffsetReader(const DetectionDecoding& decoding, std::span<const LevelMaps> levels)
      : levels_(levels), anchors_(decoding.anchors_per_position) {
    for (size_t i = 0; i < levels.size(); ++i) ends_.push_back(rows() + positions_of(levels[i]) * anchors_[i]);
  }

  int64_t rows() const { return ends_.empty() ? 0 : ends_.back(); }

  std::array<float, 4> operator[](int64_t row) const {
    const auto level = static_cast<size_t>(std::ranges::upper_bound(ends_, row) - ends_.begin());
    const int64_t local = row - (level == 0 ? 0 : ends_[level - 1]);
    const int64_t position = local / anchors_[level];
    const int64_t channel = local % anchors_[level] * 4;
    std::array<float, 4> offsets{};
    for (size_t k = 0; k < 4; ++k) {
      const int64_t at = (channel + static_cast<int64_t>(k)) * positions_of(levels_[level]) + position;
      offsets[k] = levels_[level].box_regression[static_cast<size_t>(at)];
    }
    return offsets;
  }

 private:
  std::span<const LevelMaps> levels_;
  std::span<const int64_t> anchors_;
  std::vector<int64_t> ends_;  ///< per level: rows of it and those before
};

}  // namespace

std::string class_output_name(size_t level) { return fmt::format("cls_logits.{}", level); }

std::string box_output_name(size_t level) { return fmt::format("bbox_regression.{}", level); }

std::vector<Detection> decode_detections(const DetectionDecoding& decoding, std::span<const Box> anchors,
                                         std::span<const LevelMaps> levels, graph::Size2d input) {
  check(decoding, levels);
  const OffsetReader offsets(decoding, levels);
  if (static_cast<int64_t>(anchors.size()) != offsets.rows()) {
    throw Error(fmt::format("detection: {} anchors for {} rows", anchors.size(), offsets.rows()));
  }

  std::vector<Detection> found;
  for (const Candidate& candidate : select_candidates(decoding, levels)) {
    const Box& anchor = anchors[static_cast<size_t>(candidate.row)];
    const Box box = decode_box(anchor, offsets[candidate.row], decoding.coding);
    if (!std::isfinite(box.x0 + box.y0 + box.x1 + box.y1)) {
      throw EngineError(
          "the network's box offsets are not finite numbers; do the weights (`backbone-zoo validate`) and the "
          "preprocessing belong to it?");
    }
    found.push_back({clip_box(box, input), candidate.score, candidate.label});
  }
  const Postprocess& post = decoding.postprocess;
  std::vector<Detection> kept;
  for (const size_t i : suppress(found, {post.nms_thresh, post.class_agnostic, post.max_detections})) {
    kept.push_back(found[i]);
  }
  return kept;
}

}  // namespace zoo::heads
