// A module for tests.
#pragma once

#include <string>

namespace zoo::test {

struct TestModule {
  int (*twice)(int value);
  void (*fail)(const std::string& message);  ///< throws IoError
};

}  // namespace zoo::test
