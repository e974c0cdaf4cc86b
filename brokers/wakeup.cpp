#include "brokers/wakeup.h"

#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/files.h"

namespace zoo::brokers {

Wakeup::Wakeup() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!descriptor_.is_open())
    throw IoError(fmt::format("publishing: the system gives no descriptor: {}", errno_text()));
}

// Both fail only where the counter is full or empty, which is as good.
void Wakeup::wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(descriptor(), &one, sizeof one);
}

void Wakeup::clear() const {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(descriptor(), &count, sizeof count);
}

void Wakeup::end_waiting_at(Clock::time_point deadline) {
  deadline_ = deadline.time_since_epoch().count();
  wake();
}

}  // namespace zoo::brokers
