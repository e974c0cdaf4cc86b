#include "nn/engine/bf16/bf16_steps.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

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

PackedLayer pack_layer(const LoweringContext& context, const VectorLayerSpec& layer) {
  const std::span<const float> source = context.network.parameter(layer.weight);
  const auto pack = [=, outputs = layer.outputs, inputs = layer.inputs](std::byte* dst) {
    kernels::pack_bf16_matrix(source.data(), outputs, inputs, reinterpret_cast<Bf16*>(dst));
  };
  const auto values = static_cast<size_t>(kernels::packed_bf16_matrix(layer.outputs, layer.inputs));
  return {context.packing.add(values * sizeof(Bf16), pack),
          context.packing.add_bias(context.network.parameter(layer.bias), layer.outputs, kLanes), layer.inputs,
          layer.outputs, context.network.resolve(layer.activation)};
}

bool is_bf16(const LoweringContext& context, graph::NodeId id) {
  return context.values.value(context.values.of(id)).type == DataType::kBf16;
}

bool compile_mean(const LoweringContext& context, graph::NodeId id) {
  const graph::NodeId input = context.network.node(id).inputs[0];
  if (!is_bf16(context, input)) return false;
  const ValueId src = context.values.of(input);
  const ValueId dst = context.values.add(context.network.shape(id), kBlockedF32);
  const Shape& shape = context.network.shape(input);
  const auto bind = [=, channels = shape[1], area = NetworkFacts::area(shape),
                     items = shape[0] * kernels::channel_pairs(shape[1])](const RunnerMemory& memory) {
    return [=, threads = memory.threads, x = memory.as<const Bf16>(src), y = memory[dst]] {
      parallel_for(threads, items,
                   [&](int64_t begin, int64_t end) { kernels::mean_bf16(x, y, channels, area, begin, end); });
    };
  };
  context.steps.push_back(make_step("mean_bf16", {src}, dst, bind));
  context.values.set(id, dst);
  return true;
}

bool compile_gate(const LoweringContext& context, graph::NodeId id) {
  const graph::Node& node = context.network.node(id);
  if (!is_bf16(context, node.inputs[0])) return false;
  const ValueId src = context.values.of(node.inputs[0]);
  const ValueId gate = context.values.in(node.inputs[1], kBlockedF32);
  const ValueId dst = context.values.add(context.network.shape(id), kChannelsLastBf16);
  const auto bind = [=, channels = context.network.shape(id)[1], area = NetworkFacts::area(context.network.shape(id)),
                     images = context.network.shape(id)[0]](const RunnerMemory& memory) {
    return [=, threads = memory.threads, x = memory.as<const Bf16>(src), g = memory[gate], y = memory.as<Bf16>(dst)] {
      parallel_for(threads, images * area,
                   [&](int64_t begin, int64_t end) { kernels::scale_bf16(x, g, y, channels, area, begin, end); });
    };
  };
  auto step = make_step("scale_bf16", {src, gate}, dst, bind);
  step->in_place = true;
  context.steps.push_back(std::move(step));
  context.values.set(id, dst);
  return true;
}

bool compile_gated_map(const LoweringContext& context, graph::NodeId id, const graph::SqueezeExcite& op) {
  const graph::NodeId input = context.network.node(id).inputs[0];
  if (NetworkFacts::area(context.network.shape(input)) == 1) return false;
  const ValueId src = context.values.in(input, kChannelsLastBf16);
  const ValueId sums = context.values.sums_of(input);
  const ValueId dst = context.values.add(context.network.shape(id), kChannelsLastBf16);
  const PackedLayer reduce =
      pack_layer(context, {op.reduce_weight, op.reduce_bias, op.channels, op.squeezed, op.inner});
  const PackedLayer expand = pack_layer(context, {op.expand_weight, op.expand_bias, op.squeezed, op.channels, op.gate});
  const int64_t images = context.network.shape(id)[0];
  const int64_t channels = op.channels;
  const int64_t channel_row = padded(channels);
  const int64_t squeezed_row = padded(op.squeezed);
  const auto bind = [=, area = NetworkFacts::area(context.network.shape(id))](const RunnerMemory& memory) {
    // Scratch: means and gates share one [images, channels] block, the hidden layer follows.
    auto* gates = reinterpret_cast<float*>(memory.scratch);
    float* hidden = gates + images * channel_row;
    const float* summed = sums < 0 ? nullptr : memory[sums];
    return [=, threads = memory.threads, reduce_op = reduce.op(), expand_op = expand.op(),
            x = memory.as<const Bf16>(src), y = memory.as<Bf16>(dst)] {
      if (summed != nullptr) {
        const float share = 1.0F / static_cast<float>(area);
        std::transform(summed, summed + images * channel_row, gates, [share](float sum) { return sum * share; });
      } else {
        parallel_for(threads, images * kernels::channel_pairs(channels),
                     [&](int64_t begin, int64_t end) { kernels::mean_bf16(x, gates, channels, area, begin, end); });
      }
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
  std::vector<ValueId> reads = {src};
  if (sums >= 0) reads.push_back(sums);
  auto step = make_step(sums < 0 ? "squeeze_excite_bf16" : "excite_bf16", reads, dst, bind);
  step->scratch_bytes = static_cast<size_t>(images * (channel_row + squeezed_row)) * sizeof(float);
  step->in_place = true;
  context.steps.push_back(std::move(step));
  context.values.set(id, dst);
  return true;
}

}  // namespace

bool compile_bf16(const LoweringContext& context, graph::NodeId id) {
  const graph::Node& node = context.network.node(id);
  const auto visitor = [&](const auto& op) {
    using Op = std::decay_t<decltype(op)>;
    if constexpr (std::is_same_v<Op, graph::Conv2d>) {
      return compile_bf16_convolution(context, id, op);
    } else if constexpr (std::is_same_v<Op, graph::Linear>) {
      compile_bf16_layer(context, id, {op.weight, op.bias, op.in_features, op.out_features, op.activation});
      return true;
    } else if constexpr (std::is_same_v<Op, graph::SqueezeExcite>) {
      return compile_gated_map(context, id, op);
    } else if constexpr (std::is_same_v<Op, graph::GlobalAvgPool>) {
      return compile_mean(context, id);
    } else if constexpr (std::is_same_v<Op, graph::Mul>) {
      return compile_gate(context, id);
    } else if constexpr (std::is_same_v<Op, graph::Add>) {
      if (!is_bf16(context, node.inputs[0]) && !is_bf16(context, node.inputs[1])) return false;
      const ValueId src = context.values.in(node.inputs[0], kChannelsLastBf16);
      compile_bf16_map(context, id, src, context.values.in(node.inputs[1], kChannelsLastBf16), {});
      return true;
    } else if constexpr (std::is_same_v<Op, graph::Activation>) {
      if (!is_bf16(context, node.inputs[0])) return false;
      compile_bf16_map(context, id, context.values.of(node.inputs[0]), -1, context.network.resolve(op.function));
      return true;
    } else {
      return false;
    }
  };
  return std::visit(visitor, node.op);
}

void compile_bf16_layer(const LoweringContext& context, graph::NodeId id, const VectorLayerSpec& layer) {
  const ValueId src = context.values.in(context.network.node(id).inputs[0], kBlockedF32);
  const ValueId dst = context.values.add(context.network.shape(id), kBlockedF32);
  const PackedLayer packed = pack_layer(context, layer);
  const int64_t src_stride = padded(layer.inputs);
  const int64_t dst_stride = padded(layer.outputs);
  const auto bind = [=, rows = context.network.shape(id)[0]](const RunnerMemory& memory) {
    return [=, threads = memory.threads, mat_vec = packed.op(), x = memory[src], y = memory[dst]] {
      parallel_for(threads, dst_stride / kLanes, [&](int64_t begin, int64_t end) {
        kernels::mat_vec_bf16(mat_vec, x, src_stride, y, dst_stride, rows, begin, end);
      });
    };
  };
  context.steps.push_back(make_step("mat_vec_bf16", {src}, dst, bind));
  context.values.set(id, dst);
}

void compile_bf16_map(const LoweringContext& context, graph::NodeId id, ValueId src, ValueId other,
                      kernels::ResolvedActivation function) {
  const Shape shape = context.values.value(src).shape;
  const ValueId dst = context.values.add(shape, kChannelsLastBf16);
  const auto bind = [=, positions = shape[0] * NetworkFacts::area(shape),
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
  context.steps.push_back(std::move(step));
  context.values.set(id, dst);
}

}  // namespace zoo::engine
