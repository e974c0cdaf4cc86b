// Average precision and recall of boxes, as COCO defines them (pycocotools, COCOeval with iouType "bbox" and its
// default parameters). docs/evaluation.md spells the definition out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zoo::eval {

/// Left, top, width and height in pixels, as in COCO files.
struct CocoBox {
  double x = 0.0;
  double y = 0.0;
  double width = 0.0;
  double height = 0.0;
};

/// One annotated object.
struct CocoTruth {
  int64_t class_index = 0;
  CocoBox box;
  double area = 0.0;   ///< of the object, usually less than its box; decides its area range
  bool crowd = false;  ///< a group: takes any number of detections, none of which counts
};

/// One found object.
struct CocoFound {
  int64_t class_index = 0;
  double score = 0.0;
  CocoBox box;
};

struct CocoClass {
  int64_t objects = 0;         ///< crowds aside
  std::optional<double> ap;    ///< mean over the IoU thresholds; nothing without objects
  std::optional<double> ap50;  ///< at IoU 0.5
};

/// The twelve figures of COCO. Each is a mean over the classes that have objects (of that size); nothing where none
/// has, for which pycocotools prints -1.
struct CocoSummary {
  std::optional<double> ap;         ///< IoU thresholds 0.50, 0.55 .. 0.95
  std::optional<double> ap50;       ///< threshold 0.50
  std::optional<double> ap75;       ///< threshold 0.75
  std::optional<double> ap_small;   ///< area up to 32^2 pixels
  std::optional<double> ap_medium;  ///< 32^2 to 96^2
  std::optional<double> ap_large;   ///< from 96^2
  std::optional<double> ar1;        ///< recall with 1 detection per picture and class
  std::optional<double> ar10;       ///< with 10
  std::optional<double> ar100;      ///< with 100, as in all above
  std::optional<double> ar_small;
  std::optional<double> ar_medium;
  std::optional<double> ar_large;
  int64_t pictures = 0;
  int64_t objects = 0;  ///< crowds aside
  std::vector<CocoClass> classes;
};

/// Matches found and true boxes picture by picture. Parts that saw different pictures merge into the same result in any
/// order: detections with equal scores count in the order of the pictures' ids.
class CocoMetric {
 public:
  static constexpr size_t kAreas = 4;  ///< all, small, medium, large

  explicit CocoMetric(int64_t classes);

  /// One picture; no two may share an id. Classes are in [0, classes).
  void add(int64_t image_id, std::span<const CocoTruth> truths, std::span<const CocoFound> founds);
  void merge(CocoMetric other);
  /// What was gathered, as one line of JSON, and adding that of another part: `merge` by way of a file. merge_json
  /// throws IoError for anything that to_json() of a metric of these classes would not write.
  std::string to_json() const;
  void merge_json(std::string_view json);
  CocoSummary summary() const;

  /// What became of a detection. Bit t stands for IoU threshold t; one mask per area range.
  struct Outcome {
    double score = 0.0;
    std::array<uint16_t, kAreas> matched{};
    std::array<uint16_t, kAreas> ignored{};
  };
  /// One picture's part in one class.
  struct Record {
    int64_t image_id = 0;
    std::vector<Outcome> outcomes;            ///< best score first, at most 100
    std::array<int64_t, kAreas> positives{};  ///< true boxes that count
  };

 private:
  int64_t pictures_ = 0;
  std::vector<std::vector<Record>> classes_;
};

/// Intersection over union; for a crowd intersection over the area of `found`.
double box_overlap(const CocoBox& found, const CocoBox& truth, bool crowd);

}  // namespace zoo::eval
