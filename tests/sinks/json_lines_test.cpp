#include "sinks/json_lines.h"

#include <string>

#include <gtest/gtest.h>

namespace zoo::sinks {
namespace {

TEST(JsonLines, FrameHasItsResultAndTimes) {
  pipeline::ProcessedFrame item;
  item.frame = {
      .image = cv::Mat(480, 640, CV_8UC3), .source = "clip.mp4", .index = 7, .time_s = 0.28, .capture_ms = 1.25};
  item.result =
      pipeline::Classification{{{3, "tabby \"cat\"", 0.8123456789, 7.25}}, {.preprocess_ms = 0.5, .infer_ms = 1.4}};
  item.draw_ms = 0.0004;
  EXPECT_EQ(to_json_line(item), R"({"source":"clip.mp4","frame":7,"time_s":0.28,"size":[480,640],)"
                                R"("top":[{"index":3,"label":"tabby \"cat\"","score":0.812346,"logit":7.25}],)"
                                R"("ms":{"capture":1.25,"preprocess":0.5,"infer":1.4,"draw":0.0}})");
}

TEST(JsonLines, DetectionHasBoxes) {
  pipeline::ProcessedFrame item;
  item.frame = {.image = cv::Mat(20, 30, CV_8UC3), .source = "a.jpg"};
  item.result = pipeline::FoundObjects{{{17, "cat", 0.75, {1.25F, 2.0F, 10.5F, 20.0F}}}, {}};
  EXPECT_EQ(to_json_line(item), R"({"source":"a.jpg","frame":0,"time_s":0.0,"size":[20,30],)"
                                R"("boxes":[{"label":"cat","index":17,"score":0.75,"box":[1.25,2.0,10.5,20.0]}],)"
                                R"("ms":{"capture":0.0,"preprocess":0.0,"infer":0.0,"draw":0.0}})");
}

TEST(JsonLines, SegmentationHasAMask) {
  pipeline::ProcessedFrame item;
  item.frame = {.image = cv::Mat(2, 2, CV_8UC3), .source = "a.jpg"};
  pipeline::Segmentation result;
  result.labels = cv::Mat(2, 2, CV_8UC1, cv::Scalar(8));
  result.classes = {{8, "cat", 1.0}};
  item.result = result;
  const std::string start = R"({"source":"a.jpg","frame":0,"time_s":0.0,"size":[2,2],"mask":{)";
  const std::string end = R"("classes":{"cat":1.0}},"ms":{"capture":0.0,"preprocess":0.0,"infer":0.0,"draw":0.0}})";
  EXPECT_EQ(to_json_line(item), start + R"("rle":[{"label":"cat","index":8,"counts":"04"}],)" + end);
  EXPECT_EQ(to_json_line(item, "masks/a.png"), start + R"("file":"masks/a.png",)" + end);
}

TEST(JsonLines, FailureHasItsReason) {
  EXPECT_EQ(to_json_line(pipeline::FrameFailure{"a.jpg", 2, pipeline::FailureKind::kNotAnImage, "a.jpg: no image"}),
            R"({"source":"a.jpg","frame":2,"error":"a.jpg: no image","kind":"not_an_image"})");
}

TEST(JsonLines, TextThatIsNotUtf8IsRepaired) {
  EXPECT_EQ(to_json_line(pipeline::FrameFailure{"a\xFF.jpg", 0, pipeline::FailureKind::kEmpty, "x"}),
            "{\"source\":\"a\xEF\xBF\xBD.jpg\",\"frame\":0,\"error\":\"x\",\"kind\":\"empty\"}");
}

}  // namespace
}  // namespace zoo::sinks
