#include "nn/engine/lower/convolution_node.h"

#include <variant>

namespace zoo::engine {

std::vector<float> ConvolutionParameters::used_weights() const {
  if (is_cropped()) return cropped(weights, kernel, rows, columns);
  return {weights.begin(), weights.end()};
}

ConvolutionNode::ConvolutionNode(const NetworkFacts& network, graph::NodeId id)
    : network_(&network), id_(id), op_(&std::get<graph::Conv2d>(network.node(id).op)) {
  const Shape& src = network.shape(source());
  const Shape& dst = network.shape(id);
  const graph::ResolvedPadding pad = graph::resolve_padding(*op_, {src[2], src[3]});
  rows_ = reading_taps(op_->kernel.h, op_->stride.h, op_->dilation.h, pad.begin.h, src[2], dst[2]);
  columns_ = reading_taps(op_->kernel.w, op_->stride.w, op_->dilation.w, pad.begin.w, src[3], dst[3]);
}

graph::NodeId ConvolutionNode::residual() const {
  const std::vector<graph::NodeId>& inputs = network_->node(id_).inputs;
  return inputs.size() > 1 ? inputs[1] : graph::kNone;
}

ConvolutionProblem ConvolutionNode::problem() const {
  const Shape& src = network_->shape(source());
  const Shape& dst = network_->shape(id_);
  graph::Conv2d op = *op_;
  graph::ResolvedPadding pad = graph::resolve_padding(*op_, {src[2], src[3]});
  if (rows_.count < op.kernel.h || columns_.count < op.kernel.w) {
    op.kernel = {rows_.count, columns_.count};
    if (rows_.count == 1) op.dilation.h = 1;
    if (columns_.count == 1) op.dilation.w = 1;
    pad.begin = {pad.begin.h - rows_.first * op_->dilation.h, pad.begin.w - columns_.first * op_->dilation.w};
    pad.end = {(dst[2] - 1) * op.stride.h + (op.kernel.h - 1) * op.dilation.h + 1 - src[2] - pad.begin.h,
               (dst[3] - 1) * op.stride.w + (op.kernel.w - 1) * op.dilation.w + 1 - src[3] - pad.begin.w};
  }
  return {.op = op,
          .src = src,
          .dst = dst,
          .pad = pad,
          .activation = network_->resolve(op_->activation),
          .has_residual = residual() != graph::kNone,
          .threads = network_->tuned_threads(),
          .compact_layers = network_->compact_layers(),
          .machine = network_->capabilities()};
}

ConvolutionParameters ConvolutionNode::parameters() const {
  return {.weights = network_->parameter(op_->weight),
          .bias = network_->parameter(op_->bias),
          .outputs = op_->out_channels,
          .kernel = op_->kernel,
          .rows = rows_,
          .columns = columns_};
}

}  // namespace zoo::engine
