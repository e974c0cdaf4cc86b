#include "hub/http.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "hub/http_module.h"
#include "nn/core/shown_text.h"

namespace zoo::hub {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

std::string HttpAnswer::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

bool HttpAnswer::is_redirect() const {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

struct HttpClient::Impl {
  std::unique_ptr<HttpTransport> transport;
};

HttpClient::HttpClient(HttpOptions options)
    : impl_(std::make_unique<Impl>(Impl{http_module().make_transport(std::move(options))})) {}
HttpClient::~HttpClient() = default;

HttpAnswer HttpClient::head(const std::string& url, const std::vector<std::string>& headers) {
  return impl_->transport->exchange({url, shown_url(url), headers}, nullptr);
}

HttpAnswer HttpClient::get(const std::string& url, const std::vector<std::string>& headers, const BodySink& sink) {
  return impl_->transport->exchange({url, shown_url(url), headers}, &sink);
}

std::string origin_of(const std::string& url) {
  const std::optional<HttpAddress> address = http_module().parse(url, {});
  return address ? lower(fmt::format("{}://{}:{}", address->scheme, address->host, address->port)) : std::string();
}

std::string resolve_url(const std::string& base, const std::string& location) {
  const std::optional<HttpAddress> address = http_module().parse(base, location);
  return address ? address->text : std::string();
}

bool is_loopback(const std::string& url) {
  const std::optional<HttpAddress> parsed = http_module().parse(url, {});
  if (!parsed) return false;
  const std::string host = lower(parsed->host);
  if (host == "localhost" || host == "[::1]") return true;
  in_addr address{};
  constexpr uint32_t kLoopbackNetwork = 127;
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24U == kLoopbackNetwork;
}

std::string shown_url(const std::string& url) {
  std::string shown = url;
  if (shown.starts_with("http://") || shown.starts_with("https://")) {
    shown.erase(std::min(shown.find_first_of("?#"), shown.size()));
    const size_t server = shown.find("://") + 3;
    const size_t at = shown.rfind('@', shown.find('/', server));
    if (at != std::string::npos && at >= server) shown.erase(server, at + 1 - server);
  }
  return printable(without_secrets(shown));
}

}  // namespace zoo::hub
