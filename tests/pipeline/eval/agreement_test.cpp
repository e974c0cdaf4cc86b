#include "pipeline/eval/agreement.h"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "models/model.h"
#include "nn/core/error.h"
#include "pipeline/eval/evaluate.h"

namespace zoo::eval {
namespace {

CocoFound box(int64_t class_index, double score, double x) { return {class_index, score, {x, 0.0, 10.0, 10.0}}; }

void expect_agreement(const std::vector<CocoFound>& a, const std::vector<CocoFound>& b, int64_t same, int64_t total) {
  for (const Agreement& agreement : {compare_boxes(a, b), compare_boxes(b, a)}) {
    EXPECT_EQ(agreement.same, same);
    EXPECT_EQ(agreement.total, total);
  }
}

TEST(Agreement, HasNoShareWithoutAnything) {
  EXPECT_EQ(Agreement{}.share(), std::nullopt);
  Agreement sum{1, 2};
  sum.add({2, 2});
  EXPECT_EQ(sum.share(), 0.75);
}

TEST(Agreement, BoxesNeedTheSameClassAndPlace) {
  expect_agreement({box(1, 0.9, 0)}, {box(1, 0.8, 2)}, 1, 1);
  expect_agreement({box(1, 0.9, 0)}, {box(2, 0.8, 0)}, 0, 1);
  expect_agreement({box(1, 0.9, 0)}, {box(1, 0.8, 6)}, 0, 1);
  expect_agreement({box(1, 0.9, 0), box(1, 0.7, 50)}, {box(1, 0.8, 0)}, 1, 2);
}

TEST(Agreement, EachBoxIsFoundOnce) { expect_agreement({box(1, 0.9, 0), box(1, 0.8, 1)}, {box(1, 0.9, 0)}, 1, 2); }

TEST(Agreement, BoxesJustBelowTheScoreStillCountAsFound) {
  expect_agreement({box(1, 0.52, 0)}, {box(1, 0.48, 0)}, 1, 1);
  expect_agreement({box(1, 0.4, 0)}, {box(1, 0.48, 0)}, 0, 0);
}

TEST(Agreement, LabelsAreComparedPixelByPixel) {
  const std::vector<uint8_t> a = {1, 2, 3, 4};
  const std::vector<uint8_t> b = {1, 2, 0, 4};
  EXPECT_EQ(compare_labels(a, b).same, 3);
  EXPECT_EQ(compare_labels(a, b).total, 4);
}

TEST(EvalOptions, ShardsOutOfRangeAreRefused) {
  const auto model = std::make_shared<const models::Model>(
      models::Model::load(ZOO_SOURCE_DIR "/configs/demo/emoji.yaml", {.random_weights = true}));
  for (const int shards : {0, -1, 100'000}) {
    EXPECT_THROW(evaluate(model, std::vector<ClassItem>{}, {.shards = shards}), Error) << shards;
  }
}

}  // namespace
}  // namespace zoo::eval
