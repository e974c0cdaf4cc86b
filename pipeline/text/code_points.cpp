#include "pipeline/text/code_points.h"

#include <algorithm>
#include <cstddef>

#include "nn/core/utf8.h"

namespace zoo::pipeline {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

char32_t decoded(std::string_view sequence) {
  const auto byte = [&](size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(sequence[i])); };
  if (sequence.size() == 1) return byte(0);
  char32_t value = byte(0) & (0xFFU >> (sequence.size() + 1));
  for (size_t i = 1; i < sequence.size(); ++i) value = value << 6U | (byte(i) & 0x3FU);
  return value;
}

}  // namespace

std::u32string code_points(std::string_view text) {
  std::u32string characters;
  characters.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_sequence_length(text, i);
    characters += length == 0 ? kReplacement : decoded(text.substr(i, length));
    i += std::max<size_t>(length, 1);
  }
  return characters;
}

std::string utf8_of(char32_t character) {
  std::string bytes;
  const auto continued = [&](unsigned shift) { bytes += static_cast<char>(0x80U | (character >> shift & 0x3FU)); };
  if (character < 0x80) {
    bytes += static_cast<char>(character);
  } else if (character < 0x800) {
    bytes += static_cast<char>(0xC0U | character >> 6U);
    continued(0);
  } else if (character < 0x10000) {
    bytes += static_cast<char>(0xE0U | character >> 12U);
    continued(6);
    continued(0);
  } else {
    bytes += static_cast<char>(0xF0U | character >> 18U);
    continued(12);
    continued(6);
    continued(0);
  }
  return bytes;
}

}  // namespace zoo::pipeline
