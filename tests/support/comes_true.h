// Waiting for what another thread or process does.
#pragma once

#include <chrono>
#include <thread>

namespace zoo::test {

/// Whether it comes true within half a minute.
template <typename Condition>
bool comes_true(const Condition& condition) {
  for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);;) {
    if (condition()) return true;
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace zoo::test
