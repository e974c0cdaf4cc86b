// One HTTP exchange. No redirect is followed and nothing is repeated here; hub/download.h decides about both.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/core/error.h"

namespace zoo::hub {

/// An exchange failed on the way, or the server cannot serve now.
class TransportError : public Error {
 public:
  TransportError(const std::string& what, bool transient) : Error(what), transient_(transient) {}
  /// Another attempt may succeed.
  bool transient() const { return transient_; }

 private:
  bool transient_;
};

/// The caller's `stopped` said so.
class Stopped : public Error {
 public:
  using Error::Error;
};

struct HttpOptions {
  std::chrono::milliseconds connect_timeout{20'000};
  /// A connection on which nothing arrives for so long has stalled.
  std::chrono::milliseconds stall_timeout{30'000};
  /// Asked at least every second; true ends the exchange with Stopped.
  std::function<bool()> stopped;
};

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string, std::less<>> headers;  ///< names in lower case; of several, the last

  /// Empty if there is none.
  std::string header(std::string_view name) const;
  bool is_redirect() const;
};

/// Takes a piece of the body; false: the rest is not wanted, which is no error. What it throws ends the exchange.
using BodySink = std::function<bool(const HttpAnswer&, std::span<const std::byte>)>;

/// A client that keeps its connection for the next exchange. HTTP and HTTPS only, certificates checked, proxies from
/// `http_proxy`, `https_proxy`, `no_proxy`. One thread at a time.
class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// `headers`: "Name: value". Throws TransportError (`URL: problem`) and Stopped.
  HttpAnswer head(const std::string& url, const std::vector<std::string>& headers);
  HttpAnswer get(const std::string& url, const std::vector<std::string>& headers, const BodySink& sink);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// `https://host:port`, the server that an address means; empty if it is no HTTP or HTTPS address.
std::string origin_of(const std::string& url);

/// Where a redirect from `base` to `location` leads; empty if that is no HTTP or HTTPS address.
std::string resolve_url(const std::string& base, const std::string& location);

/// Whether what is sent to this address stays on this machine: `localhost`, 127.0.0.0/8, `[::1]`.
bool is_loopback(const std::string& url);

/// The address without user, query and fragment, which may hold secrets (signed addresses): for messages.
std::string shown_url(const std::string& url);

}  // namespace zoo::hub
