#include "nn/engine/lower/convolution_step.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "nn/engine/plan/int8_values.h"

namespace zoo::engine {
namespace {

/// What a convolution's step reads and writes; -1: nothing.
struct ConvolutionValues {
  ValueId src = -1;
  ValueId residual = -1;
  ValueId dst = -1;
  ValueId sums = -1;  ///< of an f32 or bf16 map; those of a u8 map lie behind it (Value::has_sums)
};

class ConvolutionStep : public Step {
 public:
  ConvolutionStep(std::unique_ptr<ConvolutionKernel> kernel, std::shared_ptr<PackedBlock> packed,
                  const ConvolutionValues& values)
      : kernel_(std::move(kernel)), packed_(std::move(packed)) {
    info.implementation = kernel_->name();
    reads = {values.src};
    if (values.residual >= 0) reads.push_back(values.residual);
    writes = values.dst;
    also_writes = values.sums;
    thread_scratch_bytes = [&shared = *kernel_](int threads) { return shared.scratch_bytes(threads); };
  }

  /// Behind the result, in bytes from its start.
  void set_sums(int64_t offset) { sums_offset_ = offset; }
  void set_ahead(std::shared_ptr<const WeightsAhead> ahead) { ahead_ = std::move(ahead); }

  std::unique_ptr<BoundStep> bind(const RunnerMemory& memory) const override {
    ConvolutionMemory bound = {.src = memory[reads[0]],
                               .packed = packed_->data,
                               .residual = reads.size() > 1 ? memory[reads[1]] : nullptr,
                               .dst = memory[writes],
                               .sums = also_writes < 0 ? nullptr : memory[also_writes],
                               .scratch = memory.scratch,
                               .threads = memory.threads};
    if (sums_offset_) bound.sums = memory.as<std::byte>(writes) + *sums_offset_;
    if (ahead_ != nullptr && memory.threads == 1) {
      const kernels::Int8Ahead range = ahead_->range();
      bound.ahead = {range.begin, static_cast<size_t>(range.bytes)};
    }
    return kernel_->bind(bound);
  }

 private:
  std::unique_ptr<ConvolutionKernel> kernel_;
  std::shared_ptr<PackedBlock> packed_;
  std::shared_ptr<const WeightsAhead> ahead_;
  std::optional<int64_t> sums_offset_;
};

/// Parameters in the order in which ConvolutionKernel::pack wants them: of the last convolution, then of those before.
using AllParameters = std::vector<ConvolutionParameters>;

AllParameters parameters_of(std::span<const ConvolutionNode> members) {
  AllParameters all = {members.back().parameters()};
  for (const ConvolutionNode& member : members.first(members.size() - 1)) all.push_back(member.parameters());
  return all;
}

void pack(const ConvolutionKernel& kernel, const AllParameters& all, std::byte* dst) {
  if (all.size() == 1) {
    const ConvolutionParameters& own = all.front();
    return own.is_cropped() ? kernel.pack(own.used_weights(), own.bias, dst) : kernel.pack(own.weights, own.bias, dst);
  }
  std::vector<float> weights;
  std::vector<float> bias;
  int64_t outputs = 0;
  for (const ConvolutionParameters& one : all) {
    const std::vector<float> used = one.used_weights();
    weights.insert(weights.end(), used.begin(), used.end());
    bias.insert(bias.end(), one.bias.begin(), one.bias.end());
    bias.resize(static_cast<size_t>(outputs += one.outputs));
  }
  kernel.pack(weights, bias, dst);
}

/// The kernel must outlive packing.
std::shared_ptr<PackedBlock> add_packed(const LoweringContext& context, std::span<const ConvolutionNode> members,
                                        const ConvolutionKernel& kernel) {
  AllParameters all = parameters_of(members);
  const bool is_plain = all.size() == 1 && !all.front().is_cropped();
  auto fill = [&kernel, all = std::move(all)](std::byte* dst) { pack(kernel, all, dst); };
  const std::string packing = kernel.packing();
  if (packing.empty() || !is_plain) return context.packing.add(kernel.packed_bytes(), std::move(fill));
  const graph::Conv2d& op = members.front().op();
  return context.packing.add_shared(fmt::format("{} {} {}", packing, op.weight, op.bias), kernel.packed_bytes(),
                                    std::move(fill));
}

/// Whether the sums of a node's value over all positions are read, where they lie behind the map.
bool int8_sums_are_read(const NetworkFacts& network, graph::NodeId id) {
  return network.is_squeezed(id) || std::ranges::any_of(network.readers(id), [&](graph::NodeId reader) {
           return std::holds_alternative<graph::GlobalAvgPool>(network.node(reader).op);
         });
}

/// Converted, where what the node yields has another format.
ValueId value_in(const LoweringContext& context, graph::NodeId id, Format format) {
  return format == kChannelsLastU8 ? context.values.int8(id) : context.values.in(id, format);
}

/// Whether the problem is all that the node does: no step follows that changes the result, and with it its sums.
bool is_whole(const ConvolutionProblem& problem, const ConvolutionNode& node) {
  return problem.has_residual == (node.residual() != graph::kNone) &&
         problem.activation.kind == node.op().activation.kind;
}

ConvolutionValues values_of(const LoweringContext& context, std::span<const ConvolutionNode> members,
                            const ConvolutionProblem& problem, const ConvolutionKernel& kernel) {
  ConvolutionValues values;
  const ConvolutionNode& last = members.back();
  const bool can_sum = kernel.can_sum() && is_whole(problem, last);
  values.src = value_in(context, members.front().source(), problem.src_format);
  if (problem.has_residual) {
    const bool is_int8 = problem.quantization.residual != nullptr;
    values.residual = value_in(context, last.residual(), is_int8 ? kChannelsLastU8 : problem.dst_format);
  }
  if (problem.dst_format == kChannelsLastU8) {
    const bool with_sums = can_sum && int8_sums_are_read(context.network, last.id());
    values.dst = context.values.add_int8(problem.dst, problem.quantization.dst, with_sums);
    return values;
  }
  values.dst = context.values.add(problem.dst, problem.dst_format);
  if (can_sum && context.network.is_squeezed(last.id())) {
    values.sums = context.values.add({problem.dst[0], problem.dst[1]}, kBlockedF32);
    context.values.set_sums(last.id(), values.sums);
  }
  return values;
}

}  // namespace

ConvolutionProblem ConvolutionFormat::measured(ConvolutionProblem whole) const {
  if (!chosen_for_one_image) return whole;
  whole.src[0] = 1;
  whole.dst[0] = 1;
  whole.threads = 1;
  return whole;
}

bool compile_convolutions(const LoweringContext& context, const ConvolutionFormat& format,
                          std::span<const ConvolutionNode> members, const ConvolutionProblem& problem) {
  return compile_convolutions(context, format, members, problem, format.list(problem, context.network.table()));
}

bool compile_convolutions(const LoweringContext& context, const ConvolutionFormat& format,
                          std::span<const ConvolutionNode> members, const ConvolutionProblem& problem,
                          ConvolutionKernels kernels) {
  if (kernels.empty()) return false;
  size_t best = 0;
  if (format.chosen_for_one_image) {
    const ConvolutionProblem measured = format.measured(problem);
    best = context.chooser.choose({measured, format.list(measured, context.network.table()), format.list});
  } else {
    best = context.chooser.choose({problem, kernels, format.list});
  }
  add_convolution_step(context, members, problem, std::move(kernels[best]));
  return true;
}

void add_convolution_step(const LoweringContext& context, std::span<const ConvolutionNode> members,
                          const ConvolutionProblem& problem, std::unique_ptr<ConvolutionKernel> kernel) {
  const ConvolutionValues values = values_of(context, members, problem, *kernel);
  auto packed = add_packed(context, members, *kernel);
  const double cycles = kernel->fetching_cycles();
  auto step = std::make_unique<ConvolutionStep>(std::move(kernel), std::move(packed), values);
  const Value& dst = context.values.value(values.dst);
  if (dst.has_sums) step->set_sums(int8_sums_offset(dst.shape));
  if (cycles > 0.0) step->set_ahead(context.packing.add_weights_ahead(cycles));
  context.steps.push_back(std::move(step));
  context.values.set(members.back().id(), values.dst);
}

}  // namespace zoo::engine
