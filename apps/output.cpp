#include "apps/output.h"

#include <cstdio>
#include <memory>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "nn/core/shown_text.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

/// Back to the first column, and what is there erased.
constexpr std::string_view kEmptyLine = "\r\033[K";

/// What the last line of standard error shows; empty: nothing.
struct StatusLine {
  std::mutex mutex;
  std::string text;
};

StatusLine& status_line() {
  static StatusLine line;
  return line;
}

void put(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

void write_error(std::string_view message) {
  const std::string text = without_secrets(printable_lines(message));
  StatusLine& status = status_line();
  const std::scoped_lock lock(status.mutex);
  if (status.text.empty()) {
    put(text);
  } else {
    put(fmt::format("{}{}{}", kEmptyLine, text, status.text));
  }
}

void show_status_line(std::string text) {
  StatusLine& status = status_line();
  const std::scoped_lock lock(status.mutex);
  if (text.empty() && status.text.empty()) return;
  status.text = std::move(text);
  put(fmt::format("{}{}", kEmptyLine, status.text));
}

void report(std::string_view message) { write_error(fmt::format("backbone-zoo: {}\n", message)); }

void report_written(const std::string& file, std::string_view what) {
  sinks::TextOutput().line(fmt::format("wrote {}: {}", printable(file), what));
}

std::function<void(const std::string& note)> note_reporter() {
  struct Reported {
    std::mutex mutex;
    std::string text;
  };
  return [reported = std::make_shared<Reported>()](const std::string& note) {
    const std::scoped_lock lock(reported->mutex);
    if (reported->text.find(note) != std::string::npos) return;
    reported->text += note + "\n";
    report(note);
  };
}

}  // namespace zoo::apps
