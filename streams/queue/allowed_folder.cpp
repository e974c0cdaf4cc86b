#include "streams/queue/allowed_folder.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "nn/core/descriptor.h"
#include "nn/core/error.h"
#include "nn/core/files.h"

namespace zoo::streams {
namespace {

namespace fs = std::filesystem;

bool is_below(const fs::path& file, const fs::path& folder) {
  const auto [end, ignored] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  return end == folder.end();
}

std::vector<uint8_t> bytes_of(int fd, const std::string& name, size_t size) {
  std::vector<uint8_t> bytes(size);
  size_t done = 0;
  while (done < size) {
    const ssize_t count = read(fd, bytes.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw IoError(fmt::format("{}: {}", name, errno_text()));
    if (count == 0) break;  // shorter than a moment ago: the reader of pictures will say so
    done += static_cast<size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace

AllowedFolder::AllowedFolder(const fs::path& folder) {
  std::error_code error;
  path_ = fs::canonical(folder, error);
  if (error) throw IoError(fmt::format("{}: {}", folder.string(), error.message()));
  if (!fs::is_directory(path_, error)) throw IoError(fmt::format("{}: is no folder", folder.string()));
  given_ = fs::absolute(folder, error).lexically_normal();
  if (error) given_ = path_;
  if (!given_.has_filename()) given_ = given_.parent_path();  // what ends in a slash
  struct stat status = {};
  if (stat(path_.c_str(), &status) != 0) throw IoError(fmt::format("{}: {}", folder.string(), errno_text()));
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

void AllowedFolder::check_is_there() const {
  struct stat status = {};
  if (stat(path_.c_str(), &status) != 0) throw IoError(fmt::format("{}: {}", path_.string(), errno_text()));
  if (status.st_dev != device_ || status.st_ino != inode_) {
    throw IoError(fmt::format("{}: is another folder than it was; is what was mounted there away?", path_.string()));
  }
}

std::optional<std::vector<uint8_t>> AllowedFolder::read(const std::string& name, size_t max_bytes) const {
  if (name.empty() || name.find('\0') != std::string::npos) return std::nullopt;
  // Not what is elsewhere: opening a device may do something.
  fs::path wanted = (path_ / name).lexically_normal();
  if (is_below(wanted, given_)) wanted = (path_ / wanted.lexically_relative(given_)).lexically_normal();
  if (!is_below(wanted, path_)) return std::nullopt;
  const Descriptor fd(open(wanted.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.is_open()) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENAMETOOLONG) {
      check_is_there();
      return std::nullopt;
    }
    throw IoError(fmt::format("{}: {}", name, errno_text()));
  }
  std::error_code error;
  const fs::path opened = fs::read_symlink(fmt::format("/proc/self/fd/{}", fd.get()), error);
  struct stat status = {};
  if (error || !is_below(opened, path_) || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return std::nullopt;
  const auto size = static_cast<size_t>(status.st_size);
  if (size > max_bytes) {
    throw FileTooLarge(
        fmt::format("{}: the file has {} bytes, but it may have at most {} (--max-bytes)", name, size, max_bytes));
  }
  return bytes_of(fd.get(), name, size);
}

}  // namespace zoo::streams
