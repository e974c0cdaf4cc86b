#include "brokers/redis_address.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "brokers/server_address.h"
#include "nn/core/parse_number.h"
#include "nn/core/shown_text.h"

namespace zoo::brokers {
namespace {

constexpr std::string_view kPlain = "redis://";
constexpr std::string_view kTls = "rediss://";
constexpr std::string_view kForm = "redis://[[USER][:PASSWORD]@]HOST[:PORT][/DATABASE][/STREAM] (rediss:// for TLS)";
constexpr uint16_t kPort = 6379;
/// Redis takes any number that its configuration knows (`databases`, 16); more than this is a mistake.
constexpr int kMaxDatabase = 1'000'000;

/// Percent-encoded where the address would be read otherwise.
std::string encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (std::string_view("%/?#@ ").find(c) == std::string_view::npos) {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

void read_path(std::string_view path, RedisAddress& address, std::string_view shown) {
  const size_t slash = path.find('/');
  if (slash != std::string_view::npos) {
    const std::optional<int> database = parse_number_in<int>(path.substr(0, slash), 0, kMaxDatabase);
    if (!database) {
      refuse_address(shown,
                     "what stands between the server and the last slash is no number of a database (a slash in the "
                     "name of a stream is %2F)",
                     kForm);
    }
    address.database = *database;
    path.remove_prefix(slash + 1);
  }
  if (path.find('/') != std::string_view::npos) refuse_address(shown, "a slash in the name of a stream is %2F", kForm);
  address.key = percent_decoded(path, "name of the stream", shown, kForm);
}

}  // namespace

std::string RedisAddress::server() const {
  std::string text = fmt::format("{}{}", tls ? kTls : kPlain, shown_server(user, !password.empty(), host, port));
  if (database != 0) text += fmt::format("/{}", database);
  return text;
}

std::string RedisAddress::shown() const {
  return key.empty() ? server() : fmt::format("{}/{}", server(), printable(encoded(key)));
}

bool is_redis_address(std::string_view text) { return has_scheme(text, kPlain) || has_scheme(text, kTls); }

RedisAddress parse_redis_address(std::string_view text) {
  const std::string shown = without_secrets(text);
  if (!is_redis_address(text)) refuse_address(shown, "is no address of Redis", kForm);
  RedisAddress address;
  address.tls = has_scheme(text, kTls);
  text.remove_prefix((address.tls ? kTls : kPlain).size());
  ServerAddress server = parse_server_address(text, shown, kForm);
  if (server.path.find_first_of("?#") != std::string::npos || server.host.find_first_of("?#") != std::string::npos) {
    refuse_address(shown, "an address of Redis has neither ? nor # (in the name of a stream they are %3F and %23)",
                   kForm);
  }
  read_path(server.path, address, shown);
  address.host = std::move(server.host);
  address.user = std::move(server.user);
  address.password = std::move(server.password);
  address.port = server.port.value_or(kPort);
  return address;
}

}  // namespace zoo::brokers
