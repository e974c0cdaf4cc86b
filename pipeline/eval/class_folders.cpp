#include "pipeline/eval/class_folders.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "pipeline/eval/problem_list.h"
#include "pipeline/image_io.h"

namespace zoo::eval {
namespace {

namespace fs = std::filesystem;

/// What a folder holds, by name, without what begins with a dot.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!at->path().filename().string().starts_with('.')) entries.push_back(at->path());
  }
  std::ranges::sort(entries);
  return entries;
}

std::optional<int64_t> class_of(std::string_view name, std::span<const std::string> labels, int64_t num_classes) {
  const auto label = std::ranges::find(labels, name);
  if (label != labels.end()) return label - labels.begin();
  int64_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (error != std::errc{} || end != name.data() + name.size() || index < 0 || index >= num_classes) return {};
  return index;
}

}  // namespace

std::vector<ClassItem> read_class_folders(const fs::path& folder, std::span<const std::string> labels,
                                          int64_t num_classes) {
  constexpr const char* kExpected = "expected a folder of pictures per class: DIR/<label or index>/*.jpg";
  ProblemList problems;
  std::vector<ClassItem> items;
  if (!fs::is_directory(folder)) {
    problems.add(fmt::format("{}: no such folder; {}", folder.string(), kExpected));
    problems.throw_if_any();
  }
  for (const fs::path& entry : entries_of(folder)) {
    if (!fs::is_directory(entry)) continue;
    const std::string name = entry.filename().string();
    const std::optional<int64_t> index = class_of(name, labels, num_classes);
    if (!index) {
      problems.add(
          fmt::format("{}: the model has no class \"{}\"{}", entry.string(), name, did_you_mean(name, labels)));
      continue;
    }
    for (const fs::path& file : entries_of(entry)) {
      if (pipeline::has_image_extension(file)) items.push_back({file, *index});
    }
  }
  problems.throw_if_any();
  if (items.empty()) problems.add(fmt::format("{}: no pictures; {}", folder.string(), kExpected));
  problems.throw_if_any();
  return items;
}

}  // namespace zoo::eval
