// Runs the real program and captures what it says.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "tests/support/temp_folder.h"

namespace zoo::test {

struct ProgramResult {
  int exit_code = -1;  ///< 128 + signal when a signal ended the process
  std::string out;
  std::string err;
  int signal = 0;  ///< the one that ended the process; 0 where it ended by itself
};

/// The program while it runs.
class RunningProgram {
 public:
  /// Starts `backbone-zoo ARGUMENTS...` with DISPLAY and WAYLAND_DISPLAY unset, and with `environment` ("NAME=value").
  /// Standard output goes to `out_path` if that is given. Signals do what they do by default, whatever this process
  /// does with them, but for `ignored`, as `nohup` starts programs.
  explicit RunningProgram(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {},
                          const std::string& out_path = "", int ignored = 0);
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  void send(int signal) const;
  /// Sends a signal and waits until the program has taken it; false when that takes too long.
  bool deliver(int signal) const;
  bool has_ended() const;
  std::string out_so_far() const;
  std::string err_so_far() const;
  /// Waits until `text` appears on standard output; false when that takes too long or the program ended without it.
  bool wait_for_output(const std::string& text, std::chrono::seconds limit = std::chrono::seconds(60)) const;
  /// Waits for the end; kills the program after `limit` (exit code 137).
  ProgramResult wait(std::chrono::seconds limit = std::chrono::seconds(120));

 private:
  TempFolder folder_;
  std::string out_path_;
  pid_t pid_ = 0;
};

ProgramResult run_program(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {},
                          const std::string& out_path = "");

/// Asks again and again; false when it takes longer than `limit`.
bool wait_until(const std::function<bool()>& condition, std::chrono::seconds limit = std::chrono::seconds(60));

/// A file of the source tree.
std::string source_path(const std::string& relative);

std::string read_text(const std::string& path);
void write_text(const std::string& path, const std::string& text);
/// As editors save: written beside, then renamed.
void save_text(const std::string& path, const std::string& text);
std::vector<std::string> lines_of(const std::string& text);

/// The demo model of the zoo, with its weights, and pictures of what it knows.
std::string demo_model();
std::string demo_sample(const std::string& name);

}  // namespace zoo::test
