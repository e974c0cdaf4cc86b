// Requests whose end can be read in two ways: a proxy in front may read it in the other (request smuggling).
#pragma once

#include <optional>

#include "serve/http/http_message.h"

namespace zoo::serve {

/// The refusal of such a request, after which the connection is to be closed ("Connection: close" says so): 400 several
/// lengths or hosts, a length beside chunks; 501 a transfer coding other than "chunked". See RFC 9112, 6.1 and 6.3.
std::optional<HttpResponse> framing_problem(const HttpRequest& head);

/// Whether an answer ends its connection.
bool closes_connection(const HttpResponse& response);

}  // namespace zoo::serve
