#include "pipeline/batch/row_reader.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "nn/core/parse_number.h"

namespace zoo::batch {
namespace {

constexpr std::string_view kRow = "{\"row\":";
constexpr std::string_view kFrame = "\"frame\":";

/// The number that `text` begins with, which a comma ends.
std::optional<int64_t> leading_number(std::string_view text) {
  const size_t end = text.find(',');
  if (end == std::string_view::npos) return std::nullopt;
  return parse_number_in<int64_t>(text.substr(0, end), 0, INT64_MAX);
}

}  // namespace

RowReader::RowReader(std::filesystem::path file, LineFormat format)
    : file_(std::move(file)), format_(format), stream_(file_, std::ios::binary) {
  if (!stream_) throw IoError(fmt::format("{}: cannot be read: {}", file_.string(), errno_text()));
  if (format_ != LineFormat::kCsv) return;
  if (!read_record()) throw IoError(fmt::format("{}: the table has no header", file_.string()));
  head_ = record_;
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
  frame_ = is_json && text.starts_with(kFrame) ? leading_number(text.substr(kFrame.size())).value_or(-1) : -1;
  return true;
}

}  // namespace zoo::batch
