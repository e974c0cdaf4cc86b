// An MQTT broker of a test's own (Debian's mosquitto), on 127.0.0.1 and a free port, in a folder of its own, and
// somebody who reads there (mosquitto_sub); both end with the object or the test.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

#include "tests/support/temp_folder.h"

namespace zoo::test {

class MqttBroker {
 public:
  /// `settings`: further lines of its configuration. Nothing survives kill(). Throws std::runtime_error where it does
  /// not start.
  explicit MqttBroker(std::vector<std::string> settings = {}, bool tls = false);
  /// The same with one user, whose name and password are needed.
  static std::vector<std::string> with_user(const TempFolder& folder, const std::string& user,
                                            const std::string& password);
  ~MqttBroker();
  MqttBroker(const MqttBroker&) = delete;
  MqttBroker& operator=(const MqttBroker&) = delete;

  int port() const { return port_; }
  /// "mqtt://127.0.0.1:PORT/TOPIC", with TLS "mqtts://localhost:PORT/TOPIC".
  std::string url(const std::string& topic = "", const std::string& user_info = "") const;
  /// PEM file of the authority that has signed its certificate (TLS).
  std::string ca_file() const { return folder_ / "ca.crt"; }

  /// SIGKILL.
  void kill();
  /// SIGSTOP and SIGCONT: a broker that hangs.
  void pause() const;
  void go_on() const;
  /// Starts it anew on the same port after kill(), and waits until it listens.
  void start();

 private:
  void make_certificates() const;

  TempFolder folder_;
  bool tls_;
  int port_;
  pid_t pid_ = -1;
};

struct MqttReceived {
  std::string topic;
  std::string payload;
  int qos = 0;
  bool retained = false;  ///< it was there before the subscription
};

class MqttSubscriber {
 public:
  /// Subscribes with `qos`, and comes back when the broker does.
  explicit MqttSubscriber(const MqttBroker& broker, const std::string& topics = "#", int qos = 1);
  ~MqttSubscriber();
  MqttSubscriber(const MqttSubscriber&) = delete;
  MqttSubscriber& operator=(const MqttSubscriber&) = delete;

  /// In the order of arrival.
  std::vector<MqttReceived> all() const;
  std::vector<std::string> payloads_of(const std::string& topic) const;
  /// The last of each topic.
  std::map<std::string, std::string> newest() const;
  /// Waits until this holds; false after 20 s.
  bool wait_for(const std::function<bool(const MqttSubscriber&)>& condition) const;
  bool wait_for_payload(const std::string& topic, const std::string& payload) const;

 private:
  TempFolder folder_;
  pid_t pid_ = -1;
};

}  // namespace zoo::test
