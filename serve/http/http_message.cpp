#include "serve/http/http_message.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "nn/core/utf8.h"

namespace zoo::serve {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// What stands before the next slash, which is taken away with it.
std::string_view take_segment(std::string_view& path) {
  const size_t slash = path.find('/');
  const std::string_view segment = path.substr(0, slash);
  path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  return segment;
}

bool segment_matches(std::string_view pattern, const std::string& text,
                     std::map<std::string, std::string>& parameters) {
  const size_t open = pattern.find('{');
  if (open == std::string_view::npos) return pattern == text;
  const size_t close = pattern.find('}');
  const std::string_view before = pattern.substr(0, open);
  const std::string_view after = pattern.substr(close + 1);
  if (text.size() <= before.size() + after.size() || !text.starts_with(before) || !text.ends_with(after)) return false;
  parameters[std::string(pattern.substr(open + 1, close - open - 1))] =
      text.substr(before.size(), text.size() - before.size() - after.size());
  return true;
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &TextPairs::value_type::first);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<std::string> HttpRequest::query_value(std::string_view name) const {
  const auto found = std::ranges::find(query, name, &TextPairs::value_type::first);
  if (found == query.end()) return std::nullopt;
  return found->second;
}

HttpResponse json_error(int status, std::string_view message) {
  const nlohmann::json body = {{"error", message}};
  return {.status = status, .body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"};
}

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (plus_is_space && c == '+') {
      c = ' ';
    }
    if (is_control(c)) return std::nullopt;
    decoded += c;
  }
  if (!is_utf8(decoded)) return std::nullopt;
  return decoded;
}

bool matches(std::string_view pattern, std::string_view path, std::map<std::string, std::string>& parameters) {
  parameters.clear();
  if (std::ranges::count(pattern, '/') != std::ranges::count(path, '/')) return false;
  while (!pattern.empty() || !path.empty()) {
    const std::optional<std::string> segment = percent_decoded(take_segment(path));
    if (!segment || !segment_matches(take_segment(pattern), *segment, parameters)) return false;
  }
  return true;
}

}  // namespace zoo::serve
