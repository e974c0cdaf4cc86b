// Exceptions of the library. Every message is complete: it says where, what was expected and what was found, so that a
// caller only has to print `what()`. Library code throws and never prints, exits or aborts.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zoo {

/// Text whose line feeds are meant; what came from outside has been made printable() before it was put in.
struct Lines {
  std::string text;
};

/// Base of everything this library throws. The message is safe to show: it is one line (Lines: several), what would act
/// on a terminal is escaped, and passwords in addresses are `***` (nn/core/shown_text.h).
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& what);
  explicit Error(const Lines& what);
};

/// A model file, or a data set to evaluate on, is wrong. Carries every problem of it, one line each, in file order:
/// `file:line:column: key.path: problem`.
class ConfigError : public Error {
 public:
  explicit ConfigError(std::vector<std::string> problems);

  /// One complete line per problem, never empty.
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  std::vector<std::string> problems_;
};

/// A graph cannot be built or does not fit an input shape. Names node, operation and shapes.
class GraphError : public Error {
 public:
  using Error::Error;
};

/// A checkpoint is broken or does not fit the network. Names file, tensor and both shapes.
class WeightError : public Error {
 public:
  using Error::Error;
};

/// Compiling or running a network failed. Names node, operation, descriptors and status.
class EngineError : public Error {
 public:
  using Error::Error;
};

/// A file or stream could not be read or written. Names it and says why.
class IoError : public Error {
 public:
  using Error::Error;
};

/// In a catch block, of whatever has been caught: an Error goes on as it is, anything else of the standard library or a
/// third party as an Error that begins with `what`; running out of memory or threads as EngineError, a file system that
/// refuses as IoError. What is no std::exception goes on as it is.
[[noreturn]] void rethrow_as_error(std::string_view what);

/// Yields what `work` does; what it throws leaves through rethrow_as_error.
template <typename Work>
decltype(auto) with_errors_of(std::string_view what, Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (...) {
    rethrow_as_error(what);
  }
}

}  // namespace zoo
