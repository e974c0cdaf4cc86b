// `live --publish` through the real program, at real brokers that come and go.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "brokers/redis_client.h"
#include "tests/apps/program_runner.h"
#include "tests/support/mosquitto.h"
#include "tests/support/redis_server.h"

namespace zoo::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using Json = nlohmann::json;
using Time = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr const char* kCamera = "door=gst:videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=20/1";

class Publish : public ::testing::Test {
 protected:
  std::vector<std::string> arguments(const std::vector<std::string>& more, const std::string& source = kCamera,
                                     const std::string& model = demo_model()) const {
    std::vector<std::string> all = {"live", model, "--source", source, "--json", json(), "--counts-every", "1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::string json() const { return folder_ / "lines.jsonl"; }
  /// What was written so far, a line each.
  std::vector<std::string> lines(const std::string& with) const {
    std::vector<std::string> all = lines_of(read_text(json()));
    std::erase_if(all,
                  [&](const std::string& line) { return !Json::accept(line) || !Json::parse(line).contains(with); });
    return all;
  }
  Json last_counts() const {
    const std::vector<std::string> all = lines("total");
    return all.empty() ? Json::object() : Json::parse(all.back());
  }
  /// Of the output that sends.
  static Json delivery(const Json& counts) {
    for (const Json& sink : counts.value("sinks", Json::array())) {
      if (sink.contains("delivery")) return sink.at("delivery");
    }
    return Json::object();
  }
  bool wait_for_frames(size_t count) const {
    return wait_until([&] { return lines("frame").size() >= count; });
  }

  TempFolder folder_;
};

TEST_F(Publish, MqttHasWhatTheJsonLinesHave) {
  const MqttBroker broker;
  const MqttSubscriber reader(broker);
  const ProgramResult result =
      run_program(arguments({"--publish", broker.url("zoo"), "--publish-frames", "--mqtt-discovery"},
                            "clip=" + demo_sample("clip.mp4"), source_path("configs/demo/emoji_detection.yaml")));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err,
              AllOf(HasSubstr(fmt::format("publishing to mqtt://127.0.0.1:{}, topics zoo/...", broker.port())),
                    HasSubstr("70 results delivered")));
  ASSERT_TRUE(reader.wait_for_payload("zoo/available", "offline"));
  EXPECT_THAT(reader.payloads_of("zoo/clip/result"), ElementsAreArray(lines("frame")));
  const auto newest = reader.newest();
  EXPECT_EQ(Json::parse(newest.at("zoo/clip/state")).at("name"), "clip");
  EXPECT_EQ(Json::parse(newest.at("zoo/clip/state")).at("state"), "ended");
  EXPECT_TRUE(newest.contains("zoo/clip/answer"));
  EXPECT_TRUE(newest.contains("zoo/clip/all"));
  EXPECT_EQ(newest.at("zoo/clip/frame").substr(0, 2), "\xff\xd8") << "a JPEG";
  EXPECT_EQ(Json::parse(newest.at("homeassistant/sensor/zoo/clip_state/config")).at("state_topic"), "zoo/clip/state");
  EXPECT_TRUE(newest.contains("homeassistant/camera/zoo/clip_frame/config"));
}

TEST_F(Publish, RedisHasWhatTheJsonLinesHave) {
  const RedisServer server;
  const ProgramResult result =
      run_program(arguments({"--publish", server.url("results")}, "clip=" + demo_sample("clip.mp4")));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  brokers::RedisClient redis(brokers::parse_redis_address(server.url()), {});
  const brokers::RedisReply all = redis.command({"XRANGE", "results", "-", "+"});
  std::vector<std::string> published;
  for (const brokers::RedisReply& entry : all.as_list()) published.push_back(entry.at(1).find("json")->as_text());
  EXPECT_THAT(published, ElementsAreArray(lines("frame")));
  EXPECT_THAT(published, SizeIs(70));
}

TEST_F(Publish, AFileWaitsForRoomInTheBuffer) {
  const MqttBroker broker;
  const RedisServer server;
  const ProgramResult result = run_program(
      arguments({"--publish", broker.url("zoo"), "--publish", server.url("results"), "--publish-buffer", "5"},
                "clip=" + demo_sample("clip.mp4")));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const Json counts = last_counts();
  for (const Json& sink : counts.at("sinks")) {
    if (!sink.contains("delivery")) continue;
    EXPECT_EQ(sink.at("delivery").at("delivered"), 70) << sink.dump();
    EXPECT_EQ(sink.at("delivery").at("state"), "ended");
    EXPECT_TRUE(sink.at("works"));
  }
}

TEST_F(Publish, ResultsOfAFileThatNoBrokerHasAreNoSuccess) {
  const std::string nobody = fmt::format("redis://127.0.0.1:{}/results", free_port());
  const ProgramResult result = run_program(arguments({"--publish", nobody}, "clip=" + demo_sample("clip.mp4")));
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("70 results wait for it; it has 5 s to come back"),
                                HasSubstr("0 results delivered, 70 dropped"), HasSubstr("no result has reached it"),
                                HasSubstr("that a broker runs at that address")));
  const Json counts = last_counts();
  for (const Json& sink : counts.at("sinks")) {
    EXPECT_EQ(sink.at("works").get<bool>(), !sink.contains("delivery")) << sink.dump();
  }
}

TEST_F(Publish, ABrokerThatComesSoonAfterTheEndHasEverything) {
  RedisServer server;
  server.kill();
  RunningProgram program(arguments({"--publish", server.url("results")}, "clip=" + demo_sample("clip.mp4")));
  ASSERT_TRUE(wait_until([&] { return program.err_so_far().find("to come back") != std::string::npos; }));
  server.start();
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("70 results delivered"));
}

/// Two seconds, or what ZOO_BROKER_AWAY_S says: then it is measured, too, how soon all is well again.
std::chrono::seconds time_away(bool& measured) {
  const char* const seconds = std::getenv("ZOO_BROKER_AWAY_S");
  measured = seconds != nullptr;
  return measured ? std::chrono::seconds(std::atoi(seconds)) : 2s;
}

/// The broker is away for a while: `kill` and `start` of it.
template <typename Broker>
void check_away(Broker& broker, const RunningProgram& program, const std::function<size_t()>& frames,
                const std::function<Json()>& counts, const std::function<Json(const Json&)>& delivery) {
  constexpr int64_t kBuffer = 20;
  ASSERT_TRUE(wait_until([&] { return delivery(counts()).value("delivered", 0) > 5; })) << program.err_so_far();
  bool measured = false;
  const std::chrono::seconds away = time_away(measured);
  const size_t before = frames();
  const auto begin = Time::now();
  broker.kill();
  int64_t most_waiting = 0;
  while (Time::now() - begin < away) {
    most_waiting = std::max(most_waiting, delivery(counts()).value("waiting", int64_t{0}));
    std::this_thread::sleep_for(50ms);
  }
  const size_t during = frames() - before;
  EXPECT_GT(during, 5U) << "frames go on being answered";
  EXPECT_LE(most_waiting, kBuffer) << "the buffer is bounded";
  broker.start();
  const auto back = Time::now();
  ASSERT_TRUE(wait_until([&] { return program.err_so_far().find("is there again after") != std::string::npos; }));
  const auto took = std::chrono::duration<double>(Time::now() - back).count();
  if (measured) {
    std::printf("away for %.1f s: %zu frames answered meanwhile, at most %d waited, back %.3f s after the broker\n",
                std::chrono::duration<double>(away).count(), during, static_cast<int>(most_waiting), took);
    EXPECT_LT(took, 1.0);
  }
  ASSERT_TRUE(wait_until([&] {
    const Json now = delivery(counts());
    return now.value("state", "") == "connected" && now.value("dropped", 0) > 0;
  })) << counts().dump();
  EXPECT_THAT(program.err_so_far(),
              AllOf(HasSubstr("what is published waits for it (at most 20 messages"), HasSubstr("dropped meanwhile")));
}

TEST_F(Publish, FramesGoOnWhileTheBrokerIsAwayAndItIsBackWithinASecond) {
  MqttBroker broker;
  RunningProgram program(arguments({"--publish", broker.url("zoo"), "--publish-buffer", "20"}));
  check_away(
      broker, program, [&] { return lines("frame").size(); }, [&] { return last_counts(); }, delivery);
  const MqttSubscriber reader(broker);
  EXPECT_TRUE(reader.wait_for_payload("zoo/available", "online")) << "a broker that has forgotten everything knows";
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 143);
  EXPECT_TRUE(reader.wait_for_payload("zoo/available", "offline"));
  const Json counts = last_counts();
  const Json sent = delivery(counts);
  for (const Json& sink : counts.at("sinks")) {
    if (!sink.contains("delivery")) continue;
    EXPECT_EQ(
        sink.at("written").get<int64_t>(),
        sent.at("delivered").get<int64_t>() + sent.at("dropped").get<int64_t>() + sent.at("waiting").get<int64_t>())
        << counts.dump();
    EXPECT_EQ(sink.at("written").get<size_t>(), lines("frame").size());
  }
}

TEST_F(Publish, RedisMayBeAwayToo) {
  RedisServer server;
  RunningProgram program(arguments({"--publish", server.url("results"), "--publish-buffer", "20"}));
  check_away(
      server, program, [&] { return lines("frame").size(); }, [&] { return last_counts(); }, delivery);
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 143);
}

TEST_F(Publish, EndsSoonWhateverTheBrokersDo) {
  MqttBroker broker;
  RedisServer server;
  const int nobody = free_port();
  RunningProgram program(arguments({"--publish", broker.url("zoo"), "--publish", server.url("results"), "--publish",
                                    fmt::format("mqtt://127.0.0.1:{}", nobody)}));
  ASSERT_TRUE(wait_for_frames(5));
  broker.pause();
  server.pause();
  ASSERT_TRUE(wait_for_frames(lines("frame").size() + 5)) << "on their way";
  const auto begin = Time::now();
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 143);
  const auto took = Time::now() - begin;
  bool measured = false;
  time_away(measured);
  if (measured) {
    std::printf("ended in %.3f s\n", std::chrono::duration<double>(took).count());
    EXPECT_LT(took, 2s);
  }
  broker.go_on();
  server.go_on();
}

TEST_F(Publish, WhoIsKilledLeavesAWill) {
  const MqttBroker broker;
  const MqttSubscriber reader(broker);
  RunningProgram program(arguments({"--publish", broker.url("zoo")}));
  ASSERT_TRUE(reader.wait_for_payload("zoo/available", "online"));
  program.send(SIGKILL);
  EXPECT_TRUE(reader.wait_for_payload("zoo/available", "offline"));
}

TEST_F(Publish, FiguresHaveThePublisherToo) {
  const int nobody = free_port();
  RunningProgram program(
      arguments({"--publish", fmt::format("mqtt://me:secret@127.0.0.1:{}/zoo", nobody), "--listen", "127.0.0.1:0"}));
  ASSERT_TRUE(wait_for_frames(5));
  const std::string said = program.err_so_far();
  const size_t at = said.find("http://127.0.0.1:");
  ASSERT_NE(at, std::string::npos) << said;
  const std::string url = said.substr(at, said.find('/', at + 8) - at);
  const std::string file = folder_ / "metrics";
  ASSERT_EQ(std::system(fmt::format("curl -s -o '{}' {}/metrics", file, url).c_str()), 0);
  const std::string name = fmt::format(R"(sink="mqtt://me:***@127.0.0.1:{}")", nobody);
  EXPECT_THAT(read_text(file), AllOf(HasSubstr(fmt::format("zoo_sink_connected{{{}}} 0", name)),
                                     HasSubstr(fmt::format("zoo_sink_waiting{{{}}}", name)),
                                     HasSubstr(fmt::format("zoo_sink_lost_total{{{}}} 0", name))));
  EXPECT_THAT(said, Not(HasSubstr("secret")));
  program.send(SIGTERM);
  EXPECT_THAT(program.wait().err, Not(HasSubstr("secret")));
  EXPECT_THAT(read_text(json()), Not(HasSubstr("secret")));
}

TEST_F(Publish, PasswordsComeFromTheEnvironmentOrAFile) {
  const TempFolder folder;
  const MqttBroker broker(MqttBroker::with_user(folder, "camera", "secret"));
  write_text(folder / "password", "secret\n");
  const std::string clip = "clip=" + demo_sample("clip.mp4");
  const auto run = [&](const std::string& user, const std::vector<std::string>& more,
                       const std::vector<std::string>& environment) {
    std::vector<std::string> all = {"--publish", broker.url("zoo", user)};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(arguments(all, clip), environment);
  };
  EXPECT_THAT(run("", {}, {"MQTT_USER=camera", "MQTT_PASSWORD=secret"}).err, HasSubstr("70 results delivered"));
  EXPECT_THAT(run("camera", {"--password-file", folder / "password"}, {}).err, HasSubstr("70 results delivered"));
  const ProgramResult wrong = run("camera", {}, {"MQTT_PASSWORD=hunter2"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("refuses this user's name or password"), HasSubstr("70 dropped"),
                               Not(HasSubstr("hunter2"))));
}

// Whoever answers at one of them must not learn what the other lets in.
TEST_F(Publish, NoBrokerIsSentThePasswordOfAnother) {
  const TempFolder folder;
  const MqttBroker broker(MqttBroker::with_user(folder, "camera", "secret"));
  const RedisServer server({"requirepass hunter2"});
  write_text(folder / "mqtt", "secret\n");
  write_text(folder / "redis", "hunter2\n");
  const auto place_of = [](const std::string& url) {
    const size_t begin = url.find("127.0.0.1");
    return url.substr(begin, url.find('/', begin) - begin);
  };
  const std::string mqtt = broker.url("zoo", "camera");
  const std::string redis = server.url("results");
  const auto run = [&](const std::vector<std::string>& more, const std::vector<std::string>& environment) {
    std::vector<std::string> all = {"--publish", mqtt, "--publish", redis};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(arguments(all, "clip=" + demo_sample("clip.mp4")), environment);
  };
  const auto delivered = [](const ProgramResult& result) {
    size_t count = 0;
    for (const std::string& line : lines_of(result.err)) {
      count += line.find("70 results delivered") != std::string::npos ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(run({"--password-file", folder / "mqtt"}, {}).exit_code, 2);
  const std::vector<std::string> both = {"--password-file", place_of(mqtt) + "=" + folder / "mqtt", "--password-file",
                                         place_of(redis) + "=" + folder / "redis"};
  EXPECT_EQ(delivered(run(both, {})), 2U);
  EXPECT_EQ(delivered(run({"--password-file", place_of(mqtt) + "=" + folder / "mqtt"}, {"REDIS_PASSWORD=hunter2"})),
            2U);
  EXPECT_EQ(delivered(run({}, {"MQTT_PASSWORD=secret", "REDIS_PASSWORD=hunter2"})), 2U);
  const ProgramResult two = run({"--publish", "redis://127.0.0.1:1/x"}, {"REDIS_PASSWORD=hunter2"});
  EXPECT_EQ(two.exit_code, 2);
  EXPECT_THAT(two.err, AllOf(HasSubstr("REDIS_PASSWORD in the environment"), HasSubstr("127.0.0.1:1=FILE"),
                             Not(HasSubstr("hunter2"))));
}

TEST_F(Publish, WrongFlagsSayWhatHelps) {
  const struct {
    std::vector<std::string> flags;
    const char* problem;
  } kCases[] = {
      {{"--publish", "http://host"}, "--publish http://host: is no address of a broker; write mqtt://HOST"},
      {{"--publish", "u:secret@127.0.0.1"}, "--publish ***@127.0.0.1: is no address of a broker"},
      {{"--publish", "mqtt:/u:secret@h"}, "--publish ***@h: is no address of a broker"},
      {{"--publish", "mqtt//u:secret@h"}, "--publish ***@h: is no address of a broker"},
      {{"--source", "redis://:secret@h/j"},
       "redis://:***@h/j: a broker is no source: --publish ADDRESS sends results to it"},
      {{"--source", "MQTT://u:secret@h"}, "MQTT://u:***@h: a broker is no source"},
      {{"--source", "u:secret@h=x.mp4"}, "what stands before = is no name of a stream"},
      {{"--source", "=x.mp4"}, "what stands before = is no name of a stream"},
      {{"--publish", "mqtt://me:secret@host", "--password-file", "/dev/null"}, "has a password, too; give one of them"},
      {{"--publish", "mqtt://a@b", "--publish", "redis://c", "--password-file", "/dev/null"},
       "each broker is sent its own only: give --password-file b:1883=FILE --password-file c:6379=FILE"},
      {{"--publish", "redis://b", "--password-file", "b:6379=x", "--password-file", "b:6379=x"}, "is given twice"},
      {{"--publish", "redis://b", "--password-file", "x", "--password-file", "y"}, "give --password-file b:6379=FILE"},
      {{"--publish", "redis://:secret@b", "--password-file", "b:6379=x"}, "has a password, too"},
      {{"--publish", "redis://b", "--password-file", "c:6379=x"},
       "c:6379=...: no broker of this run is there; there are b:6379"},
      {{"--publish", "mqtt://b", "--password-file", "/dev/null"}, "nobody wants it"},
      {{"--publish", "mqtt://"}, "the name of the server is missing"},
      {{"--publish", "mqtt://host/a+b"}, "neither + nor #"},
      {{"--publish", "mqtt://host/a", "--publish", "mqtt://host/a"}, "is given twice"},
      {{"--publish", "redis://host", "--publish-frames", "annotatd"}, "did you mean annotated?"},
      {{"--mqtt-discovery"}, "--mqtt-discovery says how results are published: give --publish ADDRESS, too"},
      {{"--publish", "redis://host", "--mqtt-qos", "0"}, "--mqtt-qos is of MQTT: give --publish mqtt://"},
      {{"--publish", "mqtt://host", "--redis-maxlen", "5"}, "--redis-maxlen is of Redis: give --publish redis://"},
      {{"--publish", "mqtt://host", "--mqtt-discovery", "a/#"}, "is no topic to publish to"},
      {{"--publish", "mqtt://host", "--mqtt-qos", "3"}, "--mqtt-qos"},
      {{"--publish", "mqtt://host", "--publish-buffer", "0"}, "--publish-buffer"},
  };
  for (const auto& [flags, problem] : kCases) {
    const ProgramResult result = run_program(arguments(flags));
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr(problem), Not(HasSubstr("secret"))));
  }
  const ProgramResult no_file = run_program(arguments({"--publish", "mqtts://host", "--ca-file", "/nowhere.crt"}));
  EXPECT_NE(no_file.exit_code, 0);
  EXPECT_THAT(no_file.err, HasSubstr("--ca-file /nowhere.crt: no such file"));
}

}  // namespace
}  // namespace zoo::test
