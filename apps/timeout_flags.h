// The flags that say how long sources are waited for.
#pragma once

#include <chrono>
#include <string>

#include <CLI/CLI.hpp>

namespace zoo::apps {

/// `--open-timeout`, `--stall-timeout`.
struct TimeoutFlags {
  /// What the flags are said to mean.
  void add_to(CLI::App& app, const std::string& open_meaning, const std::string& stall_meaning);

  std::chrono::milliseconds open() const;
  std::chrono::milliseconds stall() const;

 private:
  double open_s_ = 10.0;
  double stall_s_ = 10.0;
};

}  // namespace zoo::apps
