#include "pipeline/eval/class_folders.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "pipeline/eval/class_names.h"
#include "pipeline/eval/folder_entries.h"
#include "pipeline/eval/problem_list.h"
#include "pipeline/images/image_io.h"

namespace zoo::eval {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExpected = "expected a folder of pictures per class: DIR/<label, index or WordNet id>/*.jpg";

/// The folders of classes, in the order of their names. What else there is is counted.
std::vector<fs::path> class_folders(const fs::path& folder, ProblemList& problems, int64_t& left_out) {
  std::vector<fs::path> folders;
  for (const fs::path& entry : entries_of(folder, problems)) {
    if (is_folder(entry, problems)) {
      folders.push_back(entry);
    } else {
      ++left_out;
    }
  }
  return folders;
}

/// The class of each folder, -1 for one that is a problem.
std::vector<int64_t> classes_by_name(std::span<const fs::path> folders, std::span<const std::string> labels,
                                     int64_t num_classes, ProblemList& problems) {
  std::vector<int64_t> classes;
  bool all_known = true;
  for (const fs::path& folder : folders) {
    const std::string name = folder.filename().string();
    const std::optional<int64_t> index = class_of_folder(name, labels, num_classes);
    if (!index) problems.add(fmt::format("{}: {}", folder.string(), unknown_class(name, labels, problems)));
    all_known = all_known && index;
    classes.push_back(index.value_or(-1));
  }
  if (!all_known && static_cast<int64_t>(folders.size()) == num_classes) {
    problems.add(
        fmt::format("{}: there are as many folders as classes: --class-order sorted takes them in the order of "
                    "their names, as torchvision does",
                    folders.front().parent_path().string()));
  }
  return classes;
}

std::vector<int64_t> classes_by_place(const fs::path& folder, size_t folders, int64_t num_classes,
                                      ProblemList& problems) {
  if (static_cast<int64_t>(folders) != num_classes) {
    problems.add(
        fmt::format("{}: there are {} folders, but the model has {} classes; in the order of their names "
                    "(--class-order sorted) they are classes only if there is one for each",
                    folder.string(), folders, num_classes));
  }
  std::vector<int64_t> classes;
  for (size_t i = 0; i < folders; ++i) classes.push_back(static_cast<int64_t>(i));
  return classes;
}

}  // namespace

ClassFolders read_class_folders(const fs::path& folder, std::span<const std::string> labels, int64_t num_classes,
                                ClassOrder order) {
  ProblemList problems;
  expect_folder(folder, kExpected, problems);
  problems.throw_if_any();
  ClassFolders result;
  const std::vector<fs::path> folders = class_folders(folder, problems, result.left_out);
  const std::vector<int64_t> classes = order == ClassOrder::kSorted
                                           ? classes_by_place(folder, folders.size(), num_classes, problems)
                                           : classes_by_name(folders, labels, num_classes, problems);
  for (size_t i = 0; i < folders.size() && !problems.full(); ++i) {
    for (fs::path& file : files_below(folders[i], problems)) {
      if (pipeline::has_image_extension(file)) {
        result.items.push_back({std::move(file), classes[i]});
      } else {
        ++result.left_out;
      }
    }
  }
  problems.throw_if_any();
  if (result.items.empty()) problems.add(fmt::format("{}: no pictures; {}", folder.string(), kExpected));
  problems.throw_if_any();
  return result;
}

}  // namespace zoo::eval
