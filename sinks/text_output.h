// Text results to standard output or a file, with every failure noticed.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "nn/core/files.h"

namespace zoo::sinks {

/// The reader of our standard output has gone away. Nothing to say about it: the program ends quietly.
class ClosedPipe : public std::exception {
 public:
  const char* what() const noexcept override { return "standard output is closed"; }
};

/// A text file or, for "-", standard output, written while the work goes on: each write is passed on at once and in one
/// piece, so that those who follow the file see it and a stopped program has lost nothing. The file is written in
/// place, for those who follow it, but what it held before is there until the first write: a run that fails before it
/// has a result leaves an older file as it was. What a full disk cuts off is taken back, so that only whole lines stay.
class TextOutput {
 public:
  /// Opens or creates the file; a link to a file is refused (check_replaceable). Throws IoError.
  explicit TextOutput(std::string path = "-");
  ~TextOutput();
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;

  /// As printable_lines() makes it: labels and names come from files. JSON stays the same JSON. Throws ClosedPipe or
  /// IoError (full disk).
  void write(std::string_view text);
  /// `text` and a newline.
  void line(std::string_view text);
  /// Closes the file and reports what the system noticed only now; without a write it is empty then. Throws as write().
  void finish();

 private:
  void empty_once();
  [[noreturn]] void fail(int error) const;

  std::string path_;
  int descriptor_ = -1;
  bool holds_older_ = false;  ///< a regular file that has not been written to
  int64_t size_ = 0;          ///< of what was written whole
};

/// A text file that is whole or not there (NewFile) or, for "-", standard output, written to at finish().
class DocumentOutput {
 public:
  /// Notices a wrong path before the work. Throws IoError.
  explicit DocumentOutput(const std::string& path);

  /// Throws IoError (full disk).
  void write(std::string_view text);
  /// Gives the file its name; without it nothing changes. Throws ClosedPipe or IoError.
  void finish();

 private:
  std::unique_ptr<NewFile> file_;  ///< none for standard output
  std::string text_;               ///< for standard output
};

}  // namespace zoo::sinks
