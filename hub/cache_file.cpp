#include "hub/cache_file.h"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/files.h"

namespace zoo::hub {
namespace {

constexpr mode_t kFileMode = 0666;  // less the user's umask

}  // namespace

PartialFile::PartialFile(std::filesystem::path path)
    : path_(std::move(path)),
      fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, kFileMode)) {
  if (fd_ < 0) fail("cannot be written");
  struct stat status = {};
  const bool known = ::fstat(fd_, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    ::close(fd_);
    throw IoError(fmt::format("{}: cannot be written: it is not a regular file", path_.string()));
  }
  size_ = status.st_size;
}

PartialFile::~PartialFile() {
  if (fd_ >= 0) ::close(fd_);
}

void PartialFile::append(std::span<const std::byte> bytes) {
  if (!write_all(fd_, bytes)) fail("cannot be written");
  size_ += static_cast<int64_t>(bytes.size());
}

void PartialFile::restart() {
  if (::ftruncate(fd_, 0) != 0) fail("cannot be emptied");
  size_ = 0;
}

void PartialFile::publish(const std::filesystem::path& name) {
  if (::fsync(fd_) != 0) fail("cannot be written");
  const int fd = std::exchange(fd_, -1);
  if (::close(fd) != 0) fail("cannot be written");
  if (::rename(path_.c_str(), name.c_str()) != 0) fail(fmt::format("cannot be renamed to {}", name.string()));
  sync_folder(name.parent_path());
}

void PartialFile::discard() {
  if (::unlink(path_.c_str()) != 0) fail("cannot be removed");
}

void PartialFile::fail(std::string_view what) const {
  throw IoError(fmt::format("{}: {}: {}", path_.string(), what, errno_text()));
}

void replace_symlink(const std::filesystem::path& link, const std::filesystem::path& target) {
  std::error_code error;
  if (std::filesystem::read_symlink(link, error) == target && !error) return;
  const std::filesystem::path temporary = link.string() + fmt::format(".{}.tmp", ::getpid());
  if (::symlink(target.c_str(), temporary.c_str()) != 0 || ::rename(temporary.c_str(), link.c_str()) != 0) {
    const std::string why = errno_text();
    ::unlink(temporary.c_str());
    throw IoError(fmt::format("{}: cannot be linked to {}: {}", link.string(), target.string(), why));
  }
}

}  // namespace zoo::hub
