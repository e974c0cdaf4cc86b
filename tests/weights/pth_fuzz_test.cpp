// Damaged files of torch.save: whatever the bytes are, opening either works, and then every tensor can be read, or
// throws WeightError of one line.
#include <random>

#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/weights/checkpoint_file.h"
#include "nn/weights/convert.h"
#include "tests/weights/pth_files.h"

namespace zoo::weights {
namespace {

constexpr unsigned kSeed = 20240611;
constexpr int kRounds = 6'000;

class PthFuzz : public FileTest {
 protected:
  bool survives(const std::string& bytes) {
    const std::filesystem::path file = write("fuzz.pth", bytes);
    try {
      const CheckpointFile opened = CheckpointFile::open(file);
      for (const StoredTensor& tensor : opened.tensors()) {
        EXPECT_EQ(static_cast<size_t>(tensor.shape.elements()) * size_of(tensor.dtype), tensor.data.size());
        for (const std::byte byte : tensor.data) checksum_ += static_cast<size_t>(byte);
      }
      return true;
    } catch (const WeightError& error) {
      EXPECT_EQ(std::string(error.what()).rfind(file.string() + ": ", 0), 0U) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      return false;
    }
  }

  static std::string valid_pickle() {
    const std::string storage = pkl::storage("0", 4);
    return pkl::pickle(pkl::dict(
        {{"epoch", pkl::number(3)},
         {"model", pkl::ordered_dict() + "(" + pkl::text("a") + pkl::tensor(storage, 1, {3}, {1}) + pkl::text("b") +
                       pkl::tensor(storage, 0, {2, 2}, {1, 2}) + "u" + pkl::dict({{"_metadata", "}"}}) + "b"},
         {"list", "](" + pkl::number(1) + "NG" + std::string(8, '\x3F') + "e"}}));
  }

  size_t below(size_t limit) { return std::uniform_int_distribution<size_t>(0, limit - 1)(random_); }

  void damage(std::string& bytes, const std::vector<std::string>& tokens) {
    for (size_t change = 0; change <= below(3); ++change) {
      if (bytes.empty()) return;
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
    }
  }

  size_t checksum_ = 0;
  std::mt19937 random_{kSeed};
};

TEST_F(PthFuzz, EveryTruncationIsRefused) {
  const std::string valid = pth_bytes(valid_pickle());
  ASSERT_TRUE(survives(valid));
  for (size_t size = 0; size < valid.size(); ++size) EXPECT_FALSE(survives(valid.substr(0, size))) << size;
}

TEST_F(PthFuzz, EveryTruncationOfThePickleIsRefused) {
  const std::string valid = valid_pickle();
  for (size_t size = 0; size < valid.size(); ++size) EXPECT_FALSE(survives(pth_bytes(valid.substr(0, size)))) << size;
}

TEST_F(PthFuzz, EveryBitFlipOfTheArchiveIsReadOrRefused) {
  const std::string valid = pth_bytes(valid_pickle());
  for (size_t bit = 0; bit < valid.size() * 8; ++bit) {
    std::string bytes = valid;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    survives(bytes);
  }
}

TEST_F(PthFuzz, EveryByteOfThePickleMayBeAnyOther) {
  const std::string valid = valid_pickle();
  for (size_t position = 0; position < valid.size(); ++position) {
    std::string pickle = valid;
    for (size_t step = 0; step < 16; ++step) {
      pickle[position] = static_cast<char>(below(256));
      survives(pth_bytes(pickle));
    }
  }
}

TEST_F(PthFuzz, RandomDamageIsReadOrRefused) {
  const std::vector<std::string> pickle_tokens = {"(",
                                                  "t",
                                                  "u",
                                                  "s",
                                                  "R",
                                                  "b",
                                                  "Q",
                                                  "N",
                                                  "}",
                                                  "]",
                                                  ")",
                                                  "\x85",
                                                  "\x86",
                                                  "\x87",
                                                  "\x88",
                                                  "\x94",
                                                  "\x93",
                                                  std::string("h\0", 2),
                                                  std::string("q\0", 2),
                                                  "J\xFF\xFF\xFF\xFF",
                                                  "J\xFF\xFF\xFF\x7F",
                                                  "\x8a\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F",
                                                  "cos\nsystem\n",
                                                  "ctorch\nSize\n",
                                                  pkl::storage("0", 4),
                                                  pkl::ordered_dict()};
  const std::vector<std::string> zip_tokens = {"PK\x01\x02",         "PK\x03\x04", "PK\x05\x06",
                                               "PK\x06\x06",         "PK\x06\x07", std::string(4, '\xFF'),
                                               std::string(4, '\0'), "../",        "net/"};
  int taken = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::string pickle = valid_pickle();
    if (round % 2 == 0) damage(pickle, pickle_tokens);
    std::string bytes = pth_bytes(pickle);
    if (round % 2 == 1) damage(bytes, zip_tokens);
    if (survives(bytes)) ++taken;
    if (HasFailure()) FAIL() << "seed " << kSeed << ", round " << round;
  }
  // Damage to what nobody needs leaves a valid file, so some rounds get through; not most.
  EXPECT_GT(taken, 0);
  EXPECT_LT(taken, kRounds / 2);
}

TEST_F(PthFuzz, FilesOfPyTorchSurviveDamage) {
  for (const std::string name : {"views", "trained", "protocol4", "types"}) {
    const std::string valid = read_bytes(reference_data("pth/" + name + ".pth"));
    for (int round = 0; round < kRounds / 8; ++round) {
      std::string bytes = valid;
      for (size_t change = 0; change <= below(4); ++change) bytes[below(bytes.size())] = static_cast<char>(below(256));
      survives(bytes);
      if (HasFailure()) FAIL() << "seed " << kSeed << ", " << name << ", round " << round;
    }
  }
}

}  // namespace
}  // namespace zoo::weights
