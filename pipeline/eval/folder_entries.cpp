#include "pipeline/eval/folder_entries.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "nn/core/walk_folder.h"

namespace zoo::eval {
namespace {

namespace fs = std::filesystem;

void add_unreadable(const fs::path& path, const std::error_code& error, ProblemList& problems) {
  problems.add(fmt::format("{}: cannot be read: {}", path.string(), error.message()));
}

}  // namespace

std::vector<fs::path> entries_of(const fs::path& folder, ProblemList& problems) {
  FolderWalk walk = walk_folder(folder, WalkDepth::kThisFolder);
  for (std::string& problem : walk.problems) problems.add(std::move(problem));
  std::vector<fs::path> entries;
  std::ranges::merge(walk.files, walk.folders, std::back_inserter(entries));
  return entries;
}

std::vector<fs::path> files_below(const fs::path& folder, ProblemList& problems) {
  FolderWalk walk = walk_folder(folder, WalkDepth::kSubfolders);
  for (std::string& problem : walk.problems) problems.add(std::move(problem));
  return std::move(walk.files);
}

bool is_folder(const fs::path& entry, ProblemList& problems) {
  std::error_code error;
  const bool result = fs::is_directory(entry, error);
  if (error) add_unreadable(entry, error, problems);
  return result;
}

fs::path folder_of_pictures(const fs::path& folder) {
  std::error_code error;
  const fs::path images = folder / "images";
  return fs::is_directory(images, error) ? images : folder;
}

std::optional<fs::path> place_in(const fs::path& folder, const std::string& file_name) {
  if (file_name.find('\0') != std::string::npos) return std::nullopt;
  std::error_code error;
  const fs::path root = fs::absolute(folder, error).lexically_normal();
  const fs::path place = (root / file_name).lexically_normal().lexically_relative(root);
  if (error || place.empty() || place == "." || *place.begin() == "..") return std::nullopt;
  return folder / place;
}

void expect_folder(const fs::path& folder, std::string_view expected, ProblemList& problems) {
  std::error_code error;
  if (fs::is_directory(folder, error)) return;
  if (!error || error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
    problems.add(fmt::format("{}: no such folder; {}", folder.string(), expected));
  } else {
    add_unreadable(folder, error, problems);
  }
}

}  // namespace zoo::eval
