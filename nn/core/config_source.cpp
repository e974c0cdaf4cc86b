#include "nn/core/config_source.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "nn/core/config_text.h"
#include "nn/core/error.h"
#include "nn/core/files.h"
#include "nn/core/utf8.h"

namespace zoo::detail {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// yaml-cpp keeps every token of a bracketed value in memory until the bracket closes (some 240 bytes for each `[`).
// Each bracket or comma stands for a value, so a file within kMaxValues stays far below this.
constexpr size_t kMaxFlowIndicators = 2 * kMaxValues;

int count_characters(std::string_view text) {
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::string read_config_file(const std::filesystem::path& file) {
  const auto fail = [&](const std::string& reason) {
    throw ConfigError({fmt::format("{}: cannot be read: {}", file.string(), reason)});
  };
  const auto close = [](std::FILE* stream) { std::fclose(stream); };
  const std::unique_ptr<std::FILE, decltype(close)> stream(std::fopen(file.c_str(), "rb"), close);
  if (!stream) fail(errno_text());

  std::string text(kMaxFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), stream.get()));
  if (std::ferror(stream.get()) != 0) fail(errno_text());
  return text;
}

SourceText::SourceText(std::string_view text, int origin, const Origins& origins) : text_(text), origin_(origin) {
  if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
  line_begins_.push_back(0);
  for (size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_begins_.push_back(i + 1);
  }
  if (text_.size() > kMaxFileBytes) {
    throw_problems(origins, {{position(0), "", fmt::format("larger than {} MiB", kMaxFileBytes >> 20)}});
  }
  check_characters(origins);
  check_directives(origins);
}

void SourceText::check_characters(const Origins& origins) const {
  size_t flow_indicators = 0;
  for (size_t i = 0; i < text_.size();) {
    const auto fail = [&](std::string message) { throw_problems(origins, {{position(i), "", std::move(message)}}); };
    const size_t length = utf8_sequence_length(text_, i);
    if (length == 0) fail(i == 0 ? "not valid UTF-8; a model file is YAML text in UTF-8" : "not valid UTF-8");
    const auto byte = static_cast<unsigned char>(text_[i]);
    if (text_[i] == '\r') {
      if (i + 1 == text_.size() || text_[i + 1] != '\n') fail("carriage return without line feed");
    } else if ((byte < 0x20 && text_[i] != '\n' && text_[i] != '\t') || byte == 0x7F) {
      // yaml-cpp takes 0x04 for the end of the file and would ignore the rest.
      fail(fmt::format("control character 0x{:02x}", byte));
    } else if (text_[i] == '[' || text_[i] == '{' || text_[i] == ',') {
      if (++flow_indicators > kMaxFlowIndicators) {
        fail(fmt::format("more than {} brackets and commas", kMaxFlowIndicators));
      }
    }
    i += length;
  }
}

// yaml-cpp drops every line that begins with "%". Such lines are YAML's directives, but only before the document.
void SourceText::check_directives(const Origins& origins) const {
  bool document_began = origin_ != Position::kFile;
  for (size_t begin : line_begins_) {
    const std::string_view rest = text_.substr(begin);
    const bool is_directive = rest.starts_with("%YAML ") || rest.starts_with("%TAG ");
    if (rest.starts_with('%') && (document_began || !is_directive)) {
      throw_problems(origins, {{position(begin), "", "a line cannot begin with \"%\" here; quote the text"}});
    }
    document_began = document_began || !(rest.empty() || std::string_view("%#\r\n").find(rest[0]) != rest.npos);
  }
}

Position SourceText::position(size_t offset) const {
  if (origin_ != Position::kFile) return {.origin = origin_};
  offset = std::min(offset, text_.size());
  const auto after = std::upper_bound(line_begins_.begin(), line_begins_.end(), offset);
  const auto line = static_cast<size_t>(after - line_begins_.begin()) - 1;
  if (line != cursor_.line) cursor_ = {line, line_begins_[line], 1};
  if (offset >= cursor_.offset) {
    cursor_.column += count_characters(text_.substr(cursor_.offset, offset - cursor_.offset));
  } else {
    cursor_.column -= count_characters(text_.substr(offset, cursor_.offset - offset));
  }
  cursor_.offset = offset;
  return {origin_, static_cast<int>(line) + 1, cursor_.column};
}

std::string_view SourceText::line_at(size_t offset, size_t* begin) const {
  offset = std::min(offset, text_.size());
  *begin = *std::prev(std::upper_bound(line_begins_.begin(), line_begins_.end(), offset));
  const size_t end = std::min(text_.find('\n', *begin), text_.size());
  return text_.substr(*begin, end - *begin);
}

}  // namespace zoo::detail
