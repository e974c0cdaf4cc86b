// What clients ask and what they get, without a type of any HTTP library.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zoo::serve {

/// Names and values as they came; of names given twice the first counts.
using TextPairs = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;                             ///< "GET", also where HEAD was asked for
  std::string path;                               ///< as sent, percent signs included
  TextPairs query;                                ///< decoded
  TextPairs headers;                              ///< names in lower case
  std::map<std::string, std::string> parameters;  ///< of the route's pattern, decoded
  std::string body;

  /// Empty where there is none; lower case.
  std::string_view header(std::string_view name) const;
  std::optional<std::string> query_value(std::string_view name) const;
};

/// A body without an end that is known, e.g. pictures that follow each other. Its members are called by the server's
/// thread.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  /// Bytes to send now, at most `max`; none: later, after `wake`. Nothing: this is the end.
  virtual std::optional<std::string_view> read(size_t max) = 0;
  /// Called once, before the first read: what to call when there is more to read.
  virtual void on_more(std::function<void()> wake) = 0;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  TextPairs headers = {};
  std::shared_ptr<BodyStream> stream = nullptr;  ///< instead of `body`
};

/// `{"error":"..."}`; the message is complete and safe to show.
HttpResponse json_error(int status, std::string_view message);

/// `%41+b` without the percent signs, a plus as a space where `plus_is_space`; nothing where they stand wrong or mean a
/// control character, or where the result is not UTF-8.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space = false);

/// Whether `path` is of a route's pattern: segments between slashes, of which each may hold one `{name}` that stands
/// for at least one character: "/streams/{name}.jpg". Fills in `parameters`, decoded.
bool matches(std::string_view pattern, std::string_view path, std::map<std::string, std::string>& parameters);

}  // namespace zoo::serve
