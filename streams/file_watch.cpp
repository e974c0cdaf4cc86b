#include "streams/file_watch.h"

#include <array>
#include <cerrno>
#include <poll.h>
#include <set>
#include <string>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "nn/core/error.h"

namespace zoo::streams {
namespace {

constexpr uint32_t kEvents =
    IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR;

/// All that has come; both kinds of descriptor do not block.
void drain(int descriptor) {
  std::array<char, 4096> events;
  while (read(descriptor, events.data(), events.size()) > 0) {
  }
}

}  // namespace

FileWatch::FileWatch()
    : wake_descriptor_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (wake_descriptor_ >= 0) return;
  const std::string problem = std::generic_category().message(errno);
  if (inotify_ >= 0) close(inotify_);
  throw EngineError("files cannot be watched: " + problem);
}

FileWatch::~FileWatch() {
  close(wake_descriptor_);
  if (inotify_ >= 0) close(inotify_);
}

void FileWatch::set_files(const std::vector<std::filesystem::path>& files) {
  std::map<std::filesystem::path, std::optional<Identity>> next;
  for (const std::filesystem::path& file : files) {
    if (file.empty()) continue;
    const auto known = files_.find(file);
    next.emplace(file, known == files_.end() ? identity_of(file) : known->second);
  }
  files_ = std::move(next);
  watch_folders();
}

void FileWatch::wait(std::chrono::milliseconds time) {
  std::array<pollfd, 2> wanted = {
      {{.fd = wake_descriptor_, .events = POLLIN, .revents = 0}, {.fd = inotify_, .events = POLLIN, .revents = 0}}};
  poll(wanted.data(), wanted.size(), static_cast<int>(time.count()));
  drain(wake_descriptor_);
  if (inotify_ >= 0) drain(inotify_);
}

bool FileWatch::changed() {
  bool any = false;
  for (auto& [file, seen] : files_) {
    std::optional<Identity> now = identity_of(file);
    if (now == seen) continue;
    seen = now;
    any = true;
  }
  return any;
}

void FileWatch::wake() noexcept {
  const uint64_t one = 1;
  // A counter that is full wakes, too.
  [[maybe_unused]] const ssize_t written = write(wake_descriptor_, &one, sizeof(one));
}

std::optional<FileWatch::Identity> FileWatch::identity_of(const std::filesystem::path& file) {
  struct stat found = {};
  if (stat(file.c_str(), &found) != 0) return std::nullopt;
  return Identity{.device = found.st_dev,
                  .inode = found.st_ino,
                  .bytes = found.st_size,
                  .modified_s = found.st_mtim.tv_sec,
                  .modified_ns = found.st_mtim.tv_nsec};
}

void FileWatch::watch_folders() {
  if (inotify_ < 0) return;
  std::set<std::filesystem::path> wanted;
  for (const auto& [file, seen] : files_) wanted.insert(file.has_parent_path() ? file.parent_path() : ".");
  std::erase_if(folders_, [&](const auto& folder) {
    const bool stale = !wanted.contains(folder.first);
    if (stale) inotify_rm_watch(inotify_, folder.second);
    return stale;
  });
  for (const std::filesystem::path& folder : wanted) {
    const int number = inotify_add_watch(inotify_, folder.c_str(), kEvents);
    if (number >= 0) folders_[folder] = number;
  }
}

}  // namespace zoo::streams
