#include "apps/help.h"

#include <algorithm>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace zoo::apps {
namespace {

constexpr size_t kUsualWidth = 80;
constexpr size_t kLeastWidth = 40;

class WrappingFormatter : public CLI::Formatter {
 public:
  explicit WrappingFormatter(size_t width) : width_(width) {}

  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    std::string kind = make_option_opts(option);
    // What may be given either way is required once.
    const size_t required =
        is_positional || !option->get_positional() ? kind.npos : kind.find(" " + get_label("REQUIRED"));
    if (required != kind.npos) kind.erase(required, 1 + get_label("REQUIRED").size());
    return entry(make_option_name(option, is_positional) + kind, make_option_desc(option));
  }

  std::string make_subcommand(const CLI::App* sub) const override {
    return entry(sub->get_display_name(true), sub->get_description());
  }

  std::string make_description(const CLI::App* app) const override {
    return wrapped(app->get_description(), width_) + "\n";
  }

  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string usage = CLI::Formatter::make_usage(app, std::move(name));
    while (usage.ends_with('\n')) usage.pop_back();
    return wrapped(usage, width_, 2) + "\n";
  }

  std::string make_footer(const CLI::App* app) const override { return wrapped(app->get_footer(), width_) + "\n"; }

 private:
  /// A name and what it means: beside it, or below where the name needs the room.
  std::string entry(const std::string& name, const std::string& description) const {
    constexpr size_t kMargin = 2;
    // Half of a narrow terminal for what is read.
    const size_t column = std::min(get_column_width(), width_ / 2);
    const std::string margin(kMargin, ' ');
    const std::string left = margin + wrapped(name, width_, 3 * kMargin, kMargin);
    if (description.empty()) return left + "\n";
    const std::string right = wrapped(description, width_, column, column);
    const bool beside = left.find('\n') == left.npos && left.size() + kMargin <= column;
    return fmt::format("{:<{}}{}\n", beside ? left : left + "\n" + std::string(column, ' '), column, right);
  }

  size_t width_;
};

}  // namespace

size_t help_width() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    return std::max<size_t>(kLeastWidth, size.ws_col);
  }
  const char* columns = std::getenv("COLUMNS");
  const long known = columns == nullptr ? 0 : std::strtol(columns, nullptr, 10);
  return known > 0 ? std::max<size_t>(kLeastWidth, static_cast<size_t>(known)) : kUsualWidth;
}

std::string wrapped(std::string_view text, size_t width, size_t indent, size_t first) {
  const std::string new_line = "\n" + std::string(indent, ' ');
  std::string result;
  size_t used = first;
  bool line_is_empty = true;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find_first_of(" \n", begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (!word.empty()) {
      if (!line_is_empty && used + 1 + word.size() > width) {
        result += new_line;
        used = indent;
      } else if (!line_is_empty) {
        result += ' ';
        ++used;
      }
      result += word;
      used += word.size();
      line_is_empty = false;
    }
    if (end < text.size() && text[end] == '\n') {
      result += new_line;
      used = indent;
      line_is_empty = true;
    }
    begin = end + 1;
  }
  return result;
}

std::shared_ptr<CLI::Formatter> wrapping_formatter(size_t width) { return std::make_shared<WrappingFormatter>(width); }

}  // namespace zoo::apps
