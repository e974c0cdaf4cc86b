#include "pipeline/video/ffmpeg/stated_size.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

namespace zoo::ffmpeg {
namespace {

constexpr int kMaxParts = 100'000;  // a recording of a day in fragments of a second has fewer

/// Numbers at positions of a file; past its end there are none.
class Bytes {
 public:
  explicit Bytes(const std::filesystem::path& file) : stream_(file, std::ios::binary) {}

  std::optional<uint64_t> big_endian(uint64_t at, size_t count) {
    std::array<unsigned char, 8> bytes{};
    if (!read(at, bytes.data(), count)) return std::nullopt;
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i) value = value << 8 | bytes[i];
    return value;
  }
  std::optional<uint64_t> little_endian(uint64_t at, size_t count) {
    std::array<unsigned char, 8> bytes{};
    if (!read(at, bytes.data(), count)) return std::nullopt;
    uint64_t value = 0;
    for (size_t i = count; i-- > 0;) value = value << 8 | bytes[i];
    return value;
  }
  bool has(uint64_t at, std::string_view text) {
    std::array<unsigned char, 8> bytes{};
    return read(at, bytes.data(), text.size()) &&
           std::equal(text.begin(), text.end(), bytes.begin(),
                      [](char wanted, unsigned char found) { return static_cast<unsigned char>(wanted) == found; });
  }
  /// With its line feed, at most 256 bytes.
  std::string line(uint64_t at) {
    std::string bytes(256, ' ');
    stream_.clear();
    stream_.seekg(static_cast<std::streamoff>(at));
    stream_.read(bytes.data(), std::ssize(bytes));
    bytes.resize(static_cast<size_t>(stream_.gcount()));
    return bytes.substr(0, bytes.find('\n') + 1);
  }

 private:
  bool read(uint64_t at, unsigned char* bytes, size_t count) {
    stream_.clear();
    stream_.seekg(static_cast<std::streamoff>(at));
    stream_.read(reinterpret_cast<char*>(bytes), static_cast<std::streamsize>(count));
    return stream_.gcount() == static_cast<std::streamsize>(count);
  }

  std::ifstream stream_;
};

// ISO/IEC 14496-12, 4.2: size (4 bytes, 1: 8 bytes behind the type, 0: to the end of the file), type.
std::optional<uint64_t> size_of_boxes(Bytes& bytes, uint64_t end) {
  uint64_t at = 0;
  for (int i = 0; i < kMaxParts && at < end; ++i) {
    std::optional<uint64_t> size = bytes.big_endian(at, 4);
    if (size == 1) size = bytes.big_endian(at + 8, 8);
    if (!size || *size < 8) break;
    if (*size > (uint64_t{1} << 60)) return std::nullopt;
    at += *size;
  }
  return at;
}

// Chunks "RIFF" (OpenDML: more of them behind the first), size without these 8 bytes, padded to even.
std::optional<uint64_t> size_of_riff(Bytes& bytes, uint64_t end) {
  uint64_t at = 0;
  for (int i = 0; i < kMaxParts && at < end && bytes.has(at, "RIFF"); ++i) {
    const std::optional<uint64_t> size = bytes.little_endian(at + 4, 4);
    if (!size || *size == 0) break;  // never filled in: the writer was killed
    at += 8 + *size + (*size & 1);
  }
  // The padding of the last is often left out.
  return at == 0 ? std::nullopt : std::optional(at - 1);
}

struct VarInt {
  uint64_t value;
  size_t length;
};

// RFC 8794, 4: the number of leading zeros of the first byte says how many follow; all ones: unknown.
std::optional<VarInt> ebml_size(Bytes& bytes, uint64_t at) {
  const std::optional<uint64_t> first = bytes.big_endian(at, 1);
  if (!first || *first == 0) return std::nullopt;
  const auto length = static_cast<size_t>(std::countl_zero(static_cast<uint8_t>(*first))) + 1;
  const std::optional<uint64_t> all = bytes.big_endian(at, length);
  if (!all) return std::nullopt;
  const uint64_t mask = (uint64_t{1} << (7 * length)) - 1;
  return (*all & mask) == mask ? std::nullopt : std::optional(VarInt{*all & mask, length});
}

// RFC 9559, 5: the EBML header, then the segment.
std::optional<uint64_t> size_of_matroska(Bytes& bytes) {
  constexpr uint64_t kIdBytes = 4;
  constexpr uint64_t kSegment = 0x18538067;
  const std::optional<VarInt> header = ebml_size(bytes, kIdBytes);
  if (!header) return std::nullopt;
  const uint64_t at = kIdBytes + header->length + header->value;
  if (bytes.big_endian(at, kIdBytes) != kSegment) return std::nullopt;
  const std::optional<VarInt> segment = ebml_size(bytes, at + kIdBytes);
  if (!segment) return std::nullopt;
  return at + kIdBytes + segment->length + segment->value;
}

// RFC 3533, 6: pages of 27 bytes, the last of which says how many lengths of segments follow.
std::optional<uint64_t> size_of_ogg(Bytes& bytes, uint64_t end) {
  constexpr uint64_t kHeaderBytes = 27;
  uint64_t at = 0;
  for (int i = 0; i < kMaxParts && at < end && bytes.has(at, "OggS"); ++i) {
    const std::optional<uint64_t> segments = bytes.big_endian(at + kHeaderBytes - 1, 1);
    if (!segments) return at + kHeaderBytes;
    at += kHeaderBytes + *segments;
    uint64_t content = 0;
    for (uint64_t j = *segments; j > 0; --j) content += bytes.big_endian(at - j, 1).value_or(0);
    at += content;
  }
  return at;
}

// GIF89a, 18 to 27: screen descriptor, blocks, 0x3B. What follows a block that is none is damaged, not cut off.
std::optional<uint64_t> size_of_gif(Bytes& bytes, uint64_t end) {
  constexpr uint64_t kPacked = 10;
  const auto table = [](uint64_t packed) { return (packed & 0x80) != 0 ? uint64_t{3} << ((packed & 7) + 1) : 0; };
  uint64_t at = 13 + table(bytes.big_endian(kPacked, 1).value_or(0));
  while (at < end) {
    const uint64_t label = bytes.big_endian(at, 1).value_or(0);
    if (label == 0x3B) return at + 1;
    if (label == 0x21) {
      at += 2;
    } else if (label == 0x2C) {
      at += 10 + table(bytes.big_endian(at + 9, 1).value_or(0)) + 1;
    } else {
      return std::nullopt;
    }
    uint64_t sub_block = 0;
    do {
      sub_block = bytes.big_endian(at, 1).value_or(0);
      at += 1 + sub_block;
    } while (sub_block > 0 && at < end);
  }
  return end + 1;
}

/// Bytes of a picture of YUV4MPEG2 by the words of its first line; nothing for layouts of rare kinds.
std::optional<uint64_t> y4m_frame_bytes(const std::string& header) {
  std::istringstream words(header);
  uint64_t width = 0;
  uint64_t height = 0;
  std::string layout = "420";
  for (std::string word; words >> word;) {
    if (word[0] == 'W') width = std::strtoull(word.c_str() + 1, nullptr, 10);
    if (word[0] == 'H') height = std::strtoull(word.c_str() + 1, nullptr, 10);
    if (word[0] == 'C') layout = word.substr(1);
  }
  constexpr uint64_t kMaxSide = 1 << 20;
  if (width == 0 || height == 0 || width > kMaxSide || height > kMaxSide) return std::nullopt;
  const bool eight_bits = layout == "420" || layout == "420jpeg" || layout == "420mpeg2" || layout == "420paldv";
  const uint64_t half = (width + 1) / 2;
  if (eight_bits) return width * height + 2 * half * ((height + 1) / 2);
  if (layout == "422") return width * height + 2 * half * height;
  if (layout == "444") return 3 * width * height;
  if (layout == "mono") return width * height;
  return std::nullopt;
}

// A line, then frames: a line that begins with FRAME, and the picture.
std::optional<uint64_t> size_of_y4m(Bytes& bytes, uint64_t end) {
  const std::string header = bytes.line(0);
  const std::optional<uint64_t> frame_bytes = y4m_frame_bytes(header);
  if (!frame_bytes) return std::nullopt;
  uint64_t at = header.size();
  while (at < end && bytes.has(at, "FRAME")) at += bytes.line(at).size() + *frame_bytes;
  return at;
}

}  // namespace

std::optional<uint64_t> stated_size(const std::filesystem::path& file) {
  std::error_code error;
  const uint64_t end = std::filesystem::file_size(file, error);
  if (error) return std::nullopt;
  Bytes bytes(file);
  if (bytes.has(0, "RIFF")) return size_of_riff(bytes, end);
  if (bytes.has(0, "\x1A\x45\xDF\xA3")) return size_of_matroska(bytes);
  if (bytes.has(0, "OggS")) return size_of_ogg(bytes, end);
  if (bytes.has(0, "GIF8")) return size_of_gif(bytes, end);
  if (bytes.has(0, "YUV4MPEG")) return size_of_y4m(bytes, end);
  for (const std::string_view type : {"ftyp", "moov", "mdat", "styp", "wide", "free", "skip"}) {
    if (bytes.has(4, type)) return size_of_boxes(bytes, end);
  }
  return std::nullopt;
}

}  // namespace zoo::ffmpeg
