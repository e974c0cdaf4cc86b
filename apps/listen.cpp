#include "apps/listen.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "apps/commands.h"

namespace zoo::apps {

void ListenFlags::add_to(CLI::App& app, const std::string& meaning) {
  CLI::Option* const flag = app.add_option("--listen", listen, meaning)->type_name("HOST:PORT");
  if (!listen.empty()) flag->capture_default_str();
  token_flag_ = app.add_option("--token", token,
                               "What clients of --listen must know; needed where other machines reach it (also "
                               "BACKBONE_ZOO_TOKEN in the environment, which nobody else sees)")
                    ->envname(kTokenVariable)
                    ->type_name("TOKEN");
}

void ListenFlags::check(const std::string& of) const {
  if (!listen.empty()) return check_listen(listen);
  if (token_flag_->count() > 0 && std::getenv(kTokenVariable) == nullptr) {
    throw UsageError(fmt::format("--token is of {}: give --listen HOST:PORT, too", of));
  }
}

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
