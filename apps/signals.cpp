#include "apps/signals.h"

#include <csignal>
#include <fcntl.h>
#include <unistd.h>

namespace zoo::apps {
namespace {

std::atomic<bool> g_stop = false;
std::atomic<int> g_signal = 0;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "signal handlers may only use lock-free atomics");

extern "C" void on_stop_signal(int signal_number) {
  int none = 0;
  if (!g_signal.compare_exchange_strong(none, signal_number)) {
    if (signal_number == SIGUSR1) return;  // schedulers warn more than once, and beside what they send themselves
    int warned = SIGUSR1;
    if (g_signal.compare_exchange_strong(warned, signal_number)) return;
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);
    return;
  }
  g_stop = true;  // after the number: who sees the flag finds the number, too
}

std::atomic<bool> g_reload = false;
bool g_had_terminal = false;

extern "C" void on_reload_signal(int /*signal_number*/) { g_reload = true; }

bool has_terminal() {
  const int terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (terminal >= 0) close(terminal);
  return terminal >= 0;
}

/// `nohup` starts programs that way: they are to outlive their terminal.
bool is_ignored(int signal_number) {
  struct sigaction action = {};
  return sigaction(signal_number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

void stop_on(int signal_number) {
  struct sigaction action = {};
  action.sa_handler = on_stop_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(signal_number, &action, nullptr);
}

}  // namespace

void catch_stop_signals() {
  stop_on(SIGINT);
  stop_on(SIGTERM);
  if (!is_ignored(SIGHUP)) stop_on(SIGHUP);
}

void catch_preemption_signal() { stop_on(SIGUSR1); }

const std::atomic<bool>& stop_requested() { return g_stop; }

int stop_signal() { return g_signal; }

void catch_reload_signal() {
  if (is_ignored(SIGHUP)) return;
  g_had_terminal = has_terminal();
  struct sigaction action = {};
  action.sa_handler = on_reload_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGHUP, &action, nullptr);
}

bool take_reload_request() {
  if (!g_reload.exchange(false)) return false;
  if (!g_had_terminal || has_terminal()) return true;
  int none = 0;
  g_signal.compare_exchange_strong(none, SIGHUP);
  g_stop = true;
  return false;
}

void ignore_write_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace zoo::apps
