// Compile a network once, run it many times. Two engines share this face: oneDNN (fast) and naive loops (the oracle).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/core/shape.h"
#include "nn/engine/calibration.h"
#include "nn/graph/graph.h"
#include "nn/graph/passes.h"

namespace zoo::engine {

enum class EngineKind {
  kOneDnn,     ///< oneDNN primitives and own kernels, fused, planned
  kReference,  ///< loops with double accumulation over the graph as built, nothing folded or fused
};

/// What activations and weights are stored in; sums are always f32.
enum class Precision {
  kF32,
  kBf16,  ///< needs a processor with AVX512-BF16; with AMX, too, it is much faster
  kInt8,  ///< needs AVX2, with AVX-512 also its VNNI, and CompileOptions::calibration
  kAuto,  ///< the one of the above that was the fastest when measured, of those that can run (int8: if calibrated)
};

/// What the engine's kernels are held to. oneDNN's own primitives may use more, unless the environment variable
/// ONEDNN_MAX_CPU_ISA holds them too.
enum class InstructionSet {
  kAuto,  ///< the best of the machine
  kSse,   ///< SSE4.2
  kAvx2,
  kAvx512,
};

std::string_view to_string(EngineKind kind);
/// "auto", "sse", "avx2", "avx512".
std::string_view to_string(InstructionSet isa);
/// Whether the machine has the set and nothing forbids it; kAuto always.
bool is_available(InstructionSet isa);
std::string_view to_string(Precision precision);
/// Of the name that to_string gives; empty for another.
std::optional<Precision> precision_from(std::string_view name);
/// Why this machine, held to `isa`, cannot run networks in `precision`; empty if it can.
std::string_view why_unavailable(Precision precision, InstructionSet isa = InstructionSet::kAuto);

/// What is done about kernels whose times are not known.
enum class KernelTiming {
  kMeasure,       ///< they are measured, once per machine
  kMeasureAgain,  ///< all are measured, once in this process, whatever was remembered, and replace it
  kKnownOnly,  ///< nothing is measured or written, for times on a machine that is busy with other work would be wrong:
               ///< of such kernels, and of precisions where kAuto chooses, the first that can run is taken, and
               ///< note() says so
};

/// Which kernels run where several can.
struct KernelOptions {
  /// "auto": those that were the fastest when measured on this machine; "own" or "onednn": those of this project or of
  /// oneDNN; else: those whose implementation name (StepInfo) contains this. A convolution that has no such kernel gets
  /// what "auto" gives it.
  std::string wanted = "auto";
  InstructionSet isa = InstructionSet::kAuto;
  /// Whether fully connected and squeeze-and-excite layers of f32 networks keep their weights in bf16. At batch 1 such
  /// a layer takes as long as its weights take from the L3 cache. Each weight is rounded to 8 significant bits;
  /// everything is still computed in f32.
  bool compact_layers = false;
  /// Folder for measured times; default: $XDG_CACHE_HOME/backbone-zoo, else ~/.cache/backbone-zoo. Empty: they are
  /// forgotten with the process.
  std::optional<std::filesystem::path> cache = std::nullopt;
  KernelTiming timing = KernelTiming::kMeasure;

  bool operator==(const KernelOptions&) const = default;
};

struct CompileOptions {
  EngineKind engine = EngineKind::kOneDnn;
  /// Of the fast engine; the reference engine computes in f64 whatever is asked. Empty: f32, or what the model file
  /// says where there is one (Model::compile).
  std::optional<Precision> precision = std::nullopt;
  /// Of the network as built; kInt8 needs it.
  std::shared_ptr<const Calibration> calibration = nullptr;
  /// Threads of the runners for which it is to be fast, 1 to kMaxThreads (thread_pool.h): kernels are those that took
  /// the shortest time with so many, and a batch is cut into parts for so many. Runners with any other number use the
  /// same weights and yield the same values but for rounding.
  int tuned_threads = 1;
  /// Names of the graph's outputs to produce, in this order; empty = all. What no output needs is not computed.
  std::vector<std::string> outputs = {};
  KernelOptions kernels = {};

  bool operator==(const CompileOptions&) const = default;
};

/// One step of a compiled network, for profiling and tests.
struct StepInfo {
  std::string node;            ///< node name
  std::string op;              ///< operation
  std::string implementation;  ///< e.g. "jit:avx512_core", "own:squeeze_excite"
  int64_t macs = 0;            ///< multiply-accumulates, attention products included
  std::vector<Shape> srcs;     ///< what it reads
  Shape dst;
  size_t weight_bytes = 0;      ///< packed weights that it reads
  size_t activation_bytes = 0;  ///< values that it reads and writes, as they lie in memory
  /// How often one inference runs it: once, or once per part of a batch that is computed in parts. Everything above is
  /// for one of these times.
  int64_t runs = 1;
};

/// One value of the interface.
struct IoInfo {
  std::string name;
  Shape shape;
};

class Runner;

/// A network compiled for one input shape. Immutable and thread-safe: packed weights are shared by all runners.
class Executable : public std::enable_shared_from_this<Executable> {
 public:
  virtual ~Executable() = default;

  /// Throws GraphError when the shape does not fit the network, EngineError when an option is out of range or the
  /// system has no more threads, when an operation cannot be compiled or would silently run on a slow reference
  /// implementation, when the machine lacks what `precision` needs or the instruction set asked for, or when no
  /// convolution has a kernel of the name asked for.
  static std::shared_ptr<const Executable> compile(const graph::BoundGraph& network, const Shape& input,
                                                   const CompileOptions& options = {});

  /// `threads`: cores that one inference may use, 1 to kMaxThreads (thread_pool.h). A batch is computed in parts of a
  /// few images, which the caches hold, each part on one core while there are as many parts; of a single image each
  /// operation is shared. The runner brings threads - 1 threads of its own, which sleep between inferences: where many
  /// images are at hand, several runners with one thread each, on threads of the caller, or a batch, do more per
  /// second. Throws EngineError for a number out of range, and when the system has no more threads.
  std::unique_ptr<Runner> new_runner(int threads = 1) const;

  virtual const Shape& input_shape() const = 0;
  virtual const std::vector<IoInfo>& outputs() const = 0;
  /// What it computes in; never kAuto. Of the reference engine kF32.
  virtual Precision precision() const { return Precision::kF32; }
  virtual std::vector<StepInfo> steps() const = 0;
  /// What a user may want to know though nothing failed, e.g. that the folder for measured times cannot be written;
  /// empty if there is nothing.
  virtual std::string note() const { return {}; }
  /// Bytes of packed weights (shared), and of activations and scratch memory of a runner with so many threads.
  virtual size_t weight_bytes() const = 0;
  virtual size_t activation_bytes(int threads) const = 0;

 private:
  virtual std::unique_ptr<Runner> make_runner(int threads) const = 0;
};

/// The activations of one concurrent user of an Executable. One thread at a time, a second one is refused; keeps its
/// Executable alive.
class Runner {
 public:
  virtual ~Runner() = default;

  /// [N, C, H, W] row-major, to be filled before run().
  virtual std::span<float> input() = 0;
  /// Computes all outputs. Allocates nothing. Throws EngineError, and Error while another thread runs it.
  virtual void run() = 0;
  /// The same, with the nanoseconds that each step took: one per entry of Executable::steps(), in its order. Of a batch
  /// that is computed in parts, all its times together over the number of parts that run at a time.
  virtual void run_timed(std::span<int64_t> step_ns) = 0;
  /// Row-major values of output `index`; valid until the next run().
  virtual std::span<const float> output(size_t index) const = 0;
};

}  // namespace zoo::engine
