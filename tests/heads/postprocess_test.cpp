#include "heads/postprocess.h"

#include <string>

#include <gtest/gtest.h>

#include "nn/core/error.h"

namespace zoo::heads {
namespace {

constexpr Postprocess kDefaults = {
    .topk_candidates = 7, .score_thresh = 0.25, .nms_thresh = 0.75, .class_agnostic = true, .max_detections = 9};

Postprocess decode(const std::string& text) {
  const ConfigDocument document = ConfigDocument::parse("postprocessor: " + text, "x.yaml");
  const Postprocess result = decode_postprocess(document.root().find("postprocessor"), kDefaults);
  document.finish();
  return result;
}

TEST(Postprocess, IsTheHeadsWhereNothingIsSaid) {
  for (const char* text : {"~", "{params: ~}", "{params: {}}"}) {
    const Postprocess result = decode(text);
    EXPECT_EQ(result.topk_candidates, 7);
    EXPECT_EQ(result.score_thresh, 0.25);
    EXPECT_EQ(result.nms_thresh, 0.75);
    EXPECT_TRUE(result.class_agnostic);
    EXPECT_EQ(result.max_detections, 9);
  }
}

TEST(Postprocess, IsRead) {
  const Postprocess result = decode(
      "{params: {topk_candidates: 300, score_thresh: 0.001, nms_thresh: 0.55, class_agnostic: False, "
      "max_detections: 100}}");
  EXPECT_EQ(result.topk_candidates, 300);
  EXPECT_EQ(result.score_thresh, 0.001);
  EXPECT_EQ(result.nms_thresh, 0.55);
  EXPECT_FALSE(result.class_agnostic);
  EXPECT_EQ(result.max_detections, 100);
  EXPECT_EQ(decode("{params: {max_detections: ~}}").max_detections, 0);
}

TEST(Postprocess, SaysEverythingThatIsWrong) {
  try {
    decode("{params: {topk_candidates: 0, score_thresh: 1.5, nms_thresh: -1, topk: 5}}");
    FAIL() << "no error";
  } catch (const ConfigError& error) {
    EXPECT_EQ(std::string(error.what()),
              "x.yaml:1:43: postprocessor.params.topk_candidates: must be between 1 and 1000000, found 0\n"
              "x.yaml:1:60: postprocessor.params.score_thresh: must be between 0 and 1, found 1.5\n"
              "x.yaml:1:77: postprocessor.params.nms_thresh: must be between 0 and 1, found -1\n"
              "x.yaml:1:81: postprocessor.params.topk: unknown key; known here: topk_candidates, score_thresh, "
              "nms_thresh, class_agnostic, max_detections");
  }
}

}  // namespace
}  // namespace zoo::heads
