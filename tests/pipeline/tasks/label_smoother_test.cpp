#include "pipeline/tasks/label_smoother.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/result_filter.h"

namespace zoo::pipeline {
namespace {

using ::testing::ElementsAre;

constexpr double kFrameSeconds = 0.1;

/// What a frame says: 'a' to 'z' a class, '-' unknown, '.' nothing at all.
Classification said(char what, const models::SmoothingConfig& config = {}) {
  Classification result;
  result.smoothing = config;
  result.known = what != '-';
  if (what != '.') result.top = {{.index = what - 'a', .label = std::string(1, what), .score = 0.8, .logit = 1.0}};
  return result;
}

/// The steady names of frames in a row, in the same letters.
std::string steady(LabelSmoother& smoother, const std::string& frames, double begin_s = 0.0,
                   const models::SmoothingConfig& config = {}, double frame_s = kFrameSeconds) {
  std::string names;
  for (size_t i = 0; i < frames.size(); ++i) {
    Classification result = said(frames[i], config);
    smoother.follow(result, {.time_s = begin_s + static_cast<double>(i) * frame_s});
    const SteadyLabel& label = result.steady.value();
    names += label.index ? static_cast<char>('a' + *label.index) : '-';
    EXPECT_EQ(label.label, label.index ? std::string(1, names.back()) : kUnknownLabel);
  }
  return names;
}

std::string steady(const std::string& frames) {
  LabelSmoother smoother;
  return steady(smoother, frames);
}

TEST(LabelSmoother, BeginsWithTheFirstFrame) {
  EXPECT_EQ(steady("a"), "a");
  EXPECT_EQ(steady("-"), "-");
  EXPECT_EQ(steady("."), "-") << "a frame without a guess";
}

TEST(LabelSmoother, FlickerChangesNothing) { EXPECT_EQ(steady("aaabaabaaabbaaa"), "aaaaaaaaaaaaaaa"); }

TEST(LabelSmoother, ChangesOnceTheWindowHoldsMoreOfTheOther) {
  // Of ten frames: six b against four a are ahead by two, five against five by none.
  EXPECT_EQ(steady("aaaaaaaaaabbbbbbbbbb"), "aaaaaaaaaaaaaaabbbbb");
  EXPECT_EQ(steady("aaaaaaaaaa----------"), "aaaaaaaaaaaaaaa-----");
}

TEST(LabelSmoother, HysteresisHoldsTheNameLonger) {
  LabelSmoother smoother;
  EXPECT_EQ(steady(smoother, "aaaaaaaaaabbbbbbbbbb", 0.0, {.window_s = 1.0, .hysteresis = 0.6}),
            "aaaaaaaaaaaaaaaaabbb");
}

TEST(LabelSmoother, TheWindowIsInSeconds) {
  LabelSmoother smoother;
  EXPECT_EQ(steady(smoother, "aaaaaaaabbbbbbbb", 0.0, {.window_s = 0.4, .hysteresis = 0.1}), "aaaaaaaaaabbbbbb");
  LabelSmoother slow;
  EXPECT_EQ(steady(slow, "abab", 0.0, {}, 2.0), "abab") << "no two frames share a window";
}

TEST(LabelSmoother, DoesNotHoldANameThatTheWindowNoLongerHas) {
  LabelSmoother smoother;
  const std::string flicker = "aaabcdefghijklmno";
  EXPECT_NE(steady(smoother, flicker, 0.0, {.window_s = 1.0, .hysteresis = 0.5}).back(), 'a');
}

TEST(LabelSmoother, BeginsAnewAfterAJumpInTime) {
  LabelSmoother smoother;
  EXPECT_EQ(steady(smoother, "aaaaa"), "aaaaa");
  EXPECT_EQ(steady(smoother, "b", 10.0), "b") << "forward";
  EXPECT_EQ(steady(smoother, "c", 3.0), "c") << "backward";
  EXPECT_EQ(steady(smoother, "abc", 3.0, {}, 0.0), "abc") << "pictures, which have no time";
}

TEST(LabelSmoother, BeginsAnewWithAnotherEpochOrModel) {
  LabelSmoother smoother;
  steady(smoother, "aaaaa");
  Classification of_epoch = said('b');
  smoother.follow(of_epoch, {.time_s = 0.5, .epoch = 1});
  EXPECT_EQ(of_epoch.steady->label, "b");
  Classification of_model = said('c');
  smoother.follow(of_model, {.time_s = 0.6, .epoch = 1, .model_version = 2});
  EXPECT_EQ(of_model.steady->label, "c");
}

TEST(LabelSmoother, LeavesResultsWithoutSmoothingAlone) {
  LabelSmoother smoother;
  steady(smoother, "aaaaa");
  Classification result = said('b');
  result.smoothing.reset();
  smoother.follow(result, {.time_s = 0.5});
  EXPECT_FALSE(result.steady);
  EXPECT_EQ(steady(smoother, "b", 0.6), "b") << "what was before is forgotten";
}

TEST(LabelSmoother, SaysShareAndMeanScore) {
  LabelSmoother smoother;
  steady(smoother, "aaab");
  Classification result = said('a');
  result.top.front().score = 0.4;
  smoother.follow(result, {.time_s = 0.4});
  EXPECT_NEAR(result.steady->share, 0.75, 1e-9) << "three of four tenths of a second";
  EXPECT_NEAR(result.steady->score, (3 * 0.8 + 0.4) / 4, 1e-9);
}

ProcessedFrame frame_with(TaskResult result, double time_s) {
  ProcessedFrame item;
  item.frame.time_s = time_s;
  item.result = std::move(result);
  return item;
}

TEST(ResultFilter, OfEveryStreamIsItsOwn) {
  const ResultFilter first = make_result_filter();
  const ResultFilter second = make_result_filter();
  std::vector<std::string> names;
  for (int i = 0; i < 3; ++i) {
    ProcessedFrame one = frame_with(said('a'), kFrameSeconds * i);
    ProcessedFrame other = frame_with(said('b'), kFrameSeconds * i);
    first(one);
    second(other);
    names.push_back(std::get<Classification>(one.result).steady->label +
                    std::get<Classification>(other.result).steady->label);
  }
  EXPECT_THAT(names, ElementsAre("ab", "ab", "ab"));
}

TEST(ResultFilter, BeginsAnewBehindAModelOfAnotherTask) {
  const ResultFilter filter = make_result_filter();
  ProcessedFrame classes = frame_with(said('a'), 0.0);
  ProcessedFrame boxes = frame_with(FoundObjects(), 0.1);
  ProcessedFrame others = frame_with(said('b'), 0.2);
  filter(classes);
  filter(boxes);
  filter(others);
  EXPECT_EQ(std::get<Classification>(others.result).steady->label, "b");
}

}  // namespace
}  // namespace zoo::pipeline
