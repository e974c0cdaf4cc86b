#include "sinks/mqtt_topics.h"

#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sinks/mqtt_discovery.h"

namespace zoo::sinks {
namespace {

using Json = nlohmann::json;

TEST(MqttTopics, AreThoseOfFrigateAndOurs) {
  const MqttTopics topics("backbone-zoo/host");
  EXPECT_EQ(topics.available(), "backbone-zoo/host/available");
  EXPECT_EQ(topics.counts(), "backbone-zoo/host/counts");
  EXPECT_EQ(topics.result("door"), "backbone-zoo/host/door/result");
  EXPECT_EQ(topics.state("door"), "backbone-zoo/host/door/state");
  EXPECT_EQ(topics.label("door", "person"), "backbone-zoo/host/door/person");
  EXPECT_EQ(topics.all("door"), "backbone-zoo/host/door/all");
  EXPECT_EQ(topics.snapshot("door", "person"), "backbone-zoo/host/door/person/snapshot");
}

TEST(MqttTopics, EscapeWhatHasAMeaningInTopics) {
  EXPECT_EQ(topic_level("traffic light"), "traffic light");
  EXPECT_EQ(topic_level("küche"), "küche");
  EXPECT_EQ(topic_level("a/b+c#d%e"), "a%2Fb%2Bc%23d%25e");
  EXPECT_EQ(topic_level(std::string("a\0\n\x7f", 4)), "a%00%0A%7F");
  EXPECT_EQ(topic_level("\xff"), "\\xff");
  EXPECT_EQ(topic_level(""), "%");
  EXPECT_EQ(topic_level(std::string(300, 'x')), std::string(256, 'x'));
  const std::string umlauts = topic_level(std::string(255, 'x') + "ä");
  EXPECT_EQ(umlauts, std::string(255, 'x')) << "no half letters";
}

TEST(MqttTopics, LabelsThatAreCalledLikeOurOwnTopicsStayApart) {
  const MqttTopics topics("p");
  std::set<std::string> different = {topics.result("s"), topics.answer("s"), topics.state("s"), topics.frame("s"),
                                     topics.all("s")};
  for (const char* label : {"result", "answer", "state", "frame", "all", "%72esult", "a/b", "a%2Fb"}) {
    EXPECT_TRUE(different.insert(topics.label("s", label)).second) << label;
  }
  EXPECT_EQ(topics.label("s", "result"), "p/s/%72esult");
}

TEST(MqttTopics, NamesForHomeAssistantArePlainAndStayDifferent) {
  EXPECT_EQ(discovery_name("front_door-1"), "front_door-1");
  const std::string dotted = discovery_name("front.door");
  EXPECT_TRUE(dotted.starts_with("front_door_")) << dotted;
  EXPECT_NE(dotted, discovery_name("front/door"));
  EXPECT_FALSE(discovery_name("").empty());
  EXPECT_LE(discovery_name(std::string(1000, 'x')).size(), 300U);
}

TEST(MqttDiscovery, DescribesAStreamAsADevice) {
  const MqttTopics topics("backbone-zoo/host");
  const DiscoveryOptions options{.model_name = "net", .version = "0.1", .frames = true};
  const std::vector<DiscoveryMessage> all = stream_discovery(topics, options, "front.door");
  std::set<std::string> ids;
  std::set<std::string> places;
  for (const DiscoveryMessage& message : all) {
    const Json json = Json::parse(message.payload);
    EXPECT_TRUE(places.insert(message.topic).second);
    EXPECT_TRUE(ids.insert(json.at("unique_id").get<std::string>()).second);
    EXPECT_EQ(json.at("availability_topic"), "backbone-zoo/host/available");
    EXPECT_EQ(json.at("device").at("name"), "front.door");
    EXPECT_EQ(json.at("device").at("identifiers"), Json::parse(all.front().payload).at("device").at("identifiers"));
    EXPECT_EQ(json.at("origin").at("name"), "backbone-zoo");
    EXPECT_TRUE(message.topic.starts_with("homeassistant/sensor/backbone-zoo_host_") ||
                message.topic.starts_with("homeassistant/camera/backbone-zoo_host_"))
        << message.topic;
    EXPECT_TRUE(message.topic.ends_with("/config"));
    EXPECT_EQ(message.topic.find_first_of(" .+#"), std::string::npos) << message.topic;
  }
  EXPECT_EQ(all.size(), 4U);
  EXPECT_EQ(Json::parse(all.front().payload).at("state_topic"), "backbone-zoo/host/front.door/answer");
  const DiscoveryMessage person = label_discovery(topics, options, "front.door", "person");
  EXPECT_EQ(Json::parse(person.payload).at("state_topic"), "backbone-zoo/host/front.door/person");
  const DiscoveryMessage called_all = label_discovery(topics, options, "front.door", "all");
  const DiscoveryMessage sum = label_discovery(topics, options, "front.door", "all", true);
  EXPECT_NE(called_all.topic, sum.topic);
  EXPECT_NE(Json::parse(called_all.payload).at("state_topic"), Json::parse(sum.payload).at("state_topic"));
}

}  // namespace
}  // namespace zoo::sinks
