// Remembers how long kernels took, in memory and in a file, so that a network is measured once per machine.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "nn/core/file_lock.h"

namespace zoo::engine {

/// Microseconds by problem and kernel name. Safe to share between threads; files are safe to share between processes:
/// they are replaced as a whole, and one that is damaged or of another environment counts as empty.
class KernelTimes {
 public:
  /// `environment` is one line that names everything but the problem that times depend on. `folder` is where the file
  /// lives; empty: nothing outlives the process. Never throws for what is on disk.
  KernelTimes(std::string environment, const std::filesystem::path& folder);

  /// The one of this environment and folder that the whole process shares.
  static std::shared_ptr<KernelTimes> shared(const std::string& environment, const std::filesystem::path& folder);

  std::optional<double> find(std::string_view problem, std::string_view kernel) const;
  /// Whether add() was called for the problem in this process.
  bool was_measured_here(std::string_view problem) const;
  /// Times that are not positive and finite, and names with tabs or line feeds, are not kept. One that is known already
  /// is replaced, on disk, too.
  void add(std::string_view problem, std::string_view kernel, double microseconds);
  /// Writes what was added since the last time, exactly, beside what other processes wrote meanwhile. What they wrote
  /// stays as it is, and so does what this process knows: choices made once are made again. Files of ours in the folder
  /// that nobody has used for kUnusedDays (other builds, other machines) are removed.
  void save();
  static constexpr int kUnusedDays = 30;

  /// Whoever measures holds this until its times are saved: two that start at once would slow each other down and
  /// choose differently. Waits for others, but no longer than `patience`, which note() then says; null then, and where
  /// nothing is kept on disk.
  std::unique_ptr<FileLock> take_turn(std::chrono::milliseconds patience = std::chrono::seconds(30));

  /// Adds what other processes have written to the file meanwhile; what this process knows stays as it is.
  void reread();

  /// Why times cannot be kept on disk, or why the file's were not used; empty if all is well.
  std::string note() const;
  const std::filesystem::path& file() const { return file_; }

 private:
  /// "PROBLEM \t KERNEL" -> microseconds.
  using Table = std::map<std::string, double, std::less<>>;

  /// Nothing if there is no file; a note if it is there but of no use.
  std::optional<Table> read();
  std::string format(const Table& table) const;
  void remove_unused() const;

  std::string environment_;
  std::filesystem::path file_;
  mutable std::mutex mutex_;
  Table times_;
  std::set<std::string, std::less<>> measured_here_;  ///< problems
  std::set<std::string, std::less<>> replaced_;       ///< keys of times_
  bool changed_ = false;
  std::string note_;
};

/// $XDG_CACHE_HOME/backbone-zoo, else ~/.cache/backbone-zoo; empty if neither variable holds an absolute path.
std::filesystem::path default_kernel_cache();

}  // namespace zoo::engine
