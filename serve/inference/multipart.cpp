#include "serve/inference/multipart.h"

#include <algorithm>

#include "nn/core/error.h"
#include "serve/http/letter_case.h"

namespace zoo::serve {
namespace {

constexpr size_t kMaxParts = 64;
constexpr size_t kMaxBoundary = 70;  // RFC 2046, 5.1.1
constexpr std::string_view kLineEnd = "\r\n";

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Of `form-data; name="image"; filename=a.jpg` the value of a parameter.
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
  size_t at = header.find(';');
  while (at != std::string_view::npos) {
    const size_t begin = at + 1;
    const size_t equals = header.find('=', begin);
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view key = trimmed(header.substr(begin, equals - begin));
    std::string value;
    at = equals + 1;
    if (at < header.size() && header[at] == '"') {
      for (++at; at < header.size() && header[at] != '"'; ++at) {
        if (header[at] == '\\' && at + 1 < header.size()) ++at;
        value += header[at];
      }
      if (at == header.size()) return std::nullopt;
      at = header.find(';', at);
    } else {
      const size_t end = std::min(header.find(';', at), header.size());
      value = trimmed(header.substr(at, end - at));
      at = header.find(';', at);
    }
    if (equal_ignoring_case(key, name)) return value;
  }
  return std::nullopt;
}

/// The name in the headers of a part.
std::string part_name(std::string_view headers) {
  while (!headers.empty()) {
    const size_t end = std::min(headers.find(kLineEnd), headers.size());
    const std::string_view line = headers.substr(0, end);
    headers.remove_prefix(std::min(end + kLineEnd.size(), headers.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !equal_ignoring_case(line.substr(0, colon), "content-disposition")) continue;
    std::optional<std::string> name = parameter(line.substr(colon + 1), "name");
    if (name) return std::move(*name);
  }
  throw Error("the form has a part without a name");
}

}  // namespace

std::optional<std::string> form_boundary(std::string_view content_type) {
  const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
  if (!equal_ignoring_case(type, "multipart/form-data")) return std::nullopt;
  std::optional<std::string> boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > kMaxBoundary) return std::nullopt;
  return boundary;
}

std::vector<FormPart> form_parts(std::string_view body, std::string_view boundary) {
  const std::string first = "--" + std::string(boundary);
  const std::string next = std::string(kLineEnd) + first;
  const Error ends_early("the form ends too early");
  // What stands before the first boundary is for nobody.
  size_t at = body.starts_with(first) ? 0 : body.find(next);
  if (at == std::string_view::npos) throw Error("the form has no part: its boundary is not there");
  body.remove_prefix(at + (at == 0 ? first.size() : next.size()));
  std::vector<FormPart> parts;
  while (!body.starts_with("--")) {
    if (parts.size() == kMaxParts) throw Error("the form has too many parts");
    at = body.find(kLineEnd);
    if (at == std::string_view::npos) throw ends_early;
    if (!trimmed(body.substr(0, at)).empty()) throw Error("the form's boundary is followed by other text");
    body.remove_prefix(at);
    constexpr std::string_view kHeadersEnd = "\r\n\r\n";
    const size_t headers_end = body.find(kHeadersEnd);
    if (headers_end == std::string_view::npos) throw ends_early;
    FormPart part;
    part.name = part_name(body.substr(kLineEnd.size(), headers_end - std::min(headers_end, kLineEnd.size())));
    body.remove_prefix(headers_end + kHeadersEnd.size());
    const size_t end = body.find(next);
    if (end == std::string_view::npos) throw ends_early;
    part.body = body.substr(0, end);
    body.remove_prefix(end + next.size());
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace zoo::serve
