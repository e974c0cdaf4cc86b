// Refuses a second thread in what serves one at a time, instead of letting both write the same memory.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "nn/core/error.h"

namespace zoo {

/// Who is inside of an object. Copying or moving the object leaves that behind: nobody may be inside of either then.
class OneThread {
 public:
  OneThread() = default;
  OneThread(const OneThread& /*other*/) noexcept {}
  OneThread& operator=(const OneThread& /*other*/) noexcept {
    return *this;
  }  // NOLINT(bugprone-unhandled-self-assignment)

  /// Keeps other threads out while alive.
  class Use {
   public:
    Use(Use&& other) noexcept : inside_(std::exchange(other.inside_, nullptr)) {}
    Use& operator=(Use&&) = delete;
    ~Use() {
      if (inside_ != nullptr) inside_->store(std::thread::id(), std::memory_order_release);
    }

   private:
    friend class OneThread;
    explicit Use(std::atomic<std::thread::id>* inside) : inside_(inside) {}

    std::atomic<std::thread::id>* inside_;
  };

  /// The thread that is inside may enter again. Throws Error while another one is; `what` is the object, for the
  /// message. Allocates nothing else.
  [[nodiscard]] Use enter(std::string_view what) const {
    std::thread::id nobody;
    const std::thread::id self = std::this_thread::get_id();
    if (inside_.compare_exchange_strong(nobody, self, std::memory_order_acquire)) return Use(&inside_);
    if (nobody == self) return Use(nullptr);
    throw Error(std::string(what) +
                ": two threads use it at once, but it serves one thread at a time; make one per thread (they share "
                "what is compiled)");
  }

 private:
  mutable std::atomic<std::thread::id> inside_{};
};

}  // namespace zoo
