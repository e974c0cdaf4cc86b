// What a terminal shows of many streams.
#include "apps/stream_table.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace zoo::apps {
namespace {

streams::StreamSnapshot running(const std::string& name) {
  streams::StreamSnapshot stream;
  stream.name = name;
  stream.state = streams::StreamState::kRunning;
  stream.captured_fps = 25.0;
  stream.answered_fps = 12.5;
  stream.ages.p50_ms = 34.2;
  stream.counts = {.captured = 1500, .ok = 1378, .failed = 1, .late = 1, .dropped_for = {100, 20, 0, 0}};
  stream.last_answer = "cat 0.93";
  return stream;
}

streams::StreamSnapshot waiting(const std::string& name) {
  streams::StreamSnapshot stream;
  stream.name = name;
  stream.state = streams::StreamState::kWaiting;
  stream.message = "connection refused";
  stream.epoch = 3;
  return stream;
}

TEST(StreamTable, HasALinePerStream) {
  EXPECT_EQ(stream_table(std::vector{running("door"), waiting("y")}, {}, 200, 10),
            "door  running   25.0/s in,  12.5/s answered  34 ms old  120 dropped  1 late  1 failed  cat 0.93\n"
            "y     waiting  connection refused (3 reconnects)");
}

TEST(StreamTable, NeverGrowsWiderOrLongerThanTheTerminal) {
  std::vector<streams::StreamSnapshot> many(12, running("a-name-of-more-than-twenty-letters"));
  const std::string table = stream_table(many, {}, 40, 4);
  EXPECT_EQ(table,
            "a-name-of-more-than~  running   25.0/s i\n"
            "a-name-of-more-than~  running   25.0/s i\n"
            "a-name-of-more-than~  running   25.0/s i\n"
            "and 9 streams more");
}

TEST(StreamTable, CutsBetweenCharacters) {
  streams::StreamSnapshot stream = waiting("y");
  stream.message = "\xc3\xa4\xc3\xa4\xc3\xa4";
  EXPECT_EQ(stream_table(std::vector{stream}, {}, 14, 1), "y  waiting  \xc3\xa4\xc3\xa4");
}

TEST(StreamTable, CountsSayWhatBecameOfEveryFrame) {
  EXPECT_EQ(counts_text("door", running("door").counts),
            "door: 1500 frames captured: 1378 answered, 1 late, 1 failed, 120 dropped (100 replaced, 20 too old)");
  EXPECT_EQ(counts_text("yard", {}), "yard: 0 frames captured: 0 answered");
}

streams::SinkSnapshot sending(const std::string& name, const pipeline::Delivery& delivery) {
  streams::SinkSnapshot sink;
  sink.name = name;
  sink.delivery = delivery;
  return sink;
}

TEST(StreamTable, SaysWhichBrokersAreNotThereOrHaveMissedSomething) {
  const std::vector<streams::SinkSnapshot> sinks = {
      streams::SinkSnapshot(), sending("mqtt://a", {.delivered = 5, .connected = true}),
      sending("mqtt://b", {.delivered = 5, .dropped = 340, .waiting = 1000, .away = true}),
      sending("redis://c", {.waiting = 3}), sending("mqtt://d", {.dropped = 7, .connected = true})};
  EXPECT_EQ(stream_table(std::vector{waiting("y")}, sinks, 200, 10),
            stream_table(std::vector{waiting("y")}, {}, 200, 10) +
                "\nmqtt://b  away  1000 waiting  340 dropped\nredis://c  connecting  3 waiting\nmqtt://d  connected  7 "
                "dropped");
  const std::string short_table = stream_table(std::vector{waiting("y")}, sinks, 200, 2);
  EXPECT_EQ(std::ranges::count(short_table, '\n'), 1) << short_table;
  EXPECT_EQ(stream_table(std::vector{waiting("y")}, sinks, 200, 1),
            stream_table(std::vector{waiting("y")}, {}, 200, 1));
}

}  // namespace
}  // namespace zoo::apps
