// How well label maps cover each other.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/eval/confusion_matrix.h"

namespace zoo::eval {

/// One class over all pictures, in pixels.
struct IouClass {
  int64_t truth = 0;  ///< pixels of this class
  int64_t found = 0;  ///< pixels that the network gave it, those of void ground truth aside
  int64_t both = 0;

  /// both / (truth + found - both); nothing for a class that is neither there nor found.
  std::optional<double> iou() const;
};

struct IouSummary {
  std::vector<IouClass> classes;
  std::optional<double> mean;                     ///< of the IoUs of the classes that are there or were found
  std::optional<double> mean_without_background;  ///< class 0 left out
  std::optional<double> pixel_accuracy;           ///< share of the pixels that got their class
  int64_t pixels = 0;                             ///< of all masks, void ones included
  int64_t void_pixels = 0;                        ///< that count in no figure

  std::optional<double> void_share() const;
  /// Whether the masks look like pictures of black and white, where 255 means an object: nothing but 0 and void.
  bool looks_binary() const;
  ConfusionMatrix confusion;  ///< in pixels; column `nothing()`: what a crop hid from the network
};

/// Counts pixels of all pictures together; parts that saw different pictures merge into the same result in any order.
class IouMetric {
 public:
  /// `classes`: at most heads::kMaxMapClasses.
  explicit IouMetric(int64_t classes);

  /// One picture: its labels and those found, of equal length. Pixels whose true label is heads::kVoidLabel (255) do
  /// not count; a found 255 is a wrong one. Every other label must be below `classes`.
  void add(std::span<const uint8_t> truth, std::span<const uint8_t> found);
  void merge(const IouMetric& other);
  /// What was gathered, as one line of JSON, and adding that of another part: `merge` by way of a file. merge_json
  /// throws IoError for anything that to_json() of a metric of these classes would not write.
  std::string to_json() const;
  void merge_json(std::string_view json);
  IouSummary summary() const;

 private:
  ConfusionMatrix confusion_;
  int64_t void_pixels_ = 0;
};

}  // namespace zoo::eval
