// The flags of jobs that are done in parts, by many tasks or one after the other.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "pipeline/batch/part_writer.h"
#include "pipeline/batch/shard.h"

namespace zoo::apps {

/// `--manifest`, `--root`, `--shard`, `--out`, `--resume`, `--retry-failed`.
struct BatchFlags {
  std::string manifest;
  std::string root;
  std::string shard;
  std::string out;
  bool resume = false;
  bool retry_failed = false;

  void add_to(CLI::App& app);
  /// Whether a manifest says what to work on.
  bool has_manifest() const { return !manifest.empty(); }
  /// Throws UsageError where they do not go together.
  void check() const;
  batch::WhenThere when_there() const;
  /// `--shard` and what schedulers say, see batch::choose_shard; what was taken is said.
  batch::ShardId choose() const;
};

/// The name of a flag that was given, for a message; the first of several. Empty: none was.
std::string given_flag(const CLI::App& app, const std::vector<std::string>& names);

}  // namespace zoo::apps
