#include "heads/segmentation.h"

#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/weights/safetensors.h"

namespace zoo::heads {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::vector<uint8_t> labels_of(const std::vector<float>& logits, int64_t classes, graph::Size2d size, const MapAxis& y,
                               const MapAxis& x) {
  std::vector<uint8_t> labels(static_cast<size_t>(y.count * x.count));
  label_map(logits, classes, size, y, x, labels);
  return labels;
}

TEST(LabelMap, EqualsInterpolateAndArgmaxOfPyTorch) {
  const auto file = weights::SafetensorsFile::open(std::string(ZOO_SOURCE_DIR) +
                                                   "/tests/reference_data/heads/label_maps.safetensors");
  int cases = 0;
  for (; file.find(fmt::format("{}.logits", cases)) != nullptr; ++cases) {
    SCOPED_TRACE(cases);
    const weights::StoredTensor& logits = *file.find(fmt::format("{}.logits", cases));
    const weights::StoredTensor& expected = *file.find(fmt::format("{}.labels", cases));
    const std::vector<float> wanted = weights::to_float(expected);
    const std::vector<float> sure = weights::to_float(*file.find(fmt::format("{}.sure", cases)));
    const std::vector<uint8_t> labels =
        labels_of(weights::to_float(logits), logits.shape[0], {logits.shape[1], logits.shape[2]},
                  whole_axis(expected.shape[0], logits.shape[1]), whole_axis(expected.shape[1], logits.shape[2]));
    size_t compared = 0;
    for (size_t i = 0; i < labels.size(); ++i) {
      if (sure[i] == 0.0F) continue;
      ++compared;
      EXPECT_EQ(static_cast<float>(labels[i]), wanted[i]) << "pixel " << i;
    }
    EXPECT_GT(compared, labels.size() / 2);
  }
  EXPECT_EQ(cases, 6);
}

TEST(LabelMap, OfEqualScoresTheLowerClassWins) {
  EXPECT_THAT(labels_of({1.0F, 1.0F, 1.0F, 1.0F}, 2, {1, 2}, whole_axis(1, 1), whole_axis(4, 2)),
              ElementsAre(0, 0, 0, 0));
}

TEST(LabelMap, MarksWhatTheMapDoesNotCover) {
  const MapAxis y = {.count = 3, .scale = 1.0, .offset = -1.0, .first = 1, .last = 2};
  const MapAxis x = {.count = 4, .scale = 1.0, .offset = -1.0, .first = 1, .last = 3};
  EXPECT_THAT(labels_of({5.0F, 0.0F, 0.0F, 5.0F}, 2, {1, 2}, y, x),
              ElementsAre(255, 255, 255, 255, 255, 0, 1, 255, 255, 255, 255, 255));
  const MapAxis none = {.count = 2};
  EXPECT_THAT(labels_of({5.0F}, 1, {1, 1}, whole_axis(1, 1), none), ElementsAre(255, 255));
}

TEST(LabelMap, RefusesWhatDoesNotFit) {
  EXPECT_THAT(
      [] {
        labels_of({1.0F}, 2, {1, 1}, whole_axis(1, 1), whole_axis(1, 1));
      },
      ThrowsMessage<Error>(HasSubstr("1 scores, expected 2x1x1")));
  EXPECT_THAT(
      [] {
        labels_of(std::vector<float>(256), 256, {1, 1}, whole_axis(1, 1), whole_axis(1, 1));
      },
      ThrowsMessage<Error>(HasSubstr("256 classes")));
  EXPECT_THAT(
      [] {
        labels_of({1.0F}, 1, {1, 1}, {1, 1.0, 0.0, 0, 2}, whole_axis(1, 1));
      },
      ThrowsMessage<Error>(HasSubstr("pixels 0 to 2 of 1")));
  EXPECT_THROW(labels_of({std::numeric_limits<float>::infinity()}, 1, {1, 1}, whole_axis(1, 1), whole_axis(1, 1)),
               EngineError);
}

}  // namespace
}  // namespace zoo::heads
