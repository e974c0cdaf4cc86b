// Convolutions on oneDNN primitives.
#include <array>
#include <optional>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/engine/onednn_compat.h"
#include "nn/engine/onednn_context.h"
#include "nn/engine/step_compiler.h"

namespace zoo::engine {
namespace {

using compat::Desc;
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

class ConvolutionStep : public Step {
 public:
  std::unique_ptr<BoundStep> bind(const RunnerMemory& memory) const override;

  dnnl::convolution_forward::primitive_desc desc;
  dnnl::convolution_forward primitive;
  Desc residual_desc;
  std::shared_ptr<PackedBlock> weights;
  std::shared_ptr<PackedBlock> bias;
  bool has_residual = false;
};

/// Arguments are made once; running is one call that allocates nothing on our side.
class BoundConvolution : public BoundStep {
 public:
  BoundConvolution(const ConvolutionStep& step, const RunnerMemory& memory) : step_(step) {
    add(DNNL_ARG_SRC, step.desc.src_desc(), memory[step.reads[0]]);
    add(DNNL_ARG_WEIGHTS, step.desc.weights_desc(), step.weights->data);
    if (step.bias) add(DNNL_ARG_BIAS, step.desc.bias_desc(), step.bias->data);
    if (step.has_residual) {
      add(DNNL_ARG_ATTR_MULTIPLE_POST_OP(kResidualPostOp) | DNNL_ARG_SRC_1, step.residual_desc, memory[step.reads[1]]);
    }
    add(DNNL_ARG_DST, step.desc.dst_desc(), memory[step.writes]);
    add(DNNL_ARG_SCRATCHPAD, step.desc.scratchpad_desc(), memory.scratch);
    for (size_t i = 0; i < memories_.size(); ++i) arguments_.push_back({keys_[i], memories_[i].get()});
  }

  void run() override {
    const dnnl_status_t status = dnnl_primitive_execute(step_.primitive.get(), onednn_stream().get(),
                                                        static_cast<int>(arguments_.size()), arguments_.data());
    if (status != dnnl_success) {
      throw EngineError(fmt::format("node \"{}\" ({}): oneDNN failed with status {}", step_.info.node,
                                    step_.info.implementation, static_cast<int>(status)));
    }
  }

 private:
  void add(int key, const Desc& desc, void* data) {
    keys_.push_back(key);
    memories_.emplace_back(desc, onednn_engine(), data);
  }

  const ConvolutionStep& step_;
  std::vector<int> keys_;
  std::vector<dnnl::memory> memories_;
  std::vector<dnnl_exec_arg_t> arguments_;
};

std::unique_ptr<BoundStep> ConvolutionStep::bind(const RunnerMemory& memory) const {
  return std::make_unique<BoundConvolution>(*this, memory);
}

void append_activation(dnnl::post_ops& ops, kernels::ResolvedActivation f) {
  using dnnl::algorithm;
  switch (f.kind) {
    case ActivationKind::kIdentity:
      return;
    case ActivationKind::kRelu:
      return compat::append_eltwise(ops, algorithm::eltwise_relu, 0.0F, 0.0F);
    case ActivationKind::kRelu6:
      return compat::append_eltwise(ops, algorithm::eltwise_clip, 0.0F, 6.0F);
    case ActivationKind::kPrelu:
    case ActivationKind::kLeakyRelu:
      return compat::append_eltwise(ops, algorithm::eltwise_relu, f.slope, 0.0F);
    case ActivationKind::kGelu:
      return compat::append_eltwise(ops, algorithm::eltwise_gelu_erf, 0.0F, 0.0F);
    case ActivationKind::kSilu:
      return compat::append_eltwise(ops, algorithm::eltwise_swish, 1.0F, 0.0F);
    case ActivationKind::kHardSwish:  // 2.x ignores alpha and beta, 3.x wants the slope and the offset
      return compat::append_eltwise(ops, algorithm::eltwise_hardswish, 1.0F / 6.0F, 0.5F);
    case ActivationKind::kHardSigmoid:  // 2.x has none: a line, then a clip
      compat::append_eltwise(ops, algorithm::eltwise_linear, 1.0F / 6.0F, 0.5F);
      return compat::append_eltwise(ops, algorithm::eltwise_clip, 0.0F, 1.0F);
    case ActivationKind::kSigmoid:
      return compat::append_eltwise(ops, algorithm::eltwise_logistic, 0.0F, 0.0F);
  }
}

/// How much of a convolution's epilogue goes into the primitive; the rest becomes own steps.
enum class Fusion { kAll, kActivationOnly, kNone };

/// One way to run a convolution.
struct Candidate {
  Layout src_layout = Layout::kBlocked;
  Fusion fusion = Fusion::kAll;
};

class ConvolutionCompiler {
 public:
  ConvolutionCompiler(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op)
      : compiler_(compiler),
        id_(id),
        op_(op),
        src_(compiler.node(id).inputs[0]),
        residual_(compiler.node(id).inputs.size() > 1 ? compiler.node(id).inputs[1] : graph::kNone),
        activation_(compiler.resolve(op.activation)),
        blocked_(compiler.table().lanes == 16 ? Tag::nChw16c : Tag::nChw8c) {}

  void compile() {
    for (const Candidate& candidate : candidates()) {
      const auto desc = describe(candidate);
      if (compat::is_empty(desc) || is_slow(desc)) continue;
      return emit(candidate, desc);
    }
    if (compile_direct_convolution(compiler_, id_, op_)) return;
    throw EngineError(
        fmt::format("node \"{}\" (Conv2d {}x{} stride {} dilation {} groups {}, {} -> {}): neither oneDNN nor this "
                    "project has a fast implementation",
                    compiler_.node(id_).name, op_.kernel.h, op_.kernel.w, op_.stride.h, op_.dilation.h, op_.groups,
                    compiler_.shape(src_).to_string(), compiler_.shape(id_).to_string()));
  }

 private:
  std::vector<Candidate> candidates() const {
    std::vector<Candidate> list;
    // Images come row-major; the first convolution can read them as they are.
    if (compiler_.value(compiler_.value_of(src_)).layout == Layout::kPlanar) {
      list.push_back({Layout::kPlanar, Fusion::kAll});
      list.push_back({Layout::kPlanar, Fusion::kNone});
    }
    list.push_back({Layout::kBlocked, Fusion::kAll});
    list.push_back({Layout::kBlocked, Fusion::kActivationOnly});
    list.push_back({Layout::kBlocked, Fusion::kNone});
    return list;
  }

  bool has_residual(const Candidate& c) const { return residual_ != graph::kNone && c.fusion == Fusion::kAll; }

  bool has_activation(const Candidate& c) const {
    if (activation_.kind == ActivationKind::kIdentity || c.fusion == Fusion::kNone) return false;
    // An activation comes after the residual, so it cannot be fused without it.
    return residual_ == graph::kNone || c.fusion == Fusion::kAll;
  }

  static Desc tensor_desc(const Shape& shape, Tag tag) { return {shape.dims, Type::f32, tag}; }

  compat::Dims weight_dims() const {
    const int64_t in = op_.in_channels / op_.groups;
    const int64_t out = op_.out_channels / op_.groups;
    if (op_.groups == 1) return {out, in, op_.kernel.h, op_.kernel.w};
    return {op_.groups, out, in, op_.kernel.h, op_.kernel.w};
  }

  dnnl::convolution_forward::primitive_desc describe(const Candidate& c) const {
    dnnl::post_ops ops;
    if (has_residual(c)) {
      ops.append_binary(dnnl::algorithm::binary_add, tensor_desc(compiler_.shape(residual_), blocked_));
    }
    if (has_activation(c)) append_activation(ops, activation_);
    dnnl::primitive_attr attr;
    attr.set_post_ops(ops);
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);

    const Shape& src = compiler_.shape(src_);
    const graph::ResolvedPadding pad = graph::resolve_padding(op_, {src[2], src[3]});
    const compat::ConvolutionDesc desc = {
        .src = tensor_desc(src, c.src_layout == Layout::kPlanar ? Tag::nchw : blocked_),
        .weights = {weight_dims(), Type::f32, Tag::any},
        .bias = op_.bias == graph::kNone ? Desc() : Desc({op_.out_channels}, Type::f32, Tag::x),
        .dst = tensor_desc(compiler_.shape(id_), blocked_),
        .strides = {op_.stride.h, op_.stride.w},
        .dilates = {op_.dilation.h - 1, op_.dilation.w - 1},
        .pad_begin = {pad.begin.h, pad.begin.w},
        .pad_end = {pad.end.h, pad.end.w}};
    return compat::make_convolution(onednn_engine(), desc, attr);
  }

  /// oneDNN falls back to plain loops or explicit im2col without saying so; both are far slower than its kernels.
  static bool is_slow(const dnnl::convolution_forward::primitive_desc& desc) {
    const std::string_view name = desc.impl_info_str();
    return name.find("ref") != std::string_view::npos;
  }

  void emit(const Candidate& c, const dnnl::convolution_forward::primitive_desc& desc) {
    auto step = std::make_unique<ConvolutionStep>();
    step->info.implementation = desc.impl_info_str();
    step->desc = desc;
    step->primitive = dnnl::convolution_forward(desc);
    const ValueId src = c.src_layout == Layout::kPlanar ? compiler_.value_of(src_) : compiler_.blocked_value_of(src_);
    step->reads = {src};
    if (has_residual(c)) {
      step->has_residual = true;
      step->residual_desc = tensor_desc(compiler_.shape(residual_), blocked_);
      step->reads.push_back(compiler_.blocked_value_of(residual_));
    }
    step->writes = compiler_.add_value(compiler_.shape(id_), Layout::kBlocked);
    step->scratch_bytes = desc.scratchpad_desc().get_size();

    const Desc source_desc(weight_dims(), Type::f32, op_.groups == 1 ? Tag::oihw : Tag::goihw);
    step->weights = compiler_.add_packed(
        desc.weights_desc().get_size(),
        [source_desc, source = compiler_.parameter(op_.weight).data(),
         packed_desc = desc.weights_desc()](std::byte* dst) { pack_weights(source_desc, source, packed_desc, dst); });
    if (op_.bias != graph::kNone) {
      const std::span<const float> bias = compiler_.parameter(op_.bias);
      step->bias = compiler_.add_packed(std::vector<float>(bias.begin(), bias.end()));
    }
    ValueId result = step->writes;
    compiler_.set_value(id_, result);
    compiler_.add_step(std::move(step));

    const bool residual_left = residual_ != graph::kNone && !has_residual(c);
    const bool activation_left = activation_.kind != ActivationKind::kIdentity && !has_activation(c);
    if (residual_left || activation_left) {
      compile_map(compiler_, id_, result, residual_left ? compiler_.blocked_value_of(residual_) : -1, activation_);
    }
  }

  StepCompiler& compiler_;
  graph::NodeId id_;
  const graph::Conv2d& op_;
  graph::NodeId src_;
  graph::NodeId residual_;
  kernels::ResolvedActivation activation_;
  Tag blocked_;
};

}  // namespace

void compile_convolution(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op) {
  ConvolutionCompiler(compiler, id, op).compile();
}

}  // namespace zoo::engine
