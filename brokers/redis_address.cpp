#include "brokers/redis_address.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/parse_number.h"
#include "nn/core/shown_text.h"

namespace zoo::brokers {
namespace {

constexpr std::string_view kPlain = "redis://";
constexpr std::string_view kTls = "rediss://";
constexpr std::string_view kForm = "redis://[[USER][:PASSWORD]@]HOST[:PORT][/DATABASE][/STREAM]";
/// Redis takes any number that its configuration knows (`databases`, 16); more than this is a mistake.
constexpr int kMaxDatabase = 1'000'000;

bool starts_with_scheme(std::string_view text, std::string_view scheme) {
  return text.size() >= scheme.size() && std::ranges::equal(text.substr(0, scheme.size()), scheme, [](char a, char b) {
           return std::tolower(static_cast<unsigned char>(a)) == b;
         });
}

/// Without the address where a secret may stand in a place that nothing knows of.
[[noreturn]] void refuse(std::string_view shown, std::string_view problem) {
  throw Error(fmt::format("{}: {}; write {} (rediss:// for TLS)", printable(shown), problem, kForm));
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string result;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      result += text[at];
      continue;
    }
    const std::string_view digits = text.substr(at + 1, 2);
    const std::optional<unsigned> value = parse_number<unsigned>(digits, 16);
    if (digits.size() != 2 || !value) return std::nullopt;
    result += static_cast<char>(*value);
    at += 2;
  }
  return result;
}

std::string decoded(std::string_view text, std::string_view what, std::string_view shown) {
  const std::optional<std::string> result = percent_decoded(text);
  if (!result) refuse(shown, fmt::format("a % in the {} is not followed by two hexadecimal digits (%25 is a %)", what));
  if (result->find('\0') != std::string::npos) refuse(shown, fmt::format("the {} holds a NUL", what));
  return *result;
}

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

void read_server(std::string_view server, RedisAddress& address, std::string_view shown) {
  std::string_view port;
  bool has_port = false;
  if (server.starts_with('[')) {
    const size_t end = server.find(']');
    if (end == std::string_view::npos) refuse(shown, "the ] of an IPv6 address is missing");
    address.host = server.substr(1, end - 1);
    const std::string_view rest = server.substr(end + 1);
    has_port = rest.starts_with(':');
    if (!rest.empty() && !has_port) refuse(shown, "after the ] only a port may stand");
    if (has_port) port = rest.substr(1);
  } else {
    const size_t colon = server.find(':');
    has_port = colon != std::string_view::npos;
    address.host = server.substr(0, colon);
    if (has_port) port = server.substr(colon + 1);
    if (port.find(':') != std::string_view::npos) refuse(shown, "an IPv6 address needs brackets, [::1]");
  }
  if (address.host.empty()) refuse(shown, "the name of the server is missing");
  const bool odd = std::ranges::any_of(address.host, [](unsigned char c) { return c <= ' ' || c == 0x7f; });
  if (odd) refuse(shown, "the name of the server holds a blank or a control character");
  if (!has_port) return;
  const std::optional<int> number = parse_number_in<int>(port, 1, 65535);
  if (!number) refuse(shown, "the port is no number from 1 to 65535");
  address.port = static_cast<uint16_t>(*number);
}

void read_path(std::string_view path, RedisAddress& address, std::string_view shown) {
  const size_t slash = path.find('/');
  if (slash != std::string_view::npos) {
    const std::optional<int> database = parse_number_in<int>(path.substr(0, slash), 0, kMaxDatabase);
    if (!database) {
      refuse(shown,
             "what stands between the server and the last slash is no number of a database (a slash in the name "
             "of a stream is %2F)");
    }
    address.database = *database;
    path.remove_prefix(slash + 1);
  }
  if (path.find('/') != std::string_view::npos) refuse(shown, "a slash in the name of a stream is %2F");
  address.key = decoded(path, "name of the stream", shown);
}

}  // namespace

std::string RedisAddress::server() const {
  std::string text(tls ? kTls : kPlain);
  // Without a password the user's name may be one, in the wrong place.
  if (!password.empty()) {
    text += fmt::format("{}:***@", encoded(user));
  } else if (!user.empty()) {
    text += "***@";
  }
  const bool is_ipv6 = host.find(':') != std::string::npos;
  text += is_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
  if (database != 0) text += fmt::format("/{}", database);
  return printable(text);
}

std::string RedisAddress::shown() const {
  return key.empty() ? server() : fmt::format("{}/{}", server(), printable(encoded(key)));
}

bool is_redis_address(std::string_view text) {
  return starts_with_scheme(text, kPlain) || starts_with_scheme(text, kTls);
}

RedisAddress parse_redis_address(std::string_view text) {
  const std::string shown = without_secrets(text);
  RedisAddress address;
  address.tls = starts_with_scheme(text, kTls);
  if (!is_redis_address(text)) refuse(shown, "is no address of Redis");
  text.remove_prefix((address.tls ? kTls : kPlain).size());

  const size_t at = text.rfind('@');
  if (at != std::string_view::npos) {
    const std::string_view who = text.substr(0, at);
    const size_t colon = who.find(':');
    address.user = decoded(who.substr(0, colon), "user's name", shown);
    if (colon != std::string_view::npos) address.password = decoded(who.substr(colon + 1), "password", shown);
    text.remove_prefix(at + 1);
  }
  if (const size_t mark = text.find_first_of("?#"); mark != std::string_view::npos) {
    refuse(shown, "an address of Redis has neither ? nor # (in the name of a stream they are %3F and %23)");
  }
  const size_t slash = text.find('/');
  read_server(text.substr(0, slash), address, shown);
  if (slash != std::string_view::npos) read_path(text.substr(slash + 1), address, shown);
  return address;
}

}  // namespace zoo::brokers
