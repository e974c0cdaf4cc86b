// What addresses of brokers have in common: SCHEME://[[USER][:PASSWORD]@]HOST[:PORT][/PATH]. Internal to brokers/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace zoo::brokers {

/// How the addresses of one kind of broker are written.
struct AddressKind {
  std::string_view broker;      ///< "an MQTT broker", for messages
  std::string_view plain;       ///< "mqtt://"
  std::string_view tls;         ///< "mqtts://"
  uint16_t plain_port = 0;      ///< where an address names none
  uint16_t tls_port = 0;        ///< the same, with TLS
  std::string_view form;        ///< how it is written, for messages
  std::string_view query_hint;  ///< what helps whoever writes ? or #; may be empty
};

/// Whether the text begins as such an address does, in any case.
bool is_address_of(const AddressKind& kind, std::string_view text);

struct BrokerAddress {
  bool tls = false;
  std::string user;
  std::string password;
  std::string host;  ///< a name or an IP address, IPv6 without its brackets
  uint16_t port = 0;
  std::string path;   ///< as it was written, without the first slash
  std::string shown;  ///< the whole address without secrets, for messages
};

/// Throws Error.
BrokerAddress parse_broker_address(const AddressKind& kind, std::string_view text);

/// `%2F` is a slash. `what`: for messages; `shown`: BrokerAddress::shown; `form`: AddressKind::form. Throws Error, also
/// for a NUL.
std::string percent_decoded(std::string_view text, std::string_view what, std::string_view shown,
                            std::string_view form);

/// Throws what all of these throw: `ADDRESS: PROBLEM; write FORM`.
[[noreturn]] void refuse_address(std::string_view shown, std::string_view problem, std::string_view form);

/// "user:***@host:1883", IPv6 in brackets: for messages.
std::string shown_server(std::string_view user, bool has_password, std::string_view host, uint16_t port);

}  // namespace zoo::brokers
