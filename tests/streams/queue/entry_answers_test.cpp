#include "streams/queue/entry_answers.h"

#include <new>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/streams/queue/queue_parts.h"

namespace zoo::streams {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;
using Kind = EntryOutcome::Kind;
using namespace std::chrono_literals;

EntryRules rules() {
  EntryRules result;
  result.group = "gate";
  result.worker = "me";
  return result;
}

brokers::QueueEntry entry(const std::string& image, int64_t deliveries = 1) {
  return {.id = "1000-0", .fields = {{"key", "cam"}, {"image", image}}, .deliveries = deliveries};
}

TEST(EntryAnswersTest, APictureIsAnsweredInTheWordsOfPredict) {
  EntryAnswers answers(slot_of(), {}, rules());
  const EntryOutcome outcome = answers.outcome_of(entry(png(7, 5)), 1000);
  EXPECT_EQ(outcome.kind, Kind::kAnswered);
  EXPECT_EQ(outcome.key, "cam");
  EXPECT_EQ(outcome.added_ms, 1000);
  ASSERT_TRUE(outcome.answer);
  EXPECT_EQ(outcome.answer->kind, brokers::QueueAnswer::Kind::kAnswer);
  EXPECT_THAT(outcome.answer->fields, ElementsAre("id", "1000-0", "key", "cam", "json", outcome.json, "model", "fake",
                                                  "version", "1", "worker", "me"));
  EXPECT_EQ(Json::parse(outcome.json),
            Json::parse(R"({"source":"cam","size":[5,7],"top":[{"index":7,"label":"w7","score":1.0,"logit":1.0}]})"));
}

TEST(EntryAnswersTest, WithoutAKeyTheIdIsIt) {
  EntryAnswers answers(slot_of(), {}, rules());
  brokers::QueueEntry nameless = entry(png());
  nameless.fields.erase(nameless.fields.begin());
  EXPECT_EQ(answers.outcome_of(nameless, 1000).key, "1000-0");
  brokers::QueueEntry long_key = entry(png());
  long_key.fields.front().second = std::string(1025, 'k');
  const EntryOutcome outcome = answers.outcome_of(long_key, 1000);
  EXPECT_EQ(outcome.kind, Kind::kDead);
  EXPECT_EQ(outcome.key, "1000-0");
}

TEST(EntryAnswersTest, WhatIsNoPictureIsADeadLetterAtOnce) {
  EntryAnswers answers(slot_of(), {}, rules());
  for (const std::string& bytes : {std::string("junk"), std::string(), png().substr(0, 40)}) {
    const EntryOutcome outcome = answers.outcome_of(entry(bytes), 1000);
    EXPECT_EQ(outcome.kind, Kind::kDead);
    EXPECT_THAT(outcome.reason, HasSubstr("cannot read image 'cam'"));
    ASSERT_TRUE(outcome.answer);
    EXPECT_EQ(outcome.answer->kind, brokers::QueueAnswer::Kind::kDead);
    EXPECT_THAT(outcome.answer->fields, ElementsAre("dead-reason", outcome.reason, "dead-id", "1000-0",
                                                    "dead-deliveries", "1", "dead-group", "gate", "dead-worker", "me"));
  }
}

TEST(EntryAnswersTest, WhatDoesNotFitTheNetworkIsADeadLetterAtOnce) {
  EntryAnswers answers(slot_of([](const cv::Mat&) -> pipeline::TaskResult { throw Error("too small"); }), {}, rules());
  EXPECT_EQ(answers.outcome_of(entry(png()), 1000).kind, Kind::kDead);
}

TEST(EntryAnswersTest, WhatMayGetBetterIsLeftForItsTimeHoweverOften) {
  EntryAnswers engine(slot_of([](const cv::Mat&) -> pipeline::TaskResult { throw EngineError("no"); }), {}, rules());
  EntryAnswers memory(slot_of([](const cv::Mat&) -> pipeline::TaskResult { throw std::bad_alloc(); }), {}, rules());
  constexpr int64_t kHour = 3'600'000;
  constexpr int64_t kLate = 100 * kHour;  // it may have waited for days before
  for (EntryAnswers* answers : {&engine, &memory}) {
    for (int64_t i = 0; i < 100; ++i) {
      const EntryOutcome left = answers->outcome_of(entry(png(), 3), kLate + i);
      EXPECT_EQ(left.kind, Kind::kLeft);
      ASSERT_TRUE(left.answer);
      EXPECT_EQ(left.answer->kind, brokers::QueueAnswer::Kind::kLeave);
      EXPECT_THAT(left.answer->fields, ElementsAre("2")) << "who survives a delivery does not count it";
    }
    EXPECT_EQ(answers->outcome_of(entry(png(), 1), kLate + kHour - 1).kind, Kind::kLeft);
    const EntryOutcome dead = answers->outcome_of(entry(png(), 1), kLate + kHour);
    EXPECT_EQ(dead.kind, Kind::kDead);
    EXPECT_THAT(dead.reason, HasSubstr("(tried for 3600 s)"));
    EXPECT_EQ(answers->outcome_of(entry(png(), 1), kLate + kHour).kind, Kind::kLeft) << "added anew";
  }
}

TEST(EntryAnswersTest, WhatEndedItsWorkersIsNotTouched) {
  EntryAnswers answers(slot_of([](const cv::Mat&) -> pipeline::TaskResult {
                         ADD_FAILURE() << "worked on";
                         return {};
                       }),
                       {}, rules());
  const EntryOutcome outcome = answers.outcome_of(entry(png(), 4), 1000);
  EXPECT_EQ(outcome.kind, Kind::kDead);
  EXPECT_THAT(outcome.reason, HasSubstr("delivered 3 times"));
}

TEST(EntryAnswersTest, OldEntriesAreDropped) {
  EntryRules impatient = rules();
  impatient.max_age = 500ms;
  EntryAnswers answers(slot_of(), {}, impatient);
  EXPECT_EQ(answers.outcome_of(entry(png()), 1500).kind, Kind::kAnswered);
  const EntryOutcome outcome = answers.outcome_of(entry(png()), 1501);
  EXPECT_EQ(outcome.kind, Kind::kStale);
  ASSERT_TRUE(outcome.answer);
  EXPECT_EQ(outcome.answer->kind, brokers::QueueAnswer::Kind::kDrop);
}

TEST(EntryAnswersTest, ASwapCountsFromTheNextEntryOn) {
  const auto slot = slot_of();
  EntryAnswers answers(slot, {}, rules());
  answers.outcome_of(entry(png()), 1000);
  slot->publish(served(width_of, 2));
  EXPECT_EQ(answers.outcome_of(entry(png()), 1000).answer->fields[9], "2");
}

}  // namespace
}  // namespace zoo::streams
