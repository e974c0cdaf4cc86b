#include "nn/core/shown_text.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "nn/core/utf8.h"

namespace zoo {
namespace {

/// The code point of a valid sequence.
uint32_t code_point(std::string_view sequence) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(sequence[i])); };
  if (sequence.size() == 1) return byte(0);
  uint32_t value = byte(0) & (0xFFU >> (sequence.size() + 1));
  for (size_t i = 1; i < sequence.size(); ++i) value = value << 6U | (byte(i) & 0x3FU);
  return value;
}

bool is_shown_as_it_is(uint32_t point) {
  if (point < 0x20 || (point >= 0x7F && point < 0xA0)) return false;
  switch (point) {  // Unicode's Bidi_Control, line and paragraph separators, the byte order mark
    case 0x061C:
    case 0x200E:
    case 0x200F:
    case 0x2028:
    case 0x2029:
    case 0xFEFF:
      return false;
    default:
      return !(point >= 0x202A && point <= 0x202E) && !(point >= 0x2066 && point <= 0x2069);
  }
}

void append_escape(std::string& shown, uint32_t point) {
  switch (point) {
    case '\n':
      shown += "\\n";
      break;
    case '\t':
      shown += "\\t";
      break;
    case '\r':
      shown += "\\r";
      break;
    default:
      shown += point < 0x20 ? fmt::format("\\x{:02x}", point) : fmt::format("\\u{:04x}", point);
  }
}

enum class Breaks { kEscaped, kKept };

std::string made_printable(std::string_view text, Breaks breaks) {
  std::string shown;
  shown.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    const auto plain = std::ranges::find_if_not(rest, [](char c) { return c >= 0x20 && c < 0x7F; });
    const size_t plain_end = i + static_cast<size_t>(plain - rest.begin());
    shown += text.substr(i, plain_end - i);
    i = plain_end;
    if (i == text.size()) break;
    const size_t length = utf8_sequence_length(text, i);
    if (length == 0) {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
    } else if (const uint32_t point = code_point(text.substr(i, length));
               is_shown_as_it_is(point) || (breaks == Breaks::kKept && (point == '\n' || point == '\t'))) {
      shown += text.substr(i, length);
    } else {
      append_escape(shown, point);
    }
    i += std::max<size_t>(length, 1);
  }
  return shown;
}

}  // namespace

std::string printable(std::string_view text) { return made_printable(text, Breaks::kEscaped); }

std::string printable_lines(std::string_view text) { return made_printable(text, Breaks::kKept); }

std::string shortened(std::string_view text, size_t max_bytes) {
  std::string shown;
  for (size_t i = 0; i < text.size();) {
    if (shown.size() >= max_bytes) return shown + "...";
    const size_t length = std::max<size_t>(utf8_sequence_length(text, i), 1);
    shown += printable(text.substr(i, length));
    i += length;
  }
  return shown;
}

}  // namespace zoo
