// Starts a program several times and prints what the cheapest start took: wall time from exec to exit, processor time,
// largest resident memory. Linked statically, since Linux counts what a process had before its exec as well.
//
// Usage: start_meter STARTS PROGRAM [ARGUMENTS...]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <limits>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

struct Start {
  double wall_ms = std::numeric_limits<double>::max();
  double cpu_ms = std::numeric_limits<double>::max();
  double memory_mb = std::numeric_limits<double>::max();
};

double ms_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
}

/// Ends this program where the other one does not start or fails.
Start start(char** arguments) {
  posix_spawn_file_actions_t silent;
  posix_spawn_file_actions_init(&silent);
  posix_spawn_file_actions_addopen(&silent, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  const auto begin = std::chrono::steady_clock::now();
  pid_t child = 0;
  const int error = posix_spawnp(&child, arguments[0], &silent, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&silent);
  int status = 0;
  rusage used{};
  if (error != 0 || wait4(child, &status, 0, &used) != child || status != 0) {
    std::fprintf(stderr, "start_meter: %s does not run\n", arguments[0]);
    std::exit(1);
  }
  const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - begin;
  return {wall.count(), ms_of(used.ru_utime) + ms_of(used.ru_stime), static_cast<double>(used.ru_maxrss) / 1024.0};
}

}  // namespace

int main(int argc, char** argv) {
  const int starts = argc > 2 ? std::atoi(argv[1]) : 0;
  if (starts < 1) {
    std::fprintf(stderr, "usage: start_meter STARTS PROGRAM [ARGUMENTS...]\n");
    return 2;
  }
  Start lowest;
  for (int i = 0; i < starts; ++i) {
    const Start one = start(argv + 2);
    lowest = {std::min(lowest.wall_ms, one.wall_ms), std::min(lowest.cpu_ms, one.cpu_ms),
              std::min(lowest.memory_mb, one.memory_mb)};
  }
  std::printf("%7.1f ms %7.1f ms %7.1f MB", lowest.wall_ms, lowest.cpu_ms, lowest.memory_mb);
}
