// Ground truth of a multi-label classifier: a table of pictures and what they show.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace zoo::eval {

struct LabelItem {
  std::filesystem::path picture;
  std::vector<int64_t> classes;  ///< ascending, each once; none where the picture shows none
};

/// Reads a CSV file (RFC 4180, UTF-8; no line breaks inside fields): the header `file,labels`, then a line per picture.
///
///   file,labels
///   street.jpg,car;bicycle
///   "a, b.jpg",dog
///   sky.jpg,
///
/// Labels are separated by semicolons; each is a label of the model or a class index (class_of_folder), spaces around
/// it count as nothing. Pictures lie in `folder`/images or, where there is no such folder, in `folder`. Blank lines are
/// skipped. Throws ConfigError with everything that is wrong (`FILE:LINE: problem`): no such file, another header,
/// lines of another number of fields, unknown classes, a picture twice or outside the folder, no pictures.
std::vector<LabelItem> read_label_table(const std::filesystem::path& file, const std::filesystem::path& folder,
                                        std::span<const std::string> labels, int64_t num_classes);

}  // namespace zoo::eval
