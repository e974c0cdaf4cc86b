#include "nn/core/file_lock.h"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/files.h"

namespace zoo {
namespace {

constexpr std::chrono::milliseconds kLockPoll{50};
constexpr mode_t kFileMode = 0666;  // less the user's umask

}  // namespace

FileLock::FileLock(const std::filesystem::path& path, const std::function<void()>& waiting,
                   const std::function<bool()>& stopped)
    : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode)) {
  if (fd_ < 0) throw IoError(fmt::format("{}: cannot be created: {}", path.string(), errno_text()));
  bool told = false;
  while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      const std::string why = errno_text();
      ::close(fd_);
      throw IoError(fmt::format("{}: cannot be locked: {}", path.string(), why));
    }
    if (stopped && stopped()) return;
    if (!told && waiting) waiting();
    told = true;
    std::this_thread::sleep_for(kLockPoll);
  }
  held_ = true;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace zoo
