#include "apps/listen.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "apps/commands.h"

namespace zoo::apps {

void check_listen(const std::string& listen) {
  try {
    serve::listen_address_from(listen);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

std::string usable_token(std::string token) {
  if (token.empty()) return token;
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  const char* problem = nullptr;
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (token.empty()) {
    problem = "is empty but for line ends";
  } else if (is_blank(token.front()) || is_blank(token.back())) {
    problem = "has a blank at its begin or end";
  } else if (std::ranges::any_of(token, is_control)) {
    problem = "has a control character, such as a line end, inside";
  }
  if (problem == nullptr) return token;
  throw UsageError(
      fmt::format("the token (--token, or {} in the environment) {}, so no client could send it; give "
                  "another one",
                  kTokenVariable, problem));
}

std::unique_ptr<serve::HttpServer> new_server(const std::string& listen, const std::string& token, size_t max_body) {
  check_listen(listen);
  serve::HttpServerOptions options;
  options.listen = serve::listen_address_from(listen);
  options.token = usable_token(token);
  options.limits.bodies_bytes = std::max(options.limits.bodies_bytes, max_body);
  if (spdlog::should_log(spdlog::level::info)) {
    options.on_access = [](const std::string& line) { spdlog::info(line); };
  }
  try {
    return std::make_unique<serve::HttpServer>(std::move(options));
  } catch (const IoError&) {
    throw;
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

}  // namespace zoo::apps
