// Ground truth of a detector: COCO's annotation format.
//
//   {"images": [{"id": 1, "file_name": "cat.jpg", "width": 640, "height": 480}, ...],
//    "categories": [{"id": 17, "name": "cat"}, ...],
//    "annotations": [{"image_id": 1, "category_id": 17, "bbox": [x, y, width, height], "area": 5567, "iscrowd": 0},
//    ...]}
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/eval/coco_metric.h"

namespace zoo::eval {

/// One picture and what is in it.
struct BoxItem {
  int64_t image_id = 0;
  std::filesystem::path picture;
  std::optional<std::array<int64_t, 2>> size;  ///< [H, W] that the file states
  std::vector<CocoTruth> truths;               ///< in the file's order
};

/// How categories became classes.
enum class CategoryMatch { kByName, kById };

struct CocoAnnotations {
  std::vector<BoxItem> items;  ///< by image id; pictures without objects included
  CategoryMatch match = CategoryMatch::kByName;
};

/// Reads `file`. Pictures lie in `folder`/images, or in `folder` where there is no such folder; a `file_name` that
/// leads out of it is an error. Categories are the classes whose labels they are named after; for a model without
/// labels their ids are the classes' indices. `area` defaults to the box's, `iscrowd` to 0; a field that is there with
/// a value of another JSON type is an error; other fields are skipped unread. Holds one row of the file at a time and
/// what it returns. Throws ConfigError with everything that is wrong, each with the file's line.
CocoAnnotations read_coco_annotations(const std::filesystem::path& file, const std::filesystem::path& folder,
                                      std::span<const std::string> labels, int64_t num_classes);

}  // namespace zoo::eval
