#include "pipeline/batch/journal.h"

#include <fstream>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "nn/core/parse_number.h"
#include "pipeline/batch/checksum.h"

namespace zoo::batch {
namespace {

template <typename T>
bool take_field(std::string_view& line, T& value, int base = 10) {
  const size_t tab = line.find('\t');
  if (tab == std::string_view::npos) return false;
  const auto number = parse_number<T>(line.substr(0, tab), base);
  line.remove_prefix(tab + 1);
  value = number.value_or(T{});
  return number.has_value();
}

std::optional<JournalEntry> entry_of(const std::string& line) {
  std::string_view rest = line;
  JournalEntry entry;
  for (int64_t* number : {&entry.rows, &entry.result_bytes, &entry.failed_bytes, &entry.failed_rows}) {
    if (!take_field(rest, *number) || *number < 0) return std::nullopt;
  }
  for (uint32_t* sum : {&entry.result_sum, &entry.failed_sum}) {
    if (!take_field(rest, *sum, 16)) return std::nullopt;
  }
  if (to_line(entry) != line + "\n") return std::nullopt;  // with the checksum of the line
  return entry;
}

bool is_behind(const JournalEntry& entry, const JournalEntry& before) {
  return entry.rows < before.rows || entry.result_bytes < before.result_bytes ||
         entry.failed_bytes < before.failed_bytes || entry.failed_rows < before.failed_rows;
}

}  // namespace

std::string to_line(const JournalEntry& entry) {
  const std::string line = fmt::format("{}\t{}\t{}\t{}\t{:08x}\t{:08x}\t", entry.rows, entry.result_bytes,
                                       entry.failed_bytes, entry.failed_rows, entry.result_sum, entry.failed_sum);
  return fmt::format("{}{:08x}\n", line, checksum_of(line).value());
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
