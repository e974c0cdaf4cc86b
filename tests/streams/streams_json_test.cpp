// The keys of streams as JSON are a promise.
#include "streams/streams_json.h"

#include <vector>

#include <gtest/gtest.h>

namespace zoo::streams {
namespace {

constexpr const char* kCounts =
    R"({"captured":10,"ok":4,"failed":1,"late":1,"dropped":{"replaced":2,"too_old":0,"not_chosen":1,"shut_down":0},)"
    R"("in_flight":1})";

StreamSnapshot door() {
  StreamSnapshot stream;
  stream.name = "door";
  stream.source = "rtsp://camera/door";
  stream.policy = "latest";
  stream.state = StreamState::kWaiting;
  stream.cause = pipeline::LossCause::kRefused;
  stream.message = "connection refused";
  stream.counts = {.captured = 10, .ok = 4, .failed = 1, .late = 1, .dropped_for = {2, 0, 1, 0}, .in_flight = 1};
  stream.epoch = 3;
  stream.width = 1280;
  stream.height = 720;
  stream.captured_fps = 24.97;
  stream.answered_fps = 12.5;
  stream.frame_threads = 2;
  stream.ages = {.p50_ms = 34.14, .p99_ms = 51.0, .last_ms = 33.2};
  stream.quality = "fair";
  stream.sheds = true;
  stream.last_answer = "cat\xff 0.93";
  return stream;
}

TEST(StreamsJson, HasEveryCounterOfEveryStreamAndTheirSum) {
  const std::string stream =
      std::string(R"({"name":"door","source":"rtsp://camera/door","policy":"latest","state":"waiting",)") +
      R"("cause":"refused","message":"connection refused","counts":)" + kCounts +
      R"(,"reconnects":3,"size":[720,1280],"fps":{"captured":25.0,"answered":12.5},"threads":2,)" +
      R"("age_ms":{"p50":34.1,"p99":51.0,"last":33.2},"quality":"fair","sheds":true,"circuit_open":false,"answer":"cat)" +
      "\xEF\xBF\xBD" + R"( 0.93"})";
  EXPECT_EQ(stream_json(door()), stream);
  EXPECT_EQ(streams_json(std::vector{door()}, door().counts),
            R"({"streams":[)" + stream + R"(],"total":)" + kCounts + R"(,"sinks":[]})");
  const SinkSnapshot sink{.name = "--json", .written = 4, .dropped = 1, .works = false, .message = "disk full"};
  EXPECT_EQ(streams_json({}, door().counts, std::vector{sink}),
            std::string(R"({"streams":[],"total":)") + kCounts +
                R"(,"sinks":[{"name":"--json","written":4,"dropped":1,"works":false,"message":"disk full"}]})");
}

TEST(StreamsJson, SaysWhatABrokerHasAndWhatItHasMissed) {
  SinkSnapshot sink;
  sink.name = "mqtt://host:1883";
  sink.written = 60;
  sink.delivery = pipeline::Delivery{.delivered = 10,
                                     .dropped = 40,
                                     .waiting = 10,
                                     .away = true,
                                     .reconnects = 2,
                                     .message = "connection refused",
                                     .lost = 3};
  EXPECT_EQ(streams_json({}, {}, std::vector{sink}).substr(streams_json({}, {}, {}).size() - 2),
            std::string(R"({"name":"mqtt://host:1883","written":60,"dropped":0,"works":false,)") +
                R"("message":"connection refused",)" +
                R"("delivery":{"state":"away","delivered":10,"dropped":40,"lost":3,"waiting":10,"reconnects":2,)" +
                R"("message":"connection refused"}}]})");
  EXPECT_EQ(connection_state({}), "connecting");
  EXPECT_EQ(connection_state({.connected = true}), "connected");
  EXPECT_EQ(connection_state({.ended = true}), "ended");
}

TEST(StreamsJson, AnOutputWorksAsLongAsItsBrokerHasWhatItShould) {
  const auto problem = [](const pipeline::Delivery& delivery) {
    SinkSnapshot sink;
    sink.delivery = delivery;
    return problem_of(sink);
  };
  EXPECT_EQ(problem({.delivered = 70, .dropped = 3, .ended = true}), "") << "cameras may lose some";
  EXPECT_EQ(problem({.dropped = 3, .connected = true}), "") << "more may come";
  EXPECT_EQ(problem({.dropped = 70, .ended = true}), "nothing was delivered");
  EXPECT_EQ(problem({.delivered = 20, .dropped = 50, .lost = 50, .ended = true}), "results of files were lost");
  EXPECT_EQ(problem({.delivered = 20, .away = true, .message = "refused"}), "refused");
}

TEST(StreamsJson, SaysHowAChangeOfTheModelHasEnded) {
  EXPECT_EQ(model_change_json({ModelChange::Kind::kRefused, 3, "m.yaml:1:2: a: b"}),
            R"({"model":{"version":3,"swapped":false,"message":"m.yaml:1:2: a: b"}})");
}

}  // namespace
}  // namespace zoo::streams
