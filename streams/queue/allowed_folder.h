// Files that strangers may name: below one folder, whatever links and dots their names have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace zoo::streams {

/// Thread-safe.
class AllowedFolder {
 public:
  /// Throws IoError where it is no folder.
  explicit AllowedFolder(const std::filesystem::path& folder);

  /// Links resolved.
  const std::filesystem::path& path() const { return path_; }

  /// The bytes of a regular file below the folder. `name`: relative to the folder, or absolute. What was opened is what
  /// is looked at, so a link that is changed meanwhile leads nowhere else. Nothing where there is no such file below
  /// the folder, whether or not there is one elsewhere. Throws IoError where it is there and cannot be read, or has
  /// more than `max_bytes`.
  std::optional<std::vector<uint8_t>> read(const std::string& name, size_t max_bytes) const;

 private:
  std::filesystem::path path_;
};

}  // namespace zoo::streams
