#include "serve/http/request_guard.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace zoo::serve {
namespace {

/// "host" of "host:80", "[::1]" of "[::1]:80".
std::string_view host_part(std::string_view authority) {
  const size_t bracket = authority.find(']');
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  return authority.substr(0, colon);
}

bool same_text(std::string_view a, std::string_view b) {
  const auto same = [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); };
  return std::ranges::equal(a, b, same);
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
  if (changes && !origin.empty() && !same_text(authority_of(origin), host)) {
    return json_error(403, "a page of another site asked; open the server's own page");
  }
  if (open || options_.token.empty() || has_token(request)) return std::nullopt;
  HttpResponse response = json_error(401,
                                     "a token is asked for: send \"Authorization: Bearer TOKEN\", or write "
                                     "?token=TOKEN behind the address; it is what the server was started with "
                                     "(BACKBONE_ZOO_TOKEN in its environment, or --token)");
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

bool RequestGuard::is_own_host(std::string_view host) const {
  return same_text(host, "localhost") || host == "[::1]" || is_loopback_number(host) || same_text(host, options_.host);
}

bool RequestGuard::has_token(const HttpRequest& request) const {
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view given = request.header("authorization");
  if (given.size() > kBearer.size() && same_text(given.substr(0, kBearer.size()), kBearer)) {
    return same_secret(given.substr(kBearer.size()), options_.token);
  }
  const std::optional<std::string> in_address = request.query_value("token");
  return in_address && same_secret(*in_address, options_.token);
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
