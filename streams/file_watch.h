// Files that change while the program runs: saved by an editor, replaced, overwritten, removed.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

namespace zoo::streams {

/// Looks at files by device, inode, size and time of the last change; what inotify says of their folders only wakes it
/// up, so that file systems without it (those of a network) need no other way. One thread at a time, but for wake().
class FileWatch {
 public:
  /// Throws EngineError where the system has no more descriptors.
  FileWatch();
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  /// The files from now on; they need not be there, empty names are none. What is new counts as seen as it is now, what
  /// stays as it was seen.
  void set_files(const std::vector<std::filesystem::path>& files);
  /// Waits until something happens in their folders, until wake(), or for so long.
  void wait(std::chrono::milliseconds time);
  /// Whether a file is not what it was at the last call.
  bool changed();
  /// Ends a wait, or the next one. Thread-safe, also in a signal handler.
  void wake() noexcept;

 private:
  /// Of a file that is there.
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    int64_t bytes = 0;
    int64_t modified_s = 0;
    int64_t modified_ns = 0;

    bool operator==(const Identity&) const = default;
  };

  static std::optional<Identity> identity_of(const std::filesystem::path& file);
  void watch_folders();

  int wake_descriptor_;
  int inotify_;  ///< -1: the system has none to spare
  std::map<std::filesystem::path, std::optional<Identity>> files_;
  std::map<std::filesystem::path, int> folders_;  ///< with inotify's number
};

}  // namespace zoo::streams
