// A convolution as the engine compiles it: what is to be computed, and the kernels that can. Internal to nn/engine.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/core/shape.h"
#include "nn/engine/kernels/f32/kernels.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/plan/step.h"
#include "nn/graph/graph.h"
#include "nn/graph/op.h"

namespace zoo::engine {

/// A convolution whose result only another convolution reads.
struct Expansion {
  graph::Conv2d op;
  graph::ResolvedPadding pad;
  kernels::ResolvedActivation activation;
  std::shared_ptr<const Quantization> quantization = nullptr;  ///< of its result; null where that is not stored so
};

/// How the 8-bit numbers of a convolution's maps stand for real ones; null where a map is not stored so.
struct ConvolutionQuantization {
  std::shared_ptr<const Quantization> src;
  std::shared_ptr<const Quantization> dst;
  std::shared_ptr<const Quantization> residual;
};

/// dst = activation(conv(src) + bias + residual). Blocks of a blocked map have the lanes of the KernelTable that goes
/// with the problem.
struct ConvolutionProblem {
  graph::Conv2d op;  ///< sizes, and whether there is a bias; its activation is resolved below
  /// Computed first, one after the other, from src. Maps between convolutions are in the destination's format.
  std::vector<Expansion> expansions = {};
  Shape src;
  Shape dst;
  graph::ResolvedPadding pad;
  kernels::ResolvedActivation activation;
  bool has_residual = false;
  Format src_format = kBlockedF32;
  Format dst_format = kBlockedF32;
  ConvolutionQuantization quantization = {};
  int threads = 1;              ///< of the runners for which the fastest kernel is wanted; kernels take any number
  bool compact_layers = false;  ///< see KernelOptions
  Capabilities machine = {};    ///< that kernels may use

  bool has_bias() const { return op.bias != graph::kNone; }
  /// Weights and biases as ConvolutionKernel::pack gets them.
  int64_t weight_count() const;
  int64_t bias_count() const;
  bool is_depthwise() const { return op.groups == op.in_channels && op.groups == op.out_channels; }
};

/// Convolutions of which each reads the one before, and no one else does, as one problem; and back.
ConvolutionProblem joined(std::span<const ConvolutionProblem> members);
std::vector<ConvolutionProblem> members_of(const ConvolutionProblem& problem);

/// Everything that a kernel's time depends on, as text: "1x16x56x56 -> 1x72x56x56 k1x1 s1x1 ...". Formats are named
/// only where they are not blocked f32.
std::string to_string(const ConvolutionProblem& problem);

/// The addresses that one runner gives a convolution. All start at a cache line; maps are in the problem's formats.
struct ConvolutionMemory {
  const void* src = nullptr;
  const std::byte* packed = nullptr;  ///< what pack() wrote
  const void* residual = nullptr;     ///< null without one
  void* dst = nullptr;                ///< never overlaps the others
  void* sums = nullptr;               ///< [N, out padded]; null where nobody wants them or !can_sum()
  std::byte* scratch = nullptr;       ///< scratch_bytes(threads), undefined contents
  int threads = 1;                    ///< that the work is shared between
  /// Weights of later steps, to be fetched into the second-level cache by kernels that have fetching_cycles(). May lie
  /// beyond what is there: fetching never fails.
  std::span<const std::byte> ahead = {};
};

/// One way to compute one problem. Immutable; shared by all runners of a network.
class ConvolutionKernel {
 public:
  virtual ~ConvolutionKernel() = default;

  /// What profiles show and what choices are remembered by: "jit:avx512_core", "own:depthwise:avx512".
  virtual std::string name() const = 0;
  /// Of the blocks that it reads and writes: no other network may get it.
  virtual int64_t lanes() const = 0;
  /// Only for want of anything better or by its full name: never measured against other kernels.
  virtual bool is_last_resort() const { return false; }
  /// Whether it can yield, beside its result, the result's sums over all positions: squeeze-and-excite layers that
  /// follow need no pass of their own for them.
  virtual bool can_sum() const { return false; }
  /// About how many cycles of its work leave room to fetch weights of later steps; 0: it fetches none.
  virtual double fetching_cycles() const { return 0.0; }
  /// Of weights and bias together.
  virtual size_t packed_bytes() const = 0;
  virtual size_t scratch_bytes(int /*threads*/) const { return 0; }
  /// Kernels of one layer that have this in common pack it alike, whatever the sizes of their maps. Empty: not known.
  virtual std::string packing() const { return {}; }
  /// `weights` are [out, in / groups, kh, kw] row-major, `bias` is [out] or empty; `dst` is filled with zeros. Those of
  /// expansions follow in their order; then all have a bias.
  virtual void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const = 0;
  /// The kernel outlives what it binds. Running allocates nothing and writes zeros to the lanes of dst that are no
  /// channels.
  virtual std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const = 0;
};

using ConvolutionKernels = std::vector<std::unique_ptr<ConvolutionKernel>>;
using KernelSpan = std::span<const std::unique_ptr<ConvolutionKernel>>;

/// A list of candidates: every kernel that one storage format has for the problem, own ones first, last resorts last;
/// may be empty. `table` gives the instruction set that kernels are held to and the lanes of a block, which those of
/// all kernels equal. Each format's list stands in its own folder (convolution_list.h).
using KernelList = ConvolutionKernels (*)(const ConvolutionProblem& problem, const kernels::KernelTable& table);

/// A problem and the kernels to choose from, the first of what `list` has for it.
struct Candidates {
  const ConvolutionProblem& problem;
  KernelSpan kernels;
  KernelList list = nullptr;  ///< null: nothing is known of kernels for a part of the map
};

}  // namespace zoo::engine
