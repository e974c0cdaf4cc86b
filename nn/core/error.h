// Exceptions of the library. Every message is complete: it says where, what was expected and what was found, so that a
// caller only has to print `what()`. Library code throws and never prints, exits or aborts.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace zoo {

/// Base of everything this library throws on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
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

}  // namespace zoo
