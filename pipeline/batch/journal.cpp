#include "pipeline/batch/journal.h"

#include <array>
#include <fstream>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "nn/core/parse_number.h"

namespace zoo::batch {
namespace {

std::optional<JournalEntry> entry_of(std::string_view line) {
  std::array<int64_t, 4> numbers{};
  for (size_t i = 0; i < numbers.size(); ++i) {
    const size_t tab = i + 1 < numbers.size() ? line.find('\t') : line.size();
    const auto number =
        tab == std::string_view::npos ? std::nullopt : parse_number_in<int64_t>(line.substr(0, tab), 0, INT64_MAX);
    if (!number) return std::nullopt;
    numbers[i] = *number;
    line.remove_prefix(tab == line.size() ? tab : tab + 1);
  }
  return JournalEntry{numbers[0], numbers[1], numbers[2], numbers[3]};
}

bool is_behind(const JournalEntry& entry, const JournalEntry& before) {
  return entry.rows < before.rows || entry.result_bytes < before.result_bytes ||
         entry.failed_bytes < before.failed_bytes || entry.failed_rows < before.failed_rows;
}

}  // namespace

std::string to_line(const JournalEntry& entry) {
  return fmt::format("{}\t{}\t{}\t{}\n", entry.rows, entry.result_bytes, entry.failed_bytes, entry.failed_rows);
}

Journal read_journal(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw IoError(fmt::format("{}: cannot be read: {}", file.string(), errno_text()));
  Journal journal;
  std::string line;
  while (std::getline(stream, line) && !stream.eof()) {
    if (journal.bytes == 0) {
      journal.head = line;
    } else {
      const std::optional<JournalEntry> entry = entry_of(line);
      if (!entry || is_behind(*entry, journal.last)) break;
      journal.last = *entry;
    }
    journal.bytes += static_cast<int64_t>(line.size()) + 1;
  }
  return journal;
}

}  // namespace zoo::batch
