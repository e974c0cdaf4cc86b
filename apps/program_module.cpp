#include "apps/program_module.h"

#include <cstdio>
#include <cstdlib>

#include "apps/program.h"
#include "apps/startup_clock.h"
#include "nn/core/left_threads.h"

namespace zoo::apps {
namespace {

int run(int argc, char** argv) {
  StartupClock::mark_main();
  const int exit_code = run_program(argc, argv);
  if (threads_left_behind() > 0) {
    std::fflush(stdout);
    std::fflush(stderr);
    std::_Exit(exit_code);
  }
  return exit_code;
}

}  // namespace
}  // namespace zoo::apps

extern "C" [[gnu::visibility("default")]] const zoo::apps::ProgramModule* zoo_module_program() {
  static constexpr zoo::apps::ProgramModule kModule = {zoo::apps::run};
  return &kModule;
}
