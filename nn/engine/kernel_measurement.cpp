#include "nn/engine/kernel_measurement.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <mutex>
#include <utility>

#include "nn/engine/processor.h"

namespace zoo::engine {
namespace {

/// Timed runs of each kernel, the first one aside.
constexpr size_t kRepeats = 6;
/// Runs that take longer are repeated less: what disturbs them is small beside them.
constexpr double kLongMicroseconds = 1500.0;
constexpr size_t kLongRepeats = 2;
/// A kernel whose first run takes this many times as long as the best one's is out.
constexpr double kHopeless = 3.0;
/// Kernels that are slower than the best by less than this factor are run again, for so long together, because noise
/// would decide between them.
constexpr double kClose = 1.1;
constexpr double kCloseMicroseconds = 3000.0;
constexpr size_t kMostRepeats = 12;
/// Of a convolution that is larger, a part of the map is computed, not less than this of either axis.
constexpr double kMostMultiplyAdds = 2.5e8;
constexpr int64_t kLeastRows = 8;
constexpr int64_t kLeastColumns = 16;

constexpr size_t kAlignment = 64;

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

size_t blocked_bytes(const Shape& shape, int64_t lanes) {
  return aligned(static_cast<size_t>(shape[0] * kernels::block_count(shape[1], lanes) * lanes * shape[2] * shape[3]) *
                 sizeof(float));
}

/// One kernel with copies of its weights to rotate through.
struct Contender {
  const ConvolutionKernel* kernel = nullptr;
  std::vector<std::unique_ptr<BoundStep>> runs;  ///< one per copy
  size_t next = 0;
  double first = 0.0;         ///< microseconds, as all times
  std::vector<double> times;  ///< of the rounds that follow

  double run() {
    BoundStep& step = *runs[next];
    next = (next + 1) % runs.size();
    const auto start = std::chrono::steady_clock::now();
    step.run();
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
  }
};

/// Copies that make every run find its weights outside the L2: one per run, or as many as drive each other out.
size_t copies_of(size_t packed_bytes, size_t cache_bytes) {
  const size_t enough = 2 * cache_bytes / std::max<size_t>(packed_bytes, 1) + 1;
  return std::min(kRepeats + 1, enough);
}

/// Lays out what a measurement needs in one block of memory.
class Workspace {
 public:
  Workspace(const ConvolutionProblem& problem, KernelSpan kernels, int64_t lanes) : cache_bytes_(l2_cache_bytes()) {
    src_bytes_ = problem.src_layout == Layout::kPlanar
                     ? aligned(static_cast<size_t>(problem.src.elements()) * sizeof(float))
                     : blocked_bytes(problem.src, lanes);
    dst_bytes_ = blocked_bytes(problem.dst, lanes);
    for (const auto& kernel : kernels) {
      scratch_bytes_ = std::max(scratch_bytes_, aligned(kernel->scratch_bytes()));
      packed_bytes_ += aligned(kernel->packed_bytes()) * copies_of(kernel->packed_bytes(), cache_bytes_);
    }
  }

  size_t bytes() const { return src_bytes_ + 2 * dst_bytes_ + scratch_bytes_ + packed_bytes_ + 2 * cache_bytes_; }

  std::vector<Contender> prepare(const ConvolutionProblem& problem, KernelSpan kernels, std::byte* memory) {
    std::byte* next = memory;
    const auto take = [&](size_t bytes) { return std::exchange(next, next + bytes); };
    const auto take_ones = [&](size_t bytes) {
      auto* values = reinterpret_cast<float*>(take(bytes));
      std::fill_n(values, bytes / sizeof(float), 1.0F);
      return values;
    };
    ConvolutionMemory addresses;
    addresses.src = take_ones(src_bytes_);
    const float* residual = take_ones(dst_bytes_);
    if (problem.has_residual) addresses.residual = residual;
    addresses.dst = reinterpret_cast<float*>(take(dst_bytes_));
    addresses.scratch = take(scratch_bytes_);
    sweep_ = take(2 * cache_bytes_);

    const std::vector<float> weights(static_cast<size_t>(problem.weight_count()), 1e-3F);
    const std::vector<float> bias(static_cast<size_t>(problem.bias_count()), 1e-3F);
    std::vector<Contender> contenders(kernels.size());
    for (size_t k = 0; k < kernels.size(); ++k) {
      contenders[k].kernel = kernels[k].get();
      const size_t packed_bytes = kernels[k]->packed_bytes();
      std::byte* packed = take(aligned(packed_bytes));
      std::memset(packed, 0, packed_bytes);
      kernels[k]->pack(weights, bias, packed);
      for (size_t copy = 0; copy < copies_of(packed_bytes, cache_bytes_); ++copy) {
        addresses.packed = copy == 0 ? packed : take(aligned(packed_bytes));
        if (copy > 0) std::memcpy(const_cast<std::byte*>(addresses.packed), packed, packed_bytes);
        contenders[k].runs.push_back(kernels[k]->bind(addresses));
      }
    }
    return contenders;
  }

  /// Drives the copies out of the L2.
  void sweep() const { std::memset(sweep_, 1, 2 * cache_bytes_); }

 private:
  size_t cache_bytes_;
  size_t src_bytes_ = 0;
  size_t dst_bytes_ = 0;
  size_t scratch_bytes_ = 0;
  size_t packed_bytes_ = 0;
  std::byte* sweep_ = nullptr;
};

using Contenders = std::vector<Contender*>;

/// In turns, so that a change of the clock or of the machine's load meets all alike.
void run_rounds(const Contenders& contenders, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    for (Contender* c : contenders) c->times.push_back(c->run());
  }
}

/// The median of how many times as long as `other` it took in the rounds that both ran.
double slowness(const Contender& contender, const Contender& other) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(contender.times.size(), other.times.size()); ++i) {
    ratios.push_back(contender.times[i] / other.times[i]);
  }
  const auto middle = ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2);
  std::ranges::nth_element(ratios, middle);
  return *middle;
}

double least_time(const Contender& contender) { return std::ranges::min(contender.times); }

/// Roughly, where two convolutions are one step: as if the first had as many positions as the second.
int64_t multiply_adds(const ConvolutionProblem& p) { return p.dst[0] * p.dst[2] * p.dst[3] * p.weight_count(); }

/// Positions along an axis that `dst` results read, the border aside.
int64_t source_length(int64_t dst, int64_t kernel, int64_t stride, int64_t dilation, int64_t border) {
  return std::max<int64_t>(1, (dst - 1) * stride + (kernel - 1) * dilation + 1 - border);
}

graph::Size2d source_size(graph::Size2d dst, const graph::Conv2d& op, const graph::ResolvedPadding& pad) {
  return {source_length(dst.h, op.kernel.h, op.stride.h, op.dilation.h, pad.begin.h + pad.end.h),
          source_length(dst.w, op.kernel.w, op.stride.w, op.dilation.w, pad.begin.w + pad.end.w)};
}

/// The same convolution of a smaller map, if it is a large one.
ConvolutionProblem of_part(const ConvolutionProblem& problem) {
  const auto share = [](const ConvolutionProblem& p, int64_t extent, int64_t least) {
    const double part = kMostMultiplyAdds / static_cast<double>(multiply_adds(p));
    return std::min(extent, std::max(least, static_cast<int64_t>(static_cast<double>(extent) * part)));
  };
  ConvolutionProblem part = problem;
  part.dst[2] = share(part, part.dst[2], kLeastRows);
  part.dst[3] = share(part, part.dst[3], kLeastColumns);
  graph::Size2d size = source_size({part.dst[2], part.dst[3]}, part.op, part.pad);
  if (part.expansion) size = source_size(size, part.expansion->op, part.expansion->pad);
  if (part.dst[2] < problem.dst[2]) part.src[2] = size.h;
  if (part.dst[3] < problem.dst[3]) part.src[3] = size.w;
  return part;
}

bool have_same_names(KernelSpan a, KernelSpan b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return x->name() == y->name(); });
}

std::vector<double> measure_whole(const ConvolutionProblem& problem, KernelSpan kernels,
                                  const kernels::KernelTable& table, AlignedBuffer& arena) {
  Workspace workspace(problem, kernels, table.lanes);
  if (arena.size() < workspace.bytes()) arena = AlignedBuffer(workspace.bytes() + workspace.bytes() / 2);
  std::vector<Contender> contenders = workspace.prepare(problem, kernels, arena.data());

  for (Contender& c : contenders) c.first = c.run();
  workspace.sweep();
  const double best_first = std::ranges::min_element(contenders, {}, &Contender::first)->first;
  Contenders hopeful;
  for (Contender& c : contenders) {
    if (c.first <= kHopeless * best_first) hopeful.push_back(&c);
  }
  run_rounds(hopeful, best_first > kLongMicroseconds ? kLongRepeats : kRepeats);
  const Contender& best = **std::ranges::min_element(hopeful, {}, [](const Contender* c) { return least_time(*c); });

  Contenders close;
  for (Contender* c : hopeful) {
    if (slowness(*c, best) < kClose) close.push_back(c);
  }
  if (close.size() > 1) {
    const double round = least_time(best) * static_cast<double>(close.size());
    run_rounds(close, std::min(static_cast<size_t>(kCloseMicroseconds / round), kMostRepeats));
  }
  std::vector<double> times;
  times.reserve(contenders.size());
  for (const Contender& c : contenders) {
    times.push_back(c.times.empty() ? c.first : least_time(best) * slowness(c, best));
  }
  return times;
}

}  // namespace

std::vector<double> measure_kernels(const ConvolutionProblem& problem, KernelSpan kernels,
                                    const kernels::KernelTable& table, AlignedBuffer& arena) {
  // Two measurements at a time would measure each other.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);

  const ConvolutionProblem part = of_part(problem);
  if (part.dst == problem.dst) return measure_whole(problem, kernels, table, arena);
  const ConvolutionKernels part_kernels = convolution_kernels(part, table);
  const KernelSpan measured = KernelSpan(part_kernels).first(std::min(part_kernels.size(), kernels.size()));
  if (!have_same_names(measured, kernels)) return measure_whole(problem, kernels, table, arena);
  std::vector<double> times = measure_whole(part, measured, table, arena);
  const double factor = static_cast<double>(problem.dst.elements()) / static_cast<double>(part.dst.elements());
  for (double& time : times) time *= factor;
  return times;
}

}  // namespace zoo::engine
