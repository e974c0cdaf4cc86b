#include "nn/graph/graph_builder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "nn/graph/node_check.h"

namespace zoo::graph {

GraphBuilder::GraphBuilder(int64_t in_channels) { add_node("input", Input{in_channels}, {}, in_channels); }

int64_t GraphBuilder::channels(NodeId node) const {
  if (node < 0 || static_cast<size_t>(node) >= channels_.size()) {
    throw GraphError(fmt::format("value {} does not exist, the graph has {} nodes", node, channels_.size()));
  }
  return channels_[static_cast<size_t>(node)];
}

NodeId GraphBuilder::conv(NodeId src, std::string_view name, const ConvOptions& options) {
  Conv2d op;
  op.in_channels = channels(src);
  op.out_channels = options.out_channels;
  op.kernel = {options.kernel, options.kernel};
  op.stride = {options.stride, options.stride};
  op.dilation = {options.dilation, options.dilation};
  op.groups = options.groups;
  op.padding = options.padding;
  const NodeId id = add_node(name, op, {src}, op.out_channels);

  Node& node = graph_.nodes.back();
  if (options.padding == PaddingMode::kExplicit) {
    const int64_t pad = options.dilation * (options.kernel - 1) / 2;
    op.pad = {pad, pad};
    node.op = op;
    check_attributes(node);
  }
  const Shape weight{op.out_channels, op.in_channels / op.groups, options.kernel, options.kernel};
  op.weight = add_parameter(node.name, "weight", weight, Layer::kWeighted, Field::kWeight);
  if (options.bias) op.bias = add_parameter(node.name, "bias", {op.out_channels}, Layer::kWeighted, Field::kBias);
  node.op = op;
  return id;
}

NodeId GraphBuilder::batch_norm(NodeId src, std::string_view name, double eps) {
  BatchNorm op;
  op.channels = channels(src);
  op.eps = eps;
  const NodeId id = add_node(name, op, {src}, op.channels);

  Node& node = graph_.nodes.back();
  const auto parameter = [&](std::string_view field_name, Field field) {
    return add_parameter(node.name, field_name, {op.channels}, Layer::kNorm, field);
  };
  op.weight = parameter("weight", Field::kWeight);
  op.bias = parameter("bias", Field::kBias);
  op.mean = parameter("running_mean", Field::kRunningMean);
  op.var = parameter("running_var", Field::kRunningVar);
  node.op = op;
  return id;
}

NodeId GraphBuilder::instance_norm(NodeId src, std::string_view name, double eps) {
  return add_node(name, InstanceNorm{channels(src), eps}, {src}, channels(src));
}

NodeId GraphBuilder::activation(NodeId src, std::string_view name, ActivationKind kind) {
  if (kind == ActivationKind::kIdentity) return src;
  const NodeId id = add_node(name, Activation{{kind, kNone}}, {src}, channels(src));
  if (kind == ActivationKind::kPrelu) {
    Node& node = graph_.nodes.back();
    const ParameterId slope = add_parameter(node.name, "weight", {1}, Layer::kActivation, Field::kWeight);
    node.op = Activation{{kind, slope}};
  }
  return id;
}

NodeId GraphBuilder::add(NodeId a, NodeId b, std::string_view name) {
  const NodeId id = add_node(name, Add{}, {a, b}, channels(a));
  if (channels(a) != channels(b)) {
    throw node_error(graph_.nodes.back(), fmt::format("cannot add {} and {} channels", channels(a), channels(b)));
  }
  return id;
}

NodeId GraphBuilder::mul(NodeId src, NodeId gate, std::string_view name) {
  const NodeId id = add_node(name, Mul{}, {src, gate}, channels(src));
  if (channels(src) != channels(gate)) {
    throw node_error(graph_.nodes.back(), fmt::format("cannot scale {} channels by {}", channels(src), channels(gate)));
  }
  return id;
}

NodeId GraphBuilder::scale_channels(NodeId src, std::string_view name) {
  ScaleChannels op;
  op.channels = channels(src);
  const NodeId id = add_node(name, op, {src}, op.channels);

  Node& node = graph_.nodes.back();
  op.weight = add_parameter(node.name, "gamma", {op.channels}, Layer::kWeighted, Field::kGamma);
  node.op = op;
  return id;
}

NodeId GraphBuilder::global_avg_pool(NodeId src, std::string_view name) {
  return add_node(name, GlobalAvgPool{}, {src}, channels(src));
}

NodeId GraphBuilder::avg_pool(NodeId src, std::string_view name, const PoolOptions& options) {
  AvgPool2d op;
  op.kernel = {options.kernel, options.kernel};
  op.stride = {options.stride, options.stride};
  op.pad = {options.pad, options.pad};
  return add_node(name, op, {src}, channels(src));
}

NodeId GraphBuilder::max_pool(NodeId src, std::string_view name, const PoolOptions& options) {
  MaxPool2d op;
  op.kernel = {options.kernel, options.kernel};
  op.stride = {options.stride, options.stride};
  op.pad = {options.pad, options.pad};
  return add_node(name, op, {src}, channels(src));
}

NodeId GraphBuilder::blur_pool(NodeId src, std::string_view name, int64_t stride) {
  return add_node(name, BlurPool2d{channels(src), {stride, stride}}, {src}, channels(src));
}

NodeId GraphBuilder::resize_like(NodeId src, NodeId like, std::string_view name, ResizeMode mode) {
  channels(like);  // throws if there is no such value
  return add_node(name, Resize{mode}, {src, like}, channels(src));
}

NodeId GraphBuilder::multi_query_attention(NodeId query, NodeId key, NodeId value, std::string_view name,
                                           int64_t heads) {
  const MultiQueryAttention op{heads, channels(key), channels(value)};
  const int64_t query_channels = channels(query);
  const NodeId id = add_node(name, op, {query, key, value}, op.value_dim);
  channels_.back() *= op.heads;  // no sooner: add_node has checked that the product is no overflow
  if (query_channels != op.heads * op.key_dim) {
    throw node_error(graph_.nodes.back(), fmt::format("{} heads of {} key channels need {} query channels, got {}",
                                                      op.heads, op.key_dim, op.heads * op.key_dim, query_channels));
  }
  return id;
}

NodeId GraphBuilder::concat(const std::vector<NodeId>& sources, std::string_view name) {
  if (sources.empty()) throw GraphError(fmt::format("node \"{}\" (Concat): nothing to put together", scoped(name)));
  if (sources.size() == 1) return sources.front();
  int64_t total = 0;
  for (const NodeId source : sources) total += channels(source);
  return add_node(name, Concat{}, sources, total);
}

NodeId GraphBuilder::repeat(NodeId layer, NodeId src, std::string_view name) {
  const int64_t out_channels = channels(layer);
  const Node original = graph_[layer];
  if (original.inputs.size() != 1) {
    throw node_error(original, fmt::format("cannot be repeated: it has {} sources, not one", original.inputs.size()));
  }
  const int64_t expected = channels(original.inputs.front());
  const NodeId id = add_node(name, original.op, {src}, out_channels);
  if (channels(src) != expected) {
    throw node_error(graph_.nodes.back(), fmt::format("repeats \"{}\", which reads {} channels, on {}", original.name,
                                                      expected, channels(src)));
  }
  return id;
}

NodeId GraphBuilder::flatten(NodeId src, std::string_view name) {
  return add_node(name, Flatten{}, {src}, channels(src));
}

NodeId GraphBuilder::linear(NodeId src, std::string_view name, int64_t out_features, bool bias) {
  Linear op;
  op.in_features = channels(src);
  op.out_features = out_features;
  const NodeId id = add_node(name, op, {src}, out_features);

  Node& node = graph_.nodes.back();
  const Shape weight{op.out_features, op.in_features};
  op.weight = add_parameter(node.name, "weight", weight, Layer::kWeighted, Field::kWeight);
  if (bias) op.bias = add_parameter(node.name, "bias", {op.out_features}, Layer::kWeighted, Field::kBias);
  node.op = op;
  return id;
}

void GraphBuilder::output(std::string name, NodeId node) {
  if (node < 0 || static_cast<size_t>(node) >= channels_.size()) {
    throw GraphError(
        fmt::format("output \"{}\": value {} does not exist, the graph has {} nodes", name, node, channels_.size()));
  }
  const auto same = [&](const Output& other) { return other.name == name; };
  if (std::any_of(graph_.outputs.begin(), graph_.outputs.end(), same)) {
    throw GraphError(fmt::format("output \"{}\" is declared twice", name));
  }
  graph_.outputs.push_back({std::move(name), node});
}

GraphBuilder::Scope::Scope(GraphBuilder& builder, std::string_view name)
    : builder_(builder), previous_length_(builder.scope_.size()) {
  builder_.scope_ = builder_.scoped(name);
}

GraphBuilder::Scope::~Scope() { builder_.scope_.resize(previous_length_); }

Graph GraphBuilder::take() {
  channels_.clear();
  names_.clear();
  return std::exchange(graph_, {});
}

NodeId GraphBuilder::add_node(std::string_view name, const Op& op, std::vector<NodeId> inputs, int64_t channels) {
  Node node{scoped(name), op, std::move(inputs)};
  if (name.empty()) throw node_error(node, "has an empty name");
  check_attributes(node);
  if (!names_.insert(node.name).second) throw node_error(node, "the name is already taken");
  graph_.nodes.push_back(std::move(node));
  channels_.push_back(channels);
  return static_cast<NodeId>(graph_.nodes.size() - 1);
}

ParameterId GraphBuilder::add_parameter(std::string_view node, std::string_view field_name, Shape shape, Layer layer,
                                        Field field) {
  ParameterRole role = role_;
  role.layer = layer;
  role.field = field;
  graph_.parameters.push_back({fmt::format("{}.{}", node, field_name), std::move(shape), role});
  return static_cast<ParameterId>(graph_.parameters.size() - 1);
}

std::string GraphBuilder::scoped(std::string_view name) const {
  return scope_.empty() ? std::string(name) : fmt::format("{}.{}", scope_, name);
}

}  // namespace zoo::graph
