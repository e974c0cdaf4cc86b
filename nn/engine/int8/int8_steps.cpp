#include "nn/engine/int8/int8_steps.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "nn/engine/int8/int8_layer.h"
#include "nn/engine/lower/own_step.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

constexpr int64_t kLanes = kernels::kInt8Lanes;

/// The sums that the step which wrote a map has left behind it; nullptr if it has not.
const int32_t* sums_of(const Value& value, const uint8_t* map) {
  if (!value.has_sums) return nullptr;
  return reinterpret_cast<const int32_t*>(map + int8_sums_offset(value.shape));
}

bool compile_mean(const LoweringContext& context, graph::NodeId id) {
  const graph::NodeId input = context.network.node(id).inputs[0];
  const Shape shape = context.network.shape(input);
  if (context.values.value(context.values.of(input)).type != DataType::kU8) return false;
  if (NetworkFacts::area(shape) > kernels::kInt8MostPositions) return false;
  const ValueId src = context.values.of(input);
  const ValueId dst = context.values.add(context.network.shape(id), kBlockedF32);
  const auto bind = [=, &table = context.network.int8_table(), source = context.values.value(src), images = shape[0],
                     lanes = context.network.capabilities().lanes()](const RunnerMemory& memory) {
    const auto* x = memory.as<const uint8_t>(src);
    return [=, &table, threads = memory.threads, left = sums_of(source, x),
            sums = reinterpret_cast<int32_t*>(memory.scratch), y = memory[dst],
            means = Int8Means{source.quantization.get(), NetworkFacts::area(source.shape), shape[1], lanes}] {
      if (left == nullptr) {
        parallel_for(threads, images, [&](int64_t begin, int64_t end) {
          table.sum_positions(x, sums, means.area, means.padded(), begin, end);
        });
      }
      means(left != nullptr ? left : sums, images, y);
    };
  };
  auto step = make_int8_step(context.network, "mean_int8", {src}, dst, bind);
  step->scratch_bytes = static_cast<size_t>(shape[0] * kernels::int8_padded(shape[1])) * sizeof(int32_t);
  context.steps.push_back(std::move(step));
  context.values.set(id, dst);
  return true;
}

/// Runs a layer on f32 rows; `rounded` and `steps` are scratch.
struct BoundLayer {
  kernels::Int8MatVec op;
  const kernels::Int8Table* table = nullptr;
  int threads = 1;

  void operator()(const float* x, int64_t x_pitch, int64_t rows, int16_t* rounded, float* steps, float* y,
                  int64_t y_pitch) const {
    table->round_rows(x, x_pitch, op.inputs, rows, rounded, steps);
    parallel_for(threads, kernels::int8_padded(op.outputs) / kLanes,
                 [&](int64_t begin, int64_t end) { table->mat_vec(op, rounded, steps, y, y_pitch, rows, begin, end); });
  }
};

/// Scratch memory in parts that begin with a cache line.
class Scratch {
 public:
  explicit Scratch(std::byte* base) : base_(base) {}

  /// nullptr where there is no memory and only its size is wanted.
  template <typename T>
  T* take(int64_t count) {
    auto* part = base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + used_);
    used_ += static_cast<size_t>(whole_lines(count * static_cast<int64_t>(sizeof(T))));
    return part;
  }
  size_t used() const { return used_; }

 private:
  std::byte* base_;
  size_t used_ = 0;
};

/// Working memory of a squeeze-and-excite.
struct GateScratch {
  GateScratch(std::byte* base, int64_t images, int64_t channels, int64_t squeezed) {
    Scratch scratch(base);
    const int64_t widest = std::max(kernels::int8_row_size(channels), kernels::int8_row_size(squeezed));
    sums = scratch.take<int32_t>(images * channels);
    gates = scratch.take<float>(images * channels);
    offsets = scratch.take<float>(images * channels);
    hidden = scratch.take<float>(images * squeezed);
    rounded = scratch.take<int16_t>(images * widest);
    steps = scratch.take<float>(images);
    bytes = scratch.used();
  }
  int32_t* sums;
  float* gates;  ///< and before that means
  float* offsets;
  float* hidden;
  int16_t* rounded;
  float* steps;
  size_t bytes;
};

bool compile_gated_map(const LoweringContext& context, graph::NodeId id, const graph::SqueezeExcite& op) {
  const graph::NodeId input = context.network.node(id).inputs[0];
  const int64_t area = NetworkFacts::area(context.network.shape(input));
  if (area == 1 || area > kernels::kInt8MostPositions) return false;
  if (!is_int8_layer_size(op.channels) || !is_int8_layer_size(op.squeezed)) return false;
  const ValueId src = context.values.int8(input);
  const ValueId dst = context.values.add_int8(id);
  const Int8VectorLayer reduce =
      pack_int8_vector_layer(context, op.reduce_weight, op.reduce_bias, op.squeezed, op.channels, op.inner);
  const Int8VectorLayer expand =
      pack_int8_vector_layer(context, op.expand_weight, op.expand_bias, op.channels, op.squeezed, op.gate);
  const int64_t images = context.network.shape(id)[0];
  const int64_t channels = kernels::int8_padded(op.channels);
  const int64_t squeezed = kernels::int8_padded(op.squeezed);
  const auto bind = [=, &table = context.network.int8_table(), source = context.values.value(src),
                     result = context.values.value(dst),
                     lanes = context.network.capabilities().lanes()](const RunnerMemory& memory) {
    const GateScratch scratch(memory.scratch, images, channels, squeezed);
    const auto* x = memory.as<const uint8_t>(src);
    return [=, &table, threads = memory.threads, left = sums_of(source, x), from = source.quantization.get(),
            to = result.quantization.get(), first = BoundLayer{reduce.op(lanes), &table, memory.threads},
            second = BoundLayer{expand.op(lanes), &table, memory.threads},
            means = Int8Means{source.quantization.get(), area, op.channels}, y = memory.as<uint8_t>(dst)] {
      if (left == nullptr) {
        parallel_for(threads, images, [&](int64_t begin, int64_t end) {
          table.sum_positions(x, scratch.sums, means.area, channels, begin, end);
        });
      }
      means(left != nullptr ? left : scratch.sums, images, scratch.gates);
      first(scratch.gates, channels, images, scratch.rounded, scratch.steps, scratch.hidden, squeezed);
      second(scratch.hidden, squeezed, images, scratch.rounded, scratch.steps, scratch.gates, channels);
      // Both maps have one step and zero for all channels.
      const float factor = from->step[0] / to->step[0];
      const float from_zero = from->zero[0];
      const float to_zero = to->zero[0];
      for (int64_t i = 0; i < images * channels; ++i) {
        scratch.gates[i] *= factor;
        scratch.offsets[i] = to_zero - from_zero * scratch.gates[i];
      }
      parallel_for(threads, images * means.area, [&](int64_t begin, int64_t end) {
        table.rescale(x, scratch.gates, scratch.offsets, y, means.area, channels, begin, end);
      });
    };
  };
  auto step = make_int8_step(context.network, "squeeze_excite_int8", {src}, dst, bind);
  step->scratch_bytes = GateScratch(nullptr, images, channels, squeezed).bytes;
  step->in_place = true;
  context.steps.push_back(std::move(step));
  context.values.set(id, dst);
  return true;
}

/// f(a) or a + b of maps.
bool compile_map(const LoweringContext& context, graph::NodeId id, const graph::FusedActivation& function) {
  const graph::Node& node = context.network.node(id);
  if (NetworkFacts::area(context.network.shape(id)) == 1) return false;
  const ValueId a = context.values.int8(node.inputs[0]);
  const ValueId b = node.inputs.size() > 1 ? context.values.int8(node.inputs[1]) : -1;
  compile_int8_map(context, id, a, b, context.network.resolve(function));
  return true;
}

/// One function per operation of kReadsInt8Maps.
bool compile_map_op(const LoweringContext& context, graph::NodeId id, const graph::Conv2d& op) {
  return compile_int8_convolution(context, id, op);
}
bool compile_map_op(const LoweringContext& context, graph::NodeId id, const graph::SqueezeExcite& op) {
  return compile_gated_map(context, id, op);
}
bool compile_map_op(const LoweringContext& context, graph::NodeId id, const graph::GlobalAvgPool&) {
  return compile_mean(context, id);
}
bool compile_map_op(const LoweringContext& context, graph::NodeId id, const graph::Add&) {
  return compile_map(context, id, {});
}
bool compile_map_op(const LoweringContext& context, graph::NodeId id, const graph::Activation& op) {
  return compile_map(context, id, op.function);
}

}  // namespace

bool compile_int8(const LoweringContext& context, graph::NodeId id) {
  // The image has no form in 8 bits but what a convolution makes of it for itself.
  const std::vector<graph::NodeId>& inputs = context.network.node(id).inputs;
  const bool is_convolution = std::holds_alternative<graph::Conv2d>(context.network.node(id).op);
  if (std::find(inputs.begin() + (is_convolution ? 1 : 0), inputs.end(), 0) != inputs.end()) return false;
  const auto visitor = [&]<typename Op>(const Op& op) {
    if constexpr (kReadsInt8Maps<Op>) {
      return compile_map_op(context, id, op);
    } else if constexpr (std::is_same_v<Op, graph::Linear>) {
      return compile_int8_layer(context, id, {op.weight, op.bias, op.in_features, op.out_features, op.activation});
    } else {
      return false;
    }
  };
  return std::visit(visitor, context.network.node(id).op);
}

void compile_int8_map(const LoweringContext& context, graph::NodeId id, ValueId a, ValueId b,
                      kernels::ResolvedActivation function) {
  const ValueId dst = context.values.add_int8(id);
  const Quantization& from = *context.values.value(a).quantization;
  const Quantization& to = *context.values.value(dst).quantization;
  const Quantization* added = b < 0 ? nullptr : context.values.value(b).quantization.get();
  const int64_t channels = kernels::int8_padded(context.network.shape(id)[1]);
  const kernels::Int8Epilogue epilogue = int8_epilogue(&to, added, function);
  // scale, bias, unit, zero
  std::vector<float> arrays;
  for (int64_t c = 0; c < channels; ++c) arrays.push_back(from.step[0] / to.step[0]);
  for (int64_t c = 0; c < channels; ++c) {
    float bias = -from.zero[0] * from.step[0] / to.step[0];
    if (added != nullptr) bias -= added->zero[0] * added->step[0] / to.step[0];
    arrays.push_back(bias + (epilogue.mode == kernels::Int8Epilogue::Mode::kLinear ? to.zero[0] : 0.0F));
  }
  arrays.insert(arrays.end(), static_cast<size_t>(channels), to.step[0]);
  arrays.insert(arrays.end(), static_cast<size_t>(channels), to.zero[0]);
  const auto packed = context.packing.add(std::move(arrays));
  const auto bind = [=, &table = context.network.int8_table(),
                     positions = context.network.shape(id)[0] *
                                 NetworkFacts::area(context.network.shape(id))](const RunnerMemory& memory) {
    kernels::Int8Epilogue bound = epilogue;
    bound.scale = reinterpret_cast<const float*>(packed->data);
    bound.bias = bound.scale + channels;
    bound.unit = bound.bias + channels;
    bound.zero = bound.unit + channels;
    const auto* addend = b < 0 ? nullptr : memory.as<const uint8_t>(b);
    return [=, &table, threads = memory.threads, x = memory.as<const uint8_t>(a), y = memory.as<uint8_t>(dst)] {
      parallel_for(threads, positions,
                   [&](int64_t begin, int64_t end) { table.map(bound, x, addend, y, channels, begin, end); });
    };
  };
  std::vector<ValueId> reads = {a};
  if (b >= 0) reads.push_back(b);
  auto step = make_int8_step(context.network, b < 0 ? "activation_int8" : "add_int8", reads, dst, bind);
  step->in_place = true;
  context.steps.push_back(std::move(step));
  context.values.set(id, dst);
}

bool compile_int8_layer(const LoweringContext& context, graph::NodeId id, const VectorLayerSpec& layer) {
  if (!is_int8_layer_size(layer.inputs)) return false;
  const ValueId src = context.values.blocked(context.network.node(id).inputs[0]);
  const ValueId dst = context.values.add(context.network.shape(id), kBlockedF32);
  const Int8VectorLayer packed =
      pack_int8_vector_layer(context, layer.weight, layer.bias, layer.outputs, layer.inputs, layer.activation);
  const int64_t rows = context.network.shape(id)[0];
  const int64_t lanes = context.network.capabilities().lanes();
  const int64_t src_pitch = kernels::block_count(layer.inputs, lanes) * lanes;
  const int64_t dst_pitch = kernels::block_count(layer.outputs, lanes) * lanes;
  const int64_t rounded_size = rows * kernels::int8_row_size(layer.inputs);
  const auto bind = [=, &table = context.network.int8_table()](const RunnerMemory& memory) {
    Scratch scratch(memory.scratch);
    auto* rounded = scratch.take<int16_t>(rounded_size);
    auto* steps = scratch.take<float>(rows);
    return [=, run = BoundLayer{packed.op(lanes), &table, memory.threads}, x = memory[src], y = memory[dst]] {
      run(x, src_pitch, rows, rounded, steps, y, dst_pitch);
    };
  };
  auto step = make_int8_step(context.network, "mat_vec_int8", {src}, dst, bind);
  Scratch scratch(nullptr);
  scratch.take<int16_t>(rounded_size);
  scratch.take<float>(rows);
  step->scratch_bytes = scratch.used();
  context.steps.push_back(std::move(step));
  context.values.set(id, dst);
  return true;
}

}  // namespace zoo::engine
