#include "pipeline/eval/unknown_metric.h"

#include <vector>

#include <gtest/gtest.h>

#include "nn/core/error.h"

namespace zoo::eval {
namespace {

using Scores = std::vector<double>;

TEST(Separation, OfScoresThatDoNotOverlapIsPerfect) {
  const Separation separation = separation_of(Scores{0.9, 0.8, 0.7}, Scores{0.1, 0.6, 0.2});
  EXPECT_DOUBLE_EQ(*separation.auroc, 1.0);
  EXPECT_DOUBLE_EQ(*separation.fpr95, 0.0);
}

TEST(Separation, CountsPairsAndTiesAsHalf) {
  // 0.9 beats all three, 0.5 beats one and ties with one: (3 + 1.5) of 6.
  const Separation separation = separation_of(Scores{0.5, 0.9}, Scores{0.5, 0.1, 0.7});
  EXPECT_DOUBLE_EQ(*separation.auroc, 4.5 / 6.0);
  EXPECT_DOUBLE_EQ(*separation.fpr95, 2.0 / 3.0) << "to keep both known ones, 0.5 and 0.7 are taken in";
}

TEST(Separation, OfEqualScoresIsChance) {
  const Separation separation = separation_of(Scores(7, 0.5), Scores(3, 0.5));
  EXPECT_DOUBLE_EQ(*separation.auroc, 0.5);
  EXPECT_DOUBLE_EQ(*separation.fpr95, 1.0);
}

TEST(Separation, DoesNotDependOnOrder) {
  EXPECT_EQ(separation_of(Scores{3, 1, 2}, Scores{2, 0}).auroc, separation_of(Scores{1, 2, 3}, Scores{0, 2}).auroc);
}

TEST(Separation, NeedsPicturesOfBothKinds) {
  EXPECT_FALSE(separation_of(Scores{}, Scores{0.5}).auroc);
  EXPECT_FALSE(separation_of(Scores{0.5}, Scores{}).fpr95);
}

TEST(ThresholdKeeping, KeepsAtLeastTheShare) {
  Scores known;
  for (int i = 1; i <= 100; ++i) known.push_back(i);
  EXPECT_DOUBLE_EQ(threshold_keeping(0.95, known), 6.0);
  EXPECT_DOUBLE_EQ(*share_from(6.0, known), 0.95);
  EXPECT_DOUBLE_EQ(threshold_keeping(0.951, known), 5.0);
  EXPECT_DOUBLE_EQ(threshold_keeping(1.0, known), 1.0);
  EXPECT_DOUBLE_EQ(threshold_keeping(0.0, known), 100.0);
  EXPECT_THROW(threshold_keeping(0.95, Scores{}), Error);
}

TEST(ThresholdBetween, LiesInTheMiddleOfTheGap) {
  EXPECT_DOUBLE_EQ(threshold_between(Scores{0.8, 0.9}, Scores{0.1, 0.4}), 0.6);
  EXPECT_DOUBLE_EQ(threshold_between(Scores{0.8, 0.9, 0.2}, Scores{0.1, 0.4, 0.5}), 0.65)
      << "one known picture given up for two unknown ones";
  EXPECT_DOUBLE_EQ(threshold_between(Scores{0.2}, Scores{0.9}), 0.2) << "nothing lies below";
  EXPECT_THROW(threshold_between(Scores{0.5}, Scores{}), Error);
}

TEST(ShareFrom, CountsTheThresholdItself) {
  EXPECT_DOUBLE_EQ(*share_from(0.5, Scores{0.5, 0.4, 0.6, 0.1}), 0.5);
  EXPECT_FALSE(share_from(0.5, Scores{}));
}

TEST(ScoresOf, ChoosesTheScore) {
  const std::vector<pipeline::Certainty> pictures = {{0.1, 0.2, 0.3}, {0.4, 0.5, 0.6}};
  EXPECT_EQ(scores_of(pictures, models::CertaintyScore::kMaxProbability), (Scores{0.1, 0.4}));
  EXPECT_EQ(scores_of(pictures, models::CertaintyScore::kMargin), (Scores{0.2, 0.5}));
  EXPECT_EQ(scores_of(pictures, models::CertaintyScore::kEnergy), (Scores{0.3, 0.6}));
}

}  // namespace
}  // namespace zoo::eval
