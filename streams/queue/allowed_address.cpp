#include "streams/queue/allowed_address.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include <fmt/format.h>

#include "hub/http.h"
#include "nn/core/error.h"

namespace zoo::streams {
namespace {

/// From the slash behind the server on; "/" where there is none.
std::string path_of(const std::string& address) {
  const size_t server = address.find("://");
  const size_t slash = server == std::string::npos ? server : address.find('/', server + 3);
  return slash == std::string::npos ? "/" : address.substr(slash);
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// What a server may take for a step upwards.
bool climbs(const std::string& address) {
  const std::string text = lower(address);
  return std::ranges::any_of(std::to_array<std::string_view>({"..", "%2e", "\\", "%5c"}),
                             [&](std::string_view step) { return text.find(step) != std::string::npos; });
}

}  // namespace

AllowedAddress::AllowedAddress(const std::string& prefix) : origin_(hub::origin_of(prefix)) {
  const std::string normal = origin_.empty() ? std::string() : hub::resolve_url(prefix, prefix);
  if (normal.empty() || normal.find_first_of("?#") != std::string::npos) {
    throw Error(
        fmt::format("{}: is no beginning of web addresses; write https://HOST/FOLDER/", hub::shown_url(prefix)));
  }
  path_ = path_of(normal);
  if (!path_.ends_with('/')) path_ += '/';
}

bool AllowedAddress::covers(const std::string& address) const {
  if (climbs(address) || hub::origin_of(address) != origin_) return false;
  return path_of(hub::resolve_url(address, address)).starts_with(path_);
}

}  // namespace zoo::streams
