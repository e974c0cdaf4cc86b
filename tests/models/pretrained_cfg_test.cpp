#include "models/pretrained_cfg.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/support/temp_folder.h"

namespace zoo::models {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PretrainedCfg : public ::testing::Test {
 protected:
  fs::path write(const std::string& text) const {
    std::ofstream(folder_ / "config.json", std::ios::binary) << text;
    return folder_ / "config.json";
  }
  // A whole file with one member of pretrained_cfg replaced.
  static std::string with(const std::string& key, const std::string& value) {
    const std::vector<std::pair<std::string, std::string>> members = {
        {"input_size", "[3, 224, 224]"},  {"crop_pct", "0.875"},
        {"interpolation", "\"bicubic\""}, {"mean", "[0.485, 0.456, 0.406]"},
        {"std", "[0.229, 0.224, 0.225]"}, {"crop_mode", "\"center\""}};
    std::string text = R"({"architecture": "a", "pretrained_cfg": {"tag": "t")";
    for (const auto& [name, usual] : members) {
      const std::string& used = name == key ? value : usual;
      if (!used.empty()) text += ", \"" + name + "\": " + used;
    }
    return text + "}}";
  }
  std::string problem(const std::string& text) const {
    const fs::path file = write(text);
    try {
      read_pretrained_cfg(file);
    } catch (const WeightError& error) {
      const std::string found = std::string(error.what()).substr(file.string().size() + 2);
      const std::string advice = "; `backbone-zoo pull --force` fetches it anew";
      EXPECT_THAT(found, ::testing::EndsWith(advice));
      return found.substr(0, found.size() - std::min(found.size(), advice.size()));
    }
    return "none";
  }

  test::TempFolder temp_;
  fs::path folder_ = temp_.path();
};

TEST_F(PretrainedCfg, IsReadAsTimmReadsIt) {
  const PreprocessConfig config = read_pretrained_cfg(write(with("", "")));
  EXPECT_EQ(to_string(config), "resize 256, crop 224, bicubic, mean [0.485, 0.456, 0.406], std [0.229, 0.224, 0.225]");
  // timm: int(math.floor(size / crop_pct)).
  EXPECT_THAT(read_pretrained_cfg(write(with("crop_pct", "0.9"))).resize, ElementsAre(248));
  EXPECT_THAT(read_pretrained_cfg(write(with("crop_pct", "1"))).resize, ElementsAre(224));
  EXPECT_THAT(read_pretrained_cfg(write(with("input_size", "[3, 448, 448]"))).crop, ElementsAre(448));
}

TEST_F(PretrainedCfg, IsNotBelieved) {
  EXPECT_EQ(problem(""), "cannot be read, is empty or larger than 1 MiB");
  EXPECT_EQ(problem(std::string((1U << 20U) + 1, ' ')), "cannot be read, is empty or larger than 1 MiB");
  EXPECT_EQ(problem("{"), "is not a JSON object");
  EXPECT_EQ(problem("[]"), "is not a JSON object");
  EXPECT_EQ(problem(std::string(500'000, '[')), "nests lists and objects more than 64 deep");
  EXPECT_EQ(problem("{\"pretrained_cfg\": 1}"), "has no object \"pretrained_cfg\"");
  EXPECT_EQ(problem(with("mean", "")), "pretrained_cfg has no \"mean\"");
  EXPECT_EQ(problem(with("mean", "[0, 0]")), "pretrained_cfg.mean: expected 3 numbers, found [0,0]");
  EXPECT_EQ(problem(with("mean", "[0, 0, 1e99]")), "pretrained_cfg.mean: expected 3 numbers, found [0,0,1e+99]");
  EXPECT_EQ(problem(with("std", "[1, 1, 0]")), "pretrained_cfg.std: expected 3 numbers over 0, found [1,1,0]");
  EXPECT_EQ(problem(with("std", "\"1\"")), "pretrained_cfg.std: expected 3 numbers over 0, found \"1\"");
  for (const char* size : {"[3,224,256]", "[1,224,224]", "[3,0,0]", "[3,9000,9000]", "[3,224.5,224.5]", "224",
                           "[3,18446744073709551615,18446744073709551615]", "[3,-1,-1]"}) {
    EXPECT_EQ(problem(with("input_size", size)),
              std::string("pretrained_cfg.input_size: expected [3, size, size], found ") + size);
  }
  for (const char* crop : {"0.0", "-1.0", "1.5", "1e-300"}) {
    EXPECT_THAT(problem(with("crop_pct", crop)), ::testing::StartsWith("pretrained_cfg.crop_pct: expected a ")) << crop;
  }
  EXPECT_EQ(problem(with("crop_pct", "\"0.9\"")), "pretrained_cfg.crop_pct: expected a number, found \"0.9\"");
  EXPECT_EQ(problem(with("interpolation", "\"random\"")),
            "pretrained_cfg.interpolation: expected nearest, bilinear, bicubic or lanczos, found \"random\"");
  EXPECT_EQ(problem(with("crop_mode", "\"squash\"")),
            "pretrained_cfg.crop_mode: expected \"center\", found \"squash\"");
}

TEST(PreprocessDifferences, AreNamed) {
  const PreprocessConfig ours;
  EXPECT_THAT(preprocess_differences(ours, ours), IsEmpty());
  PreprocessConfig other = ours;
  other.crop = {240};
  other.interpolation = Interpolation::kBicubic;
  other.mean = {0.5F, 0.5F, 0.5F};
  EXPECT_THAT(preprocess_differences(other, ours),
              ElementsAre("crop 240 instead of 224", "interpolation bicubic instead of bilinear",
                          "mean [0.5, 0.5, 0.5] instead of [0.485, 0.456, 0.406]"));
}

TEST_F(PretrainedCfg, RefusesNestingBeforeItReads) {
  std::string lists;
  for (int i = 0; i < 400'000; ++i) lists += '[';
  const std::string refusal = "nests lists and objects more than 64 deep";
  EXPECT_EQ(problem(lists), refusal);
  EXPECT_EQ(problem(with("crop_pct", lists)), refusal);
  EXPECT_EQ(problem(with("crop_pct", lists + std::string(lists.size(), ']'))), refusal);
  EXPECT_EQ(
      problem(with("mean", std::string(30, '[') + std::string(30, ']'))),
      "pretrained_cfg.mean: expected 3 numbers, found [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
}

}  // namespace
}  // namespace zoo::models
