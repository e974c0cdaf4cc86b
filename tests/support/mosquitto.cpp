#include "tests/support/mosquitto.h"

#include <algorithm>
#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <netinet/in.h>
#include <sstream>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "tests/support/redis_server.h"

namespace zoo::test {
namespace {

using Time = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{20};
constexpr std::chrono::milliseconds kLook{10};

pid_t start_process(const std::vector<std::string>& arguments, const std::string& out) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int file = open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  dup2(file, STDOUT_FILENO);
  dup2(file, STDERR_FILENO);
  // Debian has the broker in /usr/sbin, which is not on everybody's path.
  setenv("PATH", (std::string(getenv("PATH") == nullptr ? "" : getenv("PATH")) + ":/usr/sbin:/usr/bin").c_str(), 1);
  execvp(pointers.front(), pointers.data());
  _exit(127);
}

bool listens(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool answered = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return answered;
}

void end_process(pid_t& pid) {
  if (pid < 0) return;
  ::kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  pid = -1;
}

void run(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

std::string from_hex(const std::string& text) {
  std::string bytes;
  for (size_t at = 0; at + 1 < text.size(); at += 2) {
    bytes += static_cast<char>(std::stoi(text.substr(at, 2), nullptr, 16));
  }
  return bytes;
}

}  // namespace

MqttBroker::MqttBroker(std::vector<std::string> settings, bool tls) : tls_(tls), port_(free_port()) {
  if (tls_) make_certificates();
  std::ofstream file(folder_ / "mosquitto.conf");
  file << fmt::format("listener {} 127.0.0.1\npersistence false\n", port_);
  if (tls_) {
    const std::string folder = folder_.path().string();
    file << fmt::format("cafile {0}/ca.crt\ncertfile {0}/server.crt\nkeyfile {0}/server.key\n", folder);
  }
  if (geteuid() == 0) file << "user root\n";  // else it becomes a user who may not read the folder
  if (settings.empty()) settings = {"allow_anonymous true"};
  for (const std::string& line : settings) file << line << '\n';
  file.close();
  start();
}

MqttBroker::~MqttBroker() { kill(); }

std::vector<std::string> MqttBroker::with_user(const TempFolder& folder, const std::string& user,
                                               const std::string& password) {
  const std::string file = folder / "passwords";
  run(fmt::format("mosquitto_passwd -b -c '{}' '{}' '{}' >'{}.log' 2>&1", file, user, password, file));
  return {"allow_anonymous false", "password_file " + file};
}

void MqttBroker::make_certificates() const {
  run(fmt::format(
      "cd '{}' && exec 2>/dev/null && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.crt "
      "-subj /CN=test-authority && openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj "
      "/CN=localhost && printf 'subjectAltName=DNS:localhost' > names && openssl x509 -req -in server.csr -CA ca.crt "
      "-CAkey ca.key -CAcreateserial -days 2 -out server.crt -extfile names",
      folder_.path().string()));
}

void MqttBroker::start() {
  pid_ = start_process({"mosquitto", "-c", folder_ / "mosquitto.conf"}, folder_ / "log");
  for (const auto end = Time::now() + kPatience; !listens(port_); std::this_thread::sleep_for(kLook)) {
    const bool over = waitpid(pid_, nullptr, WNOHANG) == pid_;
    if (over) pid_ = -1;
    if (over || Time::now() > end) throw std::runtime_error("mosquitto did not start");
  }
}

std::string MqttBroker::url(const std::string& topic, const std::string& user_info) const {
  return fmt::format("{}://{}{}{}:{}{}{}", tls_ ? "mqtts" : "mqtt", user_info, user_info.empty() ? "" : "@",
                     tls_ ? "localhost" : "127.0.0.1", port_, topic.empty() ? "" : "/", topic);
}

void MqttBroker::kill() { end_process(pid_); }
void MqttBroker::pause() const { ::kill(pid_, SIGSTOP); }
void MqttBroker::go_on() const { ::kill(pid_, SIGCONT); }

MqttSubscriber::MqttSubscriber(const MqttBroker& broker, const std::string& topics, int qos) {
  // The line says when the subscription is there: everything that is published from then on arrives.
  pid_ = start_process({"stdbuf", "-oL", "mosquitto_sub", "-d", "-h", "127.0.0.1", "-p", std::to_string(broker.port()),
                        "-q", std::to_string(qos), "-t", topics, "-F", ">%r|%q|%x|%t"},
                       folder_ / "received");
  const auto is_there = [&] {
    std::ifstream file(folder_ / "received");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return text.find("SUBACK") != std::string::npos;
  };
  for (const auto end = Time::now() + kPatience; !is_there(); std::this_thread::sleep_for(kLook)) {
    if (Time::now() > end) throw std::runtime_error("mosquitto_sub does not subscribe");
  }
}

MqttSubscriber::~MqttSubscriber() { end_process(pid_); }

std::vector<MqttReceived> MqttSubscriber::all() const {
  std::ifstream file(folder_ / "received");
  std::vector<MqttReceived> found;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with('>') || file.eof()) continue;  // what is not complete yet
    std::vector<std::string> parts;
    std::istringstream stream(line.substr(1));
    for (std::string part; parts.size() < 3 && std::getline(stream, part, '|');) parts.push_back(part);
    std::string topic;
    std::getline(stream, topic);
    found.push_back({.topic = topic,
                     .payload = from_hex(parts.at(2)),
                     .qos = std::stoi(parts.at(1)),
                     .retained = parts.at(0) == "1"});
  }
  return found;
}

std::vector<std::string> MqttSubscriber::payloads_of(const std::string& topic) const {
  std::vector<std::string> found;
  for (const MqttReceived& message : all()) {
    if (message.topic == topic) found.push_back(message.payload);
  }
  return found;
}

std::map<std::string, std::string> MqttSubscriber::newest() const {
  std::map<std::string, std::string> found;
  for (const MqttReceived& message : all()) found[message.topic] = message.payload;
  return found;
}

bool MqttSubscriber::wait_for(const std::function<bool(const MqttSubscriber&)>& condition) const {
  for (const auto end = Time::now() + kPatience; Time::now() < end; std::this_thread::sleep_for(kLook)) {
    if (condition(*this)) return true;
  }
  return condition(*this);
}

bool MqttSubscriber::wait_for_payload(const std::string& topic, const std::string& payload) const {
  return wait_for([&](const MqttSubscriber& reader) {
    const std::vector<std::string> found = reader.payloads_of(topic);
    return std::ranges::find(found, payload) != found.end();
  });
}

}  // namespace zoo::test
