// What a data set's folders hold.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/eval/problem_list.h"

namespace zoo::eval {

/// What a folder holds, by name, without what begins with a dot (walk_folder). That it cannot be read, or not to its
/// end, is a problem: pictures that are missing without a word would change the figures.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder, ProblemList& problems);

/// The files in a folder and its subfolders, by path, without what begins with a dot. Links are followed, each folder
/// is visited once.
std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder, ProblemList& problems);

/// Whether something that a folder holds is a folder itself. That this cannot be told (a symbolic link to nothing or to
/// itself, no permission) is a problem.
bool is_folder(const std::filesystem::path& entry, ProblemList& problems);

/// Where the pictures lie that a file in `folder` names: in its subfolder `images` or, where there is none, in itself.
std::filesystem::path folder_of_pictures(const std::filesystem::path& folder);

/// Where the file of this name lies; nothing if that is outside the folder (or no name at all).
std::optional<std::filesystem::path> place_in(const std::filesystem::path& folder, const std::string& file_name);

/// A problem unless there is this folder. `expected`: how a data set of this kind looks.
void expect_folder(const std::filesystem::path& folder, std::string_view expected, ProblemList& problems);

}  // namespace zoo::eval
