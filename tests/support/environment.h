// Environment variables as a test wants them, and as they were before when it ends. No other threads while it changes
// them.
#pragma once

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

namespace zoo::test {

class Environment {
 public:
  Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    for (const auto& [name, value] : before_) value ? put(name, *value) : drop(name);
  }

  void set(const std::string& name, const std::string& value) {
    remember(name);
    put(name, value);
  }
  void unset(const std::string& name) {
    remember(name);
    drop(name);
  }

 private:
  static void put(const std::string& name, const std::string& value) { ::setenv(name.c_str(), value.c_str(), 1); }
  static void drop(const std::string& name) { ::unsetenv(name.c_str()); }

  void remember(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    before_.try_emplace(name, value == nullptr ? std::nullopt : std::optional<std::string>(value));
  }

  std::map<std::string, std::optional<std::string>> before_;
};

}  // namespace zoo::test
