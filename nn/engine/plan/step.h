// What a compiled network is made of, inside the oneDNN engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "nn/core/shape.h"
#include "nn/engine/executable.h"
#include "nn/engine/plan/quantization.h"

namespace zoo::engine {

using ValueId = int32_t;

/// How a value lies in memory; see kernels/kernels.h for the blocked layout and kernels/bf16.h for channels-last.
enum class Layout { kPlanar, kBlocked, kChannelsLast };

enum class DataType { kF32, kBf16, kU8 };

/// What a step reads or writes. kPlanar and kBlocked hold f32 only.
struct Format {
  // Implicit: most steps only name a layout.
  constexpr Format(Layout order, DataType element = DataType::kF32) : layout(order), type(element) {}
  friend bool operator==(const Format&, const Format&) = default;

  Layout layout;
  DataType type;
};

inline constexpr Format kPlanarF32{Layout::kPlanar};
inline constexpr Format kBlockedF32{Layout::kBlocked};
inline constexpr Format kChannelsLastBf16{Layout::kChannelsLast, DataType::kBf16};
inline constexpr Format kChannelsLastU8{Layout::kChannelsLast, DataType::kU8};

/// One value of a compiled network.
struct Value {
  Shape shape;
  Layout layout = Layout::kPlanar;
  DataType type = DataType::kF32;
  size_t bytes = 0;
  /// Of kU8.
  std::shared_ptr<const Quantization> quantization = nullptr;
  /// kU8: behind the map, at the next cache line, lies the sum over all positions of every channel, s32 [N, C'].
  bool has_sums = false;

  Format format() const { return {layout, type}; }
};

/// The addresses of one runner, and the threads that it shares its work between.
struct RunnerMemory {
  int threads = 1;
  std::vector<float*> values;    ///< by ValueId
  std::byte* scratch = nullptr;  ///< shared by all steps, each uses it only while it runs

  float* operator[](ValueId id) const { return values[static_cast<size_t>(id)]; }
  /// The address of a value whose elements are no floats.
  template <typename T>
  T* as(ValueId id) const {
    return reinterpret_cast<T*>(values[static_cast<size_t>(id)]);
  }
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
  ValueId also_writes = -1;  ///< a second result; -1 without
  /// Of one runner, for any number of threads, and what comes on top for so many.
  size_t scratch_bytes = 0;
  std::function<size_t(int threads)> thread_scratch_bytes = {};
  /// `writes` may have the address of reads[0] if nothing reads that value later.
  bool in_place = false;
};

}  // namespace zoo::engine
