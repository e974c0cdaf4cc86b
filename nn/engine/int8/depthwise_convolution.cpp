// Depthwise convolutions of int8 networks.
#include <fmt/format.h>

#include "nn/engine/int8/convolution_list.h"
#include "nn/engine/int8/int8_layer.h"
#include "nn/engine/machine/parallel.h"
#include "nn/engine/plan/int8_values.h"

namespace zoo::engine {
namespace {

constexpr int64_t kLanes = kernels::kInt8Lanes;

/// Rough figure of one core for 16 results, to share out the fetching of weights.
constexpr double kCycles = 10.0;

class Int8DepthwiseConvolution : public ConvolutionKernel {
 public:
  Int8DepthwiseConvolution(const ConvolutionProblem& problem, const kernels::Int8Table& table)
      : table_(table),
        lanes_(problem.machine.lanes()),
        images_(problem.dst[0]),
        results_(problem.dst.elements()),
        conv_{.channels = kernels::int8_padded(problem.op.out_channels),
              .kernel = problem.op.kernel.h,
              .stride = problem.op.stride.h,
              .pad_top = problem.pad.begin.h,
              .pad_left = problem.pad.begin.w,
              .src_h = problem.src[2],
              .src_w = problem.src[3],
              .dst_h = problem.dst[2],
              .dst_w = problem.dst[3],
              .epilogue = {}},
        layer_({.outputs = problem.op.out_channels,
                .inputs = problem.op.in_channels,
                .taps = conv_.kernel * conv_.kernel,
                .depthwise = true,
                .src = problem.quantization.src,
                .dst = problem.quantization.dst,
                .residual = nullptr,
                .activation = problem.activation},
               kernels::packed_int8_depthwise_size(problem.op.out_channels, conv_.kernel, conv_.stride),
               [channels = problem.op.out_channels, kernel = conv_.kernel, stride = conv_.stride](const int8_t* rounded,
                                                                                                  int8_t* packed) {
                 kernels::pack_int8_depthwise(rounded, channels, kernel, stride, packed);
               }) {}

  std::string name() const override { return fmt::format("own:depthwise_int8:{}", to_string(table_.isa)); }
  int64_t lanes() const override { return lanes_; }  // no blocks
  bool is_last_resort() const override { return table_.isa == kernels::Int8Isa::kReference; }
  bool can_sum() const override { return conv_.dst_h * conv_.dst_w <= kernels::kInt8MostPositions; }
  double fetching_cycles() const override { return static_cast<double>(results_) / kLanes * kCycles; }
  size_t packed_bytes() const override { return layer_.packed_bytes(); }
  size_t scratch_bytes(int threads) const override { return static_cast<size_t>(threads * ring_bytes()); }
  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const override {
    layer_.pack(weights, bias, dst);
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    kernels::Int8Depthwise conv = conv_;
    conv.weights = layer_.weights(memory.packed);
    conv.zero = layer_.source_zeros(memory.packed);
    conv.epilogue = layer_.epilogue(memory.packed);
    conv.ahead = {memory.ahead.data(), static_cast<int64_t>(memory.ahead.size())};
    return make_bound_step([=, &table = table_, parts = int64_t{memory.threads}, ring_bytes = ring_bytes(),
                            items = images_ * conv.channels / kLanes, src = static_cast<const uint8_t*>(memory.src),
                            dst = static_cast<uint8_t*>(memory.dst), sums = static_cast<int32_t*>(memory.sums),
                            rings = memory.scratch] {
      parallel_for(static_cast<int>(parts), parts, [&](int64_t first, int64_t last) {
        for (int64_t part = first; part < last; ++part) {
          table.depthwise(conv, src, dst, sums, rings + part * ring_bytes, items * part / parts,
                          items * (part + 1) / parts);
        }
      });
    });
  }

 private:
  int64_t ring_bytes() const { return whole_lines(kernels::int8_ring_bytes(conv_)); }

  const kernels::Int8Table& table_;
  int64_t lanes_;
  int64_t images_;
  int64_t results_;
  kernels::Int8Depthwise conv_;  ///< but for the pointers
  Int8Layer layer_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_int8_depthwise_convolution(const ConvolutionProblem& problem,
                                                                   const kernels::Int8Table& table) {
  const graph::Conv2d& op = problem.op;
  if (op.groups == 1 || !problem.is_depthwise() || problem.has_residual || !int8_sums_fit(op)) return nullptr;
  if (problem.src_format != kChannelsLastU8 || problem.dst_format != kChannelsLastU8) return nullptr;
  if (op.kernel.h != op.kernel.w || op.stride.h != op.stride.w || op.dilation != graph::Size2d{1, 1}) return nullptr;
  if (op.kernel.h != 3 && op.kernel.h != 5 && op.kernel.h != 7) return nullptr;
  if (op.stride.h != 1 && op.stride.h != 2) return nullptr;
  return std::make_unique<Int8DepthwiseConvolution>(problem, table);
}

}  // namespace zoo::engine
