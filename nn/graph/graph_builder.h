// Adds nodes to a graph, checks channels as it goes, and keeps the name scope and the structural role that parameters
// get. Builders of backbones and heads speak only to this class.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "nn/graph/graph.h"

namespace zoo::graph {

/// What `conv` needs; the defaults are a 1x1 convolution without bias.
struct ConvOptions {
  int64_t out_channels = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t groups = 1;
  bool bias = false;
  PaddingMode padding = PaddingMode::kExplicit;  ///< kExplicit: dilation * (kernel - 1) / 2 on both sides
};

/// What `avg_pool` and `max_pool` need. For the mean, zeros of the padding count as values of their window, as in
/// torch.nn.AvgPool2d; for the largest value they are left out.
struct PoolOptions {
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t pad = 0;
};

/// Builds one Graph. Throws GraphError (naming the node) when channels do not fit, an option is out of range or a name
/// is taken. Sizes of feature maps are unknown here; infer_shapes checks those.
class GraphBuilder {
 public:
  /// Starts a graph whose images have this many channels.
  explicit GraphBuilder(int64_t in_channels);

  /// Node of the image.
  NodeId input() const { return 0; }
  /// Channels (or features) of a node's value.
  int64_t channels(NodeId node) const;

  NodeId conv(NodeId src, std::string_view name, const ConvOptions& options);
  NodeId batch_norm(NodeId src, std::string_view name, double eps);
  NodeId instance_norm(NodeId src, std::string_view name, double eps);
  /// kIdentity adds nothing and yields `src`.
  NodeId activation(NodeId src, std::string_view name, ActivationKind kind);
  NodeId add(NodeId a, NodeId b, std::string_view name);
  NodeId mul(NodeId src, NodeId gate, std::string_view name);
  /// Layer scale with the parameter `<name>.gamma` [channels].
  NodeId scale_channels(NodeId src, std::string_view name);
  NodeId global_avg_pool(NodeId src, std::string_view name);
  NodeId avg_pool(NodeId src, std::string_view name, const PoolOptions& options);
  NodeId max_pool(NodeId src, std::string_view name, const PoolOptions& options);
  NodeId blur_pool(NodeId src, std::string_view name, int64_t stride);
  /// `src` at the height and width of `like`.
  NodeId resize_like(NodeId src, NodeId like, std::string_view name, ResizeMode mode);
  /// The channels of `sources` one after the other. Of one source: that source, and nothing is added.
  NodeId concat(const std::vector<NodeId>& sources, std::string_view name);
  /// `count` channels of `src` from `begin` on.
  NodeId slice_channels(NodeId src, std::string_view name, int64_t begin, int64_t count) {
    return add_node(name, SliceChannels{channels(src), begin, count}, {src}, count);
  }
  /// The channels of `src` with its `groups` equal groups interleaved.
  NodeId shuffle_channels(NodeId src, std::string_view name, int64_t groups) {
    return add_node(name, ShuffleChannels{channels(src), groups}, {src}, channels(src));
  }
  /// `heads` heads of channels(key) channels each in `query`, channels(value) each in the result.
  NodeId multi_query_attention(NodeId query, NodeId key, NodeId value, std::string_view name, int64_t heads);
  /// Counts on a 1x1 map: the features are the channels.
  NodeId flatten(NodeId src, std::string_view name);
  NodeId linear(NodeId src, std::string_view name, int64_t out_features, bool bias);

  /// What `layer` does, with the same parameters, on another value of as many channels: a layer that several levels of
  /// a pyramid share. `layer` has one source.
  NodeId repeat(NodeId layer, NodeId src, std::string_view name);

  /// Hands a value out under this name.
  void output(std::string name, NodeId node);

  /// The place that the next parameters belong to; `layer` and `field` are filled in per node.
  void set_role(const ParameterRole& role) { role_ = role; }
  const ParameterRole& role() const { return role_; }

  /// Prefixes node names until destroyed: Scope s(builder, "backbone"); names join with '.'.
  class Scope {
   public:
    Scope(GraphBuilder& builder, std::string_view name);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    GraphBuilder& builder_;
    size_t previous_length_;
  };

  /// Takes the finished graph; the builder is empty afterwards.
  Graph take();

 private:
  NodeId add_node(std::string_view name, const Op& op, std::vector<NodeId> inputs, int64_t channels);
  ParameterId add_parameter(std::string_view node, std::string_view field_name, Shape shape, Layer layer, Field field);
  std::string scoped(std::string_view name) const;

  Graph graph_;
  std::vector<int64_t> channels_;
  std::unordered_set<std::string> names_;
  std::string scope_;
  ParameterRole role_;
};

}  // namespace zoo::graph
