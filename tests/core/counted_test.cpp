#include "nn/core/counted.h"

#include <gtest/gtest.h>

namespace zoo {
namespace {

TEST(Counted, OneThingIsSingular) {
  EXPECT_EQ(counted(1, "frame"), "1 frame");
  EXPECT_EQ(counted(1, "input channel"), "1 input channel");
}

TEST(Counted, EveryOtherNumberIsPlural) {
  EXPECT_EQ(counted(0, "frame"), "0 frames");
  EXPECT_EQ(counted(2, "frame"), "2 frames");
  EXPECT_EQ(counted(-1, "frame"), "-1 frames");
}

TEST(Counted, FormsPluralsByRule) {
  EXPECT_EQ(counted(2, "class"), "2 classes");
  EXPECT_EQ(counted(2, "box"), "2 boxes");
  EXPECT_EQ(counted(2, "batch"), "2 batches");
  EXPECT_EQ(counted(2, "category"), "2 categories");
  EXPECT_EQ(counted(2, "key"), "2 keys");
}

}  // namespace
}  // namespace zoo
