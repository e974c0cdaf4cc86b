// What the commands that listen share.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "serve/http/http_server.h"

namespace zoo::apps {

/// The token where no flag gives it: nobody else sees it there.
inline constexpr const char* kTokenVariable = "BACKBONE_ZOO_TOKEN";

/// `--listen`, `--token`.
struct ListenFlags {
  std::string listen;  ///< HOST:PORT; empty: nothing listens
  std::string token;

  /// `meaning`: what `--listen` is said to do. What `listen` holds by now is shown as its default.
  void add_to(CLI::App& app, const std::string& meaning);
  /// Throws UsageError for what is no HOST:PORT, and for a token on the command line that nobody listens with. `of`:
  /// what the token is of, e.g. "the page".
  void check(const std::string& of) const;

 private:
  const CLI::Option* token_flag_ = nullptr;
};

/// Throws UsageError for what is no HOST:PORT.
void check_listen(const std::string& listen);

/// The token without the line ends that files and secrets of clusters bring along. Throws UsageError where no client
/// could send what is left: nothing, blanks around it, control characters.
std::string usable_token(std::string token);

/// A server that logs what is asked (-v). `token`: see usable_token; empty: none. `max_body`: the largest of a request,
/// in bytes. Throws UsageError: no address, a token is missing or of no use; IoError: the address cannot be had.
std::unique_ptr<serve::HttpServer> new_server(const std::string& listen, const std::string& token, size_t max_body = 0);

}  // namespace zoo::apps
