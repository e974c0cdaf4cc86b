// The group of layers that the heads for detection and segmentation are made of.
#pragma once

#include <string_view>

#include "nn/core/activation.h"
#include "nn/core/config_node.h"
#include "nn/graph/graph_builder.h"

namespace zoo::heads {

/// What follows a convolution; the defaults are torch's and those of most heads.
struct NormActOptions {
  double norm_eps = 1e-5;
  ActivationKind activation = ActivationKind::kRelu;
};

/// Convolution, batch norm, activation: src [N, C, H, W] -> [N, conv.out_channels, H', W']. Nodes `name`.conv,
/// `name`.norm and, unless it is the identity, `name`.act; their parameters get the builder's current role.
graph::NodeId conv_norm_act(graph::GraphBuilder& builder, graph::NodeId src, std::string_view name,
                            const graph::ConvOptions& conv, const NormActOptions& options);

/// The keys `act_type` (or `activation`) and `norm_eps` of a head's `params`, in place of the defaults in `options`.
void decode_norm_act(const ConfigNode& params, NormActOptions& options);

}  // namespace zoo::heads
