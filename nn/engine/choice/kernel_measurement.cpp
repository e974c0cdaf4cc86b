#include "nn/engine/choice/kernel_measurement.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "nn/engine/machine/capabilities.h"
#include "nn/engine/plan/stored_bytes.h"

namespace zoo::engine {
namespace {

/// Timed runs of each kernel, the first one aside.
constexpr size_t kRepeats = 6;
/// Runs that take longer are repeated less: what disturbs them is small beside them.
constexpr double kLongMicroseconds = 1500.0;
constexpr size_t kLongRepeats = 2;
/// A kernel whose first two runs take this many times as long as the best one's first is out.
constexpr double kHopeless = 3.0;
/// Kernels that are slower than the best by less than this factor are run again, for so long together, because noise
/// would decide between them.
constexpr double kClose = 1.1;
constexpr double kCloseMicroseconds = 6000.0;
constexpr size_t kMostRepeats = 24;
/// Of a convolution that is larger, a part of the map is computed, not less than this of either axis.
constexpr double kMostMultiplyAdds = 2.5e8;
constexpr int64_t kLeastRows = 8;
constexpr int64_t kLeastColumns = 16;

constexpr size_t kAlignment = 64;

constexpr uint16_t kBf16One = 0x3F80;

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

size_t map_bytes(const Shape& shape, Format format, int64_t lanes) {
  return aligned(stored_bytes(shape, format, lanes));
}

/// Ones, in whatever format: times depend on values only where those are tiny.
void fill_with_ones(std::byte* map, size_t bytes, Format format) {
  if (format.type == DataType::kF32) std::fill_n(reinterpret_cast<float*>(map), bytes / sizeof(float), 1.0F);
  if (format.type == DataType::kBf16) std::fill_n(reinterpret_cast<uint16_t*>(map), bytes / sizeof(uint16_t), kBf16One);
  if (format.type == DataType::kU8) std::memset(map, 1, bytes);
}

/// One way to compute what is to be measured: a convolution, or several of which each reads the result of the one
/// before.
using Way = std::vector<ConvolutionChoice>;
using Ways = std::vector<Way>;

/// A way with copies of its weights to rotate through.
struct Contender {
  std::vector<std::vector<std::unique_ptr<BoundStep>>> runs;  ///< per copy, the steps
  size_t next = 0;
  double first = 0.0;         ///< microseconds, as all times; of two runs the shorter one
  std::vector<double> times;  ///< of the rounds that follow

  double run() {
    const auto& steps = runs[next];
    next = (next + 1) % runs.size();
    const auto start = std::chrono::steady_clock::now();
    for (const auto& step : steps) step->run();
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
  }
};

/// Copies that make every run find its weights outside the L2: one per run, or as many as drive each other out.
size_t copies_of(size_t packed_bytes, size_t cache_bytes) {
  const size_t enough = 2 * cache_bytes / std::max<size_t>(packed_bytes, 1) + 1;
  return std::min(kRepeats + 1, enough);
}

size_t packed_bytes(const Way& way) {
  size_t bytes = 0;
  for (const ConvolutionChoice& step : way) bytes += aligned(step.kernel.packed_bytes());
  return bytes;
}

/// Lays out what a measurement needs in one block of memory.
class Workspace {
 public:
  Workspace(const Ways& ways, int64_t lanes) : cache_bytes_(machine_capabilities().caches.l2) {
    const ConvolutionProblem& first = ways.front().front().problem;
    const ConvolutionProblem& last = ways.front().back().problem;
    src_bytes_ = map_bytes(first.src, first.src_format, lanes);
    dst_bytes_ = map_bytes(last.dst, last.dst_format, lanes);
    for (const Way& way : ways) {
      for (const ConvolutionChoice& step : way) {
        if (&step != &way.back()) {
          between_bytes_ = std::max(between_bytes_, map_bytes(step.problem.dst, step.problem.dst_format, lanes));
        }
        scratch_bytes_ = std::max(scratch_bytes_, aligned(step.kernel.scratch_bytes(step.problem.threads)));
      }
      packed_bytes_ += packed_bytes(way) * copies_of(packed_bytes(way), cache_bytes_);
    }
  }

  size_t bytes() const {
    return src_bytes_ + 2 * between_bytes_ + 2 * dst_bytes_ + scratch_bytes_ + packed_bytes_ + 2 * cache_bytes_;
  }

  std::vector<Contender> prepare(const Ways& ways, std::byte* memory) {
    std::byte* next = memory;
    const auto take = [&](size_t bytes) { return std::exchange(next, next + bytes); };
    const auto take_ones = [&](size_t bytes, Format format) {
      std::byte* map = take(bytes);
      fill_with_ones(map, bytes, format);
      return map;
    };
    const std::byte* src = take_ones(src_bytes_, ways.front().front().problem.src_format);
    const std::byte* residual = take_ones(dst_bytes_, ways.front().back().problem.dst_format);
    const std::array<std::byte*, 2> between = {take(between_bytes_), take(between_bytes_)};  // by turns
    std::byte* dst = take(dst_bytes_);
    std::byte* scratch = take(scratch_bytes_);
    sweep_ = take(2 * cache_bytes_);

    std::vector<Contender> contenders(ways.size());
    for (size_t w = 0; w < ways.size(); ++w) {
      const Way& way = ways[w];
      const size_t bytes = packed_bytes(way);
      std::byte* packed = take(bytes);
      pack(way, packed, bytes);
      for (size_t copy = 0; copy < copies_of(bytes, cache_bytes_); ++copy) {
        if (copy > 0) packed = static_cast<std::byte*>(std::memcpy(take(bytes), packed, bytes));
        contenders[w].runs.emplace_back();
        const std::byte* step_packed = packed;
        for (size_t s = 0; s < way.size(); ++s) {
          const bool is_last = s + 1 == way.size();
          contenders[w].runs.back().push_back(
              way[s].kernel.bind({.src = s == 0 ? src : between[(s - 1) % 2],
                                  .packed = step_packed,
                                  .residual = way[s].problem.has_residual ? residual : nullptr,
                                  .dst = is_last ? dst : between[s % 2],
                                  .scratch = scratch,
                                  .threads = way[s].problem.threads}));
          step_packed += aligned(way[s].kernel.packed_bytes());
        }
      }
    }
    return contenders;
  }

  /// Drives the copies out of the L2.
  void sweep() const { std::memset(sweep_, 1, 2 * cache_bytes_); }

 private:
  static void pack(const Way& way, std::byte* packed, size_t bytes) {
    std::memset(packed, 0, bytes);
    for (const ConvolutionChoice& step : way) {
      const std::vector<float> weights(static_cast<size_t>(step.problem.weight_count()), 1e-3F);
      const std::vector<float> bias(static_cast<size_t>(step.problem.bias_count()), 1e-3F);
      step.kernel.pack(weights, bias, packed);
      packed += aligned(step.kernel.packed_bytes());
    }
  }

  size_t cache_bytes_;
  size_t src_bytes_ = 0;
  size_t between_bytes_ = 0;
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

/// Roughly, where several convolutions are one step: as if all had as many positions as the last one.
int64_t multiply_adds(const ConvolutionProblem& p) { return p.dst[0] * p.dst[2] * p.dst[3] * p.weight_count(); }

/// Positions along an axis that `dst` results read, the border aside.
int64_t source_length(int64_t dst, int64_t kernel, int64_t stride, int64_t dilation, int64_t border) {
  return std::max<int64_t>(1, (dst - 1) * stride + (kernel - 1) * dilation + 1 - border);
}

graph::Size2d source_size(graph::Size2d dst, const graph::Conv2d& op, const graph::ResolvedPadding& pad) {
  return {source_length(dst.h, op.kernel.h, op.stride.h, op.dilation.h, pad.begin.h + pad.end.h),
          source_length(dst.w, op.kernel.w, op.stride.w, op.dilation.w, pad.begin.w + pad.end.w)};
}

/// The same convolution for a result of that size.
ConvolutionProblem with_result(ConvolutionProblem problem, graph::Size2d size) {
  const bool is_lower = size.h < problem.dst[2];
  const bool is_narrower = size.w < problem.dst[3];
  problem.dst[2] = size.h;
  problem.dst[3] = size.w;
  graph::Size2d src = source_size(size, problem.op, problem.pad);
  for (auto first = problem.expansions.rbegin(); first != problem.expansions.rend(); ++first) {
    src = source_size(src, first->op, first->pad);
  }
  if (is_lower) problem.src[2] = src.h;
  if (is_narrower) problem.src[3] = src.w;
  return problem;
}

/// Of the result that is computed: all of it, or a part if it is a large one.
graph::Size2d measured_size(const ConvolutionProblem& problem) {
  const auto share = [](const ConvolutionProblem& p, int64_t extent, int64_t least) {
    const double part = kMostMultiplyAdds / static_cast<double>(multiply_adds(p));
    return std::min(extent, std::max(least, static_cast<int64_t>(static_cast<double>(extent) * part)));
  };
  ConvolutionProblem part = problem;
  part.dst[2] = share(part, part.dst[2], kLeastRows);
  part.dst[3] = share(part, part.dst[3], kLeastColumns);
  return {part.dst[2], part.dst[3]};
}

std::vector<double> measure_whole(const Ways& ways, const kernels::KernelTable& table, AlignedBuffer& arena) {
  // Two measurements at a time would measure each other.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);

  Workspace workspace(ways, table.lanes);
  if (arena.size() < workspace.bytes()) arena = AlignedBuffer(workspace.bytes() + workspace.bytes() / 2);
  std::vector<Contender> contenders = workspace.prepare(ways, arena.data());

  for (Contender& c : contenders) c.first = c.run();
  workspace.sweep();
  const double best_first = std::ranges::min_element(contenders, {}, &Contender::first)->first;
  Contenders hopeful;
  for (Contender& c : contenders) {
    // The first run may have met untouched memory, or the system.
    if (c.first > kHopeless * best_first) c.first = std::min(c.first, c.run());
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

/// Convolutions of parts of the maps, in place of those that ways consist of.
class Parts {
 public:
  Parts(KernelList list, const kernels::KernelTable& table) : list_(list), table_(table) {}

  /// The way for a result of that size; nothing if one of its kernels does not do that.
  std::optional<Way> way(const Way& whole, graph::Size2d size) {
    Way way;
    for (auto step = whole.rbegin(); step != whole.rend(); ++step) {
      const Part& part = parts_.try_emplace(&step->problem, step->problem, size, *this).first->second;
      const auto found =
          std::ranges::find_if(part.kernels, [&](const auto& kernel) { return kernel->name() == step->kernel.name(); });
      if (found == part.kernels.end()) return std::nullopt;
      way.push_back({part.problem, **found});
      size = {part.problem.src[2], part.problem.src[3]};
    }
    return Way(way.rbegin(), way.rend());
  }

 private:
  struct Part {
    Part(const ConvolutionProblem& whole, graph::Size2d size, const Parts& all)
        : problem(with_result(whole, size)), kernels(all.list_(problem, all.table_)) {}

    ConvolutionProblem problem;
    ConvolutionKernels kernels;
  };

  KernelList list_;
  const kernels::KernelTable& table_;
  std::map<const ConvolutionProblem*, Part> parts_;
};

/// All ways yield the same result.
std::vector<double> measure(const Ways& ways, KernelList list, const kernels::KernelTable& table,
                            AlignedBuffer& arena) {
  const ConvolutionProblem& whole = ways.front().back().problem;
  const graph::Size2d size = measured_size(whole);
  if (list == nullptr || size == graph::Size2d{whole.dst[2], whole.dst[3]}) return measure_whole(ways, table, arena);
  Parts parts(list, table);
  Ways smaller;
  for (const Way& way : ways) {
    std::optional<Way> part = parts.way(way, size);
    if (!part) return measure_whole(ways, table, arena);
    smaller.push_back(*part);
  }
  std::vector<double> times = measure_whole(smaller, table, arena);
  const double factor = static_cast<double>(whole.dst[2] * whole.dst[3]) / static_cast<double>(size.h * size.w);
  for (double& time : times) time *= factor;
  return times;
}

Ways ways_of(const Candidates& candidates) {
  Ways ways;
  for (const auto& kernel : candidates.kernels) ways.push_back({{candidates.problem, *kernel}});
  return ways;
}

}  // namespace

std::vector<double> measure_kernels(const Candidates& candidates, const kernels::KernelTable& table,
                                    AlignedBuffer& arena) {
  return measure(ways_of(candidates), candidates.list, table, arena);
}

std::vector<double> measure_kernels(const Candidates& fused, std::span<const ConvolutionChoice> steps,
                                    const kernels::KernelTable& table, AlignedBuffer& arena) {
  Ways ways = ways_of(fused);
  ways.emplace_back(steps.begin(), steps.end());
  return measure(ways, fused.list, table, arena);
}

}  // namespace zoo::engine
