#include "serve/http/request_guard.h"

#include <algorithm>
#include <utility>

#include "serve/http/letter_case.h"

namespace zoo::serve {
namespace {

/// "host" of "host:80", "[::1]" of "[::1]:80".
std::string_view host_part(std::string_view authority) {
  const size_t bracket = authority.find(']');
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  return authority.substr(0, colon);
}

bool is_loopback_number(std::string_view host) {
  return host.starts_with("127.") &&
         std::ranges::all_of(host, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

/// "host:80" of "http://host:80".
std::string_view authority_of(std::string_view origin) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return origin.substr(scheme.size());
  }
  return {};
}

}  // namespace

std::optional<HttpResponse> RequestGuard::refusal(const HttpRequest& request, bool changes, bool open) const {
  const std::string_view host = request.header("host");
  if (options_.loopback && !is_own_host(host_part(host))) {
    return json_error(403,
                      "this server is for programs of this machine and goes by localhost or 127.0.0.1; for other "
                      "names and machines start it with --listen 0.0.0.0:PORT and --token");
  }
  const std::string_view origin = request.header("origin");
  if (changes && !origin.empty() && !equal_ignoring_case(authority_of(origin), host)) {
    return json_error(403, "a page of another site asked; open the server's own page");
  }
  if (open || has_token(request)) return std::nullopt;
  HttpResponse response = json_error(401,
                                     "a token is asked for: send \"Authorization: Bearer TOKEN\", or write "
                                     "?token=TOKEN behind the address; it is what the server was started with "
                                     "(BACKBONE_ZOO_TOKEN in its environment, or --token)");
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

bool RequestGuard::is_own_host(std::string_view host) const {
  return equal_ignoring_case(host, "localhost") || host == "[::1]" || is_loopback_number(host) ||
         equal_ignoring_case(host, options_.host);
}

bool RequestGuard::has_token(const HttpRequest& request) const {
  if (options_.token.empty()) return true;
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view given = request.header("authorization");
  if (given.size() > kBearer.size() && equal_ignoring_case(given.substr(0, kBearer.size()), kBearer)) {
    return is_token(given.substr(kBearer.size()));
  }
  const std::optional<std::string> in_address = request.query_value("token");
  return in_address && is_token(*in_address);
}

bool RequestGuard::is_token(std::string_view text) const {
  return options_.token.empty() || same_secret(text, options_.token);
}

bool same_secret(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(other);
  }
  return difference == 0;
}

}  // namespace zoo::serve
