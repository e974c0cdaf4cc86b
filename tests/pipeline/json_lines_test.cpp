#include "pipeline/json_lines.h"

#include <string>

#include <gtest/gtest.h>

namespace zoo::pipeline {
namespace {

TEST(JsonLines, FrameHasItsResultAndTimes) {
  ProcessedFrame item;
  item.frame = {
      .image = cv::Mat(480, 640, CV_8UC3), .source = "clip.mp4", .index = 7, .time_s = 0.28, .capture_ms = 1.25};
  item.result.top = {{3, "tabby \"cat\"", 0.8123456789, 7.25}};
  item.result.preprocess_ms = 0.5;
  item.result.infer_ms = 1.4;
  item.draw_ms = 0.0004;
  EXPECT_EQ(to_json_line(item), R"({"source":"clip.mp4","frame":7,"time_s":0.28,"size":[480,640],)"
                                R"("top":[{"index":3,"label":"tabby \"cat\"","score":0.812346,"logit":7.25}],)"
                                R"("ms":{"capture":1.25,"preprocess":0.5,"infer":1.4,"draw":0.0}})");
}

TEST(JsonLines, FailureHasItsReason) {
  EXPECT_EQ(to_json_line(FrameFailure{"a.jpg", 2, FailureKind::kNotAnImage, "a.jpg: no image"}),
            R"({"source":"a.jpg","frame":2,"error":"a.jpg: no image","kind":"not_an_image"})");
}

TEST(JsonLines, TextThatIsNotUtf8IsRepaired) {
  EXPECT_EQ(to_json_line(FrameFailure{"a\xFF.jpg", 0, FailureKind::kEmpty, "x"}),
            "{\"source\":\"a\xEF\xBF\xBD.jpg\",\"frame\":0,\"error\":\"x\",\"kind\":\"empty\"}");
}

}  // namespace
}  // namespace zoo::pipeline
