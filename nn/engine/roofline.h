// What one core of this machine can do at best, and how long a step would take at that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "nn/engine/executable.h"

namespace zoo::engine {

/// A cache, or the memory behind the last one.
struct MemoryLevel {
  std::string name;  ///< "L1", "L2", "L3" or "memory"
  size_t bytes = 0;  ///< 0 for memory
  double read_gb_s = 0.0;
};

/// The shortest time that a step can take.
struct StepLimit {
  double ms = 0.0;
  bool by_reads = false;  ///< reading is what limits it, not arithmetic
};

/// The limits of one core, measured. A step is limited by the larger of two times:
/// - arithmetic: 2 * macs at the peak rate of multiply-adds: of f32 vectors of the instruction set in use, or of AMX's
///   tiles for bf16 and int8 (without AMX: of AVX512-BF16's dot products; of VNNI, or of AVX2's products of pairs of 16
///   bits);
/// - reads: its packed weights at the read rate of the smallest cache that holds all weights and activations of the
///   network (they are fetched anew for every inference), plus the values that it reads and writes, at the read rate of
///   the smallest cache that holds them.
/// With several threads both are divided by their number: an upper bound where they share a cache or the memory.
struct Roofline {
  std::string isa;  ///< "sse", "avx2", "avx512", "avx512_bf16", "vnni", "avx2 pairs" or "amx"
  double gflops = 0.0;
  std::vector<MemoryLevel> levels;  ///< smallest first

  /// The smallest level that holds this much, else the last.
  const MemoryLevel& level_of(size_t bytes) const;
  /// `network_bytes`: weights and activations of the whole network.
  StepLimit limit_of(const StepInfo& step, size_t network_bytes, int threads) const;
};

/// Measures for up to a third of a second on the calling thread, with what networks compiled with `options` use. Levels
/// beyond the first that holds `working_set` bytes are left out. Throws EngineError without memory to measure with.
Roofline measure_roofline(size_t working_set, const CompileOptions& options = {});

}  // namespace zoo::engine
