// The link to MQTT brokers against a real one, and against others that are none.
#include "brokers/mqtt_link.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "brokers/publisher.h"
#include "tests/support/comes_true.h"
#include "tests/support/fake_peer.h"
#include "tests/support/mosquitto.h"
#include "tests/support/redis_server.h"

namespace zoo::brokers {
namespace {

using test::comes_true;
using test::MqttBroker;
using test::MqttSubscriber;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;
using Time = std::chrono::steady_clock;

MqttOptions options_of(const std::string& url) {
  MqttOptions options;
  options.address = parse_mqtt_address(url);
  options.client_id = new_client_id();
  options.connect_timeout = 500ms;
  options.answer_timeout = 500ms;
  return options;
}

Message message(const std::string& topic, const std::string& text, int qos = 1, bool retain = false) {
  return {.place = topic, .fields = {{"", text}}, .qos = qos, .retain = retain};
}

struct Problem {
  std::string text = "none";
  bool transient = false;
};

Problem problem_of(const MqttOptions& options) {
  const Wakeup wakeup;
  try {
    make_mqtt_link(options)->connect(wakeup);
  } catch (const BrokerError& error) {
    return {error.what(), error.transient()};
  }
  return {};
}

void deliver(Link& link, const std::vector<Message>& messages) {
  const Wakeup wakeup;
  size_t delivered = 0;
  link.deliver(messages, wakeup, delivered);
  EXPECT_EQ(delivered, messages.size());
}

TEST(MqttLinkTest, DeliversEveryQualityOfService) {
  const MqttBroker broker;
  const MqttSubscriber reader(broker, "#", 2);
  const Wakeup wakeup;
  const auto link = make_mqtt_link(options_of(broker.url()));
  link->connect(wakeup);
  const std::string bytes("\0\xff\n|", 4);
  deliver(*link, {message("a", "0", 0), message("a", "1", 1), message("b/c d", bytes, 2), message("a", "", 1)});
  std::vector<Message> many;
  for (int i = 0; i < 200; ++i) many.push_back(message("many", std::to_string(i), i % 3));
  deliver(*link, many);
  link->idle(10ms, wakeup);
  ASSERT_TRUE(reader.wait_for([](const MqttSubscriber& all) { return all.payloads_of("many").size() == 200; }));
  EXPECT_THAT(reader.payloads_of("a"), ElementsAre("0", "1", ""));
  EXPECT_THAT(reader.payloads_of("b/c d"), ElementsAre(bytes));
  for (const test::MqttReceived& one : reader.all()) {
    if (one.topic == "b/c d") {
      EXPECT_EQ(one.qos, 2);
    }
  }
  deliver(*link, {message("large", std::string(3'000'000, 'x'))});
  ASSERT_TRUE(reader.wait_for([](const MqttSubscriber& all) { return !all.payloads_of("large").empty(); }));
  EXPECT_EQ(reader.payloads_of("large").front().size(), 3'000'000U);
}

TEST(MqttLinkTest, TheWillIsPublishedWhereTheConnectionEndsAlone) {
  const MqttBroker broker;
  const MqttSubscriber reader(broker);
  MqttOptions options = options_of(broker.url());
  options.will = message("available", "offline", 1, true);
  const Wakeup wakeup;
  const auto link = make_mqtt_link(options);
  link->connect(wakeup);
  deliver(*link, {message("available", "online", 1, true)});
  link->close();
  link->connect(wakeup);
  deliver(*link, {message("available", "again", 1, true)});
  ASSERT_TRUE(reader.wait_for_payload("available", "again"));
  EXPECT_THAT(reader.payloads_of("available"), Not(Contains("offline"))) << "who says goodbye leaves no will";
  link->connect(wakeup);  // the same name: the broker ends the connection before
  ASSERT_TRUE(reader.wait_for_payload("available", "offline"));
}

TEST(MqttLinkTest, RetainedMessagesAreThereForThoseWhoComeLater) {
  const MqttBroker broker;
  const Wakeup wakeup;
  const auto link = make_mqtt_link(options_of(broker.url()));
  link->connect(wakeup);
  deliver(*link, {message("kept", "1", 1, true), message("gone", "1")});
  const MqttSubscriber reader(broker);
  ASSERT_TRUE(reader.wait_for_payload("kept", "1"));
  EXPECT_TRUE(reader.all().front().retained);
  EXPECT_THAT(reader.payloads_of("gone"), ::testing::IsEmpty());
}

TEST(MqttLinkTest, UserAndPasswordAreChecked) {
  const test::TempFolder folder;
  const MqttBroker broker(MqttBroker::with_user(folder, "camera", "secret"));
  EXPECT_EQ(problem_of(options_of(broker.url("", "camera:secret"))).text, "none");
  const Problem wrong = problem_of(options_of(broker.url("", "camera:hunter2")));
  EXPECT_THAT(wrong.text, AllOf(HasSubstr("camera:***@"), HasSubstr("refuses this user's name or password"),
                                Not(HasSubstr("hunter2"))));
  EXPECT_FALSE(wrong.transient);
  const Problem none = problem_of(options_of(broker.url()));
  EXPECT_THAT(none.text, HasSubstr("wants a user's name and password; give them in the address"));
  EXPECT_FALSE(none.transient);
}

TEST(MqttLinkTest, TlsChecksTheCertificate) {
  const MqttBroker broker({}, true);
  MqttOptions options = options_of(broker.url());
  options.answer_timeout = 5s;
  const Problem untrusted = problem_of(options);
  EXPECT_THAT(untrusted.text, AllOf(HasSubstr("its certificate is not trusted"), HasSubstr("--ca-file")));
  options.tls_ca_file = broker.ca_file();
  const Wakeup wakeup;
  const auto link = make_mqtt_link(options);
  link->connect(wakeup);
  std::vector<Message> many;
  for (int i = 0; i < 64; ++i) many.push_back(message("many", std::string(10'000, 'x')));
  deliver(*link, many);
  link->close();

  options.address.host = "127.0.0.1";  // which is not in the certificate
  EXPECT_THAT(problem_of(options).text, HasSubstr("its certificate is not trusted"));
  options.tls_ca_file = "/nowhere.crt";
  EXPECT_THAT(problem_of(options).text, HasSubstr("/nowhere.crt: the certificates of authorities cannot be read"));
}

TEST(MqttLinkTest, SaysWhoIsThereInstead) {
  const Problem nobody = problem_of(options_of(fmt::format("mqtt://127.0.0.1:{}", test::free_port())));
  EXPECT_THAT(nobody.text, HasSubstr("connection refused: nothing listens at that port; is the broker running?"));
  EXPECT_TRUE(nobody.transient);
  const Problem by_name = problem_of(options_of(fmt::format("mqtts://localhost:{}", test::free_port())));
  EXPECT_THAT(by_name.text, HasSubstr("connection refused"));
  EXPECT_TRUE(by_name.transient);
  const Problem unknown = problem_of(options_of("mqtt://no-such-host.invalid"));
  EXPECT_THAT(unknown.text, HasSubstr("the broker's name cannot be resolved"));

  const auto peer = [](const std::string& says, bool closes) {
    return std::make_unique<test::FakePeer>(std::vector<std::string>{says}, closes);
  };
  const auto url = [](const test::FakePeer& fake, const char* scheme = "mqtt") {
    return fmt::format("{}://127.0.0.1:{}", scheme, fake.port());
  };
  const auto silent = peer("", false);
  const Problem hangs = problem_of(options_of(url(*silent)));
  EXPECT_THAT(hangs.text, HasSubstr("accepts connections, but says nothing"));
  EXPECT_TRUE(hangs.transient);
  const Problem hangs_in_tls = problem_of(options_of(url(*silent, "mqtts")));
  EXPECT_THAT(hangs_in_tls.text, HasSubstr("accepts connections, but says nothing"));
  const auto closing = peer("", true);
  EXPECT_THAT(problem_of(options_of(url(*closing))).text, HasSubstr("does it want TLS at that port (mqtts://)?"));
  EXPECT_THAT(problem_of(options_of(url(*closing, "mqtts"))).text, HasSubstr("no TLS is to be had there"));
  const auto web = peer("HTTP/1.1 400 Bad Request\r\n\r\n", false);
  EXPECT_THAT(problem_of(options_of(url(*web))).text, AnyOf(HasSubstr("answers in no way that MQTT knows"),
                                                            HasSubstr("accepts connections, but says nothing")));
  EXPECT_THAT(problem_of(options_of(url(*web, "mqtts"))).text, HasSubstr("no TLS is to be had there"));
  const auto busy = peer(std::string("\x20\x02\x00\x03", 4), true);
  const Problem serves_nobody = problem_of(options_of(url(*busy)));
  EXPECT_THAT(serves_nobody.text, HasSubstr("serves nobody just now"));
  EXPECT_TRUE(serves_nobody.transient);
}

TEST(MqttLinkTest, ABrokerThatWantsTlsIsToldFromOneThatDoesNot) {
  const MqttBroker plain;
  MqttOptions options = options_of(plain.url());
  options.address.tls = true;
  EXPECT_THAT(problem_of(options).text, HasSubstr("no TLS is to be had there"));
  const MqttBroker tls({}, true);
  options = options_of(tls.url());
  options.address.tls = false;
  EXPECT_THAT(problem_of(options).text, HasSubstr("does it want TLS at that port (mqtts://)?"));
}

TEST(MqttLinkTest, ALossIsNoticedWhileNothingIsSent) {
  MqttBroker broker;
  const Wakeup wakeup;
  const auto link = make_mqtt_link(options_of(broker.url()));
  link->connect(wakeup);
  broker.kill();
  EXPECT_THROW(
      {
        for (int i = 0; i < 100; ++i) link->idle(1s, wakeup);
      },
      BrokerError);
}

TEST(MqttLinkTest, ABrokerThatHangsIsNoticed) {
  const MqttBroker broker;
  MqttOptions options = options_of(broker.url());
  options.ack_timeout = 300ms;
  const Wakeup wakeup;
  const auto link = make_mqtt_link(options);
  link->connect(wakeup);
  broker.pause();
  const std::vector<Message> one = {message("a", "1")};
  size_t delivered = 0;
  try {
    link->deliver(one, wakeup, delivered);
    ADD_FAILURE() << "delivered to nobody";
  } catch (const BrokerError& error) {
    EXPECT_THAT(error.what(), HasSubstr("does not acknowledge"));
    EXPECT_TRUE(error.transient());
  }
  broker.go_on();
}

TEST(MqttLinkTest, WaitsNoLongerThanTheDeadline) {
  const test::FakePeer silent({""}, false);
  MqttOptions options = options_of(fmt::format("mqtt://127.0.0.1:{}", silent.port()));
  options.answer_timeout = 60s;
  Wakeup wakeup;
  const auto link = make_mqtt_link(options);
  std::thread ends([&] {
    std::this_thread::sleep_for(100ms);
    wakeup.end_waiting_at(Time::now());
  });
  const auto begin = Time::now();
  EXPECT_THROW(link->connect(wakeup), BrokerError);
  EXPECT_LT(Time::now() - begin, 10s);
  ends.join();
}

class LimitedBroker : public ::testing::TestWithParam<const char*> {};

TEST_P(LimitedBroker, TakesEverythingButThePicturesThatAreTooLargeForIt) {
  const MqttBroker broker({"allow_anonymous true", fmt::format("{} 20000", GetParam())});
  const MqttSubscriber reader(broker);
  std::mutex mutex;
  std::vector<std::string> said;
  PublisherOptions options;
  options.on_message = [&](const std::string& text) {
    const std::scoped_lock lock(mutex);
    said.push_back(text);
  };
  Publisher publisher(make_mqtt_link(options_of(broker.url())), options);
  const auto large = std::make_shared<const std::string>(100'000, 'x');
  int sent = 0;
  for (const auto end = Time::now() + 3s; Time::now() < end; std::this_thread::sleep_for(20ms)) {
    publisher.keep({.place = "frame", .fields = {}, .shared_payload = large, .qos = 0, .retain = true, .lasts = false});
    publisher.send(message("results", std::to_string(sent++)));
  }
  publisher.send(message("results", "last"));
  EXPECT_TRUE(reader.wait_for([](const MqttSubscriber& one) {
    const auto results = one.payloads_of("results");
    return !results.empty() && results.back() == "last";
  }));
  EXPECT_EQ(publisher.state().dropped, 0);
  EXPECT_LE(publisher.state().reconnects, 3) << "then they are not sent any more";
  EXPECT_TRUE(reader.payloads_of("frame").empty());
  if (publisher.state().reconnects == 0) return;  // a broker may as well drop them and say nothing
  const std::scoped_lock lock(mutex);
  EXPECT_THAT(said, Contains(HasSubstr("100005 bytes for frame is dropped")));
}

INSTANTIATE_TEST_SUITE_P(Limits, LimitedBroker, ::testing::Values("max_packet_size", "message_size_limit"));

TEST(MqttPublisherTest, ComesBackWithinASecondOfTheBroker) {
  MqttBroker broker;
  Publisher publisher(make_mqtt_link(options_of(broker.url())), {});
  publisher.keep(message("available", "online", 1, true));
  ASSERT_TRUE(comes_true([&] { return publisher.state().connected; }));
  broker.kill();
  ASSERT_TRUE(comes_true([&] { return publisher.state().away; }));
  publisher.send(message("results", "1", 1, true));
  std::this_thread::sleep_for(1200ms);  // so that it is in the midst of its waits
  broker.start();
  const auto back = Time::now();
  ASSERT_TRUE(comes_true([&] { return publisher.state().delivered == 1; }));
  RecordProperty("ms", static_cast<int>((Time::now() - back) / 1ms));
  const MqttSubscriber reader(broker);
  EXPECT_TRUE(reader.wait_for_payload("available", "online")) << "a broker that has forgotten everything knows";
  EXPECT_TRUE(reader.wait_for_payload("results", "1"));
  EXPECT_EQ(publisher.state().reconnects, 1);
}

}  // namespace
}  // namespace zoo::brokers
