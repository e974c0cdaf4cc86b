#include "nn/engine/lower/convolution_node.h"

#include <optional>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "nn/engine/plan/int8_values.h"

namespace zoo::engine {
namespace {

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

std::vector<float> joined(std::span<const float> first, std::span<const float> second) {
  std::vector<float> all(first.begin(), first.end());
  all.insert(all.end(), second.begin(), second.end());
  return all;
}

/// With zeros up to `count`.
std::vector<float> padded(std::span<const float> values, int64_t count) {
  std::vector<float> all(values.begin(), values.end());
  all.resize(static_cast<size_t>(count));
  return all;
}

}  // namespace

ConvolutionNode::ConvolutionNode(const StepCompiler& compiler, graph::NodeId id)
    : compiler_(compiler), id_(id), op_(std::get<graph::Conv2d>(compiler.node(id).op)) {
  const Shape& src = compiler.shape(source());
  const Shape& dst = compiler.shape(id);
  const graph::ResolvedPadding pad = graph::resolve_padding(op_, {src[2], src[3]});
  rows_ = reading_taps(op_.kernel.h, op_.stride.h, op_.dilation.h, pad.begin.h, src[2], dst[2]);
  columns_ = reading_taps(op_.kernel.w, op_.stride.w, op_.dilation.w, pad.begin.w, src[3], dst[3]);
}

graph::NodeId ConvolutionNode::residual() const {
  const std::vector<graph::NodeId>& inputs = compiler_.node(id_).inputs;
  return inputs.size() > 1 ? inputs[1] : graph::kNone;
}

ConvolutionProblem ConvolutionNode::problem() const {
  const Shape& src = compiler_.shape(source());
  const Shape& dst = compiler_.shape(id_);
  graph::Conv2d op = op_;
  graph::ResolvedPadding pad = graph::resolve_padding(op_, {src[2], src[3]});
  if (is_cropped()) {
    op.kernel = {rows_.count, columns_.count};
    if (rows_.count == 1) op.dilation.h = 1;
    if (columns_.count == 1) op.dilation.w = 1;
    pad.begin = {pad.begin.h - rows_.first * op_.dilation.h, pad.begin.w - columns_.first * op_.dilation.w};
    pad.end = {(dst[2] - 1) * op.stride.h + (op.kernel.h - 1) * op.dilation.h + 1 - src[2] - pad.begin.h,
               (dst[3] - 1) * op.stride.w + (op.kernel.w - 1) * op.dilation.w + 1 - src[3] - pad.begin.w};
  }
  return {.op = op,
          .src = src,
          .dst = dst,
          .pad = pad,
          .activation = compiler_.resolve(op_.activation),
          .has_residual = residual() != graph::kNone,
          .threads = compiler_.tuned_threads(),
          .compact_layers = compiler_.compact_layers(),
          .machine = compiler_.capabilities()};
}

std::shared_ptr<PackedBlock> ConvolutionNode::add_packed(StepCompiler& compiler,
                                                         const ConvolutionKernel& kernel) const {
  const auto pack = [&kernel](std::span<const float> weights, std::span<const float> bias, std::byte* dst) {
    kernel.pack(weights, bias, dst);
  };
  const std::string packing = kernel.packing();
  if (packing.empty() || is_cropped()) return add_packed(compiler, kernel.packed_bytes(), pack);
  return compiler.add_shared_packed(
      fmt::format("{} {} {}", packing, op_.weight, op_.bias), kernel.packed_bytes(),
      [pack, weights = compiler.parameter(op_.weight), bias = compiler.parameter(op_.bias)](std::byte* dst) {
        pack(weights, bias, dst);
      });
}

std::shared_ptr<PackedBlock> ConvolutionNode::add_packed_after(StepCompiler& compiler, const graph::Conv2d& expansion,
                                                               const ConvolutionKernel& kernel) const {
  struct Parameters {
    std::span<const float> weights;
    std::vector<float> bias;
  };
  const auto parameters = [&](const graph::Conv2d& op) {
    return Parameters{compiler.parameter(op.weight), padded(compiler.parameter(op.bias), op.out_channels)};
  };
  return compiler.add_packed(kernel.packed_bytes(),
                             [&kernel, own = parameters(op_), first = parameters(expansion)](std::byte* dst) {
                               kernel.pack(joined(own.weights, first.weights), joined(own.bias, first.bias), dst);
                             });
}

std::shared_ptr<PackedBlock> ConvolutionNode::add_packed(StepCompiler& compiler, size_t bytes, Pack pack) const {
  const std::span<const float> weights = compiler.parameter(op_.weight);
  const std::span<const float> bias = compiler.parameter(op_.bias);
  if (!is_cropped()) {
    return compiler.add_packed(bytes,
                               [weights, bias, pack = std::move(pack)](std::byte* dst) { pack(weights, bias, dst); });
  }
  return compiler.add_packed(
      bytes, [weights, bias, pack = std::move(pack), size = op_.kernel, rows = rows_,
              columns = columns_](std::byte* dst) { pack(cropped(weights, size, rows, columns), bias, dst); });
}

void add_convolution_step(StepCompiler& compiler, std::unique_ptr<ConvolutionKernel> kernel,
                          std::shared_ptr<PackedBlock> packed, const ConvolutionValues& values) {
  const double cycles = kernel->fetching_cycles();
  auto step = std::make_unique<ConvolutionStep>(std::move(kernel), std::move(packed), values);
  const Value& dst = compiler.value(values.dst);
  if (dst.has_sums) step->set_sums(int8_sums_offset(dst.shape));
  if (cycles > 0.0) step->set_ahead(compiler.add_weights_ahead(cycles));
  compiler.add_step(std::move(step));
}

}  // namespace zoo::engine
