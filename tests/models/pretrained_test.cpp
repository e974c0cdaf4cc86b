// The table of known checkpoints against the zoo's own model files.
#include "models/pretrained.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/model_config.h"

namespace zoo::models {
namespace {

namespace fs = std::filesystem;

const fs::path kConfigs = fs::path(ZOO_SOURCE_DIR) / "configs";

TEST(Pretrained, IsFoundByEveryName) {
  const PretrainedCheckpoint* small = find_pretrained("mobilenetv4_conv_small.e2400_r224_in1k");
  ASSERT_NE(small, nullptr);
  EXPECT_EQ(small->repository, "timm/mobilenetv4_conv_small.e2400_r224_in1k");
  EXPECT_EQ(find_pretrained("mobilenetv4_conv_small"), small);
  EXPECT_EQ(find_pretrained("timm/mobilenetv4_conv_small"), small);
  const PretrainedCheckpoint* large = find_pretrained("MobileNet_V3_Large_Weights.IMAGENET1K_V2");
  ASSERT_NE(large, nullptr);
  EXPECT_EQ(large->sha256, "5c1a416349c4cf298f2a6a5e2600ed0ee55e604713578f5e74e6bc8bcaef7997");
  EXPECT_EQ(find_pretrained("torchvision/mobilenet_v3_large"), large) << "torchvision's DEFAULT is its newest";
  EXPECT_EQ(find_pretrained("mobilenet_v3_large"), large);
  EXPECT_NE(find_pretrained("MobileNet_V3_Large_Weights.IMAGENET1K_V1"), large);
  EXPECT_EQ(find_pretrained(""), nullptr);
  EXPECT_EQ(find_pretrained("mobilenetv4_conv_smal"), nullptr);
  EXPECT_EQ(unknown_pretrained("mobilenetv4_conv_smal"),
            "no checkpoint is known as \"mobilenetv4_conv_smal\"; did you mean \"mobilenetv4_conv_small\"?");
}

TEST(Pretrained, NamesAreUniqueAndTablesWhole) {
  std::set<std::string> names;
  size_t total = 0;
  size_t hub = 0;
  for (const PretrainedCheckpoint& known : pretrained_checkpoints()) {
    names.insert(known.name);
    names.insert(known.aliases.begin(), known.aliases.end());
    total += 1 + known.aliases.size();
    hub += known.source == PretrainedSource::kHub ? 1 : 0;
    EXPECT_GT(known.num_classes, 0);
    if (!known.model_file.empty()) {
      EXPECT_TRUE(fs::exists(kConfigs / (known.model_file + ".yaml"))) << known.model_file;
    }
    const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    EXPECT_TRUE(std::ranges::all_of(known.sha256 + known.commit, is_hex)) << known.name;
    EXPECT_TRUE(known.commit.empty() || (known.commit.size() == 40 && !known.sha256.empty())) << known.name;
    if (known.source == PretrainedSource::kTorchvision) {
      EXPECT_EQ(known.sha256.size(), 64U) << known.name;
      EXPECT_THAT(known.url, ::testing::EndsWith("-" + known.sha256.substr(0, 8) + ".pth"));
    } else {
      EXPECT_TRUE(known.sha256.empty() || known.sha256.size() == 64U) << known.name;
    }
  }
  EXPECT_EQ(names.size(), total);
  std::ifstream table(fs::path(ZOO_SOURCE_DIR) / "models/timm_pretrained.tsv");
  std::string line;
  std::getline(table, line);
  std::set<std::string> repositories;
  while (std::getline(table, line)) {
    const size_t tab = line.find('\t');
    EXPECT_NE(find_pretrained(line.substr(0, tab)), nullptr) << line;
    repositories.insert(line.substr(tab + 1, line.find('\t', tab + 1) - tab - 1));
  }
  EXPECT_EQ(hub, repositories.size());
  EXPECT_EQ(pretrained_checkpoints().size() - hub, 6U);
}

TEST(Pretrained, FitsTheZoosModelFiles) {
  size_t checked = 0;
  for (const char* source : {"timm", "torchvision"}) {
    for (const auto& entry : fs::directory_iterator(kConfigs / source)) {
      const std::string id = std::string(source) + "/" + entry.path().stem().string();
      SCOPED_TRACE(id);
      const PretrainedCheckpoint* known = find_pretrained(id);
      std::ifstream stream(entry.path());
      const std::string text(std::istreambuf_iterator<char>(stream), {});
      // Without a row in the table (unpublished, or no whole hash is known) a file promises none.
      EXPECT_EQ(text.find("# Fetched by: backbone-zoo pull " + id + "\n") != std::string::npos, known != nullptr);
      if (known == nullptr) continue;
      ++checked;
      const ModelConfig config = load_model_config(entry.path());
      EXPECT_EQ(find_pretrained(config.pretrained), known) << "use_pretrained: True must mean the same";
      EXPECT_EQ(config.num_classes, known->num_classes);
      ASSERT_TRUE(known->preprocess);
      EXPECT_EQ(to_string(config.preprocess), to_string(*known->preprocess));
      EXPECT_EQ(config.preprocess, *known->preprocess);
    }
  }
  EXPECT_GE(checked, 23U);
}

}  // namespace
}  // namespace zoo::models
