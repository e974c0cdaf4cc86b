#include "pipeline/eval/class_folders.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "nn/core/parse_number.h"
#include "pipeline/eval/folder_entries.h"
#include "pipeline/eval/problem_list.h"
#include "pipeline/image_io.h"

namespace zoo::eval {
namespace {

namespace fs = std::filesystem;

std::optional<int64_t> class_of(std::string_view name, std::span<const std::string> labels, int64_t num_classes) {
  const auto label = std::ranges::find(labels, name);
  if (label != labels.end()) return label - labels.begin();
  return parse_number_in<int64_t>(name, 0, num_classes - 1);
}

}  // namespace

std::vector<ClassItem> read_class_folders(const fs::path& folder, std::span<const std::string> labels,
                                          int64_t num_classes) {
  constexpr const char* kExpected = "expected a folder of pictures per class: DIR/<label or index>/*.jpg";
  ProblemList problems;
  std::vector<ClassItem> items;
  expect_folder(folder, kExpected, problems);
  problems.throw_if_any();
  for (const fs::path& entry : entries_of(folder, problems)) {
    if (!is_folder(entry, problems)) continue;
    const std::string name = entry.filename().string();
    const std::optional<int64_t> index = class_of(name, labels, num_classes);
    if (!index) {
      problems.add(fmt::format("{}: the model has no class \"{}\"{}", entry.string(), name,
                               did_you_mean(name, labels, problems)));
      continue;
    }
    for (const fs::path& file : entries_of(entry, problems)) {
      if (pipeline::has_image_extension(file)) items.push_back({file, *index});
    }
  }
  problems.throw_if_any();
  if (items.empty()) problems.add(fmt::format("{}: no pictures; {}", folder.string(), kExpected));
  problems.throw_if_any();
  return items;
}

}  // namespace zoo::eval
