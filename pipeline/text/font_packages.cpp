#include "pipeline/text/font_packages.h"

#include <algorithm>
#include <array>

namespace zoo::pipeline {
namespace {

struct Block {
  char32_t first;
  char32_t last;
};

// https://www.unicode.org/Public/UCD/latest/ucd/Blocks.txt, neighbours joined.
constexpr std::array<Block, 7> kCjk = {{
    {0x1100, 0x11FF},    // Hangul Jamo
    {0x2E80, 0x9FFF},    // radicals, punctuation, Kana, Bopomofo, Hangul, unified ideographs
    {0xA960, 0xA97F},    // Hangul Jamo
    {0xAC00, 0xD7FF},    // Hangul syllables
    {0xF900, 0xFAFF},    // compatibility ideographs
    {0xFE30, 0xFFEF},    // compatibility, half and full width forms
    {0x20000, 0x3FFFF},  // further ideographs
}};
constexpr std::array<Block, 3> kEmoji = {{
    {0x2600, 0x27BF},  // symbols, dingbats
    {0x2B00, 0x2BFF},  // arrows, stars
    {0x1F000, 0x1FAFF},
}};
constexpr std::array<Block, 2> kPrivate = {{{0xE000, 0xF8FF}, {0xF0000, 0x10FFFF}}};
constexpr char32_t kLastOfDejaVu = 0x052F;    // Cyrillic, supplement included
constexpr char32_t kFirstIntricate = 0x0900;  // Devanagari, and with few exceptions what follows

bool is_in(char32_t character, const auto& blocks) {
  return std::ranges::any_of(blocks,
                             [&](const Block& block) { return character >= block.first && character <= block.last; });
}

}  // namespace

std::string_view font_package(char32_t character) {
  if (character <= kLastOfDejaVu) return "fonts-dejavu-core";
  if (is_in(character, kCjk)) return "fonts-noto-cjk";
  if (is_in(character, kEmoji)) return "fonts-noto-color-emoji";
  return is_in(character, kPrivate) ? "" : "fonts-noto-core";
}

bool is_intricate(char32_t character) { return character >= kFirstIntricate; }

}  // namespace zoo::pipeline
