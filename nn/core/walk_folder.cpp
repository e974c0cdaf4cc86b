#include "nn/core/walk_folder.h"

#include <algorithm>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "nn/core/files.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// The entries of one folder go to `walk`; yields the folders among them, sorted.
std::vector<fs::path> read_folder(const fs::path& folder, FolderWalk& walk) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().filename().native().starts_with('.')) continue;
    std::error_code unknown;  // a link to nothing or to itself: whoever opens it says so
    if (entry->is_directory(unknown)) {
      folders.push_back(entry->path());
    } else {
      walk.files.push_back(entry->path());
    }
  }
  if (error) walk.problems.push_back(fmt::format("{}: cannot be read: {}", folder.string(), error.message()));
  std::ranges::sort(folders);
  return folders;
}

}  // namespace

FolderWalk walk_folder(const fs::path& folder, WalkDepth depth) {
  FolderWalk walk;
  std::set<FileId> seen;
  std::vector<fs::path> waiting = {folder};
  while (!waiting.empty()) {
    const fs::path next = std::move(waiting.back());
    waiting.pop_back();
    if (const auto id = file_id(next); id && !seen.insert(*id).second) continue;
    std::vector<fs::path> below = read_folder(next, walk);
    walk.folders.insert(walk.folders.end(), below.begin(), below.end());
    if (depth == WalkDepth::kThisFolder) break;
    waiting.insert(waiting.end(), below.rbegin(), below.rend());
  }
  std::ranges::sort(walk.files);
  std::ranges::sort(walk.folders);
  return walk;
}

}  // namespace zoo
