#include "heads/anchors.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"

namespace zoo::heads {
namespace {

using ::testing::ElementsAre;

TEST(CellAnchors, ListEverySizeForEveryRatio) {
  const std::vector<double> sizes = {32, 64};
  const std::vector<double> ratios = {0.25, 1, 4};
  EXPECT_THAT(cell_anchors(sizes, ratios),
              ElementsAre(Box{-32, -8, 32, 8}, Box{-64, -16, 64, 16}, Box{-16, -16, 16, 16}, Box{-32, -32, 32, 32},
                          Box{-8, -32, 8, 32}, Box{-16, -64, 16, 64}));
}

TEST(CellAnchors, RoundHalvesToEven) {
  const std::vector<double> sizes = {1, 3, 5, 7};
  const std::vector<double> ratios = {1};
  EXPECT_THAT(cell_anchors(sizes, ratios),
              ElementsAre(Box{0, 0, 0, 0}, Box{-2, -2, 2, 2}, Box{-2, -2, 2, 2}, Box{-4, -4, 4, 4}));
}

// torch: 32 / sqrt(0.5) / 2 = 22.6, 32 * sqrt(0.5) / 2 = 11.3.
TEST(CellAnchors, AreTheTrainersOfItsPublishedSizes) {
  const std::vector<double> sizes = {32};
  const std::vector<double> ratios = {0.5, 1, 2};
  EXPECT_THAT(cell_anchors(sizes, ratios),
              ElementsAre(Box{-23, -11, 23, 11}, Box{-16, -16, 16, 16}, Box{-11, -23, 11, 23}));
}

TEST(NetspressoAnchors, StepThroughTheTrainersSizeWhateverTheInput) {
  const std::vector<double> ratios = {1};
  const AnchorFunction anchors = netspresso_anchors({{2}, {4}}, ratios);
  const std::vector<graph::Size2d> maps = {{2, 3}, {1, 1}};
  // Steps of 512 / 2 rows and 512 / 3 columns.
  const auto expected = ElementsAre(Box{-1, -1, 1, 1}, Box{169, -1, 171, 1}, Box{339, -1, 341, 1}, Box{-1, 255, 1, 257},
                                    Box{169, 255, 171, 257}, Box{339, 255, 341, 257}, Box{-2, -2, 2, 2});
  EXPECT_THAT(anchors(maps, {64, 96}), expected);
  EXPECT_THAT(anchors(maps, {512, 512}), expected);
}

TEST(NetspressoAnchors, RefuseMapsTheyAreNotLaidOutFor) {
  const std::vector<double> ratios = {1};
  const AnchorFunction anchors = netspresso_anchors({{2}}, ratios);
  EXPECT_THROW(anchors(std::vector<graph::Size2d>{{513, 4}}, {2052, 16}), Error);
  EXPECT_THROW(anchors(std::vector<graph::Size2d>{{4, 4}, {2, 2}}, {16, 16}), Error);
}

}  // namespace
}  // namespace zoo::heads
