// Who may ask: rules that keep other people, and pages of other sites in the user's own browser, away.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "serve/http/http_message.h"

namespace zoo::serve {

struct GuardOptions {
  bool loopback = true;  ///< the server is for this machine alone
  std::string host;      ///< as the user wrote it after --listen
  std::string token;     ///< empty: none is asked for
};

/// Stateless; thread-safe.
class RequestGuard {
 public:
  explicit RequestGuard(GuardOptions options) : options_(std::move(options)) {}

  /// The refusal of a request, if there is one:
  ///   403  on loopback, a Host that is not this machine: a page of another site whose name was bound to 127.0.0.1
  ///   403  `changes` something, or is a WebSocket, and comes from a page of another site (Origin)
  ///   401  the token is missing or wrong: `Authorization: Bearer TOKEN`, or `?token=TOKEN`; not asked of what is
  ///   `open`
  std::optional<HttpResponse> refusal(const HttpRequest& request, bool changes, bool open) const;
  /// Whether the head has the token, or none is asked for.
  bool has_token(const HttpRequest& request) const;
  /// Whether a text is the token, or none is asked for.
  bool is_token(std::string_view text) const;

 private:
  bool is_own_host(std::string_view host) const;

  GuardOptions options_;
};

/// In a time that tells nothing about where they differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace zoo::serve
