// Damaged files: whatever the bytes are, opening either works, and then every tensor can be read, or throws
// WeightError.
#include <random>

#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/weights/convert.h"
#include "nn/weights/safetensors.h"
#include "tests/weights/test_files.h"

namespace zoo::weights {
namespace {

constexpr unsigned kSeed = 20240607;
constexpr int kRounds = 20'000;

class SafetensorsFuzz : public FileTest {
 protected:
  static std::string valid_file() {
    return file_bytes(
        R"({"__metadata__":{"format":"pt"},"conv.weight":{"dtype":"F32","shape":[2,1,2],"data_offsets":[0,16]},)"
        R"("half":{"dtype":"F16","shape":[3],"data_offsets":[16,22]},)"
        R"("brain":{"dtype":"BF16","shape":[],"data_offsets":[22,24]},)"
        R"("count":{"dtype":"I64","shape":[],"data_offsets":[24,32]}}  )",
        std::string(32, '\x3F'));
  }

  /// Opens the bytes as a file and reads everything; true if the file was taken.
  bool survives(const std::string& bytes) {
    const std::filesystem::path file = write("fuzz", bytes);
    try {
      const SafetensorsFile opened = SafetensorsFile::open(file);
      for (const StoredTensor& tensor : opened.tensors()) {
        if (is_floating(tensor.dtype)) {
          checksum_ += to_float(tensor).size() + static_cast<size_t>(all_finite(tensor));
        } else {
          for (const std::byte byte : tensor.data) checksum_ += static_cast<size_t>(byte);
        }
        EXPECT_EQ(static_cast<size_t>(tensor.shape.elements()) * size_of(tensor.dtype), tensor.data.size());
      }
      return true;
    } catch (const WeightError& error) {
      EXPECT_EQ(std::string(error.what()).rfind(file.string() + ": ", 0), 0U) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      return false;
    }
  }

  size_t checksum_ = 0;
};

TEST_F(SafetensorsFuzz, EveryTruncationIsRefused) {
  const std::string valid = valid_file();
  ASSERT_TRUE(survives(valid));
  for (size_t size = 0; size < valid.size(); ++size) EXPECT_FALSE(survives(valid.substr(0, size))) << size;
}

TEST_F(SafetensorsFuzz, EveryBitFlipIsReadOrRefused) {
  const std::string valid = valid_file();
  for (size_t bit = 0; bit < valid.size() * 8; ++bit) {
    std::string bytes = valid;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    survives(bytes);
  }
}

TEST_F(SafetensorsFuzz, EveryHeaderLengthIsReadOrRefused) {
  const std::string rest = valid_file().substr(8);
  for (uint64_t length = 0; length <= rest.size() + 8; ++length) survives(bytes_of(length) + rest);
  for (uint64_t distance = 0; distance <= 16; ++distance) EXPECT_FALSE(survives(bytes_of(~distance) + rest));
}

TEST_F(SafetensorsFuzz, RandomDamageIsReadOrRefused) {
  const std::vector<std::string> tokens = {
      "{",  "}",  "[",       "]",    ",",    ":",         "\"",    "\\",
      "-1", "0",  "1e9",     "null", "true", "\"F32\"",   "9",     "18446744073709551615",
      "[]", "{}", "\\u0000", "\xFF", " ",    "\"dtype\"", "[0,0]", "\"__metadata__\""};
  std::mt19937 random(kSeed);
  const auto below = [&random](size_t limit) { return std::uniform_int_distribution<size_t>(0, limit - 1)(random); };
  int taken = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::string bytes = valid_file();
    for (size_t change = 0; change <= below(4); ++change) {
      const size_t position = below(bytes.size());
      switch (below(5)) {
        case 0:
          bytes[position] = static_cast<char>(below(256));
          break;
        case 1:
          bytes.erase(position, 1 + below(8));
          break;
        case 2:
          bytes.insert(position, tokens[below(tokens.size())]);
          break;
        case 3:
          bytes.replace(position, 1, tokens[below(tokens.size())]);
          break;
        default:
          bytes.insert(position, bytes.substr(below(bytes.size()), 1 + below(60)));
          break;
      }
      if (bytes.empty()) bytes = valid_file();
    }
    // Half of the headers get a length that lets their text be read to its end.
    if (bytes.size() > 8 && below(2) == 0) {
      const size_t end = bytes.rfind('}');
      if (end != std::string::npos && end >= 8) bytes.replace(0, 8, bytes_of<uint64_t>(end - 7));
    }
    if (survives(bytes)) ++taken;
    if (HasFailure()) FAIL() << "seed " << kSeed << ", round " << round;
  }
  // Damage to the data alone leaves a valid file, so some rounds get through; not most.
  EXPECT_GT(taken, 0);
  EXPECT_LT(taken, kRounds / 2);
}

}  // namespace
}  // namespace zoo::weights
