#include "pipeline/tasks/result_words.h"

#include <gtest/gtest.h>

namespace zoo::pipeline {
namespace {

TEST(BriefWords, SayTheBest) {
  Classification classified;
  EXPECT_EQ(brief_words_of(classified), "nothing");
  classified.top = {{3, "tabby", 0.934, 5.0}, {4, "tiger", 0.05, 1.0}};
  EXPECT_EQ(brief_words_of(classified), "tabby 0.93");
  classified.multi_label = true;
  EXPECT_EQ(brief_words_of(classified), "tabby 0.93, 1 more");
  classified.known = false;
  EXPECT_EQ(brief_words_of(classified), "unknown");
  classified.steady = {.index = 4, .label = "tiger", .score = 0.5, .share = 0.9};
  EXPECT_EQ(brief_words_of(classified), "tiger 0.50");
  FoundObjects found;
  found.boxes = {{0, "person", 0.88, {}}, {1, "dog", 0.5, {}}};
  EXPECT_EQ(brief_words_of(found), "person 0.88, 2 objects");
  Segmentation segmented;
  segmented.classes = {{0, "road", 0.614}};
  EXPECT_EQ(brief_words_of(segmented), "road 61 %");
}

}  // namespace
}  // namespace zoo::pipeline
