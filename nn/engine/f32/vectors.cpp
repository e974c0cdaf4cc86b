// Steps that run on the project's own kernels.
#include <algorithm>
#include <utility>

#include "nn/engine/f32/f32_steps.h"
#include "nn/engine/f32/vector_layer.h"
#include "nn/engine/lower/own_step.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {

void compile_op(StepCompiler& compiler, graph::NodeId id, const graph::GlobalAvgPool&) {
  const ValueId src = compiler.blocked_value_of(compiler.node(id).inputs[0]);
  const ValueId dst = compiler.add_value(compiler.shape(id), Layout::kBlocked);
  const Shape& shape = compiler.value(src).shape;
  const auto bind = [=, &table = compiler.table(), blocks = compiler.blocks(shape),
                     area = StepCompiler::area(shape)](const RunnerMemory& memory) {
    return [=, &table, threads = memory.threads, x = memory[src], y = memory[dst]] {
      parallel_for(threads, blocks, [&](int64_t begin, int64_t end) { table.global_avg_pool(x, y, area, begin, end); });
    };
  };
  compiler.add_step(make_step(compiler, "global_avg_pool", {src}, dst, bind));
  compiler.set_value(id, dst);
}

void compile_op(StepCompiler& compiler, graph::NodeId id, const graph::Linear& op) {
  const ValueId src = compiler.blocked_value_of(compiler.node(id).inputs[0]);
  const ValueId dst = compiler.add_value(compiler.shape(id), Layout::kBlocked);
  const VectorLayer layer(compiler, {op.weight, op.bias, op.in_features, op.out_features, op.activation});
  const int64_t lanes = compiler.table().lanes;
  const int64_t src_stride = kernels::block_count(op.in_features, lanes) * lanes;
  const int64_t blocks = kernels::block_count(op.out_features, lanes);
  const auto bind = [=, rows = compiler.shape(id)[0]](const RunnerMemory& memory) {
    return [=, threads = memory.threads, mat_vec = layer.bind(), x = memory[src], y = memory[dst]] {
      parallel_for(threads, blocks,
                   [&](int64_t begin, int64_t end) { mat_vec(x, src_stride, y, blocks * lanes, rows, begin, end); });
    };
  };
  compiler.add_step(make_step(compiler, vector_kernel(compiler), {src}, dst, bind));
  compiler.set_value(id, dst);
}

void compile_op(StepCompiler& compiler, graph::NodeId id, const graph::SqueezeExcite& op) {
  const graph::NodeId squeezed = compiler.node(id).inputs[0];
  const ValueId src = compiler.blocked_value_of(squeezed);
  const ValueId sums = compiler.sums_of(squeezed);
  const ValueId dst = compiler.add_value(compiler.shape(id), Layout::kBlocked);
  const int64_t area = StepCompiler::area(compiler.shape(id));
  // Of sums, the first layer makes the means itself.
  const float factor = sums < 0 ? 1.0F : 1.0F / static_cast<float>(area);
  const VectorLayer reduce(compiler, {op.reduce_weight, op.reduce_bias, op.channels, op.squeezed, op.inner}, factor);
  const VectorLayer expand(compiler, {op.expand_weight, op.expand_bias, op.squeezed, op.channels, op.gate});
  const int64_t lanes = compiler.table().lanes;
  const int64_t images = compiler.shape(id)[0];
  const int64_t channel_blocks = kernels::block_count(op.channels, lanes);
  const int64_t squeezed_blocks = kernels::block_count(op.squeezed, lanes);
  const auto bind = [=, &table = compiler.table()](const RunnerMemory& memory) {
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
  auto step = make_step(compiler, sums < 0 ? "squeeze_excite" : "excite", reads, dst, bind);
  step->scratch_bytes = static_cast<size_t>(images * (channel_blocks + squeezed_blocks) * lanes) * sizeof(float);
  step->in_place = true;
  compiler.add_step(std::move(step));
  compiler.set_value(id, dst);
}

void compile_op(StepCompiler& compiler, graph::NodeId id, const graph::Mul&) {
  const ValueId src = compiler.blocked_value_of(compiler.node(id).inputs[0]);
  const ValueId gate = compiler.blocked_value_of(compiler.node(id).inputs[1]);
  const ValueId dst = compiler.add_value(compiler.shape(id), Layout::kBlocked);
  const auto bind = [=, &table = compiler.table(), blocks = compiler.blocks(compiler.shape(id)),
                     area = StepCompiler::area(compiler.shape(id))](const RunnerMemory& memory) {
    return [=, &table, threads = memory.threads, x = memory[src], g = memory[gate], y = memory[dst]] {
      parallel_for(threads, blocks, [&](int64_t begin, int64_t end) { table.scale(x, g, y, area, begin, end); });
    };
  };
  auto step = make_step(compiler, "scale", {src, gate}, dst, bind);
  step->in_place = true;
  compiler.add_step(std::move(step));
  compiler.set_value(id, dst);
}

void compile_map(StepCompiler& compiler, graph::NodeId id, ValueId src, ValueId other,
                 kernels::ResolvedActivation function) {
  const Shape shape = compiler.value(src).shape;
  const ValueId dst = compiler.add_value(shape, Layout::kBlocked);
  const auto bind = [=, &table = compiler.table(), blocks = compiler.blocks(shape), area = StepCompiler::area(shape),
                     channels = shape[1]](const RunnerMemory& memory) {
    const float* addend = other < 0 ? nullptr : memory[other];
    return [=, &table, threads = memory.threads, x = memory[src], y = memory[dst]] {
      parallel_for(threads, blocks,
                   [&](int64_t begin, int64_t end) { table.map(x, addend, y, function, channels, area, begin, end); });
    };
  };
  std::vector<ValueId> reads = {src};
  if (other >= 0) reads.push_back(other);
  auto step = make_step(compiler, other < 0 ? "activation" : "add", reads, dst, bind);
  step->in_place = true;
  compiler.add_step(std::move(step));
  compiler.set_value(id, dst);
}

void compile_op(StepCompiler& compiler, graph::NodeId id, const graph::InstanceNorm& op) {
  const ValueId src = compiler.blocked_value_of(compiler.node(id).inputs[0]);
  const ValueId dst = compiler.add_value(compiler.shape(id), Layout::kBlocked);
  const Shape& shape = compiler.shape(id);
  const auto bind = [=, &table = compiler.table(), blocks = compiler.blocks(shape), area = StepCompiler::area(shape),
                     eps = op.eps](const RunnerMemory& memory) {
    return [=, &table, threads = memory.threads, x = memory[src], y = memory[dst]] {
      parallel_for(threads, blocks,
                   [&](int64_t begin, int64_t end) { table.instance_norm(x, y, eps, area, begin, end); });
    };
  };
  auto step = make_step(compiler, "instance_norm", {src}, dst, bind);
  step->in_place = true;
  compiler.add_step(std::move(step));
  compiler.set_value(id, dst);
}

void compile_op(StepCompiler& compiler, graph::NodeId id, const graph::Flatten&) {
  const graph::NodeId src = compiler.node(id).inputs[0];
  if (StepCompiler::area(compiler.shape(src)) == 1) {
    // [N, C, 1, 1] and [N, C] are the same bytes in the blocked layout.
    compiler.set_value(id, compiler.blocked_value_of(src));
    return;
  }
  // Row-major [N, C, H, W] is row-major [N, C * H * W]: one re-layout does it, to planar memory read as a vector.
  const ValueId blocked = compiler.blocked_value_of(src);
  const ValueId planar = compiler.add_value(compiler.shape(id), Layout::kPlanar);
  compiler.add_step(make_relayout(compiler, blocked, planar, compiler.node(id).name));
  compiler.set_value(id, planar);
}

void compile_op(StepCompiler& compiler, graph::NodeId id, const graph::Add&) {
  const std::vector<graph::NodeId>& inputs = compiler.node(id).inputs;
  compile_map(compiler, id, compiler.blocked_value_of(inputs[0]), compiler.blocked_value_of(inputs[1]), {});
}

void compile_op(StepCompiler& compiler, graph::NodeId id, const graph::Activation& op) {
  compile_map(compiler, id, compiler.blocked_value_of(compiler.node(id).inputs[0]), -1, compiler.resolve(op.function));
}

}  // namespace zoo::engine
