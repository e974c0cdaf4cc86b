// Results at real brokers, as those who subscribe and read see them.
#include <chrono>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>

#include "brokers/redis_client.h"
#include "sinks/json_lines.h"
#include "sinks/mqtt_sink.h"
#include "sinks/redis_sink.h"
#include "tests/support/comes_true.h"
#include "tests/support/mosquitto.h"
#include "tests/support/redis_server.h"

namespace zoo::sinks {
namespace {

using test::comes_true;
using test::MqttBroker;
using test::MqttSubscriber;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using namespace std::chrono_literals;

pipeline::ProcessedFrame frame(int64_t index, pipeline::TaskResult result) {
  pipeline::ProcessedFrame item;
  item.frame.image = cv::Mat(48, 64, CV_8UC3, cv::Scalar(10, 200, 30));
  item.frame.source = "camera";
  item.frame.index = index;
  item.frame.captured_at = std::chrono::steady_clock::time_point(std::chrono::milliseconds(100 * index));
  item.result = std::move(result);
  return item;
}

pipeline::FoundObjects objects(const std::vector<std::string>& labels) {
  pipeline::FoundObjects found;
  for (const std::string& label : labels) {
    found.boxes.push_back({.index = 0, .label = label, .score = 0.5, .box = {1, 1, 20, 20}});
  }
  return found;
}

pipeline::Classification guess(const std::string& label, double score) {
  pipeline::Classification result;
  result.top = {{0, label, score, 0.0}};
  return result;
}

pipeline::FrameFailure failure() {
  return {.source = "camera",
          .index = 7,
          .kind = pipeline::FailureKind::kLost,
          .message = "camera: lost",
          .cause = pipeline::LossCause::kRefused};
}

MqttSinkOptions mqtt_options(const MqttBroker& broker) {
  MqttSinkOptions options;
  options.address = brokers::parse_mqtt_address(broker.url("zoo"));
  options.name_of = [](size_t /*stream*/) { return "door"; };
  return options;
}

RedisSinkOptions redis_options(const test::RedisServer& server) {
  RedisSinkOptions options;
  options.address = brokers::parse_redis_address(server.url("results"));
  options.name_of = [](size_t /*stream*/) { return "door"; };
  return options;
}

bool delivers(const pipeline::ResultSink& sink, int64_t results) {
  return comes_true([&] { return sink.delivery()->delivered == results; });
}

bool connects(const pipeline::ResultSink& sink) {
  return comes_true([&] { return sink.delivery()->connected; });
}

TEST(MqttSinkTest, PublishesResultsAsJsonLines) {
  const MqttBroker broker;
  const MqttSubscriber reader(broker);
  MqttSink sink(mqtt_options(broker));
  const std::vector<pipeline::FrameEvent> events = {frame(0, guess("cat", 0.9)), frame(1, guess("cat", 0.8)), failure(),
                                                    frame(2, guess("dog", 0.7))};
  std::vector<std::string> lines;
  for (const pipeline::FrameEvent& event : events) {
    sink.write(event);
    lines.push_back(to_json_line(event, "", "door"));
  }
  ASSERT_TRUE(delivers(sink, 4));
  sink.finish();
  ASSERT_TRUE(reader.wait_for_payload("zoo/available", "offline"));
  EXPECT_THAT(reader.payloads_of("zoo/door/result"), ::testing::ElementsAreArray(lines));
  EXPECT_EQ(reader.payloads_of("zoo/door/answer").back(), "dog");
  EXPECT_THAT(reader.payloads_of("zoo/available"), ElementsAre("online", "offline"));
  const pipeline::Delivery delivery = *sink.delivery();
  EXPECT_EQ(delivery.delivered, 4);
  EXPECT_EQ(delivery.dropped, 0);
  const MqttSubscriber late(broker);
  ASSERT_TRUE(late.wait_for_payload("zoo/available", "offline")) << "retained";
  EXPECT_THAT(late.payloads_of("zoo/door/result"), IsEmpty()) << "not retained";
}

TEST(MqttSinkTest, SendsEveryChangeOfTheAnswerInItsOrder) {
  const MqttBroker broker;
  const MqttSubscriber reader(broker);
  MqttSink sink(mqtt_options(broker));
  for (const char* label : {"cat", "dog", "dog", "cat", "bus"}) sink.write(frame(0, guess(label, 0.9)));
  ASSERT_TRUE(reader.wait_for_payload("zoo/door/answer", "bus"));
  EXPECT_THAT(reader.payloads_of("zoo/door/answer"), ElementsAre("cat", "dog", "cat", "bus"));
}

TEST(MqttSinkTest, CountsObjectsAsFrigateDoes) {
  const MqttBroker broker;
  const MqttSubscriber reader(broker);
  MqttSinkOptions options = mqtt_options(broker);
  options.discovery = DiscoveryOptions{.model_name = "net", .version = "0.1"};
  MqttSink sink(options);
  sink.tell_state("door", R"({"state":"running"})");
  const auto show = [&](int64_t index, const std::vector<std::string>& labels) {
    sink.write(frame(index, objects(labels)));
    return reader.wait_for([&](const MqttSubscriber& all) {
      return all.payloads_of("zoo/door/result").size() == static_cast<size_t>(index) + 1;
    });
  };
  ASSERT_TRUE(show(0, {"person", "a/b", "person"}));
  ASSERT_TRUE(reader.wait_for_payload("zoo/door/person", "2"));
  ASSERT_TRUE(reader.wait_for_payload("zoo/door/a%2Fb", "1"));
  ASSERT_TRUE(reader.wait_for_payload("zoo/door/all", "3"));
  ASSERT_TRUE(reader.wait_for_payload("zoo/door/answer", "1 a/b, 2 person"));
  ASSERT_TRUE(show(1, {"person", "person", "a/b"}));
  ASSERT_TRUE(show(2, {"person"}));
  ASSERT_TRUE(reader.wait_for_payload("zoo/door/a%2Fb", "0"));
  EXPECT_THAT(reader.payloads_of("zoo/door/person"), ElementsAre("2", "1")) << "only changes";
  EXPECT_EQ(reader.newest().at("zoo/door/all"), "1");
  const std::string config = "homeassistant/sensor/zoo/door_count_person/config";
  ASSERT_TRUE(reader.wait_for([&](const MqttSubscriber& all) { return all.newest().contains(config); }));
  EXPECT_EQ(nlohmann::json::parse(reader.newest().at(config)).at("state_topic"), "zoo/door/person");
  EXPECT_EQ(reader.newest().at("zoo/door/state"), R"({"state":"running"})");

  sink.forget("door");
  ASSERT_TRUE(reader.wait_for_payload(config, "")) << "an empty message takes what is retained away";
  ASSERT_TRUE(reader.wait_for_payload("zoo/door/state", ""));
  const MqttSubscriber late(broker);
  ASSERT_TRUE(late.wait_for_payload("zoo/available", "online"));
  EXPECT_THAT(late.newest(), SizeIs(1)) << "nothing of the stream is left";
}

TEST(MqttSinkTest, PublishesPicturesWhereTheyAreAskedFor) {
  const MqttBroker broker;
  const MqttSubscriber reader(broker);
  MqttSinkOptions options = mqtt_options(broker);
  options.frames = FramePictureOptions{.every = 1000ms};
  MqttSink sink(options);
  EXPECT_TRUE(sink.wants_plain());
  ASSERT_TRUE(reader.wait_for_payload("zoo/available", "online"));
  ASSERT_TRUE(connects(sink));
  const pipeline::ProcessedFrame first = frame(0, objects({"person"}));
  const cv::Mat before = first.frame.image.clone();
  sink.write(first);
  ASSERT_TRUE(reader.wait_for([](const auto& all) { return all.newest().contains("zoo/door/person/snapshot"); }));
  for (int64_t index = 1; index < 10; ++index) sink.write(frame(index, objects({})));
  sink.write(frame(10, objects({})));
  ASSERT_TRUE(reader.wait_for([](const auto& all) { return all.payloads_of("zoo/door/frame").size() == 2; }));
  const std::string jpeg = reader.payloads_of("zoo/door/frame").front();
  const cv::Mat decoded = cv::imdecode(std::vector<char>(jpeg.begin(), jpeg.end()), cv::IMREAD_COLOR);
  EXPECT_EQ(decoded.size(), cv::Size(64, 48));
  EXPECT_EQ(cv::norm(before, first.frame.image, cv::NORM_INF), 0.0) << "drawn on a copy";
  EXPECT_GT(cv::norm(decoded, before, cv::NORM_INF), 50.0) << "drawn on";
}

TEST(MqttSinkTest, WithoutABrokerResultsWaitBoundedAndCounted) {
  MqttSinkOptions options;
  options.address = brokers::parse_mqtt_address("mqtt://127.0.0.1:" + std::to_string(test::free_port()) + "/zoo");
  options.name_of = [](size_t /*stream*/) { return "door"; };
  options.publisher.max_messages = 10;
  MqttSink sink(options);
  for (int64_t index = 0; index < 100; ++index) sink.write(frame(index, guess("cat", 0.9)));
  EXPECT_EQ(sink.delivery()->waiting, 10);
  EXPECT_EQ(sink.delivery()->dropped, 90);
  sink.finish();
  EXPECT_EQ(sink.delivery()->dropped, 100);
}

TEST(RedisSinkTest, AddsResultsToAStream) {
  const test::RedisServer server;
  RedisSinkOptions options = redis_options(server);
  options.frames = FramePictureOptions{.every = 0ms, .annotated = false};
  options.max_frames = 3;
  RedisSink sink(options);
  ASSERT_TRUE(connects(sink));
  std::vector<pipeline::FrameEvent> events;
  for (int64_t index = 0; index < 20; ++index) events.emplace_back(frame(index, guess("cat", 0.9)));
  events.emplace_back(failure());
  brokers::RedisClient redis(brokers::parse_redis_address(server.url()), {});
  for (const pipeline::FrameEvent& event : events) {
    sink.write(event);
    std::this_thread::sleep_for(5ms);
  }
  ASSERT_TRUE(delivers(sink, 21));
  sink.finish();
  const brokers::RedisReply all = redis.command({"XRANGE", "results", "-", "+"});
  ASSERT_EQ(all.as_list().size(), events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    const brokers::RedisReply& fields = all.at(i).at(1);
    EXPECT_EQ(fields.find("stream")->as_text(), "door");
    EXPECT_EQ(fields.find("json")->as_text(), to_json_line(events[i], "", "door"));
  }
  const brokers::RedisReply frames = redis.command({"XRANGE", "results:frames:door", "-", "+"});
  ASSERT_EQ(frames.as_list().size(), 3U) << "the newest";
  EXPECT_EQ(frames.at(2).at(1).find("frame")->as_text(), "19");
  EXPECT_EQ(frames.at(2).at(1).find("key")->as_text(), "door/19");
  const std::string& jpeg = frames.at(2).at(1).find("image")->as_text();
  EXPECT_EQ(cv::imdecode(std::vector<char>(jpeg.begin(), jpeg.end()), cv::IMREAD_COLOR).size(), cv::Size(64, 48));
}

TEST(RedisSinkTest, TheStreamKeepsAboutWhatItIsToKeep) {
  const test::RedisServer server;
  RedisSinkOptions options = redis_options(server);
  options.max_results = 10;
  RedisSink sink(options);
  for (int64_t index = 0; index < 100; ++index) sink.write(frame(index, guess("cat", 0.9)));
  ASSERT_TRUE(delivers(sink, 100));
  brokers::RedisClient redis(brokers::parse_redis_address(server.url()), {});
  EXPECT_EQ(redis.command({"XLEN", "results"}).as_integer(), 10);
}

TEST(RedisSinkTest, ComesBackAfterTheServerDoesWithWhatWaited) {
  test::RedisServer server;
  RedisSink sink(redis_options(server));
  sink.write(frame(0, guess("cat", 0.9)));
  ASSERT_TRUE(delivers(sink, 1));
  server.kill();
  for (int64_t index = 1; index < 50; ++index) sink.write(frame(index, guess("cat", 0.9)));
  ASSERT_TRUE(comes_true([&] { return sink.delivery()->away; }));
  EXPECT_THAT(sink.delivery()->message, HasSubstr("127.0.0.1"));
  server.start();
  ASSERT_TRUE(delivers(sink, 50));
  EXPECT_EQ(sink.delivery()->dropped, 0);
  EXPECT_EQ(sink.delivery()->reconnects, 1);
  brokers::RedisClient redis(brokers::parse_redis_address(server.url()), {});
  EXPECT_GE(redis.command({"XLEN", "results"}).as_integer(), 50) << "at least once";
}

TEST(RedisSinkTest, AServerThatHangsIsNotWaitedForAtTheEnd) {
  test::RedisServer server;
  {
    RedisSink sink(redis_options(server));
    ASSERT_TRUE(connects(sink));
    server.pause();
    for (int64_t index = 0; index < 10; ++index) sink.write(frame(index, guess("cat", 0.9)));
    const auto begin = std::chrono::steady_clock::now();
    sink.finish();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
    EXPECT_EQ(sink.delivery()->dropped, 10);
    EXPECT_EQ(threads_left_behind(), 1);
  }
  server.go_on();
  EXPECT_TRUE(comes_true([] { return threads_left_behind() == 0; }));
}

}  // namespace
}  // namespace zoo::sinks
