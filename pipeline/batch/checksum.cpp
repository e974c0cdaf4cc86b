#include "pipeline/batch/checksum.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/files.h"

namespace zoo::batch {
namespace {

constexpr uint32_t kPolynomial = 0xedb88320U;
constexpr int64_t kBlock = 1 << 20;

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < table.size(); ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1U) ^ ((value & 1U) != 0 ? kPolynomial : 0);
    table[byte] = value;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kTable = make_table();

}  // namespace

void Checksum::add(std::string_view bytes) {
  for (const char byte : bytes) state_ = kTable[(state_ ^ static_cast<unsigned char>(byte)) & 0xffU] ^ (state_ >> 8U);
}

Checksum checksum_of(std::string_view bytes) {
  Checksum sum;
  sum.add(bytes);
  return sum;
}

Checksum checksum_of(const std::filesystem::path& file, int64_t bytes) {
  Checksum sum;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw IoError(fmt::format("{}: cannot be read: {}", file.string(), errno_text()));
  std::string block;
  for (int64_t left = bytes; left > 0 && stream; left -= std::ssize(block)) {
    block.resize(static_cast<size_t>(std::min(left, kBlock)));
    stream.read(block.data(), std::ssize(block));
    block.resize(static_cast<size_t>(stream.gcount()));
    if (block.empty()) break;
    sum.add(block);
  }
  if (stream.bad()) throw IoError(fmt::format("{}: reading failed: {}", file.string(), errno_text()));
  return sum;
}

}  // namespace zoo::batch
