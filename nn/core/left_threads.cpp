#include "nn/core/left_threads.h"

namespace zoo {
namespace {

std::atomic<int> g_left = 0;  // no destructor: it is read while the program ends

}  // namespace

int threads_left_behind() { return g_left; }

void Abandonable::abandon() {
  ++g_left;  // first, or the thread that ends now would count down what has not been counted up
  State expected = State::kRunning;
  if (!state_.compare_exchange_strong(expected, State::kAbandoned)) --g_left;
}

void Abandonable::end() {
  if (state_.exchange(State::kEnded) == State::kAbandoned) --g_left;
}

}  // namespace zoo
