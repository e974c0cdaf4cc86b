#include "brokers/server_address.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "brokers/shown_address.h"
#include "nn/core/error.h"
#include "nn/core/parse_number.h"
#include "nn/core/shown_text.h"

namespace zoo::brokers {
namespace {

bool is_odd(unsigned char c) { return c <= ' ' || c == 0x7f; }

/// Whether the text begins so, in any case.
bool has_scheme(std::string_view text, std::string_view scheme) {
  return text.size() >= scheme.size() && std::ranges::equal(text.substr(0, scheme.size()), scheme, [](char a, char b) {
           return std::tolower(static_cast<unsigned char>(a)) == b;
         });
}

/// What follows the scheme.
struct ServerAddress {
  std::string user;
  std::string password;
  std::string host;
  std::optional<uint16_t> port;
  std::string path;
};

ServerAddress parse_server_address(std::string_view rest, std::string_view shown, std::string_view form) {
  ServerAddress address;
  if (const size_t at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view who = rest.substr(0, at);
    const size_t colon = who.find(':');
    address.user = percent_decoded(who.substr(0, colon), "user's name", shown, form);
    if (colon != std::string_view::npos) {
      address.password = percent_decoded(who.substr(colon + 1), "password", shown, form);
    }
    rest.remove_prefix(at + 1);
  }
  const size_t slash = rest.find('/');
  std::string_view server = rest.substr(0, slash);
  if (slash != std::string_view::npos) address.path = rest.substr(slash + 1);

  const bool has_brackets = server.starts_with('[');
  const size_t end = has_brackets ? server.find(']') : server.find(':');
  if (has_brackets && end == std::string_view::npos) {
    refuse_address(shown, "the ] of an IPv6 address is missing", form);
  }
  address.host = has_brackets ? server.substr(1, end - 1) : server.substr(0, end);
  std::string_view behind = end == std::string_view::npos ? std::string_view() : server.substr(end);
  if (has_brackets) behind.remove_prefix(1);
  if (!behind.empty() && !behind.starts_with(':')) {
    refuse_address(shown, "after the ] only a port may stand", form);
  }
  if (!has_brackets && behind.find(':', 1) != std::string_view::npos) {
    refuse_address(shown, "an IPv6 address needs brackets, [::1]", form);
  }
  if (address.host.empty()) refuse_address(shown, "the name of the server is missing", form);
  if (std::ranges::any_of(address.host, is_odd)) {
    refuse_address(shown, "the name of the server holds a blank or a control character", form);
  }
  if (behind.empty()) return address;
  const std::optional<int> number = parse_number_in<int>(behind.substr(1), 1, 65535);
  if (!number) refuse_address(shown, "the port is no number from 1 to 65535", form);
  address.port = static_cast<uint16_t>(*number);
  return address;
}

}  // namespace

std::string shown_address(std::string_view text) {
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos) return printable(without_secrets(text));
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr std::string_view kBehindScheme = "://";
  const size_t scheme = text.find_first_not_of(kLetters);
  size_t shown = 0;
  if (scheme > 0 && scheme < at && text.substr(scheme).starts_with(kBehindScheme)) {
    shown = scheme + kBehindScheme.size();
    const size_t colon = text.find(':', shown);
    if (colon < at) shown = colon + 1;
  }
  return printable(fmt::format("{}***{}", text.substr(0, shown), without_secrets(text.substr(at))));
}

void refuse_address(std::string_view shown, std::string_view problem, std::string_view form) {
  throw Error(fmt::format("{}: {}; write {}", printable(shown), problem, form));
}

bool is_address_of(const AddressKind& kind, std::string_view text) {
  return has_scheme(text, kind.plain) || has_scheme(text, kind.tls);
}

BrokerAddress parse_broker_address(const AddressKind& kind, std::string_view text) {
  BrokerAddress address;
  address.shown = shown_address(text);
  if (!is_address_of(kind, text)) {
    refuse_address(address.shown, fmt::format("is no address of {}", kind.broker), kind.form);
  }
  address.tls = has_scheme(text, kind.tls);
  text.remove_prefix((address.tls ? kind.tls : kind.plain).size());
  ServerAddress server = parse_server_address(text, address.shown, kind.form);
  if (server.path.find_first_of("?#") != std::string::npos || server.host.find_first_of("?#") != std::string::npos) {
    refuse_address(address.shown, fmt::format("an address of {} has neither ? nor #{}", kind.broker, kind.query_hint),
                   kind.form);
  }
  address.user = std::move(server.user);
  address.password = std::move(server.password);
  address.host = std::move(server.host);
  address.port = server.port.value_or(address.tls ? kind.tls_port : kind.plain_port);
  address.path = std::move(server.path);
  return address;
}

std::string percent_decoded(std::string_view text, std::string_view what, std::string_view shown,
                            std::string_view form) {
  std::string result;
  for (size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '%') {
      const std::string_view digits = text.substr(at + 1, 2);
      const std::optional<unsigned> value = parse_number<unsigned>(digits, 16);
      if (digits.size() != 2 || !value) {
        refuse_address(shown, fmt::format("a % in the {} is not followed by two hexadecimal digits (%25 is a %)", what),
                       form);
      }
      c = static_cast<char>(*value);
      at += 2;
    }
    if (c == '\0') refuse_address(shown, fmt::format("the {} holds a NUL", what), form);
    result += c;
  }
  return result;
}

std::string shown_server(std::string_view user, bool has_password, std::string_view host, uint16_t port) {
  std::string text;
  // Without a password the user's name may be one, in the wrong place.
  if (has_password) {
    text = fmt::format("{}:***@", user);
  } else if (!user.empty()) {
    text = "***@";
  }
  const bool is_ipv6 = host.find(':') != std::string_view::npos;
  text += is_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
  return printable(text);
}

}  // namespace zoo::brokers
