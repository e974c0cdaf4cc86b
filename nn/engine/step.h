// What a compiled network is made of, inside the oneDNN engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "nn/core/shape.h"
#include "nn/engine/executable.h"

namespace zoo::engine {

using ValueId = int32_t;

/// How a value lies in memory; see kernels/kernels.h for the blocked layout.
enum class Layout { kPlanar, kBlocked };

/// One value of a compiled network.
struct Value {
  Shape shape;
  Layout layout = Layout::kPlanar;
  size_t bytes = 0;
};

/// The addresses of one runner.
struct RunnerMemory {
  std::vector<float*> values;    ///< by ValueId
  std::byte* scratch = nullptr;  ///< shared by all steps, each uses it only while it runs

  float* operator[](ValueId id) const { return values[static_cast<size_t>(id)]; }
};

/// A step with the addresses of one runner filled in.
class BoundStep {
 public:
  virtual ~BoundStep() = default;
  virtual void run() = 0;
};

/// A bound step whose work is a callable without arguments.
template <typename Work>
std::unique_ptr<BoundStep> make_bound_step(Work work) {
  class Bound : public BoundStep {
   public:
    explicit Bound(Work work) : work_(std::move(work)) {}
    void run() override { work_(); }

   private:
    Work work_;
  };
  return std::make_unique<Bound>(std::move(work));
}

/// One compiled operation: immutable, shared by all runners.
class Step {
 public:
  virtual ~Step() = default;
  /// The step must outlive what it returns.
  virtual std::unique_ptr<BoundStep> bind(const RunnerMemory& memory) const = 0;

  StepInfo info;
  std::vector<ValueId> reads;
  ValueId writes = -1;
  size_t scratch_bytes = 0;
  /// `writes` may have the address of reads[0] if nothing reads that value later.
  bool in_place = false;
};

}  // namespace zoo::engine
