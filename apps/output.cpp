#include "apps/output.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"

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

TextOutput::TextOutput(std::string path)
    : path_(std::move(path)), stream_(path_ == "-" ? stdout : std::fopen(path_.c_str(), "w")) {
  if (stream_ == nullptr) throw IoError(fmt::format("{}: cannot be written: {}", path_, std::strerror(errno)));
}

TextOutput::~TextOutput() {
  if (stream_ != nullptr && stream_ != stdout) std::fclose(stream_);
}

void TextOutput::write(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stream_) != text.size() || std::fflush(stream_) != 0) fail(errno);
}

void TextOutput::line(std::string_view text) { write(fmt::format("{}\n", text)); }

void TextOutput::finish() {
  if (stream_ == stdout || stream_ == nullptr) return;
  if (std::fclose(std::exchange(stream_, nullptr)) != 0) fail(errno);
}

void TextOutput::fail(int error) const {
  if (error == EPIPE) throw ClosedPipe();
  throw IoError(fmt::format("{}: writing failed: {}", path_ == "-" ? "standard output" : path_, std::strerror(error)));
}

void write_error(std::string_view text) {
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
