// Text results to standard output or a file, with every failure noticed.
#pragma once

#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <string_view>

namespace zoo::apps {

/// The reader of our standard output has gone away. Nothing to say about it: the program ends quietly.
class ClosedPipe : public std::exception {
 public:
  const char* what() const noexcept override { return "standard output is closed"; }
};

/// A text file or, for "-", standard output. Each write is passed on at once, so that readers of a live stream see it
/// and a stopped program has lost nothing.
class TextOutput {
 public:
  /// Creates or empties the file. Throws IoError.
  explicit TextOutput(std::string path = "-");
  ~TextOutput();
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;

  /// Throws ClosedPipe or IoError (full disk).
  void write(std::string_view text);
  /// `text` and a newline.
  void line(std::string_view text);
  /// Closes the file and reports what the system noticed only now. Throws as write().
  void finish();

 private:
  [[noreturn]] void fail(int error) const;

  std::string path_;
  std::FILE* stream_;
};

/// Whole lines on standard error, above the status line if one is shown; nothing can be done if that fails.
/// Thread-safe.
void write_error(std::string_view text);

/// The last line of standard error, a terminal: replaced by every call, taken away by an empty text. Thread-safe.
void show_status_line(std::string text);

/// One message for the user on standard error: `backbone-zoo: MESSAGE`.
void report(std::string_view message);

/// A function that reports notes (Executable::note()): none that is empty or part of what it has reported before, as
/// several networks may have the same to say. Its copies are one; thread-safe.
std::function<void(const std::string& note)> note_reporter();

}  // namespace zoo::apps
