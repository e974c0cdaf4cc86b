#include "hub/download.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "hub/cache_file.h"
#include "nn/core/counted.h"
#include "nn/core/file_lock.h"
#include "nn/core/files.h"
#include "nn/core/parse_number.h"

namespace zoo::hub {
namespace {

constexpr std::chrono::milliseconds kPausePoll{20};
constexpr int kOk = 200;
constexpr int kPartialContent = 206;
constexpr int kRangeNotSatisfiable = 416;

std::optional<int64_t> parse_bytes(std::string_view text) {
  return parse_number_in<int64_t>(text, 0, std::numeric_limits<int64_t>::max());
}

std::string status_text(int status) {
  switch (status) {
    case 401:
      return "401 (it is private, gated or not there)";
    case 403:
      return "403 (no access)";
    case 404:
      return "404 (not there)";
    case 429:
      return "429 (too many requests)";
    default:
      return fmt::format("{}", status);
  }
}

/// An answer that is worth another attempt, and after how long by the server's own word.
class BusyServer : public TransportError {
 public:
  BusyServer(const std::string& url, const HttpAnswer& answer)
      : TransportError(fmt::format("{}: the server answered {}", shown_url(url), status_text(answer.status)), true),
        retry_after_(
            std::chrono::seconds(std::min<int64_t>(parse_bytes(answer.header("retry-after")).value_or(0), 3600))),
        status_(answer.status) {}
  std::chrono::milliseconds retry_after() const { return retry_after_; }
  int status() const { return status_; }

 private:
  std::chrono::milliseconds retry_after_;
  int status_;
};

void check_status(const std::string& url, const HttpAnswer& answer) {
  if (answer.status == 408 || answer.status == 429 || answer.status >= 500) throw BusyServer(url, answer);
  if (answer.status >= 200 && answer.status < 400) return;
  throw DownloadError(fmt::format("{}: the server answered {}", shown_url(url), status_text(answer.status)),
                      answer.status, false);
}

void pause(std::chrono::milliseconds time, const DownloadOptions& options) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    if (options.http.stopped && options.http.stopped()) throw Stopped("stopped");
    std::this_thread::sleep_for(std::min(time, kPausePoll));
  }
}

void check(const DownloadOptions& options) {
  const auto check_option = [](bool is_right, std::string_view name, std::string_view expected) {
    if (!is_right) throw DownloadError(fmt::format("DownloadOptions::{}: expected {}", name, expected), 0, false);
  };
  check_option(options.attempts >= 1, "attempts", fmt::format("at least 1, found {}", options.attempts));
  check_option(options.first_pause.count() >= 0, "first_pause", "0 ms or more");
  check_option(options.longest_pause.count() >= 0, "longest_pause", "0 ms or more");
  check_option(options.max_redirects >= 0, "max_redirects", fmt::format("0 or more, found {}", options.max_redirects));
  check_option(options.max_bytes >= 1, "max_bytes", fmt::format("at least 1, found {}", options.max_bytes));
  check_option(options.http.connect_timeout.count() > 0, "http.connect_timeout", "more than 0 ms");
  check_option(options.http.stall_timeout.count() > 0, "http.stall_timeout", "more than 0 ms");
}

/// Calls `attempt` until it returns, at most as often as the options say.
void with_attempts(const DownloadOptions& options, const std::function<void()>& attempt) {
  check(options);
  std::chrono::milliseconds wait = options.first_pause;
  for (int number = 1;; ++number) {
    std::chrono::milliseconds this_wait = wait;
    int status = 0;
    std::string problem;
    try {
      attempt();
      return;
    } catch (const BusyServer& error) {
      this_wait = std::max(wait, error.retry_after());
      status = error.status();
      problem = error.what();
    } catch (const TransportError& error) {
      if (!error.transient()) throw DownloadError(error.what(), 0, false);
      problem = error.what();
    }
    if (number >= options.attempts) {
      throw DownloadError(fmt::format("{} ({})", problem, counted(number, "attempt")), status, true);
    }
    if (options.notice) options.notice(fmt::format("{}; trying again", problem));
    pause(std::min(this_wait, options.longest_pause), options);
    wait = std::min(2 * wait, options.longest_pause);
  }
}

std::vector<std::string> request_headers(const std::string& url, const std::string& first_url,
                                         const DownloadOptions& options) {
  if (options.token.empty() || origin_of(url) != origin_of(first_url)) return {};
  if (!origin_of(url).starts_with("https:") && !is_loopback(url)) {
    throw DownloadError(fmt::format("{}: the address is not encrypted, so the token (HF_TOKEN) would be readable on "
                                    "the way; give an https address (HF_ENDPOINT), or unset the token",
                                    shown_url(url)),
                        0, false);
  }
  return {"Authorization: Bearer " + options.token};
}

/// Where a redirect leads. Throws DownloadError if one must not go there.
std::string redirect_target(const std::string& url, const HttpAnswer& answer) {
  const std::string location = answer.header("location");
  std::string target = location.empty() ? std::string() : resolve_url(url, location);
  if (target.empty()) {
    throw DownloadError(fmt::format("{}: the server redirects to no HTTP address", shown_url(url)), answer.status,
                        false);
  }
  if (url.starts_with("https:") && !target.starts_with("https:")) {
    throw DownloadError(
        fmt::format("{}: the server redirects to {}, which is not encrypted", shown_url(url), shown_url(target)),
        answer.status, false);
  }
  return target;
}

[[noreturn]] void fail_redirects(const std::string& url, const DownloadOptions& options) {
  throw DownloadError(fmt::format("{}: more than {} redirects", shown_url(url), options.max_redirects), 0, false);
}

/// One file on its way into its partial file.
class Transfer {
 public:
  Transfer(const DownloadJob& job, const DownloadOptions& options, PartialFile& partial)
      : job_(job), options_(options), partial_(partial), client_(options.http) {}

  void run() {
    with_attempts(options_, [this] { attempt(); });
  }

 private:
  void attempt();
  void begin(const std::string& url, const HttpAnswer& answer);
  void begin_resumed(const std::string& url, const HttpAnswer& answer);
  void check_total(const std::string& url) const;
  void take(const std::string& url, std::span<const std::byte> bytes);
  [[noreturn]] void start_again(const std::string& why);

  const DownloadJob& job_;
  const DownloadOptions& options_;
  PartialFile& partial_;
  HttpClient client_;
  std::string etag_;              // of the server that has the file, once it has said it
  std::optional<int64_t> total_;  // as the answer under way says
  bool begun_ = false;
};

void Transfer::start_again(const std::string& why) {
  partial_.restart();
  etag_.clear();
  throw TransportError(why, true);
}

void Transfer::attempt() {
  if (job_.size && partial_.size() > *job_.size) partial_.restart();
  if (job_.size && partial_.size() == *job_.size && partial_.size() > 0) return;
  std::string url = job_.url;
  for (int redirects = 0;; ++redirects) {
    std::vector<std::string> headers = request_headers(url, job_.url, options_);
    if (partial_.size() > 0) {
      headers.push_back(fmt::format("Range: bytes={}-", partial_.size()));
      // A weak tag does not promise the same bytes.
      if (!etag_.empty() && !etag_.starts_with("W/")) headers.push_back("If-Range: " + etag_);
    }
    begun_ = false;
    const HttpAnswer answer = client_.get(url, headers, [&](const HttpAnswer& head, std::span<const std::byte> bytes) {
      if (head.status != kOk && head.status != kPartialContent) return false;
      if (!std::exchange(begun_, true)) begin(url, head);
      take(url, bytes);
      return true;
    });
    if (answer.is_redirect()) {
      if (redirects == options_.max_redirects) fail_redirects(job_.url, options_);
      url = redirect_target(url, answer);
      continue;
    }
    if (answer.status == kRangeNotSatisfiable && partial_.size() > 0) {
      start_again(fmt::format("{}: the server cannot go on where the file was left", shown_url(url)));
    }
    check_status(url, answer);
    if (answer.status != kOk && answer.status != kPartialContent) {
      throw DownloadError(
          fmt::format("{}: the server answered {} to a request for a file", shown_url(url), answer.status),
          answer.status, false);
    }
    if (!begun_) begin(url, answer);
    break;
  }
  if (const auto whole = job_.size ? job_.size : total_; whole && partial_.size() < *whole) {
    throw TransportError(fmt::format("{}: the connection ended before the file did", shown_url(url)), true);
  }
}

void Transfer::begin(const std::string& url, const HttpAnswer& answer) {
  const std::string etag = answer.header("etag");
  if (answer.status == kPartialContent && partial_.size() > 0) {
    if (!etag_.empty() && !etag.empty() && etag != etag_) {
      start_again(fmt::format("{}: the file changed on the server while it was fetched", shown_url(url)));
    }
    begin_resumed(url, answer);
  } else {
    if (partial_.size() > 0 && options_.notice) {
      options_.notice(fmt::format("{}: the server starts from the beginning", shown_url(url)));
    }
    if (partial_.size() > 0) partial_.restart();
    const std::string length = answer.header("content-length");
    total_ = parse_bytes(length);
    if (!length.empty() && !total_) {
      throw DownloadError(fmt::format("{}: the server announces \"{}\" bytes", shown_url(url), length.substr(0, 40)), 0,
                          false);
    }
  }
  etag_ = etag;
  check_total(url);
}

// "bytes 100-199/200" or "bytes 100-199/*".
void Transfer::begin_resumed(const std::string& url, const HttpAnswer& answer) {
  const std::string range = answer.header("content-range");
  const size_t dash = range.find('-');
  const size_t slash = range.find('/');
  constexpr std::string_view kUnit = "bytes ";
  const bool well_formed = range.starts_with(kUnit) && dash != std::string::npos && slash != std::string::npos;
  const std::optional<int64_t> first =
      well_formed ? parse_bytes(std::string_view(range).substr(kUnit.size(), dash - kUnit.size())) : std::nullopt;
  if (first != partial_.size()) {
    start_again(fmt::format("{}: the server sends another part of the file than was asked for", shown_url(url)));
  }
  total_ = parse_bytes(std::string_view(range).substr(slash + 1));
}

void Transfer::check_total(const std::string& url) const {
  if (!total_) return;
  if (job_.size && *total_ != *job_.size) {
    throw DownloadError(fmt::format("{}: the server has {} bytes, expected {}", shown_url(url), *total_, *job_.size), 0,
                        false);
  }
  if (*total_ > options_.max_bytes) {
    throw DownloadError(
        fmt::format("{}: {} bytes are more than the {} allowed", shown_url(url), *total_, options_.max_bytes), 0,
        false);
  }
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(partial_.path().parent_path(), error);
  const auto needed = static_cast<uintmax_t>(*total_ - std::min(*total_, partial_.size()));
  if (!error && space.available < needed) {
    throw IoError(fmt::format("{}: {} more bytes are needed, but only {} are free there", partial_.path().string(),
                              needed, space.available));
  }
}

void Transfer::take(const std::string& url, std::span<const std::byte> bytes) {
  const int64_t limit = job_.size ? *job_.size : options_.max_bytes;
  if (partial_.size() + static_cast<int64_t>(bytes.size()) > limit) {
    partial_.restart();
    throw DownloadError(fmt::format("{}: the server sends more than {} bytes", shown_url(url), limit), 0, false);
  }
  partial_.append(bytes);
  if (options_.progress) options_.progress(partial_.size(), job_.size ? job_.size : total_);
}

/// Empty if the file has the hash, else what is wrong with it.
std::string hash_problem(const std::filesystem::path& file, const ExpectedHash& expected) {
  const std::string found = hash_file(file, expected.kind);
  if (!expected.hex.empty() && found.starts_with(expected.hex)) return {};
  return fmt::format("{} is {}, expected {}{}", to_string(expected.kind), found, expected.hex,
                     expected.hex.size() < found.size() ? "..." : "");
}

}  // namespace

bool download(const DownloadJob& job, const DownloadOptions& options) {
  create_folders(job.file.parent_path());
  create_folders(job.lock.parent_path());
  const auto notice = [&](const std::string& text) {
    if (options.notice) options.notice(text);
  };
  const FileLock lock(
      job.lock, [&] { notice(fmt::format("{}: another process fetches it; waiting", job.file.string())); },
      options.http.stopped);
  if (!lock.held()) throw Stopped(fmt::format("{}: stopped", job.file.string()));

  std::error_code error;  // what is no file, or cannot be looked at, is in the way and said when it is published
  if (!job.force && std::filesystem::is_regular_file(job.file, error)) {
    const std::string problem = hash_problem(job.file, job.hash);
    if (problem.empty()) return false;
    notice(fmt::format("{}: {}; it is removed and fetched again", job.file.string(), problem));
    std::filesystem::remove(job.file, error);
    if (error) throw IoError(fmt::format("{}: cannot be removed: {}", job.file.string(), error.message()));
  }

  PartialFile partial(job.file.string() + ".incomplete");
  if (job.force) partial.restart();
  const bool resumed = partial.size() > 0;
  Transfer(job, options, partial).run();
  std::string problem = hash_problem(partial.path(), job.hash);
  if (!problem.empty() && resumed) {
    notice(fmt::format("{}: {} after going on with an earlier download; fetching it from the start", shown_url(job.url),
                       problem));
    partial.restart();
    Transfer(job, options, partial).run();
    problem = hash_problem(partial.path(), job.hash);
  }
  if (!problem.empty()) {
    partial.discard();
    throw DownloadError(fmt::format("{}: {}; the file has been removed", shown_url(job.url), problem), 0, false);
  }
  partial.publish(job.file);
  return true;
}

HttpAnswer ask(const std::string& url, const DownloadOptions& options) {
  HttpClient client(options.http);
  HttpAnswer result;
  with_attempts(options, [&] {
    HttpAnswer kept;
    std::string at = url;
    for (int redirects = 0;; ++redirects) {
      HttpAnswer answer = client.head(at, request_headers(at, url, options));
      check_status(at, answer);
      answer.headers.merge(kept.headers);
      if (!answer.is_redirect()) {
        result = std::move(answer);
        return;
      }
      const std::string target = redirect_target(at, answer);
      if (origin_of(target) != origin_of(url)) {
        result = std::move(answer);
        return;
      }
      if (redirects == options.max_redirects) fail_redirects(url, options);
      // What only describes the redirect itself.
      for (const char* name : {"location", "content-length", "etag"}) answer.headers.erase(name);
      kept = std::move(answer);
      at = target;
    }
  });
  return result;
}

}  // namespace zoo::hub
