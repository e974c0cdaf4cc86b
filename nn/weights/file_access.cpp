#include "nn/weights/file_access.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "nn/core/value_memory.h"

namespace zoo::weights {
namespace {

/// Not when its state changed, which renaming another file to its name does, too.
std::array<int64_t, 2> last_write(const struct stat& status) { return {status.st_mtim.tv_sec, status.st_mtim.tv_nsec}; }

class CopiedBytes final : public FileBytes {
 public:
  explicit CopiedBytes(const InputFile& file) : size_(file.size()), memory_(allocate_values(size_)) {
    try {
      file.read(0, {static_cast<std::byte*>(memory_), size_});
      if (file.changed()) file.fail("the file changes while it is read; is it still being written?");
    } catch (...) {
      release_values(memory_, size_);
      throw;
    }
  }
  CopiedBytes(const CopiedBytes&) = delete;
  CopiedBytes& operator=(const CopiedBytes&) = delete;
  ~CopiedBytes() override { release_values(memory_, size_); }

  std::span<const std::byte> bytes() const override { return {static_cast<const std::byte*>(memory_), size_}; }
  void check_unchanged() const override {}

 private:
  size_t size_;
  void* memory_;
};

class MappedBytes final : public FileBytes {
 public:
  explicit MappedBytes(std::unique_ptr<const InputFile> file) : file_(std::move(file)) {
    address_ = ::mmap(nullptr, file_->size(), PROT_READ, MAP_PRIVATE, file_->descriptor(), 0);
    if (address_ == MAP_FAILED) file_->fail("cannot map the file: " + errno_text());
  }
  MappedBytes(const MappedBytes&) = delete;
  MappedBytes& operator=(const MappedBytes&) = delete;
  ~MappedBytes() override { ::munmap(address_, file_->size()); }

  std::span<const std::byte> bytes() const override { return {static_cast<const std::byte*>(address_), file_->size()}; }

  void set_aside() const override {
    // The pages are unchanged: who reads them again gets them from the file. Failing changes nothing but memory.
    ::madvise(address_, file_->size(), MADV_DONTNEED);
  }

  void check_unchanged() const override {
    if (file_->changed()) {
      file_->fail(
          "somebody has written to the file since it was loaded, and its values are used in place; load it anew, or "
          "load it with a copy of its own (FileUse::kCopy)");
    }
  }

 private:
  std::unique_ptr<const InputFile> file_;
  void* address_ = nullptr;
};

}  // namespace

InputFile::InputFile(const std::filesystem::path& path) : path_(path) {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer.
  descriptor_ = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!descriptor_.is_open()) fail("cannot open the file: " + errno_text());
  struct stat status = {};
  if (::fstat(descriptor(), &status) != 0) fail("cannot look at the file: " + errno_text());
  if (S_ISDIR(status.st_mode)) fail("is a folder, not a checkpoint file");
  if (!S_ISREG(status.st_mode)) fail("is not a regular file");
  if (status.st_size == 0) fail("the file is empty");
  size_ = static_cast<size_t>(status.st_size);
  written_ = last_write(status);
}

void InputFile::fail(const std::string& problem) const {
  throw WeightError(fmt::format("{}: {}", path_.string(), problem));
}

void InputFile::read(uint64_t offset, std::span<std::byte> dst) const {
  while (!dst.empty()) {
    const ssize_t count = ::pread(descriptor(), dst.data(), dst.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("cannot read the file: " + errno_text());
    if (count == 0) fail("the file became shorter while it was read; is it still being written?");
    dst = dst.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
}

bool InputFile::changed() const {
  struct stat status = {};
  return ::fstat(descriptor(), &status) != 0 || static_cast<size_t>(status.st_size) != size_ ||
         last_write(status) != written_;
}

std::shared_ptr<const FileBytes> FileBytes::open(const std::filesystem::path& path, FileUse use) {
  auto file = std::make_unique<InputFile>(path);
  if (use == FileUse::kInPlace) return std::make_shared<MappedBytes>(std::move(file));
  return std::make_shared<CopiedBytes>(*file);
}

}  // namespace zoo::weights
