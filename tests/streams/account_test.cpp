#include "streams/account.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "streams/circuit.h"
#include "streams/rate_meter.h"
#include "streams/shed_watch.h"
#include "streams/stream_account.h"

namespace zoo::streams {
namespace {

using namespace std::chrono_literals;

constexpr Clock::TimePoint kBegin{1h};

TEST(RateMeter, CountsOverTheLastFiveSeconds) {
  RateMeter meter;
  EXPECT_EQ(meter.per_second(kBegin), 0.0);
  Clock::TimePoint now = kBegin;
  for (int i = 0; i < 1000; ++i, now += 40ms) meter.note(now);
  EXPECT_NEAR(meter.per_second(now), 25.0, 1.0);
  for (int i = 0; i < 100; ++i, now += 100ms) meter.note(now);
  EXPECT_NEAR(meter.per_second(now), 10.0, 0.5);
  EXPECT_NEAR(meter.per_second(now + 2500ms), 5.0, 1.0);
  EXPECT_EQ(meter.per_second(now + 5s), 0.0);
  EXPECT_EQ(meter.per_second(now + 1h), 0.0);
  meter.note(now + 1h);
  EXPECT_LT(meter.per_second(now + 1h), 1.0);
}

TEST(RateMeter, BeginsWithTheFirst) {
  RateMeter meter;
  for (int i = 0; i < 20; ++i) meter.note(kBegin + i * 50ms);
  EXPECT_NEAR(meter.per_second(kBegin + 1s), 20.0, 0.1);
}

TEST(StreamAccount, AddsUpWhateverBecomesOfFrames) {
  StreamAccount account;
  for (int i = 0; i < 8; ++i) account.note_captured(kBegin);
  account.note_answered(kBegin, kBegin + 10ms, false);
  account.note_answered(kBegin, kBegin + 30ms, true);
  account.note_failed();
  account.note_dropped(DropReason::kReplaced);
  account.note_dropped(DropReason::kShutDown);
  const StreamCounts& counts = account.counts();
  EXPECT_EQ(counts, (StreamCounts{
                        .captured = 8, .ok = 1, .failed = 1, .late = 1, .dropped_for = {1, 0, 0, 1}, .in_flight = 3}));
  EXPECT_TRUE(counts.adds_up());
  StreamCounts sum = counts;
  sum += counts;
  EXPECT_EQ(sum.captured, 16);
  EXPECT_EQ(sum.dropped(), 4);
  EXPECT_TRUE(sum.adds_up());
  EXPECT_EQ(account.last_age_ms(), 30.0);
}

TEST(StreamAccount, AgesAreOfTheLastThousandAnswers) {
  EXPECT_EQ(ages_of({}, 0.0).p99_ms, 0.0);
  EXPECT_EQ(ages_of({7.0F}, 7.0).p50_ms, 7.0);
  StreamAccount account;
  for (int age = 1; age <= 3000; ++age) {
    account.note_captured(kBegin);
    account.note_answered(kBegin, kBegin + std::chrono::milliseconds(age), false);
  }
  const FrameAges ages = ages_of(account.ages_ms(), account.last_age_ms());
  EXPECT_NEAR(ages.p50_ms, 2500.0, 0.01);
  EXPECT_NEAR(ages.p99_ms, 2990.0, 0.01);
  EXPECT_EQ(ages.last_ms, 3000.0);
}

TEST(StreamAccount, QualityIsThatOfTheLastHour) {
  StreamAccount account;
  EXPECT_EQ(account.quality(StreamState::kOpening, kBegin), "");
  EXPECT_EQ(account.quality(StreamState::kStalled, kBegin), "unusable");
  account.note_captured(kBegin);
  EXPECT_EQ(account.quality(StreamState::kRunning, kBegin), "excellent");
  EXPECT_EQ(account.quality(StreamState::kStalled, kBegin), "unusable");
  const std::vector<std::pair<int, std::string>> words = {
      {1, "fair"}, {2, "fair"}, {3, "poor"}, {10, "poor"}, {11, "unusable"}};
  int noted = 0;
  for (const auto& [interruptions, word] : words) {
    for (; noted < interruptions; ++noted) account.note_interruption(kBegin);
    EXPECT_EQ(account.quality(StreamState::kRunning, kBegin + 59min), word) << interruptions;
  }
  EXPECT_EQ(account.quality(StreamState::kRunning, kBegin + 60min), "excellent");
}

TEST(Circuit, OpensAfterManyFailuresInARowAndClosesWithASuccess) {
  Circuit circuit;
  for (int i = 1; i < Circuit::kFailuresInARow; ++i) {
    EXPECT_EQ(circuit.note(true, 1, kBegin), Circuit::Change::kNone);
  }
  EXPECT_EQ(circuit.note(false, 1, kBegin), Circuit::Change::kNone);
  for (int i = 1; i < Circuit::kFailuresInARow; ++i) circuit.note(true, 1, kBegin);
  EXPECT_LT(circuit.next_try(), kBegin);
  EXPECT_EQ(circuit.note(true, 1, kBegin), Circuit::Change::kOpened);
  EXPECT_EQ(circuit.next_try(), kBegin + Circuit::kTryEvery);
  EXPECT_EQ(circuit.note(true, 1, kBegin + 5s), Circuit::Change::kNone);
  EXPECT_EQ(circuit.next_try(), kBegin + 5s + Circuit::kTryEvery);
  EXPECT_EQ(circuit.note(false, 1, kBegin), Circuit::Change::kClosed);
}

TEST(Circuit, GivesAnotherModelAsManyTries) {
  Circuit circuit;
  for (int i = 0; i < Circuit::kFailuresInARow; ++i) circuit.note(true, 1, kBegin);
  ASSERT_TRUE(circuit.open());
  EXPECT_EQ(circuit.note(true, 2, kBegin), Circuit::Change::kClosed);
  EXPECT_EQ(circuit.note(true, 1, kBegin), Circuit::Change::kNone) << "a late failure of the one before";
  for (int i = 2; i < Circuit::kFailuresInARow; ++i) {
    EXPECT_EQ(circuit.note(true, 2, kBegin), Circuit::Change::kNone);
  }
  EXPECT_EQ(circuit.note(true, 2, kBegin), Circuit::Change::kOpened);
}

TEST(ShedWatch, ChangesItsMindOnlyWhenItIsClear) {
  ShedWatch watch;
  StreamCounts counts;
  const auto second = [&](int64_t shed_of_hundred) {
    counts.captured += 100;
    counts.ok += 100 - shed_of_hundred;
    counts.dropped_for[static_cast<size_t>(DropReason::kReplaced)] += shed_of_hundred;
    return watch.look(counts);
  };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(second(10), ShedWatch::Change::kNone);
  EXPECT_EQ(second(30), ShedWatch::Change::kSheds);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(second(5), ShedWatch::Change::kNone);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(second(0), ShedWatch::Change::kNone);
  EXPECT_EQ(second(0), ShedWatch::Change::kKeepsUp);
}

TEST(ShedWatch, WaitsForTheFirstAnswer) {
  ShedWatch watch;
  StreamCounts counts;
  for (int i = 0; i < 20; ++i) {
    counts.captured += 100;
    counts.dropped_for[static_cast<size_t>(DropReason::kReplaced)] += 100;
    EXPECT_EQ(watch.look(counts), ShedWatch::Change::kNone);
  }
  for (int i = 0; i < 20; ++i) {
    counts.captured += 100;
    counts.ok += 100;
    EXPECT_EQ(watch.look(counts), ShedWatch::Change::kNone);
  }
}

TEST(ShedWatch, WhatServersSendAtOnceWhenTheyAreOpenedDoesNotCount) {
  ShedWatch watch;
  StreamCounts counts;
  const auto second = [&](int64_t frames, int64_t shed) {
    counts.captured += frames;
    counts.ok += frames - shed;
    counts.dropped_for[static_cast<size_t>(DropReason::kReplaced)] += shed;
    return watch.look(counts);
  };
  for (int opening = 0; opening < 3; ++opening) {
    watch.begin_anew();
    EXPECT_EQ(second(50, 40), ShedWatch::Change::kNone);
    EXPECT_EQ(second(20, 10), ShedWatch::Change::kNone);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(second(10, 0), ShedWatch::Change::kNone);
  }
  watch.begin_anew();
  int looks = 1;
  while (second(10, 5) != ShedWatch::Change::kSheds && looks < 20) ++looks;
  EXPECT_LE(looks, 8) << "what goes on is said";
}

TEST(ShedWatch, AStreamOfWhichNothingComesHasNotRecovered) {
  ShedWatch watch;
  StreamCounts counts;
  const auto second = [&](int64_t frames, int64_t shed) {
    counts.captured += frames;
    counts.ok += frames - shed;
    counts.dropped_for[static_cast<size_t>(DropReason::kReplaced)] += shed;
    return watch.look(counts);
  };
  while (second(10, 5) != ShedWatch::Change::kSheds) {
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(second(10, 0), ShedWatch::Change::kNone);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(second(0, 0), ShedWatch::Change::kNone);
  EXPECT_TRUE(watch.sheds());
}

TEST(ShedWatch, FramesThatThePolicyDoesNotWantAreNotShed) {
  ShedWatch watch;
  StreamCounts counts;
  for (int i = 0; i < 20; ++i) {
    counts.captured += 100;
    counts.ok += 5;
    counts.dropped_for[static_cast<size_t>(DropReason::kNotChosen)] += 95;
    EXPECT_EQ(watch.look(counts), ShedWatch::Change::kNone);
  }
  EXPECT_FALSE(watch.sheds());
}

}  // namespace
}  // namespace zoo::streams
