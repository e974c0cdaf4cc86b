#include "pipeline/batch/row_reader.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "nn/core/parse_number.h"

namespace zoo::batch {
namespace {

constexpr std::string_view kRow = "{\"row\":";
constexpr std::string_view kFrame = "\"frame\":";
constexpr std::string_view kLaterFrame = ",\"frame\":";  // within a text its quotes would be escaped
constexpr std::string_view kRank = ",\"rank\":";

/// The number that `text` begins with, which a comma ends.
std::optional<int64_t> leading_number(std::string_view text) {
  const size_t end = text.find(',');
  if (end == std::string_view::npos) return std::nullopt;
  return parse_number_in<int64_t>(text.substr(0, end), 0, INT64_MAX);
}

/// The number behind a key of an object; 0 for null, nothing where there is no such key.
std::optional<int64_t> number_behind(std::string_view text, std::string_view key) {
  const size_t at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  return leading_number(text.substr(at + key.size())).value_or(0);
}

/// The fields of a record of a table (RFC 4180), quotes left in.
std::vector<std::string_view> fields_of(std::string_view record) {
  if (record.ends_with('\n')) record.remove_suffix(1);
  std::vector<std::string_view> fields;
  bool open = false;
  size_t begin = 0;
  for (size_t i = 0; i < record.size(); ++i) {
    if (record[i] == '"') open = !open;
    if (record[i] != ',' || open) continue;
    fields.push_back(record.substr(begin, i - begin));
    begin = i + 1;
  }
  fields.push_back(record.substr(begin));
  return fields;
}

std::optional<size_t> column_of(const std::vector<std::string_view>& head, std::string_view name) {
  const auto found = std::ranges::find(head, name);
  if (found == head.end()) return std::nullopt;
  return static_cast<size_t>(found - head.begin());
}

}  // namespace

RowReader::RowReader(std::filesystem::path file, LineFormat format)
    : file_(std::move(file)), format_(format), stream_(file_, std::ios::binary) {
  if (!stream_) throw IoError(fmt::format("{}: cannot be read: {}", file_.string(), errno_text()));
  if (format_ != LineFormat::kCsv) return;
  if (!read_record()) throw IoError(fmt::format("{}: the table has no header", file_.string()));
  head_ = record_;
  const std::vector<std::string_view> columns = fields_of(head_);
  frame_column_ = column_of(columns, "frame");
  rank_column_ = column_of(columns, "rank");
}

// Either {"row":N,"frame":N,..., one of a frame, or flat: {"row":N,"source":TEXT,"frame":N,...,"rank":N,...
void RowReader::take_object_place(std::string_view text) {
  if (text.starts_with(kFrame)) {
    frame_ = leading_number(text.substr(kFrame.size())).value_or(-1);
    rank_ = 0;
    return;
  }
  frame_ = number_behind(text, kLaterFrame).value_or(-1);
  rank_ = number_behind(text, kRank);
}

void RowReader::take_table_place() {
  const std::vector<std::string_view> fields = fields_of(record_);
  const auto number_in = [&](const std::optional<size_t>& column) -> std::optional<int64_t> {
    if (!column || *column >= fields.size()) return std::nullopt;
    return parse_number_in<int64_t>(fields[*column], 0, INT64_MAX).value_or(0);
  };
  frame_ = number_in(frame_column_).value_or(-1);
  rank_ = number_in(rank_column_);
}

std::string RowReader::where() const { return fmt::format("{}:{}", file_.string(), line_); }

/// A record of a table goes on while a quote is open.
bool RowReader::read_record() {
  record_.clear();
  line_ = next_line_;
  std::string line;
  bool open = false;
  while (std::getline(stream_, line)) {
    if (stream_.eof()) throw IoError(fmt::format("{}: the record has no end: the file was cut off", where()));
    record_ += line;
    record_ += '\n';
    ++next_line_;
    if (format_ == LineFormat::kCsv && std::ranges::count(line, '"') % 2 != 0) open = !open;
    if (!open) return true;
  }
  if (stream_.bad()) throw IoError(fmt::format("{}: reading failed: {}", file_.string(), errno_text()));
  if (open) throw IoError(fmt::format("{}: the record has no end: a quote is open", where()));
  return false;
}

bool RowReader::next() {
  if (!read_record()) return false;
  std::string_view text = record_;
  const bool is_json = format_ == LineFormat::kJsonLines;
  const bool begins = !is_json || text.starts_with(kRow);
  if (is_json && begins) text.remove_prefix(kRow.size());
  const auto row = begins ? leading_number(text) : std::nullopt;
  if (!row) throw IoError(fmt::format("{}: the record does not begin with the number of its row", where()));
  text.remove_prefix(text.find(',') + 1);
  row_ = *row;
  if (is_json) {
    take_object_place(text);
  } else {
    take_table_place();
  }
  return true;
}

}  // namespace zoo::batch
