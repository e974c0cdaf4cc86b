// What a folder holds: the one way in which the project looks through folders.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace zoo {

/// How far down a walk goes.
enum class WalkDepth { kThisFolder, kSubfolders };

/// What a walk came past, each list sorted by path.
struct FolderWalk {
  std::vector<std::filesystem::path> files;    ///< all that are no folders, a link to nothing included
  std::vector<std::filesystem::path> folders;  ///< below the one that was named
  std::vector<std::string> problems;  ///< `PATH: cannot be read: why`, one for each folder; what it held is missing
};

/// Files and folders whose name begins with a dot are left out. Symbolic links are followed, but each folder is looked
/// through once, whatever the number of links to it: under the name that comes first where several lie side by side, so
/// that links to a folder above end. Paths begin with `folder` as it is given. Throws nothing but std::bad_alloc.
FolderWalk walk_folder(const std::filesystem::path& folder, WalkDepth depth);

/// The same for folders of more files than the memory holds: each goes to `take`, folder by folder and in no order
/// within one. Yields the problems. Throws what `take` throws.
std::vector<std::string> visit_files(const std::filesystem::path& folder, WalkDepth depth,
                                     const std::function<void(const std::filesystem::path&)>& take);

}  // namespace zoo
