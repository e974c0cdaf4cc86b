// Files that strangers may name: below one folder, whatever links and dots their names have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "nn/core/error.h"

namespace zoo::streams {

/// A file is there, and larger than it may be.
class FileTooLarge : public IoError {
 public:
  using IoError::IoError;
};

/// Thread-safe.
class AllowedFolder {
 public:
  /// Throws IoError where it is no folder.
  explicit AllowedFolder(const std::filesystem::path& folder);

  /// Links resolved.
  const std::filesystem::path& path() const { return path_; }

  /// The bytes of a regular file below the folder. `name`: relative to the folder, or absolute, there also by the name
  /// that the folder was given by. What was opened is what is looked at, so a link that is changed meanwhile leads
  /// nowhere else. Nothing where there is no such file below the folder, whether or not there is one elsewhere. Throws
  /// IoError where it is there and cannot be read, or where the folder is not the one any more that it was (it was
  /// unmounted), FileTooLarge where the file has more than `max_bytes`.
  std::optional<std::vector<uint8_t>> read(const std::string& name, size_t max_bytes) const;

 private:
  /// Throws IoError where the folder is away.
  void check_is_there() const;

  std::filesystem::path path_;
  std::filesystem::path given_;  ///< absolute, its links not resolved
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace zoo::streams
