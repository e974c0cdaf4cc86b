// One file from the web to the disk: resumed, repeated, checked by hash, complete or not there.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "hub/digest.h"
#include "hub/http.h"
#include "nn/core/error.h"

namespace zoo::hub {

/// A file could not be fetched. Names its address (or what the hub calls it) and says why.
class DownloadError : public Error {
 public:
  DownloadError(const std::string& what, int status, bool unavailable)
      : Error(what), status_(status), unavailable_(unavailable) {}
  /// Of the server's answer; 0 if it is not about that.
  int status() const { return status_; }
  /// The server cannot be reached or cannot serve now.
  bool unavailable() const { return unavailable_; }

 private:
  int status_;
  bool unavailable_;
};

struct DownloadOptions {
  HttpOptions http;
  /// Sent as `Authorization: Bearer` to the server of the first address, never to one that it redirects to. Unencrypted
  /// it goes to this machine only: any other http address throws DownloadError.
  std::string token;
  /// Attempts in all where the connection fails or the server answers 408, 429 or 5xx.
  int attempts = 5;
  /// Before the second attempt; doubled before each further one up to the longest. A server's Retry-After counts, too,
  /// up to the longest.
  std::chrono::milliseconds first_pause{500};
  std::chrono::milliseconds longest_pause{20'000};
  int max_redirects = 10;
  int64_t max_bytes = int64_t{4} << 30U;
  /// Bytes that are there, and in all where that is known.
  std::function<void(int64_t done, std::optional<int64_t> total)> progress;
  /// What a user may want to know: a new attempt, a wait for another process.
  std::function<void(const std::string&)> notice;
};

struct DownloadJob {
  std::string url;
  /// Where the file goes. `FILE.incomplete` holds what has arrived so far.
  std::filesystem::path file;
  /// Locked while the file is fetched.
  std::filesystem::path lock;
  std::optional<int64_t> size;
  ExpectedHash hash;
  bool force = false;  ///< fetch even if the file is there and right
};

/// Sees to it that the file is there with its hash; false if it already was. What an earlier call left is gone on with
/// where the server can; if the hash is wrong then, the file is fetched once more from the start. A file with a wrong
/// hash is removed. Throws DownloadError, IoError, Stopped (what has arrived is kept).
bool download(const DownloadJob& job, const DownloadOptions& options);

/// Asks (HEAD) what the server knows about a file. Redirects within the server are followed, and headers that only an
/// earlier answer had are kept; the answer may be a redirect to another server. Statuses from 400 on throw. Throws
/// DownloadError, Stopped.
HttpAnswer ask(const std::string& url, const DownloadOptions& options);

}  // namespace zoo::hub
