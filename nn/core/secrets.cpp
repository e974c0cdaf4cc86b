// zoo::without_secrets. It is no parser of addresses: what libraries that open them would refuse must not leak either.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "nn/core/shown_text.h"

namespace zoo {
namespace {

constexpr std::string_view kHidden = "***";
constexpr size_t kNone = std::string_view::npos;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }
bool is_name_character(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.'; }
bool is_scheme_character(char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; }

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return lower(c); });
  return result;
}

/// Whether a value of this name is secret wherever it stands: `password`, `user-pw`, `accessToken`, `x-amz-signature`.
bool names_a_secret(std::string_view name) {
  const std::string text = lower(name);
  static constexpr std::array<std::string_view, 15> kEndings = {
      "token",       "jwt",    "password", "passwd",  "passphrase", "secret",    "signature", "credential",
      "credentials", "apikey", "pwd",      "api_key", "api-key",    "accesskey", "access_key"};
  if (std::ranges::any_of(kEndings, [&](std::string_view ending) { return text.ends_with(ending); })) return true;
  static constexpr std::array<std::string_view, 4> kWords = {"pw", "access-key", "secret-key", "secret_key"};
  return std::ranges::any_of(kWords, [&](std::string_view word) {
    if (!text.ends_with(word)) return false;
    return text.size() == word.size() || !is_letter(text[text.size() - word.size() - 1]);
  });
}

/// Names that are ordinary words elsewhere, in the query of an address.
bool names_a_secret_in_query(std::string_view name) {
  static constexpr std::array<std::string_view, 14> kNames = {"key",      "pass",          "pas",       "auth", "sig",
                                                              "loginpas", "authorization", "code",      "p",    "pin",
                                                              "psw",      "session",       "sessionid", "sid"};
  return std::ranges::find(kNames, lower(name)) != kNames.end();
}

/// A piece of the text that is not shown.
struct Hidden {
  size_t begin = 0;
  size_t end = 0;
};

/// Where the address that begins before `from` is over: at a blank or a quote.
size_t end_of_address(std::string_view text, size_t from) {
  while (from < text.size() && !is_blank(text[from]) && !is_quote(text[from])) ++from;
  return from;
}

/// The user information of an address whose server begins at `begin`; empty if it has none.
Hidden user_information(std::string_view text, size_t begin) {
  const std::string_view address = text.substr(begin, end_of_address(text, begin) - begin);
  const std::string_view server = address.substr(0, address.find_first_of("/?#"));
  size_t at = server.rfind('@');
  size_t colon = server.find(':');
  if (at == kNone && !server.starts_with('[')) {
    // "user:pa/ss@host", "us/er:pass@host": no library takes it, but its message would show it.
    const bool is_port = colon != kNone && std::ranges::all_of(server.substr(colon + 1), is_digit);
    if (is_port) colon = address.find(':', server.size());
    const bool in_query = is_port && colon > address.find_first_of("?#");
    at = in_query ? kNone : address.rfind('@');
    if (colon == kNone) colon = address.find(':');
    if (at != kNone && colon > at) at = kNone;
  }
  if (at == kNone) return {};
  return {begin + (colon < at ? colon + 1 : 0), begin + at};
}

/// The value that begins at `begin`, in quotes or up to a blank or "&".
Hidden value(std::string_view text, size_t begin) {
  if (begin < text.size() && is_quote(text[begin])) {
    size_t end = begin + 1;
    while (end < text.size() && text[end] != text[begin]) end += text[end] == '\\' ? 2 : 1;
    return {begin + 1, std::min(end, text.size())};
  }
  size_t end = begin;
  while (end < text.size() && !is_blank(text[end]) && !is_quote(text[end]) && text[end] != '&') ++end;
  // What ends a part of a message: "ADDRESS: problem".
  const bool before_blank = end < text.size() && is_blank(text[end]);
  if (before_blank && end > begin && std::string_view(":,;").find(text[end - 1]) != kNone) --end;
  return {begin, end};
}

/// The value behind the "=" at `sign`, if its name says that it is secret.
Hidden named_value(std::string_view text, size_t sign) {
  size_t name_end = sign;
  while (name_end > 0 && is_blank(text[name_end - 1])) --name_end;
  size_t name_begin = name_end;
  while (name_begin > 0 && is_name_character(text[name_begin - 1])) --name_begin;
  const std::string_view name = text.substr(name_begin, name_end - name_begin);
  const bool in_query = name_begin > 0 && std::string_view("?&;#").find(text[name_begin - 1]) != kNone;
  if (!names_a_secret(name) && !(in_query && names_a_secret_in_query(name))) return {};
  size_t begin = sign + 1;
  while (name_end < sign && begin < text.size() && is_blank(text[begin])) ++begin;  // `user-pw = text` of GStreamer
  constexpr std::string_view kType = "(string)";
  if (text.substr(begin).starts_with(kType)) begin += kType.size();
  return value(text, begin);
}

/// What follows "Bearer " or "Basic " in the value of an Authorization header, whose name ends at `begin`.
Hidden authorization(std::string_view text, size_t begin) {
  begin = std::min(text.find_first_not_of(" \t", begin), text.size());
  if (begin == text.size() || (text[begin] != ':' && text[begin] != '=')) return {};
  constexpr std::string_view kBetween = " \t:=\"'\\";
  begin = std::min(text.find_first_not_of(kBetween, begin), text.size());
  constexpr std::string_view kType = "(string)";
  if (text.substr(begin).starts_with(kType)) {
    begin = std::min(text.find_first_not_of(kBetween, begin + kType.size()), text.size());
  }
  const std::string rest = lower(text.substr(begin, 8));
  for (const std::string_view scheme : {"bearer ", "basic ", "digest "}) {
    if (rest.starts_with(scheme)) return value(text, begin + scheme.size());
  }
  return value(text, begin);
}

/// What stands before the "@" of an address whose scheme is mistyped or missing, "u:pw@h", "redis:/:pw@h",
/// "mqtt//u:pw@h": from the first colon of its word, which stands at `colon`.
Hidden user_information_without_scheme(std::string_view text, size_t colon) {
  for (size_t at = colon; at > 0 && !is_blank(text[at - 1]) && !is_quote(text[at - 1]); --at) {
    if (text[at - 1] == ':') return {};
  }
  std::string_view word = text.substr(colon, end_of_address(text, colon) - colon);
  word = word.substr(0, word.find("://"));
  const size_t at = word.rfind('@');
  // How messages say where it is written: "USER:PASSWORD@ before the host".
  if (at == kNone || word.substr(1, at - 1) == "PASSWORD") return {};
  return {colon + 1, colon + at};
}

bool ends_in_a_network_scheme(std::string_view text) {
  const std::string end = lower(text.substr(text.size() - std::min<size_t>(text.size(), 5)));
  return std::ranges::any_of(
      std::to_array<std::string_view>({"rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "ftp", "srt"}),
      [&](std::string_view scheme) { return end.ends_with(scheme); });
}

Hidden hidden_at(std::string_view text, size_t at) {
  if (text.substr(at).starts_with("://") && at > 0 && is_scheme_character(text[at - 1])) {
    return user_information(text, at + 3);
  }
  if (text.substr(at).starts_with(":/") && ends_in_a_network_scheme(text.substr(0, at))) {
    return user_information(text, at + 2);  // one slash short
  }
  if (text[at] == ':') return user_information_without_scheme(text, at);
  if (text[at] == '=') return named_value(text, at);
  constexpr std::string_view kHeader = "authorization";
  if (lower(text[at]) == 'a' && at + kHeader.size() < text.size() &&
      lower(text.substr(at, kHeader.size())) == kHeader && !is_name_character(text[at + kHeader.size()])) {
    return authorization(text, at + kHeader.size());
  }
  return {};
}

}  // namespace

std::string without_secrets(std::string_view text) {
  std::string shown;
  size_t done = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const Hidden hidden = hidden_at(text, at);
    if (hidden.end <= hidden.begin || hidden.begin < done) continue;
    shown += text.substr(done, hidden.begin - done);
    shown += kHidden;
    done = hidden.end;
    at = std::max(at, hidden.end - 1);
  }
  shown += text.substr(done);
  return shown;
}

}  // namespace zoo
