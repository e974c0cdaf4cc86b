#include "nn/engine/roofline.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "nn/engine/instruction_set.h"
#include "nn/engine/kernels/peak/peak.h"
#include "nn/engine/machine/aligned_buffer.h"

namespace zoo::engine {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr Seconds kTimePerLimit{0.03};

/// Units per second: `work()` yields how many units it did. Of several short timings the best counts: another process
/// on the core makes them long, never short.
template <typename Work>
double best_rate(Work work) {
  double best = 0.0;
  const auto end = Clock::now() + kTimePerLimit;
  do {
    const auto start = Clock::now();
    const auto units = static_cast<double>(work());
    const Seconds elapsed = Clock::now() - start;
    best = std::max(best, units / elapsed.count());
  } while (Clock::now() < end);
  return best;
}

double measure_gflops(int64_t (*multiply_add)(int64_t rounds)) {
  constexpr int64_t kRounds = 100'000;
  return best_rate([&] { return multiply_add(kRounds); }) * 1e-9;
}

double measure_reads(const kernels::PeakKernels& kernels, std::span<const float> data) {
  // Small caches are read so often per timing that the clock does not count.
  constexpr size_t kBytesPerTiming = size_t{4} << 20U;
  const size_t passes = std::max<size_t>(1, kBytesPerTiming / data.size_bytes());
  const auto count = static_cast<int64_t>(data.size());
  kernels.read(data.data(), count);
  return best_rate([&] {
           for (size_t i = 0; i < passes; ++i) kernels.read(data.data(), count);
           return passes * data.size_bytes();
         }) *
         1e-9;
}

struct Cache {
  const char* name;
  size_t bytes;
};

/// Smallest first.
std::vector<Cache> caches_of(const CacheSizes& sizes) {
  std::vector<Cache> caches = {{"L1", sizes.l1}, {"L2", sizes.l2}};
  if (sizes.l3 > 0) caches.push_back({"L3", sizes.l3});
  return caches;
}

}  // namespace

const MemoryLevel& Roofline::level_of(size_t bytes) const {
  const auto level =
      std::ranges::find_if(levels, [&](const MemoryLevel& l) { return l.bytes == 0 || bytes <= l.bytes; });
  return level == levels.end() ? levels.back() : *level;
}

StepLimit Roofline::limit_of(const StepInfo& step, size_t network_bytes, int threads) const {
  constexpr double kMsPerS = 1e3;
  const auto read_ms = [&](size_t bytes, const MemoryLevel& level) {
    return static_cast<double>(bytes) / (level.read_gb_s * 1e9) * kMsPerS;
  };
  const double reads_ms = read_ms(step.weight_bytes, level_of(network_bytes)) +
                          read_ms(step.activation_bytes, level_of(step.activation_bytes));
  const double arithmetic_ms = 2.0 * static_cast<double>(step.macs) / (gflops * 1e9) * kMsPerS;
  const double once_ms = std::max(reads_ms, arithmetic_ms);
  return {once_ms * static_cast<double>(step.runs) / threads, reads_ms > arithmetic_ms};
}

Roofline measure_roofline(size_t working_set, const CompileOptions& options) {
  const Capabilities machine = capabilities_for(options.kernels.isa);
  const kernels::PeakKernels& kernels = kernels::peak_kernels(machine.isa);
  Roofline roofline;
  roofline.isa = "amx";
  if (options.precision == Precision::kBf16 && machine.amx_bf16) {
    roofline.gflops = measure_gflops(kernels::multiply_add_bf16_tiles);
  } else if (options.precision == Precision::kBf16 && machine.avx512_bf16) {
    roofline.isa = to_string(kernels::Bf16Isa::kDot);
    roofline.gflops = measure_gflops(kernels::multiply_add_bf16_dots);
  } else if (options.precision == Precision::kInt8 && machine.amx_int8) {
    roofline.gflops = measure_gflops(kernels::multiply_add_int8_tiles);
  } else if (options.precision == Precision::kInt8) {
    // As many vectors per cycle as of floats; in place of one value four or, in 16 bits, two.
    const bool pairs = machine.int8() == kernels::Int8Isa::kAvx2;
    roofline.isa = pairs ? "avx2 pairs" : "vnni";
    roofline.gflops = (pairs ? 2.0 : 4.0) * measure_gflops(kernels.multiply_add);
  } else {
    roofline.isa = kernels::to_string(machine.isa);
    roofline.gflops = measure_gflops(kernels.multiply_add);
  }

  // A level is read at half of its size, so that it holds the data for certain, while the level before it does not.
  constexpr size_t kEnough = size_t{16} << 20U;
  std::vector<Cache> levels = caches_of(machine.caches);
  levels.push_back({"memory", 0});
  size_t before = size_t{32} << 10U;
  for (const Cache& level : levels) {
    size_t bytes = level.bytes == 0 ? 2 * before : std::min(level.bytes / 2, std::max(4 * before, kEnough));
    bytes -= bytes % (kernels::kReadBlock * sizeof(float));
    const AlignedBuffer buffer(bytes);
    auto* data = reinterpret_cast<float*>(buffer.data());
    std::fill_n(data, bytes / sizeof(float), 1.0F);  // untouched pages are all the same page
    roofline.levels.push_back({level.name, level.bytes, measure_reads(kernels, {data, bytes / sizeof(float)})});
    if (level.bytes >= working_set) break;
    before = std::max(before, level.bytes);
  }
  return roofline;
}

}  // namespace zoo::engine
