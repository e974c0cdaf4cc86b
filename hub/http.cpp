#include "hub/http.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <cstdint>
#include <curl/curl.h>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "nn/core/shown_text.h"

namespace zoo::hub {
namespace {

constexpr size_t kMaxHeaders = 200;
constexpr size_t kMaxHeaderBytes = 8192;

// Once, by the first request: a program that fetches nothing does not pay for it.
void initialise_curl() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) throw TransportError("libcurl cannot be initialised", false);
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

std::string part_of(const Url& url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK) return {};
  std::string result = text;
  curl_free(text);
  return result;
}

// nullptr if the text is no HTTP or HTTPS address.
Url parse_url(const std::string& text, const std::string& reference = {}) {
  Url url(curl_url());
  constexpr unsigned kFlags = CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE;
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), kFlags) != CURLUE_OK) return nullptr;
  if (!reference.empty() && curl_url_set(url.get(), CURLUPART_URL, reference.c_str(), kFlags) != CURLUE_OK) {
    return nullptr;
  }
  const std::string scheme = part_of(url, CURLUPART_SCHEME);
  return scheme == "http" || scheme == "https" ? std::move(url) : nullptr;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kSpace) - begin + 1));
}

bool is_transient(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

}  // namespace

struct HttpClient::Impl {
  using Clock = std::chrono::steady_clock;

  explicit Impl(HttpOptions http_options) : options(std::move(http_options)) {
    initialise_curl();
    easy = curl_easy_init();
    if (easy == nullptr) throw TransportError("libcurl cannot be initialised", false);
  }
  ~Impl() { curl_easy_cleanup(easy); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  HttpAnswer exchange(const std::string& url, const std::vector<std::string>& headers, const BodySink* body_sink);
  void set_up(const std::string& url, curl_slist* headers);
  [[noreturn]] void fail(const std::string& url, CURLcode code) const;

  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static size_t on_body(char* data, size_t size, size_t count, void* self);
  static int on_progress(void* self, curl_off_t total, curl_off_t now, curl_off_t, curl_off_t);

  HttpOptions options;
  CURL* easy = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_text{};

  // Of the exchange under way.
  const BodySink* sink = nullptr;
  HttpAnswer answer;
  std::exception_ptr thrown;
  bool enough = false;
  bool stopped = false;
  bool stalled = false;
  curl_off_t arrived = -1;
  Clock::time_point arrived_at;
};

size_t HttpClient::Impl::on_header(char* data, size_t size, size_t count, void* self) {
  auto& impl = *static_cast<Impl*>(self);
  const std::string_view line(data, size * count);
  impl.arrived_at = Clock::now();
  if (line.starts_with("HTTP/")) {  // of a 100 Continue or a proxy before the answer itself
    impl.answer.headers.clear();
    return line.size();
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || line.size() > kMaxHeaderBytes) return line.size();
  if (impl.answer.headers.size() < kMaxHeaders) {
    impl.answer.headers[lower(std::string(line.substr(0, colon)))] = trimmed(line.substr(colon + 1));
  }
  return line.size();
}

size_t HttpClient::Impl::on_body(char* data, size_t size, size_t count, void* self) {
  auto& impl = *static_cast<Impl*>(self);
  const size_t bytes = size * count;
  long status = 0;
  curl_easy_getinfo(impl.easy, CURLINFO_RESPONSE_CODE, &status);
  impl.answer.status = static_cast<int>(status);
  try {
    if (impl.sink != nullptr && (*impl.sink)(impl.answer, std::as_bytes(std::span(data, bytes)))) return bytes;
    impl.enough = true;
  } catch (...) {
    impl.thrown = std::current_exception();
  }
  return bytes + 1;  // anything but `bytes` ends the exchange
}

int HttpClient::Impl::on_progress(void* self, curl_off_t /*total*/, curl_off_t now, curl_off_t /*upload_total*/,
                                  curl_off_t /*upload_now*/) {
  auto& impl = *static_cast<Impl*>(self);
  if (impl.options.stopped && impl.options.stopped()) {
    impl.stopped = true;
    return 1;
  }
  const auto time = Clock::now();
  if (now != impl.arrived) {
    impl.arrived = now;
    impl.arrived_at = time;
  }
  impl.stalled = time - impl.arrived_at > impl.options.stall_timeout;
  return impl.stalled ? 1 : 0;
}

void HttpClient::Impl::set_up(const std::string& url, curl_slist* headers) {
  curl_easy_reset(easy);
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "backbone-zoo");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text.data());
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
}

HttpAnswer HttpClient::Impl::exchange(const std::string& url, const std::vector<std::string>& headers,
                                      const BodySink* body_sink) {
  std::unique_ptr<curl_slist, FreeList> list;
  for (const std::string& header : headers) {
    curl_slist* longer = curl_slist_append(list.get(), header.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(list.release());  // the longer list begins with it
    list.reset(longer);
  }
  set_up(url, list.get());
  if (body_sink == nullptr) curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  sink = body_sink;
  answer = {};
  thrown = nullptr;
  enough = stopped = stalled = false;
  arrived = -1;
  arrived_at = Clock::now();
  error_text[0] = '\0';

  const CURLcode code = curl_easy_perform(easy);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nullptr);  // the list ends with this call
  if (thrown) std::rethrow_exception(thrown);
  if (code != CURLE_OK && !enough) fail(url, code);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return std::move(answer);
}

void HttpClient::Impl::fail(const std::string& url, CURLcode code) const {
  const auto seconds = [](std::chrono::milliseconds time) { return static_cast<double>(time.count()) / 1000.0; };
  const std::string where = shown_url(url);
  if (stopped) throw Stopped(fmt::format("{}: stopped", where));
  if (stalled) {
    throw TransportError(fmt::format("{}: nothing arrived for {:g} s", where, seconds(options.stall_timeout)), true);
  }
  std::string why = error_text[0] != '\0' ? error_text.data() : curl_easy_strerror(code);
  if (code == CURLE_COULDNT_RESOLVE_HOST) why = "the server's name cannot be resolved";
  if (code == CURLE_COULDNT_CONNECT) why = "the server cannot be reached";
  if (code == CURLE_OPERATION_TIMEDOUT) why = fmt::format("no connection in {:g} s", seconds(options.connect_timeout));
  if (code == CURLE_PARTIAL_FILE) why = "the connection ended before the file did";
  if (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR) why = "the server closed the connection";
  if (code == CURLE_PEER_FAILED_VERIFICATION) why = fmt::format("the server's certificate is not trusted: {}", why);
  throw TransportError(fmt::format("{}: {}", where, why), is_transient(code));
}

std::string HttpAnswer::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

bool HttpAnswer::is_redirect() const {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

HttpClient::HttpClient(HttpOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpClient::~HttpClient() = default;

HttpAnswer HttpClient::head(const std::string& url, const std::vector<std::string>& headers) {
  return impl_->exchange(url, headers, nullptr);
}

HttpAnswer HttpClient::get(const std::string& url, const std::vector<std::string>& headers, const BodySink& sink) {
  return impl_->exchange(url, headers, &sink);
}

std::string origin_of(const std::string& url) {
  const Url parsed = parse_url(url);
  if (!parsed) return {};
  return lower(fmt::format("{}://{}:{}", part_of(parsed, CURLUPART_SCHEME), part_of(parsed, CURLUPART_HOST),
                           part_of(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT)));
}

std::string resolve_url(const std::string& base, const std::string& location) {
  const Url parsed = parse_url(base, location);
  return parsed ? part_of(parsed, CURLUPART_URL) : std::string();
}

bool is_loopback(const std::string& url) {
  const Url parsed = parse_url(url);
  if (!parsed) return false;
  const std::string host = lower(part_of(parsed, CURLUPART_HOST));
  if (host == "localhost" || host == "[::1]") return true;
  in_addr address{};
  constexpr uint32_t kLoopbackNetwork = 127;
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24U == kLoopbackNetwork;
}

std::string shown_url(const std::string& url) {
  const Url parsed = parse_url(url);
  if (!parsed) return printable(without_secrets(url));
  for (const CURLUPart secret : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT}) {
    curl_url_set(parsed.get(), secret, nullptr, 0);
  }
  return part_of(parsed, CURLUPART_URL);
}

}  // namespace zoo::hub
