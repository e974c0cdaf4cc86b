// What the program says: messages, the status line, notes.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace zoo::apps {

/// Whole lines on standard error, above the status if one is shown; nothing can be done if that fails. What would
/// act on the terminal is escaped, passwords are `***`. Thread-safe.
void write_error(std::string_view message);

/// The last lines of standard error, a terminal that is wide enough for them: replaced by every call, taken away by an
/// empty text. No line feed at the end. Thread-safe.
void show_status(std::string text);

/// One message for the user on standard error: `backbone-zoo: MESSAGE`.
void report(std::string_view message);

/// `wrote FILE: WHAT` on standard output, for commands that have no result to print.
void report_written(const std::string& file, std::string_view what);

/// A function that reports notes (Executable::note()): none that is empty or part of what it has reported before, as
/// several networks may have the same to say. Its copies are one; thread-safe.
std::function<void(const std::string& note)> note_reporter();

}  // namespace zoo::apps
