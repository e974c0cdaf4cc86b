// The journal of a part, see part_writer.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace zoo::batch {

/// How far a part is on the disk.
struct JournalEntry {
  int64_t rows = 0;
  int64_t result_bytes = 0;
  int64_t failed_bytes = 0;
  int64_t failed_rows = 0;
  uint32_t result_sum = 0;  ///< CRC-32 of so many bytes
  uint32_t failed_sum = 0;
};

struct Journal {
  std::string head;   ///< first line; empty where it is not whole
  JournalEntry last;  ///< of the lines that are whole
  int64_t bytes = 0;  ///< of the lines that are whole
};

/// One line with its line feed; it ends with the CRC-32 of what stands before.
std::string to_line(const JournalEntry& entry);

/// Reads as far as lines are whole (as their own checksum says), possible and never behind one before. Throws IoError
/// where it cannot be read.
Journal read_journal(const std::filesystem::path& file);

}  // namespace zoo::batch
