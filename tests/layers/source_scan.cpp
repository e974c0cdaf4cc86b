#include "tests/layers/source_scan.h"

#include <algorithm>
#include <cctype>

namespace zoo::layers {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Walks over a source and blanks what is no code.
class Blanker {
 public:
  Blanker(std::string_view text, bool literals) : text_(text), out_(text), literals_(literals) {}

  std::string run() {
    while (at_ < text_.size()) step();
    return std::move(out_);
  }

 private:
  bool ahead(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  void step() {
    if (ahead("//")) {
      blank_to(end_of_line());
    } else if (ahead("/*")) {
      const size_t end = text_.find("*/", at_ + 2);
      blank_to(end == std::string_view::npos ? text_.size() : end + 2);
    } else if (text_[at_] == '"' && is_raw()) {
      raw_string();
    } else if (text_[at_] == '"' || (text_[at_] == '\'' && !is_digit_separator())) {
      literal(text_[at_]);
    } else {
      ++at_;
    }
  }

  /// A line that ends in a backslash goes on.
  size_t end_of_line() const {
    size_t end = text_.find('\n', at_);
    while (end != std::string_view::npos && text_[end - 1] == '\\') end = text_.find('\n', end + 1);
    return std::min(end, text_.size());
  }

  void blank_to(size_t end) {
    for (; at_ < end; ++at_) {
      if (text_[at_] != '\n') out_[at_] = ' ';
    }
  }

  /// The word that ends here: what a literal begins with, or the digits before a separator.
  std::string_view word_before() const {
    size_t begin = at_;
    while (begin > 0 && is_word(text_[begin - 1])) --begin;
    return text_.substr(begin, at_ - begin);
  }
  bool is_raw() const {
    const std::string_view prefix = word_before();
    return prefix == "R" || prefix == "u8R" || prefix == "uR" || prefix == "UR" || prefix == "LR";
  }
  bool is_digit_separator() const {
    const std::string_view word = word_before();
    return !word.empty() && std::isdigit(static_cast<unsigned char>(word.front())) != 0;
  }

  void raw_string() {
    const size_t open = std::min(text_.find('(', at_), text_.size());
    const std::string close = ")" + std::string(text_.substr(at_ + 1, open - at_ - 1)) + "\"";
    const size_t end = text_.find(close, open);
    at_ = open;
    const size_t content_end = std::min(end, text_.size());
    literals_ ? blank_to(content_end) : skip_to(content_end);
    at_ = std::min(content_end + close.size(), text_.size());
  }

  void literal(char quote) {
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') end += text_[end] == '\\' ? 2 : 1;
    end = std::min(end, text_.size());
    ++at_;
    literals_ ? blank_to(end) : skip_to(end);
    if (at_ < text_.size()) ++at_;
  }

  void skip_to(size_t end) { at_ = end; }

  std::string_view text_;
  std::string out_;
  bool literals_;
  size_t at_ = 0;
};

void skip_blanks(std::string_view line, size_t& at) {
  while (at < line.size() && (line[at] == ' ' || line[at] == '\t')) ++at;
}

bool take(std::string_view line, size_t& at, std::string_view word) {
  skip_blanks(line, at);
  if (!line.substr(at).starts_with(word)) return false;
  at += word.size();
  return true;
}

/// After these, `::name` is of the global namespace.
const std::set<std::string_view> kKeywords = {"return", "else", "do", "throw", "case", "co_return", "and", "or", "not"};

/// What stands before a name: the last token that is no white space, and for `::` what it follows.
struct Before {
  std::string_view code;
  size_t end;  ///< one behind what is still to be looked at

  void drop_blanks() {
    while (end > 0 && std::isspace(static_cast<unsigned char>(code[end - 1])) != 0) --end;
  }
  bool drop(std::string_view token) {
    drop_blanks();
    if (!code.substr(0, end).ends_with(token)) return false;
    end -= token.size();
    return true;
  }
  std::string_view word() {
    drop_blanks();
    const size_t last = end;
    while (end > 0 && is_word(code[end - 1])) --end;
    return code.substr(end, last - end);
  }
};

/// "std", "" for the global namespace or no qualification, else something that is neither.
std::string_view qualifier_of(std::string_view code, size_t name) {
  Before before{code, name};
  if (before.drop("::")) {
    const std::string_view scope = before.word();
    if (scope.empty()) return before.drop(">") ? "member of a template" : "";
    return kKeywords.contains(scope) ? std::string_view() : scope;
  }
  return before.drop(".") || before.drop("->") ? std::string_view("member") : std::string_view();
}

bool is_called(std::string_view code, size_t behind) {
  while (behind < code.size() && std::isspace(static_cast<unsigned char>(code[behind])) != 0) ++behind;
  return behind < code.size() && code[behind] == '(';
}

}  // namespace

std::string without_comments(std::string_view text, bool literals) { return Blanker(text, literals).run(); }

std::vector<Include> includes_of(std::string_view text) {
  const std::string code = without_comments(text, false);
  std::vector<Include> includes;
  int number = 0;
  for (size_t begin = 0; begin < code.size();) {
    const size_t end = std::min(code.find('\n', begin), code.size());
    const std::string_view line = std::string_view(code).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    size_t at = 0;
    if (!take(line, at, "#") || !take(line, at, "include")) continue;
    skip_blanks(line, at);
    Include include{.line = number, .quoted = at < line.size() && line[at] == '"', .target = {}};
    const bool plain = at < line.size() && (line[at] == '"' || line[at] == '<');
    if (plain) {
      const size_t close = line.find(line[at] == '"' ? '"' : '>', at + 1);
      include.target = line.substr(at + 1, close == std::string_view::npos ? close : close - at - 1);
    }
    includes.push_back(std::move(include));
  }
  return includes;
}

std::vector<Use> uses_of(std::string_view text, const std::set<std::string, std::less<>>& functions,
                         const std::set<std::string, std::less<>>& objects) {
  const std::string code = without_comments(text, true);
  std::vector<Use> uses;
  int line = 1;
  for (size_t at = 0; at < code.size();) {
    if (!is_word(code[at])) {
      line += code[at++] == '\n' ? 1 : 0;
      continue;
    }
    const size_t begin = at;
    while (at < code.size() && is_word(code[at])) ++at;
    const std::string_view name = std::string_view(code).substr(begin, at - begin);
    const std::string_view qualifier = qualifier_of(code, begin);
    const bool call = functions.contains(name) && (qualifier.empty() || qualifier == "std") && is_called(code, at);
    if (call || (objects.contains(name) && qualifier == "std")) uses.push_back({line, std::string(name)});
  }
  return uses;
}

}  // namespace zoo::layers
