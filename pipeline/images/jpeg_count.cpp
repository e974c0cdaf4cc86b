#include "pipeline/images/jpeg_count.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace zoo::pipeline {
namespace {

// ITU-T T.81, table B.1
constexpr uint8_t kRst0 = 0xD0;
constexpr uint8_t kRst7 = 0xD7;
constexpr uint8_t kSoi = 0xD8;
constexpr uint8_t kEoi = 0xD9;
constexpr uint8_t kSos = 0xDA;
constexpr uint8_t kApp2 = 0xE2;
constexpr uint8_t kTem = 0x01;

/// Where the entropy-coded data ends: the next marker that is no restart.
size_t end_of_scan(std::span<const uint8_t> bytes, size_t at) {
  while (at + 1 < bytes.size()) {
    const auto found = std::find(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end() - 1, 0xFF);
    at = static_cast<size_t>(found - bytes.begin());
    if (at + 1 >= bytes.size()) break;
    const uint8_t marker = bytes[at + 1];
    const bool is_data = marker == 0 || (marker >= kRst0 && marker <= kRst7);
    if (!is_data && marker != 0xFF) return at;
    at += is_data ? 2 : 1;
  }
  return bytes.size();
}

bool is_multi_picture(std::span<const uint8_t> segment) {
  constexpr std::string_view kName("MPF\0", 4);
  return segment.size() >= kName.size() && std::equal(kName.begin(), kName.end(), segment.begin());
}

/// What stands behind the first picture.
JpegCount after_first(std::span<const uint8_t> bytes, size_t at, JpegCount undecided) {
  while (at < bytes.size() && bytes[at] == 0) ++at;  // padding
  if (at + 3 > bytes.size()) return undecided;
  return bytes[at] == 0xFF && bytes[at + 1] == kSoi && bytes[at + 2] == 0xFF ? JpegCount::kSeveral : JpegCount::kOne;
}

}  // namespace

JpegCount count_jpegs(std::span<const uint8_t> bytes, bool complete) {
  const JpegCount undecided = complete ? JpegCount::kOne : JpegCount::kUndecided;
  size_t at = 2;
  while (at + 1 < bytes.size()) {
    if (bytes[at] != 0xFF) return JpegCount::kOne;  // damaged: the decoder says how
    const uint8_t marker = bytes[at + 1];
    if (marker == 0xFF) {  // fill byte
      ++at;
      continue;
    }
    if (marker == kEoi) return after_first(bytes, at + 2, undecided);
    if (marker == kTem || (marker >= kRst0 && marker <= kSoi)) {
      at += 2;
      continue;
    }
    if (at + 4 > bytes.size()) break;
    const size_t length = (size_t{bytes[at + 2]} << 8) + bytes[at + 3];
    if (length < 2) return JpegCount::kOne;
    const size_t end = at + 2 + length;
    if (end > bytes.size()) break;
    if (marker == kApp2 && is_multi_picture(bytes.subspan(at + 4, length - 2))) return JpegCount::kOne;
    at = marker == kSos ? end_of_scan(bytes, end) : end;
  }
  return undecided;
}

}  // namespace zoo::pipeline
