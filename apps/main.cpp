// Starts the program, which is a module: asking for the version, as scripts do again and again, loads none of its
// libraries.
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

#include "apps/program_module.h"
#include "nn/core/error.h"

namespace {

/// Standard descriptors that are closed (`>&-`) are taken, so that no file of ours gets their number and messages go
/// into it. Opened the wrong way round: reading the one and writing the others fails as before.
void take_standard_descriptors() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(number, F_GETFD) == -1)
      open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY);  // the lowest free
  }
}

/// Whether that is all that was asked for, and it could be written.
bool tells_version(int argc, char** argv) {
  if (argc != 2) return false;
  const std::string_view argument = argv[1];
  if (argument != "--version" && argument != "-V") return false;
  constexpr std::string_view kText = "backbone-zoo " ZOO_VERSION "\n";
  std::signal(SIGPIPE, SIG_IGN);  // the program says what it does when nobody reads
  return write(STDOUT_FILENO, kText.data(), kText.size()) == static_cast<ssize_t>(kText.size());
}

}  // namespace

int main(int argc, char** argv) {
  take_standard_descriptors();
  if (tells_version(argc, argv)) return 0;
  try {
    return zoo::apps::program_module().run(argc, argv);
  } catch (const zoo::Error& error) {
    std::fprintf(stderr, "backbone-zoo: %s\n", error.what());
    return 1;
  }
}
