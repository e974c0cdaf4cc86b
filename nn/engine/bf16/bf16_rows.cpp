#include "nn/engine/bf16/bf16_rows.h"

#include <memory>
#include <utility>
#include <vector>

#include "nn/engine/bf16/tile_source.h"
#include "nn/engine/lower/own_step.h"
#include "nn/engine/lower/row_stages.h"

namespace zoo::engine {
namespace {

using kernels::Bf16;

/// Whether the convolution may be one of those that are computed some rows at a time, each time with all its weights.
bool is_row_stage(const StepCompiler& compiler, graph::NodeId id) {
  constexpr int64_t kMostWeights = 64 * 1024;
  if (is_bf16_layer(compiler, id)) return false;
  const ConvolutionProblem problem = bf16_problem(compiler, ConvolutionNode(compiler, id));
  return is_bf16_dense(problem) && !problem.has_residual && problem.weight_count() <= kMostWeights;
}

/// With what pack() has filled.
struct RowConv {
  TileSource source;
  std::shared_ptr<PackedBlock> packed;
};

RowConv packed(StepCompiler& compiler, const ConvolutionNode& node, TileSource source) {
  auto block = node.add_packed(compiler, source.packed_bytes(),
                               [source](auto weights, auto bias, std::byte* dst) { source.pack(weights, bias, dst); });
  return {std::move(source), std::move(block)};
}

}  // namespace

bool feeds_bf16_rows(const StepCompiler& compiler, const ConvolutionNode& node) {
  constexpr size_t kLeastBytes = 128 * 1024;
  const Shape& out = compiler.shape(node.id());
  const int64_t bytes = StepCompiler::area(out) * kernels::padded_channels(out[1]) * static_cast<int64_t>(sizeof(Bf16));
  return is_row_stage(compiler, node.id()) &&
         feeds_row_stage(compiler, node.id(), static_cast<size_t>(bytes), kLeastBytes,
                         [&](graph::NodeId reader, const graph::Conv2d&) { return is_row_stage(compiler, reader); });
}

void compile_bf16_rows(StepCompiler& compiler, const ConvolutionNode& last) {
  std::vector<RowConv> rows;
  std::vector<RowStage> stages;
  ValueId src = -1;
  for (const graph::NodeId id : compiler.with_left(last.id())) {
    const ConvolutionNode node(compiler, id);
    const ConvolutionProblem problem = bf16_problem(compiler, node);
    const TileSources sources(problem);
    if (rows.empty()) {
      src = problem.src_format == kPlanarF32 ? compiler.value_of(node.source())
                                             : compiler.value_in(node.source(), kChannelsLastBf16);
      rows.push_back(packed(compiler, node, sources.first_of_rows()));
      stages.push_back(sources.first_stage());
    } else {
      rows.back().source.conv.dst_run = sources.row_width();
      rows.push_back(packed(compiler, node, sources.next_of_rows()));
      stages.push_back(sources.next_stage());
    }
  }
  const Shape& out = compiler.shape(last.id());
  const ValueId dst = compiler.add_value(out, kChannelsLastBf16);
  const auto images = static_cast<size_t>(out[0]);
  const RowChain::Maps maps = {
      .images = out[0],
      .dst_h = out[2],
      .dst_row_bytes = static_cast<size_t>(out[3] * rows.back().source.conv.dst_row) * sizeof(Bf16),
      .src_image_bytes = compiler.value(src).bytes / images,
      .dst_image_bytes = compiler.value(dst).bytes / images};
  // The step owns the sources and outlives what it binds.
  auto bind = [=, rows = std::move(rows)](const RunnerMemory& memory) {
    std::vector<RowStage> bound = stages;
    for (size_t i = 0; i < bound.size(); ++i) {
      bound[i].compute = row_function(rows[i].source.bound(rows[i].packed->data));
    }
    return [chain = RowChain(std::move(bound), fill_function(rows.front().source), maps, memory.threads),
            x = memory.as<const std::byte>(src), y = memory.as<std::byte>(dst),
            scratch = memory.scratch] { chain.run(x, y, scratch); };
  };
  auto step = make_step("amx_rows", {src}, dst, std::move(bind));
  step->thread_scratch_bytes = [stages, maps](int threads) {
    return RowChain(stages, {}, maps, threads).scratch_bytes();
  };
  compiler.add_step(std::move(step));
  compiler.set_value(last.id(), dst);
}

}  // namespace zoo::engine
