// The POSIX calls behind checkpoint files: a read-only mapping. Internal: not installed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "nn/core/parameter.h"

namespace zoo::weights {

/// A file mapped read-only and private; unmapped when destroyed. Another process that truncates the file while it is
/// mapped makes later reads fail with SIGBUS, which no check can rule out.
class MappedFile : public ValuesOwner {
 public:
  /// Throws WeightError (`FILE: problem`): missing, unreadable, not a regular file, empty.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() override;

  std::span<const std::byte> bytes() const { return bytes_; }
  void set_aside() const override;

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;
};

}  // namespace zoo::weights
