#include "serve/http/framing.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "serve/http/letter_case.h"

namespace zoo::serve {
namespace {

constexpr const char* kConnection = "Connection";
constexpr const char* kClose = "close";

auto count_of(const HttpRequest& head, std::string_view name) {
  return std::ranges::count(head.headers, name, [](const auto& header) -> std::string_view { return header.first; });
}

HttpResponse refusal(int status, std::string_view message) {
  HttpResponse response = json_error(status, message);
  response.headers.emplace_back(kConnection, kClose);
  return response;
}

}  // namespace

std::optional<HttpResponse> framing_problem(const HttpRequest& head) {
  const auto lengths = count_of(head, "content-length");
  const auto codings = count_of(head, "transfer-encoding");
  if (codings > 1 || (codings == 1 && !equal_ignoring_case(head.header("transfer-encoding"), "chunked"))) {
    return refusal(501, "a Transfer-Encoding other than chunked is not read");
  }
  if (lengths > 1) return refusal(400, "there is more than one Content-Length");
  if (lengths == 1 && codings == 1) return refusal(400, "there is a Content-Length beside Transfer-Encoding");
  if (count_of(head, "host") > 1) return refusal(400, "there is more than one Host");
  return std::nullopt;
}

bool closes_connection(const HttpResponse& response) {
  return std::ranges::find(response.headers, std::pair<std::string, std::string>(kConnection, kClose)) !=
         response.headers.end();
}

}  // namespace zoo::serve
