// Which errors are about one picture, and which about the whole run.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "nn/core/error.h"

namespace zoo::pipeline {

/// Runs `work` on one picture or frame. EngineError (the network cannot compute) and IoError (a file or stream is out
/// of order) would meet every other one, too: they pass. Any other Error says that this one does not fit the network:
/// yields the problem. Empty if nothing is wrong.
template <typename Work>
std::optional<std::string> problem_of_frame(Work&& work) {
  try {
    std::forward<Work>(work)();
    return std::nullopt;
  } catch (const EngineError&) {
    throw;
  } catch (const IoError&) {
    throw;
  } catch (const Error& error) {
    return error.what();
  }
}

/// The same as `SOURCE: problem`.
template <typename Work>
std::optional<std::string> problem_of_frame(const std::string& source, Work&& work) {
  std::optional<std::string> problem = problem_of_frame(std::forward<Work>(work));
  if (problem) problem->insert(0, source + ": ");
  return problem;
}

}  // namespace zoo::pipeline
