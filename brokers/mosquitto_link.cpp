// libmosquitto's home. Its socket is polled here, so that every wait has an end; it neither reconnects nor keeps
// messages by itself: each connection is a client of its own.
#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <mosquitto.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "brokers/mqtt_module.h"
#include "nn/core/files.h"

namespace zoo::brokers {
namespace {

using Time = Wakeup::Clock;

/// For saying goodbye.
constexpr std::chrono::milliseconds kFlush{100};
/// Between two looks at the keepalive.
constexpr std::chrono::milliseconds kLook{1000};

struct DestroyClient {
  void operator()(mosquitto* client) const { mosquitto_destroy(client); }
};

class MosquittoLink final : public Link {
 public:
  explicit MosquittoLink(MqttOptions options) : options_(std::move(options)), name_(options_.address.server()) {
    [[maybe_unused]] static const int initialised = mosquitto_lib_init();
  }
  ~MosquittoLink() override { close(); }
  MosquittoLink(const MosquittoLink&) = delete;
  MosquittoLink& operator=(const MosquittoLink&) = delete;

  std::string name() const override { return name_; }
  void connect(const Wakeup& wakeup) override;
  void deliver(std::span<const Message> messages, const Wakeup& wakeup, size_t& delivered) override;
  void idle(std::chrono::milliseconds time, const Wakeup& wakeup) override;
  void close() override;

 private:
  enum class Dns { kAsFound, kByLibrary };

  std::vector<std::string> addresses() const;
  void connect_to(const std::string& host, Dns dns, const Wakeup& wakeup);
  void make_client();
  void use_tls();
  void reach(const Wakeup& wakeup);
  bool pump(Time::time_point deadline, const Wakeup& wakeup, short wanted = 0);
  void check(int code);
  [[noreturn]] void fail(std::string_view why, bool transient) const;
  [[noreturn]] void fail_with(int code, int error);
  std::string tls_problem() const;
  [[noreturn]] void refuse() const;

  static MosquittoLink& of(void* self) { return *static_cast<MosquittoLink*>(self); }
  static void on_connect(mosquitto* /*client*/, void* self, int code) { of(self).greeting_ = code; }
  static void on_publish(mosquitto* /*client*/, void* self, int id) { of(self).acknowledged_.push_back(id); }
  static void on_log(mosquitto* /*client*/, void* self, int level, const char* text) {
    if (level == MOSQ_LOG_ERR) of(self).problems_.emplace_back(text);
  }

  const MqttOptions options_;
  const std::string name_;
  std::unique_ptr<mosquitto, DestroyClient> client_;
  int greeting_ = -1;              ///< the broker's answer to CONNECT; -1: none yet
  std::vector<int> acknowledged_;  ///< ids of messages, since they were last looked at
  std::vector<std::string> problems_;
};

void MosquittoLink::fail(std::string_view why, bool transient) const {
  throw BrokerError(fmt::format("{}: {}", name_, why), transient);
}

void MosquittoLink::connect(const Wakeup& wakeup) {
  const std::vector<std::string> found = addresses();
  const std::string& host = options_.address.host;
  if (options_.address.tls && found.front() != host) {
    // Certificates are for the name, which the library resolves itself: without waiting to its first address only.
    try {
      connect_to(host, Dns::kAsFound, wakeup);
    } catch (const BrokerError& error) {
      if (found.size() == 1 || !error.transient() || greeting_ >= 0 || Time::now() >= wakeup.deadline()) throw;
      connect_to(host, Dns::kByLibrary, wakeup);
    }
    return;
  }
  for (size_t i = 0; i < found.size(); ++i) {
    try {
      connect_to(found[i], Dns::kAsFound, wakeup);
      return;
    } catch (const BrokerError& error) {
      const bool is_last = i + 1 == found.size() || Time::now() >= wakeup.deadline();
      if (is_last || !error.transient() || greeting_ >= 0) throw;
    }
  }
}

/// Of the host, as numbers.
std::vector<std::string> MosquittoLink::addresses() const {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(options_.address.host.c_str(), nullptr, &hints, &list);
  if (error != 0) {
    fail(fmt::format("the broker's name cannot be resolved: {}; is it spelt right, and is there a network?",
                     error == EAI_SYSTEM ? errno_text() : gai_strerror(error)),
         error == EAI_AGAIN);
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> cleanup(list, &freeaddrinfo);
  std::vector<std::string> found;
  for (const addrinfo* address = list; address != nullptr; address = address->ai_next) {
    std::string text(NI_MAXHOST, '\0');
    if (::getnameinfo(address->ai_addr, address->ai_addrlen, text.data(), NI_MAXHOST, nullptr, 0, NI_NUMERICHOST) ==
        0) {
      text.resize(text.find('\0'));
      if (std::ranges::find(found, text) == found.end()) found.push_back(std::move(text));
    }
  }
  if (found.empty()) fail("the broker's name has no address", true);
  return found;
}

void MosquittoLink::make_client() {
  client_.reset();
  greeting_ = -1;
  acknowledged_.clear();
  problems_.clear();
  client_.reset(mosquitto_new(options_.client_id.c_str(), true, this));
  if (!client_) fail(fmt::format("no client can be made: {}", errno_text()), false);
  mosquitto_connect_callback_set(client_.get(), on_connect);
  mosquitto_publish_callback_set(client_.get(), on_publish);
  mosquitto_log_callback_set(client_.get(), on_log);
  mosquitto_int_option(client_.get(), MOSQ_OPT_TCP_NODELAY, 1);
  const MqttAddress& address = options_.address;
  if (!address.user.empty() || !address.password.empty()) {
    const char* const password = address.password.empty() ? nullptr : address.password.c_str();
    check(mosquitto_username_pw_set(client_.get(), address.user.c_str(), password));
  }
  if (options_.will) {
    const std::string& text = options_.will->payload();
    check(mosquitto_will_set(client_.get(), options_.will->place.c_str(), static_cast<int>(text.size()), text.data(),
                             options_.will->qos, options_.will->retain));
  }
  if (address.tls) use_tls();
}

void MosquittoLink::use_tls() {
  const std::string& file = options_.tls_ca_file;
  if (file.empty()) {
    check(mosquitto_int_option(client_.get(), MOSQ_OPT_TLS_USE_OS_CERTS, 1));
  } else if (mosquitto_tls_set(client_.get(), file.c_str(), nullptr, nullptr, nullptr, nullptr) != MOSQ_ERR_SUCCESS) {
    fail(fmt::format("{}: the certificates of authorities cannot be read", file), false);
  }
}

void MosquittoLink::connect_to(const std::string& host, Dns dns, const Wakeup& wakeup) {
  make_client();
  const auto connect = dns == Dns::kAsFound ? mosquitto_connect_async : mosquitto_connect;
  const int code = connect(client_.get(), host.c_str(), options_.address.port,
                           static_cast<int>(std::max<int64_t>(options_.keepalive.count(), 5)));
  if (code != MOSQ_ERR_SUCCESS) fail_with(code, errno);
  reach(wakeup);
  const auto deadline = Time::now() + options_.answer_timeout;
  while (greeting_ < 0) {
    if (!pump(deadline, wakeup)) {
      fail("accepts connections, but says nothing; does it hang, or is there no MQTT at that port?", true);
    }
  }
  if (greeting_ != 0) refuse();
}

/// Waits for the connection of TCP.
void MosquittoLink::reach(const Wakeup& wakeup) {
  const int socket = mosquitto_socket(client_.get());
  const auto deadline = Time::now() + options_.connect_timeout;
  while (true) {
    const auto end = std::min(deadline, wakeup.deadline());
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Time::now());
    if (left.count() <= 0) fail("cannot be reached: no answer; is the machine on, and the port open?", true);
    std::array<pollfd, 2> wanted = {
        {{.fd = socket, .events = POLLOUT, .revents = 0}, {.fd = wakeup.descriptor(), .events = POLLIN, .revents = 0}}};
    if (::poll(wanted.data(), wanted.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) {
      fail_with(MOSQ_ERR_ERRNO, errno);
    }
    if (wanted[1].revents != 0) wakeup.clear();
    if (wanted[0].revents != 0) break;
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) fail_with(MOSQ_ERR_ERRNO, error);
  // TLS has tried to write before there was a connection, and so may have taken the error: of what never was, no time
  // of a round trip is known.
  tcp_info info = {};
  size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_rtt == 0) {
    fail_with(MOSQ_ERR_ERRNO, ECONNREFUSED);
  }
  if (options_.address.tls) check(mosquitto_loop_read(client_.get(), 1));  // which begins TLS
}

/// One turn: waits for something to happen, and lets it happen. False at the deadline.
bool MosquittoLink::pump(Time::time_point deadline, const Wakeup& wakeup, short wanted) {
  const int socket = mosquitto_socket(client_.get());
  if (socket < 0) fail_with(MOSQ_ERR_CONN_LOST, 0);
  const auto end = std::min(deadline, wakeup.deadline());
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Time::now());
  if (left.count() <= 0) return false;
  if (mosquitto_want_write(client_.get())) wanted |= POLLOUT;
  std::array<pollfd, 2> polled = {
      {{.fd = socket, .events = static_cast<short>(wanted | POLLIN | POLLRDHUP), .revents = 0},
       {.fd = wakeup.descriptor(), .events = POLLIN, .revents = 0}}};
  const int ready = ::poll(polled.data(), polled.size(), static_cast<int>(std::min(left, kLook).count()));
  if (ready < 0 && errno != EINTR) fail_with(MOSQ_ERR_ERRNO, errno);
  if (ready > 0 && polled[1].revents != 0) wakeup.clear();
  const short happened = ready > 0 ? polled[0].revents : static_cast<short>(0);
  if (happened != 0) check(mosquitto_loop_read(client_.get(), 1));
  if ((happened & POLLOUT) != 0) check(mosquitto_loop_write(client_.get(), 1));
  const bool is_over = (happened & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  if (is_over) fail_with(MOSQ_ERR_CONN_LOST, 0);
  check(mosquitto_loop_misc(client_.get()));
  return true;
}

void MosquittoLink::deliver(std::span<const Message> messages, const Wakeup& wakeup, size_t& delivered) {
  delivered = 0;
  std::map<int, size_t> numbers;  // by id
  std::vector<bool> done(messages.size(), false);
  for (size_t i = 0; i < messages.size(); ++i) {
    const Message& message = messages[i];
    const std::string& payload = message.payload();
    int id = 0;
    check(mosquitto_publish(client_.get(), &id, message.place.c_str(), static_cast<int>(payload.size()), payload.data(),
                            message.qos, message.retain));
    numbers[id] = i;
  }
  auto deadline = Time::now() + options_.ack_timeout;
  while (true) {
    if (!acknowledged_.empty()) deadline = Time::now() + options_.ack_timeout;
    for (const int id : std::exchange(acknowledged_, {})) {
      if (const auto number = numbers.find(id); number != numbers.end()) done[number->second] = true;
    }
    while (delivered < done.size() && done[delivered]) ++delivered;
    if (delivered == done.size()) return;
    if (!pump(deadline, wakeup)) fail("takes messages, but does not acknowledge them; does it hang?", true);
  }
}

void MosquittoLink::idle(std::chrono::milliseconds time, const Wakeup& wakeup) {
  const auto deadline = Time::now() + time;
  const auto is_woken = [&] {
    pollfd polled{.fd = wakeup.descriptor(), .events = POLLIN, .revents = 0};
    return ::poll(&polled, 1, 0) > 0;
  };
  if (!is_woken()) pump(deadline, wakeup);
}

void MosquittoLink::close() {
  if (!client_) return;
  if (greeting_ == 0 && mosquitto_disconnect(client_.get()) == MOSQ_ERR_SUCCESS) {
    const auto deadline = Time::now() + kFlush;
    int code = MOSQ_ERR_SUCCESS;
    while (code == MOSQ_ERR_SUCCESS && mosquitto_socket(client_.get()) >= 0 && mosquitto_want_write(client_.get())) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Time::now());
      pollfd polled{.fd = mosquitto_socket(client_.get()), .events = POLLOUT, .revents = 0};
      if (left.count() <= 0 || ::poll(&polled, 1, static_cast<int>(left.count())) <= 0) break;
      code = mosquitto_loop_write(client_.get(), 1);
    }
  }
  client_.reset();
  greeting_ = -1;
}

void MosquittoLink::check(int code) {
  if (code != MOSQ_ERR_SUCCESS && code != MOSQ_ERR_CONN_PENDING) fail_with(code, errno);
}

/// `error`: the system's, where the library says that it is one.
void MosquittoLink::fail_with(int code, int error) {
  const bool is_greeted = greeting_ == 0;
  if (greeting_ > 0) refuse();
  switch (code) {
    case MOSQ_ERR_ERRNO:
      if (error == EPROTO && options_.address.tls) break;
      if (error == ECONNREFUSED) {
        fail("connection refused: nothing listens at that port; is the broker running?", true);
      }
      fail(is_greeted ? fmt::format("the connection is lost: {}", errno_text(error))
                      : fmt::format("cannot be reached: {}", errno_text(error)),
           true);
    case MOSQ_ERR_CONN_LOST:
    case MOSQ_ERR_NO_CONN:
      if (is_greeted) fail("the connection is lost: the broker closed it", true);
      if (options_.address.tls) break;
      fail("closed the connection without an answer; does it want TLS at that port (mqtts://)?", true);
    case MOSQ_ERR_KEEPALIVE:
      fail("the connection is lost: the broker does not answer any more", true);
    case MOSQ_ERR_TLS:
      break;
    case MOSQ_ERR_PAYLOAD_SIZE:
    case MOSQ_ERR_OVERSIZE_PACKET:
      fail("a message is larger than MQTT allows", false);
    case MOSQ_ERR_PROTOCOL:
      fail("answers in no way that MQTT knows; is there another service at that port?", false);
    default:
      fail(mosquitto_strerror(code), is_greeted);
  }
  fail(tls_problem(), is_greeted);
}

std::string MosquittoLink::tls_problem() const {
  std::string what;
  for (const std::string& line : problems_) {
    const size_t colon = line.rfind(':');
    if (line.starts_with("OpenSSL") && colon != std::string::npos) what = line.substr(colon + 1);
  }
  if (what.find("certificate") != std::string::npos) {
    return fmt::format(
        "its certificate is not trusted ({}); give the file of its authority's certificate (--ca-file FILE), and "
        "the host's name as the certificate has it",
        what);
  }
  if (what.empty()) what = "it closed the connection";
  return fmt::format("no TLS is to be had there ({}); without TLS addresses begin with mqtt://", what);
}

/// The answers of MQTT 3.1.1, section 3.2.2.3.
void MosquittoLink::refuse() const {
  const std::string& user = options_.address.user;
  switch (greeting_) {
    case 1:
      fail("speaks no MQTT 3.1.1", false);
    case 2:
      fail("refuses this client's name", false);
    case 3:
      fail("is there, but serves nobody just now", true);
    case 4:
    case 5:
      fail(user.empty()
               ? "wants a user's name and password; give them in the address (USER:PASSWORD@ before the host), "
                 "a file (--password-file) or the variables MQTT_USER and MQTT_PASSWORD"
               : "refuses this user's name or password",
           false);
    default:
      fail(fmt::format("refuses the connection: {}", mosquitto_connack_string(greeting_)), false);
  }
}

}  // namespace
}  // namespace zoo::brokers

extern "C" [[gnu::visibility("default")]] const zoo::brokers::MqttModule* zoo_module_mqtt() {
  static constexpr zoo::brokers::MqttModule kModule = {
      [](zoo::brokers::MqttOptions options) -> std::unique_ptr<zoo::brokers::Link> {
        return std::make_unique<zoo::brokers::MosquittoLink>(std::move(options));
      },
  };
  return &kModule;
}
