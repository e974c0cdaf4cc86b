// Files that several processes may fetch at once: a lock, and a file that is complete before it has its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

namespace zoo::hub {

/// An exclusive lock (flock) on a file that is created for it, as Python's filelock, which the Hugging Face libraries
/// use, takes it. Ends with the object or the process.
class FileLock {
 public:
  /// Waits while another process holds the lock; `waiting` is called once if it has to, `stopped` again and again: when
  /// it is true, the constructor returns without the lock. Throws IoError.
  FileLock(const std::filesystem::path& path, const std::function<void()>& waiting,
           const std::function<bool()>& stopped);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

  bool held() const { return held_; }

 private:
  int fd_ = -1;
  bool held_ = false;
};

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
