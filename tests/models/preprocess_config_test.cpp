#include "models/preprocess_config.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo::models {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Size = std::array<int64_t, 2>;

PreprocessConfig decode(const std::string& text, int64_t in_channels = 3) {
  const ConfigDocument document = ConfigDocument::parse("preprocess: " + text + "\n", "x.yaml");
  PreprocessConfig config = decode_preprocess(document.root().find("preprocess"), in_channels);
  document.finish();
  return config;
}

TEST(PreprocessConfig, HasTheImageNetDefaults) {
  for (const char* text : {"~", "{}"}) {
    const PreprocessConfig config = decode(text);
    EXPECT_THAT(config.resize, ElementsAre(256));
    EXPECT_THAT(config.crop, ElementsAre(224));
    EXPECT_EQ(config.interpolation, Interpolation::kBilinear);
    EXPECT_THAT(config.mean, ElementsAre(0.485F, 0.456F, 0.406F));
    EXPECT_THAT(config.std, ElementsAre(0.229F, 0.224F, 0.225F));
    EXPECT_EQ(config.color, ColorOrder::kRgb);
  }
}

TEST(PreprocessConfig, ReadsEveryKey) {
  const PreprocessConfig config = decode(
      "{resize: [240, 320], crop: 200, interpolation: lanczos, mean: [0, 0.5, 1], std: [1, 1, 0.5], color: bgr}");
  EXPECT_THAT(config.resize, ElementsAre(240, 320));
  EXPECT_THAT(config.crop, ElementsAre(200));
  EXPECT_EQ(config.interpolation, Interpolation::kLanczos);
  EXPECT_THAT(config.mean, ElementsAre(0.0F, 0.5F, 1.0F));
  EXPECT_THAT(config.std, ElementsAre(1.0F, 1.0F, 0.5F));
  EXPECT_EQ(config.color, ColorOrder::kBgr);
}

TEST(PreprocessConfig, KnowsEveryInterpolation) {
  EXPECT_EQ(decode("{interpolation: nearest}").interpolation, Interpolation::kNearest);
  EXPECT_EQ(decode("{interpolation: bilinear}").interpolation, Interpolation::kBilinear);
  EXPECT_EQ(decode("{interpolation: torch_bilinear}").interpolation, Interpolation::kTorchBilinear);
  EXPECT_EQ(decode("{interpolation: bicubic}").interpolation, Interpolation::kBicubic);
}

TEST(PreprocessConfig, ReadsALetterbox) {
  const PreprocessConfig config = decode("{letterbox: {size: [240, 320], fill: [1, 2, 3], position: top_left}}");
  ASSERT_TRUE(config.letterbox);
  EXPECT_THAT(config.letterbox->size, ElementsAre(240, 320));
  EXPECT_THAT(config.letterbox->fill, ElementsAre(1, 2, 3));
  EXPECT_EQ(config.letterbox->position, Letterbox::Position::kTopLeft);
  EXPECT_THAT(config.resize, IsEmpty());
  EXPECT_THAT(config.crop, IsEmpty());
  EXPECT_EQ(config.output_size(), (Size{240, 320}));
  const PreprocessConfig square = decode("{letterbox: {size: 320, fill: 114}, resize: ~, crop: ~}");
  EXPECT_EQ(square.output_size(), (Size{320, 320}));
  EXPECT_THAT(square.letterbox->fill, ElementsAre(114, 114, 114));
  EXPECT_THAT(decode("{letterbox: {size: 320}}").letterbox->fill, IsEmpty());
  EXPECT_FALSE(decode("{letterbox: ~}").letterbox);
}

TEST(PreprocessConfig, IsGrayForOneChannel) {
  const PreprocessConfig config = decode("{mean: [0.5], std: [0.25]}", 1);
  EXPECT_EQ(config.color, ColorOrder::kGray);
  EXPECT_THAT(config.mean, ElementsAre(0.5F));
  EXPECT_EQ(decode("{mean: [0.5], std: [0.25], color: gray}", 1).color, ColorOrder::kGray);
}

TEST(PreprocessConfig, HasNoMeanForANetworkThatReadsNoPictures) {
  EXPECT_THAT(decode("~", 4).mean, IsEmpty());
  EXPECT_THAT(decode("~", 4).std, IsEmpty());
}

TEST(PreprocessConfig, KnowsTheOutputSizeWhereItIsFixed) {
  EXPECT_EQ(decode("{crop: 224}").output_size(), (Size{224, 224}));
  EXPECT_EQ(decode("{crop: [200, 100]}").output_size(), (Size{200, 100}));
  EXPECT_EQ(decode("{crop: ~, resize: [240, 320]}").output_size(), (Size{240, 320}));
  EXPECT_EQ(decode("{crop: ~, resize: 256}").output_size(), std::nullopt);
  EXPECT_EQ(decode("{crop: ~, resize: ~}").output_size(), std::nullopt);
}

}  // namespace
}  // namespace zoo::models
