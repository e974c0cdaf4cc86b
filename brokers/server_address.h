// What addresses of brokers have in common: SCHEME://[[USER][:PASSWORD]@]HOST[:PORT][/PATH]. Internal to brokers/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zoo::brokers {

struct ServerAddress {
  std::string user;
  std::string password;
  std::string host;  ///< a name or an IP address, IPv6 without its brackets
  std::optional<uint16_t> port;
  std::string path;  ///< as it was written, without the first slash
};

/// Whether the text begins so, in any case. `scheme`: "mqtt://".
bool has_scheme(std::string_view text, std::string_view scheme);

/// Reads what follows the scheme. `shown`: the whole address without secrets, for messages; `form`: how it is written.
/// Throws Error.
ServerAddress parse_server_address(std::string_view rest, std::string_view shown, std::string_view form);

/// `%2F` is a slash. `what`: for messages. Throws Error, also for a NUL.
std::string percent_decoded(std::string_view text, std::string_view what, std::string_view shown,
                            std::string_view form);

/// Throws what all of these throw: `ADDRESS: PROBLEM; write FORM`.
[[noreturn]] void refuse_address(std::string_view shown, std::string_view problem, std::string_view form);

/// "user:***@host:1883", IPv6 in brackets: for messages.
std::string shown_server(std::string_view user, bool has_password, std::string_view host, uint16_t port);

}  // namespace zoo::brokers
