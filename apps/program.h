// The command line: picks the subcommand, turns every error into a message and an exit code.
#pragma once

namespace zoo::apps {

/// Everything main does. Never throws.
int run_program(int argc, char** argv);

}  // namespace zoo::apps
