// What the commands that listen share.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "serve/http/http_server.h"

namespace zoo::apps {

/// The token where no flag gives it: nobody else sees it there.
inline constexpr const char* kTokenVariable = "BACKBONE_ZOO_TOKEN";

/// Throws UsageError for what is no HOST:PORT.
void check_listen(const std::string& listen);

/// A server that logs what is asked (-v). Throws UsageError: no address, a token is missing; IoError: the address
/// cannot be had.
std::unique_ptr<serve::HttpServer> new_server(const std::string& listen, const std::string& token);

}  // namespace zoo::apps
