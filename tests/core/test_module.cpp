#include "tests/core/test_module.h"

#include "nn/core/error.h"

extern "C" [[gnu::visibility("default")]] const zoo::test::TestModule* zoo_module_testing() {
  static constexpr zoo::test::TestModule kModule = {
      [](int value) { return 2 * value; },
      [](const std::string& message) { throw zoo::IoError(message); },
  };
  return &kModule;
}
