#include "pipeline/eval/coco_metric.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

namespace zoo::eval {
namespace {

using Outcome = CocoMetric::Outcome;
using Record = CocoMetric::Record;

constexpr size_t kThresholds = 10;
constexpr size_t kThreshold75 = 5;
constexpr size_t kRecalls = 101;
constexpr size_t kMaxFound = 100;

/// `count` values from `low` to `high` with numpy.linspace's rounding, on which comparisons for equality hang.
template <size_t count>
std::array<double, count> evenly_spaced(double low, double high) {
  std::array<double, count> values{};
  const double step = (high - low) / static_cast<double>(count - 1);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<double>(i) * step + low;
  values.back() = high;
  return values;
}

const std::array<double, kThresholds> kIouThresholds = evenly_spaced<kThresholds>(0.5, 0.95);
const std::array<double, kRecalls> kRecallPoints = evenly_spaced<kRecalls>(0.0, 1.0);

/// Both ends belong to the range.
struct AreaRange {
  double low;
  double high;
  bool has(double area) const { return area >= low && area <= high; }
};

enum Area : size_t { kAll, kSmall, kMedium, kLarge };
constexpr std::array<AreaRange, CocoMetric::kAreas> kAreaRanges = {{
    {0.0, 1e10},
    {0.0, 32.0 * 32.0},
    {32.0 * 32.0, 96.0 * 96.0},
    {96.0 * 96.0, 1e10},
}};

/// The boxes of one class in one picture.
struct Scene {
  std::vector<CocoFound> founds;  ///< best score first
  std::vector<CocoTruth> truths;
  std::vector<double> overlaps;  ///< [founds, truths]

  double overlap(size_t found, size_t truth) const { return overlaps[found * truths.size() + truth]; }
};

Scene scene_of(int64_t class_index, std::span<const CocoTruth> truths, std::span<const CocoFound> founds) {
  Scene scene;
  std::ranges::copy_if(truths, std::back_inserter(scene.truths),
                       [&](const CocoTruth& truth) { return truth.class_index == class_index; });
  std::ranges::copy_if(founds, std::back_inserter(scene.founds),
                       [&](const CocoFound& found) { return found.class_index == class_index; });
  std::ranges::stable_sort(scene.founds, std::ranges::greater{}, &CocoFound::score);
  if (scene.founds.size() > kMaxFound) scene.founds.resize(kMaxFound);
  for (const CocoFound& found : scene.founds) {
    for (const CocoTruth& truth : scene.truths) {
      scene.overlaps.push_back(box_overlap(found.box, truth.box, truth.crowd));
    }
  }
  return scene;
}

/// The true boxes of a scene in the order in which they are offered: those that count, then the ignored ones.
struct Offer {
  std::vector<size_t> order;
  std::vector<bool> ignored;  ///< by truth
  int64_t positives = 0;
};

Offer offer_of(const Scene& scene, const AreaRange& range) {
  Offer offer;
  for (const CocoTruth& truth : scene.truths) offer.ignored.push_back(truth.crowd || !range.has(truth.area));
  offer.order.resize(scene.truths.size());
  std::iota(offer.order.begin(), offer.order.end(), size_t{0});
  std::stable_partition(offer.order.begin(), offer.order.end(), [&](size_t truth) { return !offer.ignored[truth]; });
  offer.positives = std::ranges::count(offer.ignored, false);
  return offer;
}

/// The true box that a detection takes: the one with the largest overlap, the later one of equals; an ignored one only
/// if none that counts will do. `truths.size()` if there is none.
size_t best_truth(const Scene& scene, const Offer& offer, const std::vector<bool>& taken, size_t found,
                  double threshold) {
  const size_t none = scene.truths.size();
  size_t best = none;
  double overlap = std::min(threshold, 1.0 - 1e-10);
  for (const size_t truth : offer.order) {
    if (taken[truth] && !scene.truths[truth].crowd) continue;
    if (best != none && !offer.ignored[best] && offer.ignored[truth]) break;
    if (scene.overlap(found, truth) < overlap) continue;
    overlap = scene.overlap(found, truth);
    best = truth;
  }
  return best;
}

/// Fills the outcomes of one area range.
void match(const Scene& scene, size_t area, Record& record) {
  const Offer offer = offer_of(scene, kAreaRanges[area]);
  record.positives[area] = offer.positives;
  for (size_t t = 0; t < kThresholds; ++t) {
    const auto bit = static_cast<uint16_t>(1U << t);
    std::vector<bool> taken(scene.truths.size());
    for (size_t found = 0; found < scene.founds.size(); ++found) {
      Outcome& outcome = record.outcomes[found];
      const size_t truth = best_truth(scene, offer, taken, found, kIouThresholds[t]);
      const bool matched = truth < scene.truths.size();
      const CocoBox& box = scene.founds[found].box;
      const bool ignored = matched ? offer.ignored[truth] : !kAreaRanges[area].has(box.width * box.height);
      if (matched) taken[truth] = true;
      if (matched) outcome.matched[area] |= bit;
      if (ignored) outcome.ignored[area] |= bit;
    }
  }
}

/// One class, one area range, one limit of detections per picture.
struct Curve {
  std::array<double, kThresholds> precision{};  ///< mean over the recall points
  std::array<double, kThresholds> recall{};     ///< with all detections
};

/// Mean of the precision at the recall points. `hits`: for each detection that counts, best first, whether it is right.
double interpolated_precision(const std::vector<bool>& hits, int64_t positives) {
  std::vector<double> precision;
  std::vector<double> recall;
  double right = 0.0;
  double wrong = 0.0;
  for (const bool hit : hits) {
    (hit ? right : wrong) += 1.0;
    recall.push_back(right / static_cast<double>(positives));
    precision.push_back(right / (wrong + right + std::numeric_limits<double>::epsilon()));
  }
  for (size_t i = precision.size(); i-- > 1;) precision[i - 1] = std::max(precision[i - 1], precision[i]);
  double sum = 0.0;
  for (const double point : kRecallPoints) {
    const auto place = std::ranges::lower_bound(recall, point);
    if (place != recall.end()) sum += precision[static_cast<size_t>(place - recall.begin())];
  }
  return sum / static_cast<double>(kRecalls);
}

int64_t positives_of(std::span<const Record> records, size_t area) {
  int64_t sum = 0;
  for (const Record& record : records) sum += record.positives[area];
  return sum;
}

/// Nothing for a class without objects. `records`: by image id.
std::optional<Curve> curve_of(std::span<const Record> records, size_t area, size_t max_found) {
  const int64_t positives = positives_of(records, area);
  if (positives == 0) return std::nullopt;
  std::vector<Outcome> outcomes;
  for (const Record& record : records) {
    const auto kept = static_cast<std::ptrdiff_t>(std::min(max_found, record.outcomes.size()));
    outcomes.insert(outcomes.end(), record.outcomes.begin(), record.outcomes.begin() + kept);
  }
  std::ranges::stable_sort(outcomes, std::ranges::greater{}, &Outcome::score);
  Curve curve;
  for (size_t t = 0; t < kThresholds; ++t) {
    std::vector<bool> hits;
    for (const Outcome& outcome : outcomes) {
      if ((outcome.ignored[area] >> t & 1U) == 0) hits.push_back((outcome.matched[area] >> t & 1U) != 0);
    }
    curve.precision[t] = interpolated_precision(hits, positives);
    curve.recall[t] = static_cast<double>(std::ranges::count(hits, true)) / static_cast<double>(positives);
  }
  return curve;
}

double mean(const std::array<double, kThresholds>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(kThresholds);
}

/// The mean over those classes that have objects.
template <typename Value>
std::optional<double> mean_over(const std::vector<std::optional<Curve>>& curves, Value value) {
  double sum = 0.0;
  int64_t present = 0;
  for (const std::optional<Curve>& curve : curves) {
    if (!curve) continue;
    sum += value(*curve);
    ++present;
  }
  if (present == 0) return std::nullopt;
  return sum / static_cast<double>(present);
}

double precision_of(const Curve& curve) { return mean(curve.precision); }
double recall_of(const Curve& curve) { return mean(curve.recall); }

}  // namespace

double box_overlap(const CocoBox& found, const CocoBox& truth, bool crowd) {
  const double width = std::min(found.x + found.width, truth.x + truth.width) - std::max(found.x, truth.x);
  const double height = std::min(found.y + found.height, truth.y + truth.height) - std::max(found.y, truth.y);
  if (width <= 0.0 || height <= 0.0) return 0.0;
  const double common = width * height;
  const double found_area = found.width * found.height;
  return common / (crowd ? found_area : found_area + truth.width * truth.height - common);
}

CocoMetric::CocoMetric(int64_t classes) : classes_(static_cast<size_t>(classes)) {}

void CocoMetric::add(int64_t image_id, std::span<const CocoTruth> truths, std::span<const CocoFound> founds) {
  ++pictures_;
  std::set<int64_t> present;
  for (const CocoTruth& truth : truths) present.insert(truth.class_index);
  for (const CocoFound& found : founds) present.insert(found.class_index);
  for (const int64_t index : present) {
    const Scene scene = scene_of(index, truths, founds);
    Record record;
    record.image_id = image_id;
    for (const CocoFound& found : scene.founds) record.outcomes.push_back({.score = found.score});
    for (size_t area = 0; area < kAreas; ++area) match(scene, area, record);
    classes_[static_cast<size_t>(index)].push_back(std::move(record));
  }
}

void CocoMetric::merge(CocoMetric other) {
  pictures_ += other.pictures_;
  for (size_t i = 0; i < classes_.size(); ++i) std::ranges::move(other.classes_[i], std::back_inserter(classes_[i]));
}

CocoSummary CocoMetric::summary() const {
  std::vector<std::vector<Record>> classes = classes_;
  for (std::vector<Record>& records : classes) std::ranges::sort(records, {}, &Record::image_id);
  const auto curves = [&](size_t area, size_t max_found) {
    std::vector<std::optional<Curve>> result;
    result.reserve(classes.size());
    for (const std::vector<Record>& records : classes) result.push_back(curve_of(records, area, max_found));
    return result;
  };
  const auto all = curves(kAll, kMaxFound);
  const auto small = curves(kSmall, kMaxFound);
  const auto medium = curves(kMedium, kMaxFound);
  const auto large = curves(kLarge, kMaxFound);

  CocoSummary summary;
  summary.pictures = pictures_;
  summary.ap = mean_over(all, precision_of);
  summary.ap50 = mean_over(all, [](const Curve& curve) { return curve.precision[0]; });
  summary.ap75 = mean_over(all, [](const Curve& curve) { return curve.precision[kThreshold75]; });
  summary.ap_small = mean_over(small, precision_of);
  summary.ap_medium = mean_over(medium, precision_of);
  summary.ap_large = mean_over(large, precision_of);
  summary.ar1 = mean_over(curves(kAll, 1), recall_of);
  summary.ar10 = mean_over(curves(kAll, 10), recall_of);
  summary.ar100 = mean_over(all, recall_of);
  summary.ar_small = mean_over(small, recall_of);
  summary.ar_medium = mean_over(medium, recall_of);
  summary.ar_large = mean_over(large, recall_of);
  for (size_t i = 0; i < classes.size(); ++i) {
    CocoClass& row = summary.classes.emplace_back();
    row.objects = positives_of(classes[i], kAll);
    summary.objects += row.objects;
    if (!all[i]) continue;
    row.ap = precision_of(*all[i]);
    row.ap50 = all[i]->precision[0];
  }
  return summary;
}

}  // namespace zoo::eval
