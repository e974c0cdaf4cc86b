// Steps that run on the project's own kernels.
#include <algorithm>
#include <utility>

#include "nn/engine/f32/f32_steps.h"
#include "nn/engine/f32/vector_layer.h"
#include "nn/engine/lower/own_step.h"
#include "nn/engine/lower/relayout.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::GlobalAvgPool&) {
  const ValueId src = context.values.blocked(context.network.node(id).inputs[0]);
  const ValueId dst = context.values.add(context.network.shape(id), Layout::kBlocked);
  const Shape& shape = context.values.value(src).shape;
  const auto bind = [=, &table = context.network.table(), blocks = context.network.blocks(shape),
                     area = NetworkFacts::area(shape)](const RunnerMemory& memory) {
    return [=, &table, threads = memory.threads, x = memory[src], y = memory[dst]] {
      parallel_for(threads, blocks, [&](int64_t begin, int64_t end) { table.global_avg_pool(x, y, area, begin, end); });
    };
  };
  context.steps.push_back(make_step(context.network, "global_avg_pool", {src}, dst, bind));
  context.values.set(id, dst);
}

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Linear& op) {
  const ValueId src = context.values.blocked(context.network.node(id).inputs[0]);
  const ValueId dst = context.values.add(context.network.shape(id), Layout::kBlocked);
  const VectorLayer layer(context, {op.weight, op.bias, op.in_features, op.out_features, op.activation});
  const int64_t lanes = context.network.table().lanes;
  const int64_t src_stride = kernels::block_count(op.in_features, lanes) * lanes;
  const int64_t blocks = kernels::block_count(op.out_features, lanes);
  const auto bind = [=, rows = context.network.shape(id)[0]](const RunnerMemory& memory) {
    return [=, threads = memory.threads, mat_vec = layer.bind(), x = memory[src], y = memory[dst]] {
      parallel_for(threads, blocks,
                   [&](int64_t begin, int64_t end) { mat_vec(x, src_stride, y, blocks * lanes, rows, begin, end); });
    };
  };
  context.steps.push_back(make_step(context.network, vector_kernel(context.network), {src}, dst, bind));
  context.values.set(id, dst);
}

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::SqueezeExcite& op) {
  const graph::NodeId squeezed = context.network.node(id).inputs[0];
  const ValueId src = context.values.blocked(squeezed);
  const ValueId sums = context.values.sums_of(squeezed);
  const ValueId dst = context.values.add(context.network.shape(id), Layout::kBlocked);
  const int64_t area = NetworkFacts::area(context.network.shape(id));
  // Of sums, the first layer makes the means itself.
  const float factor = sums < 0 ? 1.0F : 1.0F / static_cast<float>(area);
  const VectorLayer reduce(context, {op.reduce_weight, op.reduce_bias, op.channels, op.squeezed, op.inner}, factor);
  const VectorLayer expand(context, {op.expand_weight, op.expand_bias, op.squeezed, op.channels, op.gate});
  const int64_t lanes = context.network.table().lanes;
  const int64_t images = context.network.shape(id)[0];
  const int64_t channel_blocks = kernels::block_count(op.channels, lanes);
  const int64_t squeezed_blocks = kernels::block_count(op.squeezed, lanes);
  const auto bind = [=, &table = context.network.table()](const RunnerMemory& memory) {
    // Scratch: means and gates share one [images, channels] block, the hidden layer follows.
    auto* gates = reinterpret_cast<float*>(memory.scratch);
    float* hidden = gates + images * channel_blocks * lanes;
    const float* pooled = sums < 0 ? gates : memory[sums];
    return [=, &table, threads = memory.threads, reduce = reduce.bind(), expand = expand.bind(), x = memory[src],
            y = memory[dst]] {
      if (sums < 0) {
        parallel_for(threads, images * channel_blocks,
                     [&](int64_t begin, int64_t end) { table.global_avg_pool(x, gates, area, begin, end); });
      }
      parallel_for(threads, squeezed_blocks, [&](int64_t begin, int64_t end) {
        reduce(pooled, channel_blocks * lanes, hidden, squeezed_blocks * lanes, images, begin, end);
      });
      parallel_for(threads, channel_blocks, [&](int64_t begin, int64_t end) {
        expand(hidden, squeezed_blocks * lanes, gates, channel_blocks * lanes, images, begin, end);
      });
      parallel_for(threads, images * channel_blocks,
                   [&](int64_t begin, int64_t end) { table.scale(x, gates, y, area, begin, end); });
    };
  };
  std::vector<ValueId> reads = {src};
  if (sums >= 0) reads.push_back(sums);
  auto step = make_step(context.network, sums < 0 ? "squeeze_excite" : "excite", reads, dst, bind);
  step->scratch_bytes = static_cast<size_t>(images * (channel_blocks + squeezed_blocks) * lanes) * sizeof(float);
  step->in_place = true;
  context.steps.push_back(std::move(step));
  context.values.set(id, dst);
}

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Mul&) {
  const ValueId src = context.values.blocked(context.network.node(id).inputs[0]);
  const ValueId gate = context.values.blocked(context.network.node(id).inputs[1]);
  const ValueId dst = context.values.add(context.network.shape(id), Layout::kBlocked);
  const auto bind = [=, &table = context.network.table(), blocks = context.network.blocks(context.network.shape(id)),
                     area = NetworkFacts::area(context.network.shape(id))](const RunnerMemory& memory) {
    return [=, &table, threads = memory.threads, x = memory[src], g = memory[gate], y = memory[dst]] {
      parallel_for(threads, blocks, [&](int64_t begin, int64_t end) { table.scale(x, g, y, area, begin, end); });
    };
  };
  auto step = make_step(context.network, "scale", {src, gate}, dst, bind);
  step->in_place = true;
  context.steps.push_back(std::move(step));
  context.values.set(id, dst);
}

void compile_map(const LoweringContext& context, graph::NodeId id, ValueId src, ValueId other,
                 kernels::ResolvedActivation function) {
  const Shape shape = context.values.value(src).shape;
  const ValueId dst = context.values.add(shape, Layout::kBlocked);
  const auto bind = [=, &table = context.network.table(), blocks = context.network.blocks(shape),
                     area = NetworkFacts::area(shape), channels = shape[1]](const RunnerMemory& memory) {
    const float* addend = other < 0 ? nullptr : memory[other];
    return [=, &table, threads = memory.threads, x = memory[src], y = memory[dst]] {
      parallel_for(threads, blocks,
                   [&](int64_t begin, int64_t end) { table.map(x, addend, y, function, channels, area, begin, end); });
    };
  };
  std::vector<ValueId> reads = {src};
  if (other >= 0) reads.push_back(other);
  auto step = make_step(context.network, other < 0 ? "activation" : "add", reads, dst, bind);
  step->in_place = true;
  context.steps.push_back(std::move(step));
  context.values.set(id, dst);
}

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::InstanceNorm& op) {
  const ValueId src = context.values.blocked(context.network.node(id).inputs[0]);
  const ValueId dst = context.values.add(context.network.shape(id), Layout::kBlocked);
  const Shape& shape = context.network.shape(id);
  const auto bind = [=, &table = context.network.table(), blocks = context.network.blocks(shape),
                     area = NetworkFacts::area(shape), eps = op.eps](const RunnerMemory& memory) {
    return [=, &table, threads = memory.threads, x = memory[src], y = memory[dst]] {
      parallel_for(threads, blocks,
                   [&](int64_t begin, int64_t end) { table.instance_norm(x, y, eps, area, begin, end); });
    };
  };
  auto step = make_step(context.network, "instance_norm", {src}, dst, bind);
  step->in_place = true;
  context.steps.push_back(std::move(step));
  context.values.set(id, dst);
}

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Flatten&) {
  const graph::NodeId src = context.network.node(id).inputs[0];
  if (NetworkFacts::area(context.network.shape(src)) == 1) {
    // [N, C, 1, 1] and [N, C] are the same bytes in the blocked layout.
    context.values.set(id, context.values.blocked(src));
    return;
  }
  // Row-major [N, C, H, W] is row-major [N, C * H * W]: one re-layout does it, to planar memory read as a vector.
  const ValueId blocked = context.values.blocked(src);
  const ValueId planar = context.values.add(context.network.shape(id), Layout::kPlanar);
  context.steps.push_back(
      make_relayout(context.network, context.values, blocked, planar, context.network.node(id).name));
  context.values.set(id, planar);
}

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Add&) {
  const std::vector<graph::NodeId>& inputs = context.network.node(id).inputs;
  compile_map(context, id, context.values.blocked(inputs[0]), context.values.blocked(inputs[1]), {});
}

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Activation& op) {
  compile_map(context, id, context.values.blocked(context.network.node(id).inputs[0]), -1,
              context.network.resolve(op.function));
}

}  // namespace zoo::engine
