#include "nn/core/shape.h"

#include <gtest/gtest.h>

namespace zoo {
namespace {

TEST(Shape, MultipliesItsExtents) {
  EXPECT_EQ(Shape({2, 3, 224, 224}).elements(), 301056);
  EXPECT_EQ(Shape({7}).elements(), 7);
}

TEST(Shape, HasOneElementAsScalar) { EXPECT_EQ(Shape().elements(), 1); }

TEST(Shape, HasNoElementsWhenAnExtentIsZero) { EXPECT_EQ(Shape({4, 0, 3}).elements(), 0); }

TEST(Shape, HoldsProductsBeyond32Bits) { EXPECT_EQ(Shape({1 << 20, 1 << 20}).elements(), int64_t{1} << 40); }

TEST(Shape, PrintsExtentsOutermostFirst) {
  EXPECT_EQ(Shape({1, 3, 224, 160}).to_string(), "1x3x224x160");
  EXPECT_EQ(Shape({1000}).to_string(), "1000");
  EXPECT_EQ(Shape().to_string(), "scalar");
}

TEST(Shape, ComparesRankAndExtents) {
  EXPECT_EQ(Shape({1, 3}), Shape(std::vector<int64_t>{1, 3}));
  EXPECT_NE(Shape({1, 3}), Shape({3, 1}));
  EXPECT_NE(Shape({1, 3}), Shape({1, 3, 1}));
}

TEST(Shape, GivesAccessByAxis) {
  Shape shape{1, 3, 8, 8};
  shape[2] = 16;
  EXPECT_EQ(shape.rank(), 4U);
  EXPECT_EQ(shape[2], 16);
  EXPECT_EQ(shape[3], 8);
}

}  // namespace
}  // namespace zoo
