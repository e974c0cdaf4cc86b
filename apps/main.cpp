#include "apps/program.h"
#include "apps/startup_clock.h"

int main(int argc, char** argv) {
  zoo::apps::StartupClock::mark_main();
  return zoo::apps::run_program(argc, argv);
}
