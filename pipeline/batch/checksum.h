// CRC-32 (that of zip and PNG) of what grows, so that a change of the same length is noticed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace zoo::batch {

class Checksum {
 public:
  void add(std::string_view bytes);
  uint32_t value() const { return ~state_; }

  bool operator==(const Checksum&) const = default;

 private:
  uint32_t state_ = 0xffffffffU;
};

Checksum checksum_of(std::string_view bytes);
/// Of the first `bytes` of a file, or of all of one that has fewer. Throws IoError.
Checksum checksum_of(const std::filesystem::path& file, int64_t bytes);

}  // namespace zoo::batch
