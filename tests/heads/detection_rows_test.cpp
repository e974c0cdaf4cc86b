#include <vector>

#include <gtest/gtest.h>

#include "heads/detection.h"
#include "nn/core/error.h"

namespace zoo::heads {
namespace {

TEST(RowsFromMap, ListPositionsThenAnchorsThenColumns) {
  // Two anchors of three columns on a map of 1x2; every value is anchor, column, position as digits.
  const std::vector<float> map = {0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121};
  std::vector<float> rows(map.size());
  rows_from_map(map, {1, 2}, 3, rows);
  EXPECT_EQ(rows, (std::vector<float>{0, 10, 20, 100, 110, 120, 1, 11, 21, 101, 111, 121}));
}

TEST(RowsFromMap, GoThroughTheMapRowByRow) {
  const std::vector<float> map = {0, 1, 2, 3, 4, 5};
  std::vector<float> rows(map.size());
  rows_from_map(map, {2, 3}, 1, rows);
  EXPECT_EQ(rows, map);
}

TEST(RowsFromMap, RefuseValuesThatDoNotFit) {
  const std::vector<float> map(12);
  std::vector<float> rows(12);
  EXPECT_THROW(rows_from_map(map, {1, 2}, 4, rows), Error);
  EXPECT_THROW(rows_from_map(map, {0, 2}, 3, rows), Error);
  EXPECT_THROW(rows_from_map(map, {1, 2}, 3, std::span(rows).first(11)), Error);
}

}  // namespace
}  // namespace zoo::heads
