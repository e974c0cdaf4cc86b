// The parameters of MobileNetV3 networks with their places in the structure, listed by this folder's tests themselves,
// so that loading is tested without the builders.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/core/network_names.h"
#include "nn/core/parameter.h"

namespace zoo::weights {

/// One block; there is an expand convolution where `expand` says so.
struct BlockSpec {
  int64_t kernel = 3;
  int64_t hidden = 0;
  int64_t out = 0;
  int64_t squeezed = 0;  ///< width inside squeeze-and-excite, 0 = none
  bool expand = true;
};

struct NetworkSpec {
  int64_t stem = 16;
  std::vector<std::vector<BlockSpec>> stages;
  int64_t last_conv = 0;
  int64_t hidden = 0;  ///< width of the head's hidden layers
  int head_layers = 2;
  bool hidden_bias = true;
  int64_t classes = 1000;
  bool learned_activations = false;  ///< PReLU after every convolution that has an activation
};

/// Rows of the paper's tables, cut into stages of these lengths.
NetworkSpec mobilenetv3_small(const std::vector<size_t>& stage_lengths);
NetworkSpec mobilenetv3_large(const std::vector<size_t>& stage_lengths);

/// A network small enough to write out, with every kind of part: two stages, three blocks, a head of two layers.
NetworkSpec tiny_network();

/// How ecosystems name a classifier of these.
std::shared_ptr<const NetworkNames> mobilenetv3_network();

std::vector<Parameter> list_parameters(const NetworkSpec& network);

}  // namespace zoo::weights
