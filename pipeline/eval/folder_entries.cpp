#include "pipeline/eval/folder_entries.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

namespace zoo::eval {
namespace {

namespace fs = std::filesystem;

void add_unreadable(const fs::path& path, const std::error_code& error, ProblemList& problems) {
  problems.add(fmt::format("{}: cannot be read: {}", path.string(), error.message()));
}

}  // namespace

std::vector<fs::path> entries_of(const fs::path& folder, ProblemList& problems) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!at->path().filename().string().starts_with('.')) entries.push_back(at->path());
  }
  if (error) add_unreadable(folder, error, problems);
  std::ranges::sort(entries);
  return entries;
}

bool is_folder(const fs::path& entry, ProblemList& problems) {
  std::error_code error;
  const bool result = fs::is_directory(entry, error);
  if (error) add_unreadable(entry, error, problems);
  return result;
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
