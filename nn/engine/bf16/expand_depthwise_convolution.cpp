// A dense convolution of bf16 networks and the depthwise one that reads it: what lies between them stays in the cache,
// in f32.
#include <fmt/format.h>

#include "nn/engine/bf16/convolution_list.h"
#include "nn/engine/bf16/depthwise_layer.h"
#include "nn/engine/bf16/tile_source.h"

namespace zoo::engine {
namespace {

using kernels::Bf16;

class Bf16ExpandDepthwiseConvolution : public ConvolutionKernel {
 public:
  Bf16ExpandDepthwiseConvolution(const ConvolutionProblem& problem, const ConvolutionProblem& first,
                                 const kernels::Bf16Table& table)
      : source_(TileSources(first, table).whole()),
        layer_(problem, {first.dst[2], first.dst[3]}),
        items_(problem.src[0] * kernels::channel_pairs(problem.op.in_channels)),
        lanes_(problem.machine.lanes()) {}

  std::string name() const override { return fmt::format("own:{}_expand_depthwise", source_.table->prefix); }
  int64_t lanes() const override { return lanes_; }
  bool can_sum() const override { return true; }
  size_t packed_bytes() const override { return first_bytes() + layer_.packed_bytes(); }
  size_t scratch_bytes(int threads) const override {
    return source_.scratch_bytes() + static_cast<size_t>(threads * part_floats()) * sizeof(float);
  }

  /// Those of the expansion first.
  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const override {
    const auto channels = static_cast<size_t>(layer_.conv().channels);
    const size_t count = channels * static_cast<size_t>(layer_.conv().kernel * layer_.conv().kernel);
    source_.pack(weights.subspan(count), bias.subspan(channels), dst);
    layer_.pack(weights.first(count), bias.first(channels), dst + first_bytes());
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    const kernels::ExpandDepthwise pair = {source_.bound(memory.packed),
                                           layer_.bound(memory.packed + first_bytes(), memory.sums)};
    return make_bound_step([=, &source = source_, items = items_, parts = int64_t{memory.threads},
                            floats = part_floats(),
                            buffers = reinterpret_cast<float*>(memory.scratch + source_.scratch_bytes())] {
      const Bf16* src = source.prepared(memory.src, memory.scratch, memory.threads);
      parallel_for(memory.threads, parts, [&](int64_t first, int64_t last) {
        for (int64_t part = first; part < last; ++part) {
          source.table->expand_depthwise(pair, src, static_cast<Bf16*>(memory.dst), buffers + part * floats,
                                         items * part / parts, items * (part + 1) / parts);
        }
      });
    });
  }

 private:
  /// Whole cache lines.
  size_t first_bytes() const { return (source_.packed_bytes() + 63) / 64 * 64; }
  int64_t part_floats() const { return source_.table->expand_depthwise_scratch({source_.conv, layer_.conv()}); }

  TileSource source_;
  Bf16DepthwiseLayer layer_;
  int64_t items_;
  int64_t lanes_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_bf16_expand_depthwise_convolution(const ConvolutionProblem& problem,
                                                                          const kernels::Bf16Table& table) {
  if (problem.expansions.size() != 1 || !is_bf16_depthwise(problem)) return nullptr;
  const ConvolutionProblem first = members_of(problem).front();
  if (!is_bf16_dense(first)) return nullptr;
  return std::make_unique<Bf16ExpandDepthwiseConvolution>(problem, first, table);
}

}  // namespace zoo::engine
