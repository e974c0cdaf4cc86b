// Steps that resample feature maps or mix their positions: pooling, resizing, attention.
#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/engine/f32/f32_steps.h"
#include "nn/engine/lower/own_step.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

std::vector<kernels::AxisTap> axis_taps(graph::ResizeMode mode, int64_t src, int64_t dst) {
  std::vector<kernels::AxisTap> taps;
  for (const graph::ResizeTap& tap : graph::resize_taps(mode, src, dst)) {
    taps.push_back({tap.first, tap.second, tap.weight});
  }
  return taps;
}

using PoolKernel = void (*)(const kernels::Pool&, const float*, float*, int64_t, int64_t);

/// What AvgPool2d and MaxPool2d have in common.
template <typename PoolOp>
void compile_pool(const LoweringContext& context, graph::NodeId id, const PoolOp& op, std::string_view name,
                  PoolKernel kernel, bool count_include_pad) {
  const ValueId src = context.values.blocked(context.network.node(id).inputs[0]);
  const ValueId dst = context.values.add(context.network.shape(id), Layout::kBlocked);
  const Shape& in = context.values.value(src).shape;
  const Shape& out = context.network.shape(id);
  const kernels::Pool pool = {.src_h = in[2],
                              .src_w = in[3],
                              .dst_h = out[2],
                              .dst_w = out[3],
                              .kernel_h = op.kernel.h,
                              .kernel_w = op.kernel.w,
                              .stride_h = op.stride.h,
                              .stride_w = op.stride.w,
                              .pad_top = op.pad.h,
                              .pad_left = op.pad.w,
                              .count_include_pad = count_include_pad};
  const auto bind = [=, blocks = context.network.blocks(out)](const RunnerMemory& memory) {
    return [=, threads = memory.threads, x = memory[src], y = memory[dst]] {
      parallel_for(threads, blocks, [&](int64_t begin, int64_t end) { kernel(pool, x, y, begin, end); });
    };
  };
  context.steps.push_back(make_step(context.network, name, {src}, dst, bind));
  context.values.set(id, dst);
}

}  // namespace

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::AvgPool2d& op) {
  compile_pool(context, id, op, "avg_pool", context.network.table().avg_pool, op.count_include_pad);
}

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::MaxPool2d& op) {
  compile_pool(context, id, op, "max_pool", context.network.table().max_pool, false);
}

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Resize& op) {
  const ValueId src = context.values.blocked(context.network.node(id).inputs[0]);
  const Shape& in = context.network.shape(context.network.node(id).inputs[0]);
  const Shape& out = context.network.shape(id);
  if (in == out) {
    context.values.set(id, src);
    return;
  }
  const ValueId dst = context.values.add(out, Layout::kBlocked);
  auto rows = axis_taps(op.mode, in[2], out[2]);
  auto columns = axis_taps(op.mode, in[3], out[3]);
  const kernels::Resize resize = {.nearest = op.mode == graph::ResizeMode::kNearest,
                                  .src_h = in[2],
                                  .src_w = in[3],
                                  .dst_h = out[2],
                                  .dst_w = out[3]};
  // The step owns the taps and outlives what it binds.
  auto bind = [=, &table = context.network.table(), blocks = context.network.blocks(out), rows = std::move(rows),
               columns = std::move(columns)](const RunnerMemory& memory) {
    kernels::Resize bound = resize;
    bound.rows = rows.data();
    bound.columns = columns.data();
    return [=, &table, threads = memory.threads, x = memory[src], y = memory[dst]] {
      parallel_for(threads, blocks, [&](int64_t begin, int64_t end) { table.resize(bound, x, y, begin, end); });
    };
  };
  context.steps.push_back(make_step(context.network, "resize", {src}, dst, std::move(bind)));
  context.values.set(id, dst);
}

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::MultiQueryAttention& op) {
  const graph::Node& node = context.network.node(id);
  const ValueId query = context.values.blocked(node.inputs[0]);
  const ValueId key = context.values.blocked(node.inputs[1]);
  const ValueId value = context.values.blocked(node.inputs[2]);
  const ValueId dst = context.values.add(context.network.shape(id), Layout::kBlocked);
  const kernels::Attention attention = {.heads = op.heads,
                                        .key_dim = op.key_dim,
                                        .value_dim = op.value_dim,
                                        .queries = NetworkFacts::area(context.network.shape(id)),
                                        .keys = NetworkFacts::area(context.values.value(key).shape)};
  const int64_t images = context.network.shape(id)[0];
  const int64_t lanes = context.network.table().lanes;
  const int64_t packed_size = kernels::packed_keys_size(attention, images, lanes);
  const int64_t scratch_size = kernels::attention_scratch(attention, lanes);
  const auto bind = [=, &table = context.network.table(),
                     key_items = images * kernels::block_count(attention.keys, lanes),
                     items = kernels::attention_items(attention, images)](const RunnerMemory& memory) {
    // Scratch: the packed keys of all images, then one part per thread.
    auto* packed = reinterpret_cast<float*>(memory.scratch);
    return [=, &table, threads = int64_t{memory.threads}, q = memory[query], k = memory[key], v = memory[value],
            y = memory[dst]] {
      const auto team = static_cast<int>(threads);
      parallel_for(team, key_items, [&](int64_t begin, int64_t end) {
        table.pack_keys(k, packed, attention.key_dim, attention.keys, begin, end);
      });
      parallel_for(team, threads, [&](int64_t first, int64_t last) {
        for (int64_t part = first; part < last; ++part) {
          table.attention(attention, q, packed, v, y, packed + packed_size + part * scratch_size,
                          items * part / threads, items * (part + 1) / threads);
        }
      });
    };
  };
  auto step = make_step(context.network, "attention", {query, key, value}, dst, bind);
  step->scratch_bytes = static_cast<size_t>(packed_size) * sizeof(float);
  step->thread_scratch_bytes = [scratch_size](int threads) {
    return static_cast<size_t>(threads * scratch_size) * sizeof(float);
  };
  context.steps.push_back(std::move(step));
  context.values.set(id, dst);
}

}  // namespace zoo::engine
