// Dense convolutions of bf16 networks.
#include <utility>

#include <fmt/format.h>

#include "nn/engine/bf16/convolution_list.h"
#include "nn/engine/bf16/tile_source.h"
#include "nn/engine/plan/stored_bytes.h"

namespace zoo::engine {
namespace {

using kernels::Bf16;

class TileConvolution : public ConvolutionKernel {
 public:
  std::string name() const override { return fmt::format("own:{}", source_.name()); }
  int64_t lanes() const override { return lanes_; }
  size_t packed_bytes() const override { return source_.packed_bytes(); }
  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const override {
    source_.pack(weights, bias, dst);
  }

 protected:
  TileConvolution(const ConvolutionProblem& problem, TileSource source)
      : source_(std::move(source)), lanes_(problem.machine.lanes()) {}

  const TileSource& source() const { return source_; }

 private:
  TileSource source_;
  int64_t lanes_;
};

/// With the source that tiles read in scratch, where they do not read it as it comes.
class WholeConvolution : public TileConvolution {
 public:
  WholeConvolution(const ConvolutionProblem& problem, const kernels::Bf16Table& table)
      : TileConvolution(problem, joined(TileSources(problem, table).whole())) {}

  size_t scratch_bytes(int /*threads*/) const override { return source().scratch_bytes(); }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    return make_bound_step([=, conv = source().bound(memory.packed), &source = source()] {
      const Bf16* src = source.prepared(memory.src, memory.scratch, memory.threads);
      parallel_for(memory.threads, source.table->conv_items(conv), [&](int64_t begin, int64_t end) {
        source.table->conv(conv, src, static_cast<const Bf16*>(memory.residual), static_cast<Bf16*>(memory.dst), begin,
                           end);
      });
    });
  }

 private:
  static TileSource joined(TileSource source) {
    join_runs(source.conv);
    return source;
  }
};

/// Some rows at a time.
class UnfoldedConvolution : public TileConvolution {
 public:
  UnfoldedConvolution(const ConvolutionProblem& problem, const kernels::Bf16Table& table)
      : TileConvolution(problem, TileSources(problem, table).first_of_rows()),
        stage_(TileSources(problem, table).first_stage()),
        maps_{.images = problem.dst[0],
              .dst_h = problem.dst[2],
              .dst_row_bytes = static_cast<size_t>(problem.dst[3] * source().conv.dst_row) * sizeof(Bf16),
              .src_image_bytes = image_bytes(problem, problem.src, problem.src_format),
              .dst_image_bytes = image_bytes(problem, problem.dst, problem.dst_format)} {}

  size_t scratch_bytes(int threads) const override { return RowChain({stage_}, {}, maps_, threads).scratch_bytes(); }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    RowStage stage = stage_;
    stage.compute = source().row_function(memory.packed);
    return make_bound_step([=, chain = RowChain({std::move(stage)}, fill_function(source()), maps_, memory.threads)] {
      chain.run(static_cast<const std::byte*>(memory.src), static_cast<std::byte*>(memory.dst), memory.scratch);
    });
  }

 private:
  static size_t image_bytes(const ConvolutionProblem& problem, const Shape& map, Format format) {
    return stored_bytes(map, format, problem.machine.lanes()) / static_cast<size_t>(map[0]);
  }

  RowStage stage_;
  RowChain::Maps maps_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_bf16_unfolded_convolution(const ConvolutionProblem& problem,
                                                                  const kernels::Bf16Table& table) {
  if (!is_bf16_dense(problem) || !TileSources(problem, table).unfolds_image()) return nullptr;
  return std::make_unique<UnfoldedConvolution>(problem, table);
}

std::unique_ptr<ConvolutionKernel> make_bf16_dense_convolution(const ConvolutionProblem& problem,
                                                               const kernels::Bf16Table& table) {
  if (!is_bf16_dense(problem)) return nullptr;
  return std::make_unique<WholeConvolution>(problem, table);
}

}  // namespace zoo::engine
