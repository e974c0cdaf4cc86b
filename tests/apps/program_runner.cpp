#include "tests/apps/program_runner.h"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace zoo::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> child_environment(const std::vector<std::string>& extra) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const bool hidden = text.starts_with("DISPLAY=") || text.starts_with("WAYLAND_DISPLAY=") ||
                        text.starts_with("QT_QPA_PLATFORM=") || text.starts_with("ZOO_CONFIGS=");
    const std::string_view name_and_sign = text.substr(0, text.find('=') + 1);
    const bool replaced =
        std::ranges::any_of(extra, [&](const std::string& variable) { return variable.starts_with(name_and_sign); });
    if (!hidden && !replaced) result.emplace_back(text);
  }
  result.insert(result.end(), extra.begin(), extra.end());
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

RunningProgram::RunningProgram(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
                               const std::string& out_path, int ignored)
    : out_path_(out_path.empty() ? folder_ / "out" : out_path) {
  std::vector<std::string> words = {ZOO_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = child_environment(environment);
  const std::string err_path = folder_ / "err";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out_path_.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err_path.c_str(), O_WRONLY | O_CREAT, 0600);
  sigset_t defaults;
  sigemptyset(&defaults);
  for (const int signal : {SIGHUP, SIGINT, SIGTERM}) {
    if (signal != ignored) sigaddset(&defaults, signal);
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const auto before = ignored == 0 ? SIG_DFL : std::signal(ignored, SIG_IGN);
  const int error =
      posix_spawn(&pid_, ZOO_PROGRAM, &actions, &attributes, pointers(words).data(), pointers(variables).data());
  if (ignored != 0) std::signal(ignored, before);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error(error, std::generic_category(), ZOO_PROGRAM);
}

RunningProgram::~RunningProgram() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void RunningProgram::send(int signal) const { kill(pid_, signal); }

bool RunningProgram::deliver(int signal) const {
  send(signal);
  const std::string status = "/proc/" + std::to_string(pid_) + "/status";
  return wait_until([&] {
    // Pending for the process as a whole, as a mask of 16 hexadecimal digits.
    const std::string text = read_text(status);
    const size_t pending = text.find("ShdPnd:");
    if (pending == std::string::npos) return true;  // ended
    const uint64_t mask = std::stoull(text.substr(pending + 7), nullptr, 16);
    return (mask >> (signal - 1) & 1) == 0;
  });
}

bool RunningProgram::has_ended() const {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_;
}

std::string RunningProgram::out_so_far() const { return read_text(out_path_); }

std::string RunningProgram::err_so_far() const { return read_text(folder_ / "err"); }

bool RunningProgram::wait_for_output(const std::string& text, std::chrono::seconds limit) const {
  const auto is_there = [&] { return out_so_far().find(text) != std::string::npos; };
  wait_until([&] { return is_there() || has_ended(); }, limit);
  return is_there();
}

ProgramResult RunningProgram::wait(std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  int status = 0;
  while (waitpid(pid_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      kill(pid_, SIGKILL);
      waitpid(pid_, &status, 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  pid_ = 0;
  const int exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  const bool captured = fs::is_regular_file(out_path_);
  return {exit_code, captured ? read_text(out_path_) : "", read_text(folder_ / "err"),
          WIFSIGNALED(status) ? WTERMSIG(status) : 0};
}

ProgramResult run_program(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
                          const std::string& out_path) {
  return RunningProgram(arguments, environment, out_path).wait();
}

bool wait_until(const std::function<bool()>& condition, std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

std::string source_path(const std::string& relative) { return std::string(ZOO_SOURCE_DIR) + "/" + relative; }

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

void save_text(const std::string& path, const std::string& text) {
  write_text(path + "~", text);
  std::filesystem::rename(path + "~", path);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string demo_model() { return source_path("configs/demo/emoji.yaml"); }

std::string demo_sample(const std::string& name) { return source_path("configs/demo/samples/" + name); }

}  // namespace zoo::test
