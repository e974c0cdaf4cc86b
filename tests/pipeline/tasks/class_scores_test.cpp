#include "pipeline/tasks/class_scores.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"

namespace zoo::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr double kTolerance = 1e-12;

TEST(Certainty, FollowsItsDefinitions) {
  const std::vector<float> logits = {1.0F, 3.0F, 2.0F};
  const Certainty certainty = certainty_of(logits);
  const double sum = std::exp(1.0) + std::exp(3.0) + std::exp(2.0);
  EXPECT_NEAR(certainty.max_probability, std::exp(3.0) / sum, kTolerance);
  EXPECT_NEAR(certainty.margin, (std::exp(3.0) - std::exp(2.0)) / sum, kTolerance);
  EXPECT_NEAR(certainty.energy, std::log(sum), kTolerance);
  EXPECT_EQ(certainty.of(models::CertaintyScore::kMaxProbability), certainty.max_probability);
  EXPECT_EQ(certainty.of(models::CertaintyScore::kMargin), certainty.margin);
  EXPECT_EQ(certainty.of(models::CertaintyScore::kEnergy), certainty.energy);
}

TEST(Certainty, SurvivesLargeScoresTiesAndASingleClass) {
  const Certainty tie = certainty_of(std::vector<float>{3e38F, -3e38F, 3e38F});
  EXPECT_DOUBLE_EQ(tie.max_probability, 0.5);
  EXPECT_DOUBLE_EQ(tie.margin, 0.0);
  EXPECT_TRUE(std::isfinite(tie.energy));
  const Certainty alone = certainty_of(std::vector<float>{2.0F});
  EXPECT_DOUBLE_EQ(alone.max_probability, 1.0);
  EXPECT_DOUBLE_EQ(alone.margin, 1.0);
  EXPECT_DOUBLE_EQ(alone.energy, 2.0);
}

TEST(ClassesFrom, AreThoseThatReachTheirOwnThreshold) {
  const std::vector<float> logits = {0.0F, 2.0F, -1.0F, 2.0F};
  const std::vector<double> thresholds = {0.5, 0.9, 0.2, 0.5};
  const auto classes = classes_from(thresholds, logits, {"a", "b", "c", "d"});
  ASSERT_EQ(classes.size(), 3U);
  EXPECT_EQ(classes[0].label, "d");
  EXPECT_NEAR(classes[0].score, 1.0 / (1.0 + std::exp(-2.0)), kTolerance);
  EXPECT_EQ(classes[0].logit, 2.0);
  EXPECT_EQ(classes[1].label, "a") << "exactly its threshold";
  EXPECT_EQ(classes[2].label, "c");
  EXPECT_THAT(classes_from(std::vector<double>(4, 0.99), logits, {}), IsEmpty());
}

TEST(Sigmoids, StayBetweenZeroAndOne) {
  EXPECT_THAT(sigmoids(std::vector<float>{-3e38F, 0.0F, 3e38F}), ElementsAre(0.0, 0.5, 1.0));
}

TEST(ClassScores, RefuseLogitsThatAreNoNumbers) {
  for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
    const std::vector<float> logits = {1.0F, bad};
    EXPECT_THROW(certainty_of(logits), EngineError);
    EXPECT_THROW(sigmoids(logits), EngineError);
    EXPECT_THROW(classes_from(std::vector<double>{0.5, 0.5}, logits, {}), EngineError);
  }
}

}  // namespace
}  // namespace zoo::pipeline
