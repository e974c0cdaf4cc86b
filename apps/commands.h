// The subcommands of the program. Each lives in its own file, adds its flags to a CLI::App and hands back what to do
// once they are parsed.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

#include "nn/core/error.h"

namespace zoo::apps {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailure = 1;       ///< run-time failure
inline constexpr int kExitUsage = 2;         ///< usage, configuration or weights error
inline constexpr int kExitSomeUnread = 3;    ///< finished, but some inputs could not be read
inline constexpr int kExitSignalBase = 128;  ///< + signal: stopped by it after finishing cleanly

/// A command line that makes no sense.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Does the work and yields the exit code; throws what main reports.
using Action = std::function<int()>;

Action setup_bench(CLI::App& app);
Action setup_calibrate(CLI::App& app);
Action setup_eval(CLI::App& app);
Action setup_export(CLI::App& app);
Action setup_graph(CLI::App& app);
Action setup_list(CLI::App& app);
Action setup_live(CLI::App& app);
Action setup_manifest(CLI::App& app);
Action setup_merge(CLI::App& app);
Action setup_predict(CLI::App& app);
Action setup_preprocess(CLI::App& app);
Action setup_profile(CLI::App& app);
Action setup_pull(CLI::App& app);
Action setup_run(CLI::App& app);
Action setup_serve(CLI::App& app);
Action setup_summary(CLI::App& app);
Action setup_validate(CLI::App& app);
Action setup_worker(CLI::App& app);

}  // namespace zoo::apps
