#include "nn/engine/int8/int8_rows.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "nn/engine/int8/dense_geometry.h"
#include "nn/engine/int8/int8_steps.h"
#include "nn/engine/lower/own_step.h"
#include "nn/engine/lower/row_stages.h"
#include "nn/engine/plan/row_chain.h"

namespace zoo::engine {
namespace {

/// Whether the convolution may be one of those that are computed some rows at a time, each time with all its weights.
bool is_row_stage(const StepCompiler& compiler, graph::NodeId id) {
  constexpr int64_t kMostWeights = 128 * 1024;
  const ConvolutionNode node(compiler, id);
  if (is_int8_layer(compiler, id, node.op())) return false;
  const ConvolutionProblem problem = int8_problem(compiler, node);
  return is_int8_dense(problem) && !problem.has_residual && problem.dst_format == kChannelsLastU8 &&
         problem.weight_count() <= kMostWeights;
}

/// Whether the dense convolution behind this one can take it over, some rows at a time.
bool feeds_rows(const StepCompiler& compiler, graph::NodeId id) {
  constexpr size_t kLeastBytes = 64 * 1024;
  const Shape& out = compiler.shape(id);
  const int64_t bytes = StepCompiler::area(out) * kernels::int8_padded(out[1]);
  return is_row_stage(compiler, id) &&
         feeds_row_stage(compiler, id, static_cast<size_t>(bytes), kLeastBytes,
                         [&](graph::NodeId reader, const graph::Conv2d&) { return is_row_stage(compiler, reader); });
}

/// One of several convolutions that are computed some rows at a time.
struct RowConv {
  kernels::Int8Conv conv;  ///< but for the pointers
  Int8Layer layer;
  std::shared_ptr<PackedBlock> packed;
  std::vector<kernels::Int8Tile> tiles;  ///< of all rows of the result
  int64_t tiles_per_row = 1;
  RowStage stage = {};
  double cycles = 0.0;
};

/// `dst_row_bytes`: from one row of the result to the next.
RowConv row_conv(StepCompiler& compiler, graph::NodeId id, int64_t dst_row_bytes) {
  const ConvolutionNode node(compiler, id);
  const ConvolutionProblem problem = int8_problem(compiler, node);
  const Int8DenseGeometry geometry(problem);
  const Int8PaddedSource& source = geometry.source();
  Int8Layer layer = geometry.layer(compiler.int8_table());
  auto packed = node.add_packed(compiler, layer.packed_bytes(),
                                [layer](auto weights, auto bias, std::byte* dst) { layer.pack(weights, bias, dst); });
  RowConv row = {.conv = geometry.row_conv(),
                 .layer = std::move(layer),
                 .packed = std::move(packed),
                 .tiles = geometry.row_tiles(dst_row_bytes),
                 .cycles = geometry.cycles(compiler.int8_table().isa)};
  row.tiles_per_row = static_cast<int64_t>(row.tiles.size()) / problem.dst[2];
  row.stage = {.kernel = problem.op.kernel.h,
               .stride = problem.op.stride.h,
               .src_h = source.src_h,
               .pad_top = source.pad.begin.h,
               .row_bytes = static_cast<size_t>(source.row_bytes()),
               .left_bytes = static_cast<size_t>(source.pad.begin.w * source.pixel),
               .map_bytes = static_cast<size_t>(source.src_w * source.pixel),
               .padding = std::byte{geometry.padding_value()}};
  return row;
}

/// Fetches its share of `ahead` with every row.
RowFunction row_function(const kernels::Int8Table& table, const RowConv& row, const kernels::Int8Ahead& ahead) {
  kernels::Int8Conv conv = row.conv;
  conv.weights = row.layer.weights(row.packed->data);
  conv.tiles = row.tiles.data();
  conv.epilogue = row.layer.epilogue(row.packed->data);
  const int64_t per_row = row.tiles_per_row;
  const int64_t count = static_cast<int64_t>(row.tiles.size()) / per_row;
  return [=, &table](const std::byte* src, std::byte* dst, int64_t begin, int64_t end) {
    kernels::Int8Conv bound = conv;
    const int64_t fetched = ahead.bytes * begin / count;
    bound.ahead = {ahead.begin + fetched, ahead.bytes * end / count - fetched};
    // Tiles of all rows lie alike in their row.
    table.conv(bound, reinterpret_cast<const uint8_t*>(src), nullptr, dst, 0, (end - begin) * per_row);
  };
}

/// This convolution and those that were left to it.
void emit_rows(StepCompiler& compiler, graph::NodeId last) {
  const std::vector<graph::NodeId> ids = compiler.with_left(last);
  const auto geometry_of = [&](graph::NodeId id) {
    return Int8DenseGeometry(int8_problem(compiler, ConvolutionNode(compiler, id)));
  };
  const Shape& out = compiler.shape(last);
  const int64_t last_row_bytes = out[3] * kernels::int8_padded(out[1]);
  std::vector<RowConv> rows;
  for (size_t i = 0; i < ids.size(); ++i) {
    const bool is_last = i + 1 == ids.size();
    rows.push_back(row_conv(compiler, ids[i], is_last ? last_row_bytes : geometry_of(ids[i + 1]).source().row_bytes()));
  }
  // The rows of the first one come with their padding.
  rows.front().stage.left_bytes = 0;
  rows.front().stage.map_bytes = rows.front().stage.row_bytes;

  double cycles = 0.0;
  for (const RowConv& row : rows) cycles += row.cycles;
  const auto longest = static_cast<size_t>(std::ranges::max_element(rows, {}, &RowConv::cycles) - rows.begin());
  const auto ahead = compiler.add_weights_ahead(cycles);
  const Int8DenseGeometry first = geometry_of(ids.front());
  const ValueId src = reads_image(compiler, ids.front()) ? compiler.value_of(0)
                                                         : compiler.int8_value_of(compiler.node(ids.front()).inputs[0]);
  const ValueId dst = compiler.add_int8_value(last);
  const RowChain::Maps maps = {.images = out[0],
                               .dst_h = out[2],
                               .dst_row_bytes = static_cast<size_t>(last_row_bytes),
                               .src_image_bytes = first.source_image_bytes(),
                               .dst_image_bytes = static_cast<size_t>(out[2] * last_row_bytes)};
  std::vector<RowStage> stages(rows.size());
  std::ranges::transform(rows, stages.begin(), &RowConv::stage);
  // The step owns the rows and outlives what it binds.
  auto bind = [=, &table = compiler.int8_table(), fill = first.fill_function(compiler.int8_table()),
               rows = std::move(rows)](const RunnerMemory& memory) {
    std::vector<RowStage> bound = stages;
    for (size_t i = 0; i < bound.size(); ++i) {
      const bool fetches = memory.threads == 1 && i == longest;
      bound[i].compute = row_function(table, rows[i], fetches ? ahead->range() : kernels::Int8Ahead{});
    }
    return [chain = RowChain(std::move(bound), fill, maps, memory.threads), x = memory.as<const std::byte>(src),
            y = memory.as<std::byte>(dst), scratch = memory.scratch] { chain.run(x, y, scratch); };
  };
  auto step = make_int8_step(compiler, "rows_int8", {src}, dst, std::move(bind));
  step->thread_scratch_bytes = [stages, maps](int threads) {
    return RowChain(stages, {}, maps, threads).scratch_bytes();
  };
  compiler.add_step(std::move(step));
  compiler.set_value(last, dst);
}

}  // namespace

bool compile_int8_rows(StepCompiler& compiler, const ConvolutionNode& node) {
  if (feeds_rows(compiler, node.id())) {
    compiler.leave_to_reader(node.id());
    return true;
  }
  if (!compiler.is_left_to_reader(node.source())) return false;
  emit_rows(compiler, node.id());
  return true;
}

}  // namespace zoo::engine
