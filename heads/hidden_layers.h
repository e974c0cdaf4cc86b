// The keys that the classification heads have in common.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "heads/registry.h"
#include "nn/core/activation.h"
#include "nn/core/config_node.h"

namespace zoo::heads {

/// Layers between the features and the classifier.
struct HiddenLayers {
  int64_t num_layers = 1;             ///< the classifier included
  int64_t intermediate_channels = 0;  ///< width of the num_layers - 1 hidden layers
  ActivationKind activation = ActivationKind::kRelu;
};

/// Reads `num_layers`, `intermediate_channels`, `act_type` and `dropout_prob` of a head's `params`. With one layer the
/// keys of hidden layers, `own_keys` of the head included, are listed as ignored. Problems are recorded in the node.
HiddenLayers decode_hidden_layers(const ConfigNode& params, const HeadContext& context,
                                  std::initializer_list<std::string_view> own_keys);

}  // namespace zoo::heads
