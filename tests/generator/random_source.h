// Reproducible choices: the same seed gives the same choices everywhere.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace zoo::test {

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  /// 0 to bound - 1. The small bias of the remainder does not matter here; distributions differ between libraries.
  size_t below(size_t bound) { return engine_() % bound; }
  /// Inclusive.
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(below(static_cast<size_t>(high - low + 1)));
  }
  /// True in one of `n` cases on average.
  bool one_in(size_t n) { return below(n) == 0; }

  template <typename T>
  T pick(std::initializer_list<T> choices) {
    return choices.begin()[below(choices.size())];
  }
  std::string word(std::initializer_list<const char*> choices) { return pick(choices); }

  template <typename T>
  void shuffle(std::vector<T>& values) {
    for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::mt19937 engine_;
};

}  // namespace zoo::test
