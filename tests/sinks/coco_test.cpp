#include "sinks/coco.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo::sinks {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(CocoEntries, OfBoxesHaveCornerAndSize) {
  pipeline::ProcessedFrame item;
  item.frame.source = "cat.jpg";
  item.result =
      pipeline::FoundObjects{{{17, "cat", 0.75, {10.5F, 20.0F, 110.5F, 60.0F}}, {3, "car", 0.5, {0, 0, 1, 2}}}, {}};
  EXPECT_THAT(
      coco_entries(item, 4),
      ElementsAre(R"({"image_id":4,"file_name":"cat.jpg","category_id":17,"bbox":[10.5,20.0,100.0,40.0],"score":0.75})",
                  R"({"image_id":4,"file_name":"cat.jpg","category_id":3,"bbox":[0.0,0.0,1.0,2.0],"score":0.5})"));
}

TEST(CocoEntries, OfMasksHaveRunLengths) {
  pipeline::ProcessedFrame item;
  item.frame.source = "cat.jpg";
  pipeline::Segmentation result;
  result.labels = cv::Mat(2, 3, CV_8UC1, cv::Scalar(0));
  result.labels.at<uint8_t>(0, 1) = 8;
  result.classes = {{0, "background", 5 / 6.0}, {8, "cat", 1 / 6.0}};
  item.result = result;
  EXPECT_THAT(
      coco_entries(item, 1),
      ElementsAre(
          R"({"image_id":1,"file_name":"cat.jpg","category_id":0,"segmentation":{"size":[2,3],"counts":"0211"}})",
          R"({"image_id":1,"file_name":"cat.jpg","category_id":8,"segmentation":{"size":[2,3],"counts":"213"}})"));
}

TEST(CocoEntries, OfAClassificationAreNone) { EXPECT_THAT(coco_entries(pipeline::ProcessedFrame{}, 1), IsEmpty()); }

}  // namespace
}  // namespace zoo::sinks
