// Depthwise convolutions of int8 networks.
#include <algorithm>
#include <variant>

#include "nn/engine/int8/int8_layer.h"
#include "nn/engine/int8/int8_steps.h"
#include "nn/engine/lower/own_step.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

constexpr int64_t kLanes = kernels::kInt8Lanes;

/// Rough figure of one core for 16 results, to share out the fetching of weights.
constexpr double kCycles = 10.0;

bool has_kernel(const StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op) {
  const bool kernel = op.kernel.h == op.kernel.w && (op.kernel.h == 3 || op.kernel.h == 5 || op.kernel.h == 7);
  const bool stride = op.stride.h == op.stride.w && (op.stride.h == 1 || op.stride.h == 2);
  return kernel && stride && op.dilation == graph::Size2d{1, 1} && compiler.node(id).inputs.size() == 1 &&
         !reads_image(compiler, id) && wants_int8(compiler, id);
}

/// Whether the mean over all positions of a node's value is read.
bool sums_are_read(const StepCompiler& compiler, graph::NodeId id) {
  return std::ranges::any_of(compiler.readers(id), [&](graph::NodeId reader) {
    const graph::Op& op = compiler.node(reader).op;
    return std::holds_alternative<graph::SqueezeExcite>(op) || std::holds_alternative<graph::GlobalAvgPool>(op);
  });
}

}  // namespace

bool compile_int8_depthwise(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op) {
  if (!has_kernel(compiler, id, op)) return false;
  const ValueId src = compiler.int8_value_of(compiler.node(id).inputs[0]);
  const bool with_sums =
      sums_are_read(compiler, id) && StepCompiler::area(compiler.shape(id)) <= kernels::kInt8MostPositions;
  const ValueId dst = compiler.add_int8_value(id, with_sums);
  const Shape& in = compiler.value(src).shape;
  const Shape& out = compiler.shape(id);
  const graph::ResolvedPadding pad = graph::resolve_padding(op, {in[2], in[3]});
  const int64_t kernel = op.kernel.h;
  const int64_t channels = kernels::int8_padded(op.out_channels);
  const kernels::Int8Depthwise conv = {.channels = channels,
                                       .kernel = kernel,
                                       .stride = op.stride.h,
                                       .pad_top = pad.begin.h,
                                       .pad_left = pad.begin.w,
                                       .src_h = in[2],
                                       .src_w = in[3],
                                       .dst_h = out[2],
                                       .dst_w = out[3],
                                       .epilogue = {}};
  const Int8LayerSpec spec = {.weights = compiler.parameter(op.weight),
                              .bias = compiler.parameter(op.bias),
                              .outputs = op.out_channels,
                              .inputs = op.in_channels,
                              .taps = kernel * kernel,
                              .depthwise = true,
                              .src = compiler.value(src).quantization,
                              .dst = compiler.value(dst).quantization,
                              .residual = nullptr,
                              .activation = compiler.resolve(op.activation)};
  const auto arrange = [count = op.out_channels, kernel, stride = conv.stride](const int8_t* rounded, int8_t* packed) {
    kernels::pack_int8_depthwise(rounded, count, kernel, stride, packed);
  };
  const int64_t weights = kernels::packed_int8_depthwise_size(op.out_channels, kernel, conv.stride);
  const Int8Layer layer(compiler, spec, weights, arrange);
  const int64_t ring_bytes = whole_lines(kernels::int8_ring_bytes(conv));
  const auto ahead = compiler.add_weights_ahead(static_cast<double>(out.elements()) / kLanes * kCycles);
  const auto bind = [=, &table = compiler.int8_table(), items = out[0] * channels / kLanes,
                     sums_offset = int8_sums_offset(out)](const RunnerMemory& memory) {
    kernels::Int8Depthwise bound = conv;
    bound.weights = layer.weights();
    bound.zero = layer.source_zeros();
    bound.epilogue = layer.epilogue();
    if (memory.threads == 1) bound.ahead = ahead->range();
    auto* y = memory.as<uint8_t>(dst);
    return [=, &table, threads = memory.threads, x = memory.as<const uint8_t>(src), rings = memory.scratch,
            sums = with_sums ? reinterpret_cast<int32_t*>(y + sums_offset) : nullptr] {
      parallel_for(threads, threads, [&](int64_t first, int64_t last) {
        for (int64_t part = first; part < last; ++part) {
          table.depthwise(bound, x, y, sums, rings + part * ring_bytes, items * part / threads,
                          items * (part + 1) / threads);
        }
      });
    };
  };
  auto step = make_int8_step(compiler, "depthwise_int8", {src}, dst, bind);
  step->thread_scratch_bytes = [ring_bytes](int threads) { return static_cast<size_t>(ring_bytes * threads); };
  compiler.add_step(std::move(step));
  compiler.set_value(id, dst);
  return true;
}

}  // namespace zoo::engine
