// A file that several processes may fetch, and that is complete before it has its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace zoo::hub {

/// A file being written that survives its process and can be gone on with.
class PartialFile {
 public:
  /// Opens what is there or creates it. Throws IoError, as all members.
  explicit PartialFile(std::filesystem::path path);
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile();

  const std::filesystem::path& path() const { return path_; }
  int64_t size() const { return size_; }
  void append(std::span<const std::byte> bytes);
  /// Empties the file.
  void restart();
  /// Syncs the file and gives it its name; an older file of that name is replaced in one step.
  void publish(const std::filesystem::path& name);
  /// Removes the file.
  void discard();

 private:
  [[noreturn]] void fail(std::string_view what) const;

  std::filesystem::path path_;
  int fd_ = -1;
  int64_t size_ = 0;
};

/// Makes `link` point to `target` (relative to its folder) in one step, whatever was there. Throws IoError.
void replace_symlink(const std::filesystem::path& link, const std::filesystem::path& target);

}  // namespace zoo::hub
