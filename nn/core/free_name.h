// Giving a file a name that nobody has, without a moment in which another could be replaced.
#pragma once

#include <filesystem>

namespace zoo {

/// What is asked of the system, here so that tests can stand for file systems that lack some of it: as the functions of
/// that name, 0 or -1 with `errno` set.
struct NamingCalls {
  int (*rename_to_free)(const char* from, const char* to);  ///< renameat2 with RENAME_NOREPLACE
  int (*link)(const char* from, const char* to);
  int (*rename)(const char* from, const char* to);
};

NamingCalls system_naming_calls();

/// Renames a file in its folder: in one step where the file system can do that, else by a hard link, else (FAT, some
/// network drives) over an empty file that reserves the name before. False with `errno` set, EEXIST where the name is
/// taken; then everything is as before.
bool rename_to_free(const std::filesystem::path& from, const std::filesystem::path& to,
                    const NamingCalls& calls = system_naming_calls());

}  // namespace zoo
