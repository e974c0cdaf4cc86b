// HTTP through libcurl, the module of hub/.
#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <curl/curl.h>
#include <exception>
#include <new>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "hub/http_module.h"

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

std::optional<HttpAddress> parse(const std::string& text, const std::string& reference) {
  Url url(curl_url());
  constexpr unsigned kFlags = CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE;
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), kFlags) != CURLUE_OK) return std::nullopt;
  if (!reference.empty() && curl_url_set(url.get(), CURLUPART_URL, reference.c_str(), kFlags) != CURLUE_OK) {
    return std::nullopt;
  }
  HttpAddress address{part_of(url, CURLUPART_URL), part_of(url, CURLUPART_SCHEME), part_of(url, CURLUPART_HOST),
                      part_of(url, CURLUPART_PORT, CURLU_DEFAULT_PORT)};
  if (address.scheme != "http" && address.scheme != "https") return std::nullopt;
  return address;
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

struct CurlTransport : HttpTransport {
  using Clock = std::chrono::steady_clock;

  explicit CurlTransport(HttpOptions http_options) : options(std::move(http_options)) {
    initialise_curl();
    easy = curl_easy_init();
    if (easy == nullptr) throw TransportError("libcurl cannot be initialised", false);
  }
  ~CurlTransport() override { curl_easy_cleanup(easy); }
  CurlTransport(const CurlTransport&) = delete;
  CurlTransport& operator=(const CurlTransport&) = delete;

  HttpAnswer exchange(const HttpRequest& request, const BodySink* body_sink) override;
  void set_up(const std::string& url, curl_slist* headers);
  [[noreturn]] void fail(const std::string& where, CURLcode code) const;

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

size_t CurlTransport::on_header(char* data, size_t size, size_t count, void* self) {
  auto& transport = *static_cast<CurlTransport*>(self);
  const std::string_view line(data, size * count);
  transport.arrived_at = Clock::now();
  if (line.starts_with("HTTP/")) {  // of a 100 Continue or a proxy before the answer itself
    transport.answer.headers.clear();
    return line.size();
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || line.size() > kMaxHeaderBytes) return line.size();
  if (transport.answer.headers.size() < kMaxHeaders) {
    transport.answer.headers[lower(std::string(line.substr(0, colon)))] = trimmed(line.substr(colon + 1));
  }
  return line.size();
}

size_t CurlTransport::on_body(char* data, size_t size, size_t count, void* self) {
  auto& transport = *static_cast<CurlTransport*>(self);
  const size_t bytes = size * count;
  long status = 0;
  curl_easy_getinfo(transport.easy, CURLINFO_RESPONSE_CODE, &status);
  transport.answer.status = static_cast<int>(status);
  try {
    if (transport.sink != nullptr && (*transport.sink)(transport.answer, std::as_bytes(std::span(data, bytes))))
      return bytes;
    transport.enough = true;
  } catch (...) {
    transport.thrown = std::current_exception();
  }
  return bytes + 1;  // anything but `bytes` ends the exchange
}

int CurlTransport::on_progress(void* self, curl_off_t /*total*/, curl_off_t now, curl_off_t /*upload_total*/,
                               curl_off_t /*upload_now*/) {
  auto& transport = *static_cast<CurlTransport*>(self);
  if (transport.options.stopped && transport.options.stopped()) {
    transport.stopped = true;
    return 1;
  }
  const auto time = Clock::now();
  if (now != transport.arrived) {
    transport.arrived = now;
    transport.arrived_at = time;
  }
  transport.stalled = time - transport.arrived_at > transport.options.stall_timeout;
  return transport.stalled ? 1 : 0;
}

void CurlTransport::set_up(const std::string& url, curl_slist* headers) {
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

HttpAnswer CurlTransport::exchange(const HttpRequest& request, const BodySink* body_sink) {
  std::unique_ptr<curl_slist, FreeList> list;
  for (const std::string& header : request.headers) {
    curl_slist* longer = curl_slist_append(list.get(), header.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(list.release());  // the longer list begins with it
    list.reset(longer);
  }
  set_up(request.url, list.get());
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
  if (code != CURLE_OK && !enough) fail(request.shown_url, code);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return std::move(answer);
}

void CurlTransport::fail(const std::string& where, CURLcode code) const {
  const auto seconds = [](std::chrono::milliseconds time) { return static_cast<double>(time.count()) / 1000.0; };
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

}  // namespace
}  // namespace zoo::hub

extern "C" [[gnu::visibility("default")]] const zoo::hub::HttpModule* zoo_module_http() {
  static constexpr zoo::hub::HttpModule kModule = {
      [](zoo::hub::HttpOptions options) -> std::unique_ptr<zoo::hub::HttpTransport> {
        return std::make_unique<zoo::hub::CurlTransport>(std::move(options));
      },
      zoo::hub::parse,
  };
  return &kModule;
}
