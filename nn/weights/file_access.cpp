#include "nn/weights/file_access.h"

#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/files.h"

namespace zoo::weights {
namespace {

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

 private:
  int fd_;
};

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

}  // namespace zoo::weights
