// Helpers of the tests of model file reading.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "nn/core/config_node.h"
#include "nn/core/error.h"

namespace zoo {

/// The lines of the ConfigError that `action` throws; empty if it throws none.
inline std::vector<std::string> problems_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const ConfigError& error) {
    return error.problems();
  }
  return {};
}

/// Parses `text` as "x.yaml", lets `read` decode it and yields every problem.
inline std::vector<std::string> problems_of(const std::string& text, const std::function<void(const ConfigNode&)>& read,
                                            const std::vector<ConfigOverride>& overrides = {}) {
  return problems_of([&] {
    const ConfigDocument document = ConfigDocument::parse(text, "x.yaml", overrides);
    read(document.root());
    document.finish();
  });
}

/// `text` n times.
inline std::string repeat(const std::string& text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i) result += text;
  return result;
}

}  // namespace zoo
