// What several processes must not do at once.
#pragma once

#include <filesystem>
#include <functional>

namespace zoo {

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

}  // namespace zoo
