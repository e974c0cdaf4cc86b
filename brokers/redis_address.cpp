#include "brokers/redis_address.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "brokers/server_address.h"
#include "nn/core/parse_number.h"
#include "nn/core/shown_text.h"

namespace zoo::brokers {
namespace {

constexpr AddressKind kRedis = {
    .broker = "Redis",
    .plain = "redis://",
    .tls = "rediss://",
    .plain_port = 6379,
    .tls_port = 6379,
    .form =
        "redis://HOST[:PORT][/DATABASE][/STREAM] (rediss:// for TLS), where the server asks for them with "
        "USER:PASSWORD@ before the host",
    .query_hint = " (in the name of a stream they are %3F and %23)"};
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
                     kRedis.form);
    }
    address.database = *database;
    path.remove_prefix(slash + 1);
  }
  if (path.find('/') != std::string_view::npos)
    refuse_address(shown, "a slash in the name of a stream is %2F", kRedis.form);
  address.key = percent_decoded(path, "name of the stream", shown, kRedis.form);
}

}  // namespace

std::string RedisAddress::server() const {
  std::string text =
      fmt::format("{}{}", tls ? kRedis.tls : kRedis.plain, shown_server(user, !password.empty(), host, port));
  if (database != 0) text += fmt::format("/{}", database);
  return text;
}

std::string RedisAddress::shown() const {
  return key.empty() ? server() : fmt::format("{}/{}", server(), printable(encoded(key)));
}

bool is_redis_address(std::string_view text) { return is_address_of(kRedis, text); }

RedisAddress parse_redis_address(std::string_view text) {
  BrokerAddress parsed = parse_broker_address(kRedis, text);
  RedisAddress address;
  read_path(parsed.path, address, parsed.shown);
  address.tls = parsed.tls;
  address.host = std::move(parsed.host);
  address.port = parsed.port;
  address.user = std::move(parsed.user);
  address.password = std::move(parsed.password);
  return address;
}

}  // namespace zoo::brokers
