#include "nn/engine/bf16/bf16_steps.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/lower/own_step.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

using kernels::Bf16;

constexpr int64_t kLanes = kernels::kChannelStep;

int64_t padded(int64_t channels) { return (channels + kLanes - 1) / kLanes * kLanes; }

/// A fully connected layer with packed weights.
struct PackedLayer {
  std::shared_ptr<PackedBlock> weights;
  std::shared_ptr<PackedBlock> bias;
  int64_t inputs = 0;
  int64_t outputs = 0;
  kernels::ResolvedActivation activation;

  kernels::Bf16MatVec op() const {
    return {reinterpret_cast<const Bf16*>(weights->data), reinterpret_cast<const float*>(bias->data), inputs, outputs,
            activation};
  }
};

PackedLayer pack_layer(StepCompiler& compiler, const VectorLayerSpec& layer) {
  const std::span<const float> source = compiler.parameter(layer.weight);
  const auto pack = [=, outputs = layer.outputs, inputs = layer.inputs](std::byte* dst) {
    kernels::pack_bf16_matrix(source.data(), outputs, inputs, reinterpret_cast<Bf16*>(dst));
  };
  const auto values = static_cast<size_t>(kernels::packed_bf16_matrix(layer.outputs, layer.inputs));
  return {compiler.add_packed(values * sizeof(Bf16), pack), compiler.add_packed_bias(layer.bias, layer.outputs, kLanes),
          layer.inputs, layer.outputs, compiler.resolve(layer.activation)};
}

bool is_bf16(const StepCompiler& compiler, graph::NodeId id) {
  return compiler.value(compiler.value_of(id)).type == DataType::kBf16;
}

bool compile_mean(StepCompiler& compiler, graph::NodeId id) {
  const graph::NodeId input = compiler.node(id).inputs[0];
  if (!is_bf16(compiler, input)) return false;
  const ValueId src = compiler.value_of(input);
  const ValueId dst = compiler.add_value(compiler.shape(id), kBlockedF32);
  const Shape& shape = compiler.shape(input);
  const auto bind = [=, channels = shape[1], area = StepCompiler::area(shape),
                     items = shape[0] * kernels::channel_pairs(shape[1])](const RunnerMemory& memory) {
    return [=, threads = memory.threads, x = memory.as<const Bf16>(src), y = memory[dst]] {
      parallel_for(threads, items,
                   [&](int64_t begin, int64_t end) { kernels::mean_bf16(x, y, channels, area, begin, end); });
    };
  };
  compiler.add_step(make_step("mean_bf16", {src}, dst, bind));
  compiler.set_value(id, dst);
  return true;
}

bool compile_gate(StepCompiler& compiler, graph::NodeId id) {
  const graph::Node& node = compiler.node(id);
  if (!is_bf16(compiler, node.inputs[0])) return false;
  const ValueId src = compiler.value_of(node.inputs[0]);
  const ValueId gate = compiler.value_in(node.inputs[1], kBlockedF32);
  const ValueId dst = compiler.add_value(compiler.shape(id), kChannelsLastBf16);
  const auto bind = [=, channels = compiler.shape(id)[1], area = StepCompiler::area(compiler.shape(id)),
                     images = compiler.shape(id)[0]](const RunnerMemory& memory) {
    return [=, threads = memory.threads, x = memory.as<const Bf16>(src), g = memory[gate], y = memory.as<Bf16>(dst)] {
      parallel_for(threads, images * area,
                   [&](int64_t begin, int64_t end) { kernels::scale_bf16(x, g, y, channels, area, begin, end); });
    };
  };
  auto step = make_step("scale_bf16", {src, gate}, dst, bind);
  step->in_place = true;
  compiler.add_step(std::move(step));
  compiler.set_value(id, dst);
  return true;
}

bool compile_gated_map(StepCompiler& compiler, graph::NodeId id, const graph::SqueezeExcite& op) {
  const graph::NodeId input = compiler.node(id).inputs[0];
  if (StepCompiler::area(compiler.shape(input)) == 1) return false;
  const ValueId src = compiler.value_in(input, kChannelsLastBf16);
  const ValueId dst = compiler.add_value(compiler.shape(id), kChannelsLastBf16);
  const PackedLayer reduce =
      pack_layer(compiler, {op.reduce_weight, op.reduce_bias, op.channels, op.squeezed, op.inner});
  const PackedLayer expand =
      pack_layer(compiler, {op.expand_weight, op.expand_bias, op.squeezed, op.channels, op.gate});
  const int64_t images = compiler.shape(id)[0];
  const int64_t channels = op.channels;
  const int64_t channel_row = padded(channels);
  const int64_t squeezed_row = padded(op.squeezed);
  const auto bind = [=, area = StepCompiler::area(compiler.shape(id))](const RunnerMemory& memory) {
    // Scratch: means and gates share one [images, channels] block, the hidden layer follows.
    auto* gates = reinterpret_cast<float*>(memory.scratch);
    float* hidden = gates + images * channel_row;
    return [=, threads = memory.threads, reduce_op = reduce.op(), expand_op = expand.op(),
            x = memory.as<const Bf16>(src), y = memory.as<Bf16>(dst)] {
      parallel_for(threads, images * kernels::channel_pairs(channels),
                   [&](int64_t begin, int64_t end) { kernels::mean_bf16(x, gates, channels, area, begin, end); });
      parallel_for(threads, squeezed_row / kLanes, [&](int64_t begin, int64_t end) {
        kernels::mat_vec_bf16(reduce_op, gates, channel_row, hidden, squeezed_row, images, begin, end);
      });
      parallel_for(threads, channel_row / kLanes, [&](int64_t begin, int64_t end) {
        kernels::mat_vec_bf16(expand_op, hidden, squeezed_row, gates, channel_row, images, begin, end);
      });
      parallel_for(threads, images * area,
                   [&](int64_t begin, int64_t end) { kernels::scale_bf16(x, gates, y, channels, area, begin, end); });
    };
  };
  auto step = make_step("squeeze_excite_bf16", {src}, dst, bind);
  step->scratch_bytes = static_cast<size_t>(images * (channel_row + squeezed_row)) * sizeof(float);
  step->in_place = true;
  compiler.add_step(std::move(step));
  compiler.set_value(id, dst);
  return true;
}

}  // namespace

bool compile_bf16(StepCompiler& compiler, graph::NodeId id) {
  const graph::Node& node = compiler.node(id);
  const auto visitor = [&](const auto& op) {
    using Op = std::decay_t<decltype(op)>;
    if constexpr (std::is_same_v<Op, graph::Conv2d>) {
      return compile_bf16_convolution(compiler, id, op);
    } else if constexpr (std::is_same_v<Op, graph::Linear>) {
      compile_bf16_layer(compiler, id, {op.weight, op.bias, op.in_features, op.out_features, op.activation});
      return true;
    } else if constexpr (std::is_same_v<Op, graph::SqueezeExcite>) {
      return compile_gated_map(compiler, id, op);
    } else if constexpr (std::is_same_v<Op, graph::GlobalAvgPool>) {
      return compile_mean(compiler, id);
    } else if constexpr (std::is_same_v<Op, graph::Mul>) {
      return compile_gate(compiler, id);
    } else if constexpr (std::is_same_v<Op, graph::Add>) {
      if (!is_bf16(compiler, node.inputs[0]) && !is_bf16(compiler, node.inputs[1])) return false;
      const ValueId src = compiler.value_in(node.inputs[0], kChannelsLastBf16);
      compile_bf16_map(compiler, id, src, compiler.value_in(node.inputs[1], kChannelsLastBf16), {});
      return true;
    } else if constexpr (std::is_same_v<Op, graph::Activation>) {
      if (!is_bf16(compiler, node.inputs[0])) return false;
      compile_bf16_map(compiler, id, compiler.value_of(node.inputs[0]), -1, compiler.resolve(op.function));
      return true;
    } else {
      return false;
    }
  };
  return std::visit(visitor, node.op);
}

void compile_bf16_layer(StepCompiler& compiler, graph::NodeId id, const VectorLayerSpec& layer) {
  const ValueId src = compiler.value_in(compiler.node(id).inputs[0], kBlockedF32);
  const ValueId dst = compiler.add_value(compiler.shape(id), kBlockedF32);
  const PackedLayer packed = pack_layer(compiler, layer);
  const int64_t src_stride = padded(layer.inputs);
  const int64_t dst_stride = padded(layer.outputs);
  const auto bind = [=, rows = compiler.shape(id)[0]](const RunnerMemory& memory) {
    return [=, threads = memory.threads, mat_vec = packed.op(), x = memory[src], y = memory[dst]] {
      parallel_for(threads, dst_stride / kLanes, [&](int64_t begin, int64_t end) {
        kernels::mat_vec_bf16(mat_vec, x, src_stride, y, dst_stride, rows, begin, end);
      });
    };
  };
  compiler.add_step(make_step("mat_vec_bf16", {src}, dst, bind));
  compiler.set_value(id, dst);
}

void compile_bf16_map(StepCompiler& compiler, graph::NodeId id, ValueId src, ValueId other,
                      kernels::ResolvedActivation function) {
  const Shape shape = compiler.value(src).shape;
  const ValueId dst = compiler.add_value(shape, kChannelsLastBf16);
  const auto bind = [=, positions = shape[0] * StepCompiler::area(shape),
                     channels = shape[1]](const RunnerMemory& memory) {
    const auto* addend = other < 0 ? nullptr : memory.as<const Bf16>(other);
    return [=, threads = memory.threads, x = memory.as<const Bf16>(src), y = memory.as<Bf16>(dst)] {
      parallel_for(threads, positions, [&](int64_t begin, int64_t end) {
        kernels::map_bf16(x, addend, y, function, channels, begin, end);
      });
    };
  };
  std::vector<ValueId> reads = {src};
  if (other >= 0) reads.push_back(other);
  auto step = make_step(other < 0 ? "activation_bf16" : "add_bf16", reads, dst, bind);
  step->in_place = true;
  compiler.add_step(std::move(step));
  compiler.set_value(id, dst);
}

}  // namespace zoo::engine
