#include "brokers/mqtt_address.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"

namespace zoo::brokers {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(MqttAddressTest, ReadsEveryPart) {
  const MqttAddress all = parse_mqtt_address("mqtts://camera:s%40cret%2F@broker.example:9001/home/cameras/");
  EXPECT_TRUE(all.tls);
  EXPECT_EQ(all.user, "camera");
  EXPECT_EQ(all.password, "s@cret/");
  EXPECT_EQ(all.host, "broker.example");
  EXPECT_EQ(all.port, 9001);
  EXPECT_EQ(all.topic, "home/cameras");
  EXPECT_EQ(all.server(), "mqtts://camera:***@broker.example:9001");
}

TEST(MqttAddressTest, NeedsOnlyAHost) {
  const MqttAddress plain = parse_mqtt_address("MQTT://broker");
  EXPECT_FALSE(plain.tls);
  EXPECT_EQ(plain.port, 1883);
  EXPECT_EQ(plain.topic, "");
  EXPECT_EQ(plain.user, "");
  EXPECT_EQ(parse_mqtt_address("mqtts://broker/").port, 8883);
  EXPECT_EQ(parse_mqtt_address("mqtt://[::1]:18/a").host, "::1");
  EXPECT_EQ(parse_mqtt_address("mqtt://[::1]:18/a").server(), "mqtt://[::1]:18");
  EXPECT_EQ(parse_mqtt_address("mqtt://token@broker").server(), "mqtt://***@broker:1883");
  EXPECT_EQ(parse_mqtt_address("mqtt://broker/k%C3%BCche").topic, "küche");
}

TEST(MqttAddressTest, SaysWhatIsWrongAndHowItIsWritten) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"http://broker", "is no address of an MQTT broker"},
      {"broker:1883", "is no address of an MQTT broker"},
      {"mqtt://", "the name of the server is missing"},
      {"mqtt://:1883", "the name of the server is missing"},
      {"mqtt://broker:", "the port is no number from 1 to 65535"},
      {"mqtt://broker:0", "the port is no number from 1 to 65535"},
      {"mqtt://broker:70000", "the port is no number from 1 to 65535"},
      {"mqtt://::1", "an IPv6 address needs brackets"},
      {"mqtt://[::1", "the ] of an IPv6 address is missing"},
      {"mqtt://[::1]x", "after the ] only a port may stand"},
      {"mqtt://bro ker", "holds a blank"},
      {"mqtt://u:%zz@broker", "a % in the password is not followed by two hexadecimal digits"},
      {"mqtt://u:%00@broker", "the password holds a NUL"},
      {"mqtt://broker?qos=1", "neither ? nor #"},
      {"mqtt://broker/a#b", "neither ? nor #"},
      {"mqtt://broker/a/+/b", "neither + nor #"},
      {"mqtt://broker/a%23", "neither + nor #"},
      {"mqtt://broker/$SYS/a", "topics that begin with $"},
      {"mqtt://broker//a", "a level of the topic is empty"},
      {"mqtt://broker/a//b", "a level of the topic is empty"},
      {"mqtt://broker/a%0Ab", "control character"},
      {"mqtt://broker/%FF", "not UTF-8"},
      {"mqtt://broker/" + std::string(2000, 'a'), "longer than 1024 bytes"}};
  for (const auto& [text, problem] : wrong) {
    try {
      parse_mqtt_address(text);
      ADD_FAILURE() << text << " was taken";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr(problem), HasSubstr("write mqtt://"))) << text;
    }
  }
}

TEST(MqttAddressTest, ShowsNoPassword) {
  for (const char* text : {"mqtt://me:secret@broker:99999", "mqtt://me:secret@/a", "mqtt://secret@broker?x"}) {
    try {
      parse_mqtt_address(text);
      ADD_FAILURE() << text << " was taken";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), Not(HasSubstr("secret")));
    }
  }
}

}  // namespace
}  // namespace zoo::brokers
