#include "pipeline/eval/iou_metric.h"

#include <algorithm>

#include "heads/segmentation.h"

namespace zoo::eval {
namespace {

constexpr size_t kLabels = 256;

/// Mean IoU of the classes from `first` on.
std::optional<double> mean_iou(std::span<const IouClass> classes, size_t first) {
  double sum = 0.0;
  int64_t present = 0;
  for (size_t i = first; i < classes.size(); ++i) {
    const std::optional<double> iou = classes[i].iou();
    if (!iou) continue;
    sum += *iou;
    ++present;
  }
  if (present == 0) return std::nullopt;
  return sum / static_cast<double>(present);
}

}  // namespace

std::optional<double> IouClass::iou() const {
  const int64_t either = truth + found - both;
  if (either == 0) return std::nullopt;
  return static_cast<double>(both) / static_cast<double>(either);
}

std::optional<double> IouSummary::void_share() const {
  if (pixels == 0) return std::nullopt;
  return static_cast<double>(void_pixels) / static_cast<double>(pixels);
}

bool IouSummary::looks_binary() const {
  const auto is_absent = [](const IouClass& of_class) { return of_class.truth == 0; };
  return void_pixels > 0 && (classes.empty() || std::ranges::all_of(classes.begin() + 1, classes.end(), is_absent));
}

IouMetric::IouMetric(int64_t classes) : confusion_(classes) {}

void IouMetric::add(std::span<const uint8_t> truth, std::span<const uint8_t> found) {
  std::vector<int64_t> pixels(kLabels * kLabels);
  for (size_t i = 0; i < truth.size(); ++i) ++pixels[truth[i] * kLabels + found[i]];
  const auto classes = static_cast<size_t>(confusion_.classes());
  for (size_t t = 0; t < classes; ++t) {
    for (size_t f = 0; f < classes; ++f) {
      confusion_.add(static_cast<int64_t>(t), static_cast<int64_t>(f), pixels[t * kLabels + f]);
    }
    confusion_.add(static_cast<int64_t>(t), confusion_.nothing(), pixels[t * kLabels + heads::kVoidLabel]);
  }
  void_pixels_ += std::ranges::count(truth, uint8_t{heads::kVoidLabel});
}

void IouMetric::merge(const IouMetric& other) {
  confusion_.merge(other.confusion_);
  void_pixels_ += other.void_pixels_;
}

IouSummary IouMetric::summary() const {
  IouSummary summary;
  summary.confusion = confusion_;
  const std::vector<int64_t> truths = confusion_.truths();
  const std::vector<int64_t> founds = confusion_.founds();
  int64_t pixels = 0;
  int64_t right = 0;
  for (size_t i = 0; i < truths.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    summary.classes.push_back({truths[i], founds[i], confusion_.at(index, index)});
    pixels += truths[i];
    right += summary.classes.back().both;
  }
  summary.mean = mean_iou(summary.classes, 0);
  summary.mean_without_background = mean_iou(summary.classes, 1);
  if (pixels > 0) summary.pixel_accuracy = static_cast<double>(right) / static_cast<double>(pixels);
  summary.void_pixels = void_pixels_;
  summary.pixels = pixels + void_pixels_;
  return summary;
}

}  // namespace zoo::eval
