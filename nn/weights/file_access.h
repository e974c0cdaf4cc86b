// The POSIX calls behind checkpoint files: reading, and a read-only mapping.
// Internal: not installed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "nn/core/checked_values.h"
#include "nn/core/descriptor.h"
#include "nn/weights/file_use.h"

namespace zoo::weights {

/// A regular file that is open for reading. What was read counts only as long as nobody writes to the file: its size
/// and when it was last written to are remembered when it is opened.
class InputFile {
 public:
  /// Throws WeightError (`FILE: problem`): missing, unreadable, not a regular file, empty.
  explicit InputFile(const std::filesystem::path& path);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  size_t size() const { return size_; }
  int descriptor() const { return descriptor_.get(); }
  /// Fills `dst` with what is at `offset`. Throws WeightError, also where the file ends before.
  void read(uint64_t offset, std::span<std::byte> dst) const;
  /// Whether somebody has written to the file, or cut it, since it was opened. A file that was renamed, removed or
  /// replaced by another has not changed: what is open is the old one. Writing twice within the tick of the system's
  /// clock (some ms) cannot be told from writing once.
  bool changed() const;
  [[noreturn]] void fail(const std::string& problem) const;

 private:
  std::filesystem::path path_;
  Descriptor descriptor_;
  size_t size_ = 0;
  std::array<int64_t, 2> written_ = {};  ///< when, in s and ns
};

/// The bytes of a whole file.
class FileBytes : public CheckedValuesOwner {
 public:
  /// Read into memory, or mapped read-only and private where `use` is kInPlace. Throws WeightError as InputFile, and
  /// where the file changes meanwhile.
  static std::shared_ptr<const FileBytes> open(const std::filesystem::path& path, FileUse use);

  virtual std::span<const std::byte> bytes() const = 0;
};

}  // namespace zoo::weights
