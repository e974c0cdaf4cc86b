#include "heads/default_boxes.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo::heads {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;

// All expected boxes: torchvision 0.14.1's DefaultBoxGenerator, bit for bit.

TEST(DefaultBoxes, EqualTorchvisionsOfAnOddPicture) {
  const DefaultBoxOptions options = {
      .aspect_ratios = {{2.0, 3.0}, {}}, .scales = even_scales(2, 0.2, 0.95), .steps = {}, .clip = true};
  EXPECT_THAT(boxes_per_position(options), ElementsAre(6, 2));
  const std::array<graph::Size2d, 2> maps = {graph::Size2d{2, 3}, graph::Size2d{1, 1}};
  const std::vector<Box> boxes = default_boxes(options, maps, {97, 161});
  ASSERT_EQ(boxes.size(), 38U);
  EXPECT_EQ(boxes[0], (Box{0x1.577778p+3F, 0x1.d1999ap+3F, 0x1.577778p+5F, 0x1.0f999ap+5F}));
  EXPECT_EQ(boxes[1], (Box{-0x1.082f8ap+3F, 0x1.8dfedap+1F, 0x1.ef6138p+5F, 0x1.6b2012p+5F}));
  EXPECT_EQ(boxes[2], (Box{0x1.0420aep+2F, 0x1.1641ccp+4F, 0x1.8cd14p+5F, 0x1.f1be34p+4F}));
  EXPECT_EQ(boxes[3], (Box{0x1.ee5d82p+3F, 0x1.510730p+3F, 0x1.31bdf6p+5F, 0x1.2fbe34p+5F}));
  EXPECT_EQ(boxes[4], (Box{-0x1.0d7ca8p+0F, 0x1.2a652ep+4F, 0x1.b5c13cp+5F, 0x1.dd9ad2p+4F}));
  EXPECT_EQ(boxes[5], (Box{0x1.189ba0p+4F, 0x1.dcbe2ep+2F, 0x1.210786p+5F, 0x1.48683ap+5F}));
  EXPECT_EQ(boxes[6], (Box{0x1.01999ap+6F, 0x1.d1999ap+3F, 0x1.826668p+6F, 0x1.0f999ap+5F}));
  EXPECT_EQ(boxes[35], (Box{0x1.f37c3cp+6F, 0x1.bf97c6p+5F, 0x1.1eec8cp+7F, 0x1.66341ep+6F}));
  EXPECT_EQ(boxes[36], (Box{0x1.01999ep+2F, 0x1.36666cp+1F, 0x1.39f334p+7F, 0x1.7a4ccep+6F}));
  EXPECT_EQ(boxes[37], (Box{0x1.04e742p+1F, 0x1.3a6164p+0F, 0x1.3dec64p+7F, 0x1.7f167cp+6F}));
}

TEST(DefaultBoxes, StepOverThePictureWhereToldTo) {
  const DefaultBoxOptions options = {.aspect_ratios = {{2.0}}, .scales = {0.9, 1.3}, .steps = {16.0}, .clip = true};
  const std::array<graph::Size2d, 1> maps = {graph::Size2d{2, 2}};
  const std::vector<Box> boxes = default_boxes(options, maps, {40, 50});
  ASSERT_EQ(boxes.size(), 16U);
  EXPECT_EQ(boxes[0], (Box{-0x1.dp+3F, -0x1.3ffffep+3F, 0x1.e8p+4F, 0x1.ap+4F}));
  EXPECT_EQ(boxes[1], (Box{-0x1.1p+4F, -0x1.8p+3F, 0x1.08p+5F, 0x1.cp+4F})) << "1.08 of the picture becomes 1";
  EXPECT_EQ(boxes[6], (Box{-0x1.000008p+0F, -0x1.2e9646p+2F, 0x1.88p+5F, 0x1.4ba592p+4F}));
  EXPECT_EQ(boxes[15], (Box{0x1.02e212p+3F, 0x1.000004p+2F, 0x1.3f477ap+5F, 0x1.6p+5F}));
}

TEST(DefaultBoxes, AreLargerThanThePictureWithoutClipping) {
  const DefaultBoxOptions options = {.aspect_ratios = {{2.0}}, .scales = {0.9, 1.3}, .steps = {16.0}, .clip = false};
  const std::array<graph::Size2d, 1> maps = {graph::Size2d{1, 1}};
  const std::vector<Box> boxes = default_boxes(options, maps, {40, 50});
  ASSERT_EQ(boxes.size(), 4U);
  EXPECT_EQ(boxes[1], (Box{-0x1.30aa8ap+4F, -0x1.b4441p+3F, 0x1.185546p+5F, 0x1.da2208p+4F}));
  EXPECT_EQ(boxes[2], (Box{-0x1.7d1decp+4F, -0x1.2e9646p+2F, 0x1.3e8ef6p+5F, 0x1.4ba592p+4F}));
  EXPECT_EQ(boxes[3], (Box{-0x1.fa3bdap+2F, -0x1.174b24p+4F, 0x1.7e8ef6p+4F, 0x1.0ba592p+5F}));
}

TEST(DefaultBoxes, HaveEvenScales) {
  EXPECT_THAT(even_scales(6, 0.2, 0.95), ElementsAre(DoubleEq(0.2), DoubleEq(0.35), DoubleEq(0.5), DoubleEq(0.65),
                                                     DoubleEq(0.8), DoubleEq(0.95), DoubleEq(1.0)));
  EXPECT_THAT(even_scales(1, 0.2, 0.95), ElementsAre(DoubleEq(0.2), DoubleEq(0.95)));
}

}  // namespace
}  // namespace zoo::heads
