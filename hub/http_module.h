// What libcurl does for hub/, as the face of a module (nn/core/module.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/http.h"

namespace zoo::hub {

/// What is asked for; `shown_url` (http.h) is what messages name.
struct HttpRequest {
  const std::string& url;
  std::string shown_url;
  const std::vector<std::string>& headers;
};

/// The work behind an HttpClient.
class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  /// Without a sink the head only is asked for. Throws TransportError, Stopped, what the sink throws.
  virtual HttpAnswer exchange(const HttpRequest& request, const BodySink* sink) = 0;
};

/// An HTTP or HTTPS address, as it is understood; scheme and host in any case.
struct HttpAddress {
  std::string text;
  std::string scheme;
  std::string host;
  std::string port;  ///< the scheme's own where the address names none
};

struct HttpModule {
  std::unique_ptr<HttpTransport> (*make_transport)(HttpOptions options);
  /// `text`, or what `reference` means when it stands there (empty: none); nothing if that is no HTTP or HTTPS address.
  std::optional<HttpAddress> (*parse)(const std::string& text, const std::string& reference);
};

/// Throws Error where the module cannot be loaded or is not in this build.
const HttpModule& http_module();

}  // namespace zoo::hub
