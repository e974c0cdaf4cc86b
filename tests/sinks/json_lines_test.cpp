#include "sinks/json_lines.h"

#include <chrono>
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

TEST(JsonLines, NamedStreamsSayWhenWhoAndHowOld) {
  pipeline::ProcessedFrame item;
  item.frame = {.image = cv::Mat(20, 30, CV_8UC3), .source = "rtsp://host/1", .index = 7, .time_s = 1.5, .epoch = 2};
  item.frame.wall_time = std::chrono::system_clock::time_point(std::chrono::milliseconds(1'796'034'160'007));
  item.result = pipeline::Classification{};
  item.age_ms = 12.3456;
  item.model_version = 4;
  EXPECT_EQ(to_json_line(item, "", "door"),
            R"({"stream":"door","source":"rtsp://host/1","frame":7,"time_s":1.5,"size":[20,30],"top":[],)"
            R"("ms":{"capture":0.0,"preprocess":0.0,"infer":0.0,"draw":0.0},)"
            R"("wall_time":"2026-11-30T10:22:40.007Z","epoch":2,"age_ms":12.346,"model_version":4})");
  const pipeline::FrameFailure lost{.source = "rtsp://host/1",
                                    .index = 8,
                                    .kind = pipeline::FailureKind::kLost,
                                    .message = "rtsp://host/1: connection refused",
                                    .cause = pipeline::LossCause::kRefused,
                                    .epoch = 2};
  EXPECT_EQ(to_json_line(lost, "", "door"),
            R"({"stream":"door","source":"rtsp://host/1","frame":8,"error":"rtsp://host/1: connection refused",)"
            R"("kind":"lost","cause":"refused","epoch":2})");
}

TEST(JsonLines, ClassificationSaysWhetherItKnowsAndWhatStands) {
  pipeline::ProcessedFrame item;
  item.frame = {.image = cv::Mat(2, 2, CV_8UC3), .source = "clip.mp4"};
  pipeline::Classification result{{{3, "cat", 0.25, 7.25}}, {}};
  result.known = false;
  result.known_score = 0.2512345678;
  item.result = result;
  const std::string start = R"({"source":"clip.mp4","frame":0,"time_s":0.0,"size":[2,2],)"
                            R"("top":[{"index":3,"label":"cat","score":0.25,"logit":7.25}],)";
  const std::string end = R"("ms":{"capture":0.0,"preprocess":0.0,"infer":0.0,"draw":0.0}})";
  EXPECT_EQ(to_json_line(item), start + R"("known":false,"known_score":0.251235,)" + end);
  result.known = true;
  result.steady = pipeline::SteadyLabel{.index = 4, .label = "dog", .score = 0.75, .share = 0.5};
  item.result = result;
  EXPECT_EQ(to_json_line(item), start + R"("known":true,"known_score":0.251235,)" +
                                    R"("steady":{"index":4,"label":"dog","score":0.75,"share":0.5},)" + end);
  result.known.reset();
  result.steady = pipeline::SteadyLabel{.index = std::nullopt, .label = pipeline::kUnknownLabel};
  item.result = result;
  EXPECT_EQ(to_json_line(item), start + R"("steady":{"index":null,"label":"unknown","score":0.0,"share":0.0},)" + end);
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

TEST(JsonLines, TextThatIsNotUtf8IsRepairedAndNamesStayDifferent) {
  EXPECT_EQ(to_json_line(pipeline::FrameFailure{"a\xFF.jpg", 0, pipeline::FailureKind::kEmpty, "x\xFF"}),
            "{\"source\":\"a\\\\xff.jpg\",\"frame\":0,\"error\":\"x\xEF\xBF\xBD\",\"kind\":\"empty\"}");
}

}  // namespace
}  // namespace zoo::sinks
