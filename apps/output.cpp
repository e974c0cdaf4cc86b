#include "apps/output.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "apps/written.h"
#include "nn/core/shown_text.h"

namespace zoo::apps {
namespace {

/// What the last lines of standard error show; empty: nothing.
struct Status {
  std::mutex mutex;
  std::string text;
};

Status& status() {
  static Status shown;
  return shown;
}

/// Back to the first column of a text's first line, and all from there on erased.
std::string erased(std::string_view text) {
  std::string codes = "\r";
  for (auto lines = std::ranges::count(text, '\n'); lines > 0; --lines) codes += "\033[A";
  return codes + "\033[J";
}

void put(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

void write_error(std::string_view message) {
  const std::string text = without_secrets(printable_lines(message));
  Status& shown = status();
  const std::scoped_lock lock(shown.mutex);
  if (shown.text.empty()) {
    put(text);
  } else {
    put(fmt::format("{}{}{}", erased(shown.text), text, shown.text));
  }
}

void show_status(std::string text) {
  Status& shown = status();
  const std::scoped_lock lock(shown.mutex);
  if (text.empty() && shown.text.empty()) return;
  put(fmt::format("{}{}", erased(shown.text), text));
  shown.text = std::move(text);
}

void report(std::string_view message) { write_error(fmt::format("backbone-zoo: {}\n", message)); }

void report_written(const std::string& file, std::string_view what) {
  tell_of_written(file, fmt::format("wrote {}: {}\n", printable(file), what));
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
