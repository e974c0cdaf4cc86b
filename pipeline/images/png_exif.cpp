#include "pipeline/images/png_exif.h"

#include <algorithm>
#include <array>
#include <zlib.h>

namespace zoo::pipeline {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr size_t kMaxText = 1U << 20U;
constexpr std::string_view kPrefix("Exif\0\0", 6);
// ImageMagick names a profile after what it holds, or after the JPEG marker that it came with.
constexpr std::array<std::string_view, 2> kKeywords = {"Raw profile type exif", "Raw profile type APP1"};

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// What follows the next zero byte; nothing if there is none.
std::optional<Bytes> after_zero(Bytes bytes) {
  const auto zero = std::ranges::find(bytes, uint8_t{0});
  if (zero == bytes.end()) return std::nullopt;
  return bytes.subspan(static_cast<size_t>(zero - bytes.begin()) + 1);
}

std::optional<std::vector<uint8_t>> unpacked(Bytes packed) {
  std::vector<uint8_t> text(kMaxText);
  uLongf size = kMaxText;
  if (uncompress(text.data(), &size, packed.data(), packed.size()) != Z_OK) return std::nullopt;
  text.resize(size);
  return text;
}

std::vector<uint8_t> copy_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

/// The text of a chunk (PNG's specification, 11.3.4), of which `rest` is what follows the keyword.
std::optional<std::vector<uint8_t>> text_after_keyword(std::string_view type, Bytes rest) {
  constexpr uint8_t kDeflate = 0;
  if (type == "tEXt") return copy_of(rest);
  if (type == "zTXt") {
    if (rest.empty() || rest[0] != kDeflate) return std::nullopt;
    return unpacked(rest.subspan(1));
  }
  if (rest.size() < 2) return std::nullopt;
  const std::optional<Bytes> translated = after_zero(rest.subspan(2));  // behind the language
  const std::optional<Bytes> text = translated ? after_zero(*translated) : std::nullopt;
  if (!text) return std::nullopt;
  return rest[0] == 0 ? copy_of(*text) : unpacked(*text);
}

int digit_of(uint8_t character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  if (character >= 'A' && character <= 'F') return character - 'A' + 10;
  return -1;
}

/// The bytes of an ImageMagick profile: a line break, the name, the length, then hexadecimal digits in lines.
std::optional<std::vector<uint8_t>> profile_bytes(Bytes text) {
  constexpr int kHeaderLines = 3;
  for (int line = 0; line < kHeaderLines; ++line) {
    const auto end = std::ranges::find(text, uint8_t{'\n'});
    if (end == text.end()) return std::nullopt;
    text = text.subspan(static_cast<size_t>(end - text.begin()) + 1);
  }
  std::vector<uint8_t> bytes;
  int high = -1;
  for (const uint8_t character : text) {
    if (high < 0 && (character == ' ' || (character >= '\t' && character <= '\r'))) continue;
    if (character == '\n') continue;
    const int digit = digit_of(character);
    if (digit < 0) return std::nullopt;
    if (high >= 0) bytes.push_back(static_cast<uint8_t>(high * 16 + digit));
    high = high < 0 ? digit : -1;
  }
  if (high >= 0) return std::nullopt;
  return bytes;
}

}  // namespace

bool is_exif_text_chunk(std::string_view type, std::span<const uint8_t> data) {
  if (type != "tEXt" && type != "zTXt" && type != "iTXt") return false;
  return std::ranges::any_of(kKeywords, [&](std::string_view keyword) {
    return data.size() > keyword.size() && data[keyword.size()] == 0 && text_of(data).starts_with(keyword);
  });
}

std::optional<std::vector<uint8_t>> exif_of_text_chunk(std::string_view type, std::span<const uint8_t> data) {
  if (!is_exif_text_chunk(type, data)) return std::nullopt;
  const std::optional<std::vector<uint8_t>> text = text_after_keyword(type, *after_zero(data));
  std::optional<std::vector<uint8_t>> exif = text ? profile_bytes(*text) : std::nullopt;
  if (exif && text_of(*exif).starts_with(kPrefix)) exif->erase(exif->begin(), exif->begin() + kPrefix.size());
  return exif;
}

}  // namespace zoo::pipeline
