#include "nn/engine/f32/onednn/onednn_convolution.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/engine/f32/onednn/onednn_compat.h"
#include "nn/engine/f32/onednn/onednn_context.h"

namespace zoo::engine {
namespace {

using compat::Desc;
using compat::Dims;
using Tag = dnnl::memory::format_tag;
using Type = dnnl::memory::data_type;

/// Post-operation index of the residual; it is always first.
constexpr int kResidualPostOp = 0;

/// oneDNN reads the original weights and packs them into `packed`.
void pack_weights(const Desc& source_desc, const float* source, const Desc& packed_desc, std::byte* packed) {
  const dnnl::engine& engine = onednn_engine();
  dnnl::memory src(source_desc, engine, const_cast<float*>(source));
  dnnl::memory dst(packed_desc, engine, packed);
  dnnl::stream& stream = onednn_stream();
  dnnl::reorder(src, dst).execute(stream, src, dst);
  stream.wait();
}

/// Whether oneDNN's form of an activation keeps what is NaN. Its ReLUs and clips do not: they take the other operand of
/// a maximum.
bool keeps_nan(ActivationKind kind) {
  return kind != ActivationKind::kRelu && kind != ActivationKind::kRelu6 && kind != ActivationKind::kHardSigmoid;
}

/// An activation of the result, in place, by an own kernel.
struct ActivateAfter {
  const kernels::KernelTable* table = nullptr;  ///< nullptr: none
  kernels::ResolvedActivation function;
  int64_t channels = 0;
  int64_t area = 0;
  int64_t blocks = 0;  ///< of all images
};

/// Arguments are made once; running is one call that allocates nothing on our side.
class BoundConvolution : public BoundStep {
 public:
  BoundConvolution(const dnnl::convolution_forward& primitive, std::string_view name, const ActivateAfter& after,
                   float* dst)
      : primitive_(primitive), name_(name), after_(after), dst_(dst) {}

  void add(int key, const Desc& desc, const void* data) {
    memories_.emplace_back(desc, onednn_engine(), const_cast<void*>(data));
    arguments_.push_back({key, memories_.back().get()});
  }

  void run() override {
    const dnnl_status_t status = dnnl_primitive_execute(primitive_.get(), onednn_stream().get(),
                                                        static_cast<int>(arguments_.size()), arguments_.data());
    if (status != dnnl_success) {
      throw EngineError(fmt::format("{}: oneDNN failed with status {}", name_, static_cast<int>(status)));
    }
    if (after_.table == nullptr) return;
    after_.table->map(dst_, nullptr, dst_, after_.function, after_.channels, after_.area, 0, after_.blocks);
  }

 private:
  const dnnl::convolution_forward& primitive_;
  std::string name_;
  ActivateAfter after_;
  float* dst_;
  std::vector<dnnl::memory> memories_;
  std::vector<dnnl_exec_arg_t> arguments_;
};

void append_activation(dnnl::post_ops& ops, kernels::ResolvedActivation f) {
  using dnnl::algorithm;
  switch (f.kind) {
    case ActivationKind::kIdentity:
    case ActivationKind::kRelu:
    case ActivationKind::kRelu6:
    case ActivationKind::kHardSigmoid:
      return;
    case ActivationKind::kPrelu:
    case ActivationKind::kLeakyRelu:
      return compat::append_eltwise(ops, algorithm::eltwise_relu, f.slope, 0.0F);
    case ActivationKind::kGelu:
      return compat::append_eltwise(ops, algorithm::eltwise_gelu_erf, 0.0F, 0.0F);
    case ActivationKind::kSilu:
      return compat::append_eltwise(ops, algorithm::eltwise_swish, 1.0F, 0.0F);
    case ActivationKind::kHardSwish:  // 2.x ignores alpha and beta, 3.x wants the slope and the offset
      return compat::append_eltwise(ops, algorithm::eltwise_hardswish, 1.0F / 6.0F, 0.5F);
    case ActivationKind::kSigmoid:
      return compat::append_eltwise(ops, algorithm::eltwise_logistic, 0.0F, 0.0F);
  }
}

Tag blocked_tag(const kernels::KernelTable& table) { return table.lanes == 16 ? Tag::nChw16c : Tag::nChw8c; }

Desc tensor_desc(const Shape& shape, Tag tag) { return {shape.dims, Type::f32, tag}; }

/// The weights as they come.
Desc source_desc(const graph::Conv2d& op, Tag plain, Tag grouped) {
  const int64_t in = op.in_channels / op.groups;
  const int64_t out = op.out_channels / op.groups;
  if (op.groups == 1) return {{out, in, op.kernel.h, op.kernel.w}, Type::f32, plain};
  return {{op.groups, out, in, op.kernel.h, op.kernel.w}, Type::f32, grouped};
}

/// Which of the formats that its fast implementations use these weights have.
std::optional<size_t> known_format(const Desc& weights) {
  constexpr std::array kDense = {Tag::OIhw16i16o, Tag::OIhw8i8o};
  constexpr std::array kGrouped = {Tag::Goihw16g, Tag::Goihw8g};
  const Dims dims = compat::dims_of(weights);
  const std::span<const Tag> tags = dims.size() == 4 ? std::span<const Tag>(kDense) : std::span<const Tag>(kGrouped);
  for (size_t i = 0; i < tags.size(); ++i) {
    if (weights == Desc(dims, Type::f32, tags[i])) return i;
  }
  return std::nullopt;
}

dnnl::convolution_forward::primitive_desc describe(const ConvolutionProblem& problem, Tag blocked) {
  dnnl::post_ops ops;
  if (problem.has_residual) ops.append_binary(dnnl::algorithm::binary_add, tensor_desc(problem.dst, blocked));
  if (keeps_nan(problem.activation.kind)) append_activation(ops, problem.activation);
  dnnl::primitive_attr attr;
  attr.set_post_ops(ops);
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);

  const graph::Conv2d& op = problem.op;
  const compat::ConvolutionDesc desc = {
      .src = tensor_desc(problem.src, problem.src_format == kPlanarF32 ? Tag::nchw : blocked),
      .weights = source_desc(op, Tag::any, Tag::any),
      .bias = problem.has_bias() ? Desc({op.out_channels}, Type::f32, Tag::x) : Desc(),
      .dst = tensor_desc(problem.dst, blocked),
      .strides = {op.stride.h, op.stride.w},
      .dilates = {op.dilation.h - 1, op.dilation.w - 1},
      .pad_begin = {problem.pad.begin.h, problem.pad.begin.w},
      .pad_end = {problem.pad.end.h, problem.pad.end.w}};
  return compat::make_convolution(onednn_engine(), desc, attr);
}

class OneDnnConvolution : public ConvolutionKernel {
 public:
  OneDnnConvolution(const ConvolutionProblem& problem, const kernels::KernelTable& table,
                    dnnl::convolution_forward::primitive_desc desc)
      : op_(problem.op),
        desc_(std::move(desc)),
        primitive_(desc_),
        name_(desc_.impl_info_str()),
        residual_desc_(problem.has_residual ? tensor_desc(problem.dst, blocked_tag(table)) : Desc()),
        lanes_(table.lanes) {
    if (keeps_nan(problem.activation.kind)) return;
    after_ = {.table = &table,
              .function = problem.activation,
              .channels = problem.dst[1],
              .area = problem.dst[2] * problem.dst[3],
              .blocks = problem.dst[0] * kernels::block_count(problem.dst[1], table.lanes)};
  }

  std::string name() const override { return name_; }
  int64_t lanes() const override { return lanes_; }
  size_t packed_bytes() const override { return weight_bytes() + (has_bias() ? desc_.bias_desc().get_size() : 0); }
  size_t scratch_bytes(int /*threads*/) const override { return desc_.scratchpad_desc().get_size(); }
  std::string packing() const override {
    const std::optional<size_t> format = known_format(desc_.weights_desc());
    return format ? fmt::format("onednn:{}", *format) : "";
  }

  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const override {
    pack_weights(source_desc(op_, Tag::oihw, Tag::goihw), weights.data(), desc_.weights_desc(), dst);
    std::copy(bias.begin(), bias.end(), reinterpret_cast<float*>(dst + weight_bytes()));
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    auto bound = std::make_unique<BoundConvolution>(primitive_, name_, after_, static_cast<float*>(memory.dst));
    bound->add(DNNL_ARG_SRC, desc_.src_desc(), memory.src);
    bound->add(DNNL_ARG_WEIGHTS, desc_.weights_desc(), memory.packed);
    if (has_bias()) bound->add(DNNL_ARG_BIAS, desc_.bias_desc(), memory.packed + weight_bytes());
    if (memory.residual != nullptr) {
      bound->add(DNNL_ARG_ATTR_MULTIPLE_POST_OP(kResidualPostOp) | DNNL_ARG_SRC_1, residual_desc_, memory.residual);
    }
    bound->add(DNNL_ARG_DST, desc_.dst_desc(), memory.dst);
    bound->add(DNNL_ARG_SCRATCHPAD, desc_.scratchpad_desc(), memory.scratch);
    return bound;
  }

 private:
  bool has_bias() const { return op_.bias != graph::kNone; }

  /// Rounded up to a cache line; the bias follows.
  size_t weight_bytes() const { return (desc_.weights_desc().get_size() + 63) / 64 * 64; }

  graph::Conv2d op_;
  dnnl::convolution_forward::primitive_desc desc_;
  dnnl::convolution_forward primitive_;
  std::string name_;
  Desc residual_desc_;
  int64_t lanes_;
  ActivateAfter after_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_onednn_convolution(const ConvolutionProblem& problem,
                                                           const kernels::KernelTable& table) {
  auto desc = describe(problem, blocked_tag(table));
  if (compat::is_empty(desc)) return nullptr;
  // oneDNN falls back to plain loops without saying so; they are far slower than anything else.
  if (std::string_view(desc.impl_info_str()).find("ref") != std::string_view::npos) return nullptr;
  return std::make_unique<OneDnnConvolution>(problem, table, std::move(desc));
}

}  // namespace zoo::engine
