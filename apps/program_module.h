// The program as a module (nn/core/module.h) of the few lines that start it.
#pragma once

namespace zoo::apps {

struct ProgramModule {
  /// Everything that main does; the exit code.
  int (*run)(int argc, char** argv);
};

/// Throws Error where the module cannot be loaded.
const ProgramModule& program_module();

}  // namespace zoo::apps
