#include <cstdio>
#include <cstdlib>

#include "apps/program.h"
#include "apps/startup_clock.h"
#include "streams/left_threads.h"

int main(int argc, char** argv) {
  zoo::apps::StartupClock::mark_main();
  const int exit_code = zoo::apps::run_program(argc, argv);
  if (zoo::streams::threads_left_behind() > 0) {
    std::fflush(stdout);
    std::fflush(stderr);
    std::_Exit(exit_code);
  }
  return exit_code;
}
