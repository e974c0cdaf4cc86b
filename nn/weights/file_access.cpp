#include "nn/weights/file_access.h"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::weights {
namespace {

std::string errno_text() { return std::error_code(errno, std::generic_category()).message(); }

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  /// Closes now; false if the system reports an error that writing had put off.
  bool close() {
    const int fd = fd_;
    fd_ = -1;
    return ::close(fd) == 0;
  }

 private:
  int fd_;
};

/// Removes a file when destroyed, unless it has become what it was for.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::filesystem::path path) : path_(std::move(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  void release() { path_.clear(); }

 private:
  std::filesystem::path path_;
};

/// A new file of a name nobody has, in `folder`; `name` receives its path.
int create_temporary(const std::filesystem::path& folder, std::filesystem::path& name) {
  static std::atomic<uint64_t> counter = 0;
  while (true) {
    name = folder / fmt::format(".zoo-{}-{}.tmp", ::getpid(), counter.fetch_add(1));
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
}

bool write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const auto fail = [&path](const std::string& problem) {
    throw WeightError(fmt::format("{}: {}", path.string(), problem));
  };
  // Without O_NONBLOCK, opening a named pipe would wait for a writer.
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) fail("cannot open the file: " + errno_text());
  struct stat before = {};
  if (::fstat(fd.get(), &before) != 0) fail("cannot look at the file: " + errno_text());
  if (S_ISDIR(before.st_mode)) fail("is a folder, not a checkpoint file");
  if (!S_ISREG(before.st_mode)) fail("is not a regular file");
  if (before.st_size == 0) fail("the file is empty");

  const auto size = static_cast<size_t>(before.st_size);
  void* const address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (address == MAP_FAILED) fail("cannot map the file: " + errno_text());
  std::shared_ptr<const MappedFile> file(new MappedFile({static_cast<const std::byte*>(address), size}));
  struct stat after = {};
  if (::fstat(fd.get(), &after) != 0 || after.st_size != before.st_size) {
    fail("the file changes while it is read; is it still being written?");
  }
  return file;
}

MappedFile::~MappedFile() {
  // munmap's signature lacks const; the mapping is read-only.
  ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void MappedFile::set_aside() const {
  // The pages are unchanged: who reads them again gets them from the file. Failing changes nothing but memory.
  ::madvise(const_cast<std::byte*>(bytes_.data()), bytes_.size(), MADV_DONTNEED);
}

void write_file_atomically(const std::filesystem::path& path, const std::vector<std::span<const std::byte>>& pieces) {
  const auto fail = [&path](const std::string& problem) {
    throw IoError(fmt::format("{}: {}", path.string(), problem));
  };
  // Renaming onto a device or a link would replace it.
  struct stat target = {};
  if (::lstat(path.c_str(), &target) == 0 && !S_ISREG(target.st_mode)) {
    fail("cannot write: it exists and is not a regular file");
  }
  std::filesystem::path folder = path.parent_path();
  if (folder.empty()) folder = ".";

  std::filesystem::path temporary_path;
  FileDescriptor fd(create_temporary(folder, temporary_path));
  if (!fd.valid()) fail(fmt::format("cannot create a file in {}: {}", folder.string(), errno_text()));
  TemporaryFile temporary(temporary_path);
  for (const std::span<const std::byte> piece : pieces) {
    if (!write_all(fd.get(), piece)) fail("cannot write: " + errno_text());
  }
  if (::fsync(fd.get()) != 0) fail("cannot write: " + errno_text());
  if (!fd.close()) fail("cannot write: " + errno_text());
  if (::rename(temporary_path.c_str(), path.c_str()) != 0) {
    fail(fmt::format("cannot rename {} to it: {}", temporary_path.string(), errno_text()));
  }
  temporary.release();
}

}  // namespace zoo::weights
