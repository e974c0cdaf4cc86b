#include "pipeline/video/ffmpeg/stated_size.h"

#include <algorithm>
#include <array>
#include <bit>
#include <fstream>
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

}  // namespace

std::optional<uint64_t> stated_size(const std::filesystem::path& file) {
  std::error_code error;
  const uint64_t end = std::filesystem::file_size(file, error);
  if (error) return std::nullopt;
  Bytes bytes(file);
  if (bytes.has(0, "RIFF")) return size_of_riff(bytes, end);
  if (bytes.has(0, "\x1A\x45\xDF\xA3")) return size_of_matroska(bytes);
  for (const std::string_view type : {"ftyp", "moov", "mdat", "styp", "wide", "free", "skip"}) {
    if (bytes.has(4, type)) return size_of_boxes(bytes, end);
  }
  return std::nullopt;
}

}  // namespace zoo::ffmpeg
