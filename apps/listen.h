// What the commands that listen share.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "serve/http/http_server.h"

namespace zoo::apps {

/// The token where no flag gives it: nobody else sees it there.
inline constexpr const char* kTokenVariable = "BACKBONE_ZOO_TOKEN";

/// Throws UsageError for what is no HOST:PORT.
void check_listen(const std::string& listen);

/// The token without the line ends that files and secrets of clusters bring along. Throws UsageError where no client
/// could send what is left: nothing, blanks around it, control characters.
std::string usable_token(std::string token);

/// A server that logs what is asked (-v). `token`: see usable_token; empty: none. `max_body`: the largest of a request,
/// in bytes. Throws UsageError: no address, a token is missing or of no use; IoError: the address cannot be had.
std::unique_ptr<serve::HttpServer> new_server(const std::string& listen, const std::string& token, size_t max_body = 0);

}  // namespace zoo::apps
