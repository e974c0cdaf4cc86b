// Dense convolutions of bf16 networks that read each other, some rows at a time: what lies between them never leaves
// the second-level cache.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nn/engine/bf16/convolution_list.h"
#include "nn/engine/bf16/tile_source.h"
#include "nn/engine/plan/stored_bytes.h"

namespace zoo::engine {
namespace {

using kernels::Bf16;

class RowsConvolution : public ConvolutionKernel {
 public:
  RowsConvolution(const ConvolutionProblem& problem, const kernels::Bf16Table& table)
      : lanes_(problem.machine.lanes()) {
    for (const ConvolutionProblem& member : members_of(problem)) {
      const TileSources sources(member, table);
      if (sources_.empty()) {
        sources_.push_back(sources.first_of_rows());
        stages_.push_back(sources.first_stage());
      } else {
        sources_.back().conv.dst_run = sources.row_width();
        sources_.push_back(sources.next_of_rows());
        stages_.push_back(sources.next_stage());
      }
    }
    maps_ = {.images = problem.dst[0],
             .dst_h = problem.dst[2],
             .dst_row_bytes = static_cast<size_t>(problem.dst[3] * sources_.back().conv.dst_row) * sizeof(Bf16),
             .src_image_bytes = image_bytes(problem.src, problem.src_format),
             .dst_image_bytes = image_bytes(problem.dst, problem.dst_format)};
  }

  std::string name() const override { return fmt::format("own:{}_rows", sources_.front().table->prefix); }
  int64_t lanes() const override { return lanes_; }
  size_t packed_bytes() const override {
    size_t bytes = 0;
    for (const TileSource& source : sources_) bytes += lines(source);
    return bytes;
  }
  size_t scratch_bytes(int threads) const override { return RowChain(stages_, {}, maps_, threads).scratch_bytes(); }

  /// Packed in the order of computing.
  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const override {
    const TileSource& last = sources_.back();
    const std::span<const float> last_weights = weights.first(weight_count(last));
    const std::span<const float> last_bias = bias.first(outputs(last));
    weights = weights.subspan(last_weights.size());
    bias = bias.subspan(last_bias.size());
    for (const TileSource& source : std::span(sources_).first(sources_.size() - 1)) {
      source.pack(weights.first(weight_count(source)), bias.first(outputs(source)), dst);
      weights = weights.subspan(weight_count(source));
      bias = bias.subspan(outputs(source));
      dst += lines(source);
    }
    last.pack(last_weights, last_bias, dst);
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    std::vector<RowStage> bound = stages_;
    const std::byte* packed = memory.packed;
    for (size_t i = 0; i < bound.size(); ++i) {
      bound[i].compute = sources_[i].row_function(packed);
      packed += lines(sources_[i]);
    }
    return make_bound_step(
        [=, chain = RowChain(std::move(bound), fill_function(sources_.front()), maps_, memory.threads)] {
          chain.run(static_cast<const std::byte*>(memory.src), static_cast<std::byte*>(memory.dst), memory.scratch);
        });
  }

 private:
  /// Whole cache lines.
  static size_t lines(const TileSource& source) { return (source.packed_bytes() + 63) / 64 * 64; }
  static size_t outputs(const TileSource& source) { return static_cast<size_t>(source.op.out_channels); }
  static size_t weight_count(const TileSource& source) {
    return outputs(source) * static_cast<size_t>(source.op.in_channels * source.op.kernel.h * source.op.kernel.w);
  }
  size_t image_bytes(const Shape& map, Format format) const {
    return stored_bytes(map, format, lanes_) / static_cast<size_t>(map[0]);
  }

  int64_t lanes_;
  std::vector<TileSource> sources_;
  std::vector<RowStage> stages_;
  RowChain::Maps maps_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_bf16_rows_convolution(const ConvolutionProblem& problem,
                                                              const kernels::Bf16Table& table) {
  if (problem.expansions.empty() || problem.has_residual || problem.expansions.size() >= RowChain::kMaxStages)
    return nullptr;
  if (!std::ranges::all_of(members_of(problem), is_bf16_dense)) return nullptr;
  return std::make_unique<RowsConvolution>(problem, table);
}

}  // namespace zoo::engine
