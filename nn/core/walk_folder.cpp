#include "nn/core/walk_folder.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "nn/core/files.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// Where a walk leaves what it comes past.
struct Walker {
  std::function<void(const fs::path&)> take_file;
  std::function<void(const fs::path&)> take_folder;
  std::vector<std::string> problems = {};

  /// Yields the folders below, sorted.
  std::vector<fs::path> read_folder(const fs::path& folder) {
    std::vector<fs::path> folders;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      if (entry->path().filename().native().starts_with('.')) continue;
      std::error_code unknown;  // a link to nothing or to itself: whoever opens it says so
      if (entry->is_directory(unknown)) {
        folders.push_back(entry->path());
      } else {
        take_file(entry->path());
      }
    }
    if (error) problems.push_back(fmt::format("{}: cannot be read: {}", folder.string(), error.message()));
    std::ranges::sort(folders);
    return folders;
  }

  void walk(const fs::path& folder, WalkDepth depth) {
    std::set<FileId> seen;
    std::vector<fs::path> waiting = {folder};
    while (!waiting.empty()) {
      const fs::path next = std::move(waiting.back());
      waiting.pop_back();
      if (const auto id = file_id(next); id && !seen.insert(*id).second) continue;
      const std::vector<fs::path> below = read_folder(next);
      std::ranges::for_each(below, take_folder);
      if (depth == WalkDepth::kThisFolder) break;
      waiting.insert(waiting.end(), below.rbegin(), below.rend());
    }
  }
};

}  // namespace

FolderWalk walk_folder(const fs::path& folder, WalkDepth depth) {
  FolderWalk walk;
  Walker walker{.take_file = [&](const fs::path& file) { walk.files.push_back(file); },
                .take_folder = [&](const fs::path& below) { walk.folders.push_back(below); }};
  walker.walk(folder, depth);
  walk.problems = std::move(walker.problems);
  std::ranges::sort(walk.files);
  std::ranges::sort(walk.folders);
  return walk;
}

std::vector<std::string> visit_files(const fs::path& folder, WalkDepth depth,
                                     const std::function<void(const fs::path&)>& take) {
  Walker walker{.take_file = take, .take_folder = [](const fs::path&) {}};
  walker.walk(folder, depth);
  return std::move(walker.problems);
}

}  // namespace zoo
