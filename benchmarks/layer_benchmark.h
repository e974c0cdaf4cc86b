// Convolutions of the zoo as benchmarks: every kernel that may be chosen for a layer, one thread, batch 1.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace zoo::benchmarks {

/// One convolution with ReLU, padded by kernel / 2.
struct Layer {
  const char* network;
  int64_t in_channels;
  int64_t out_channels;
  int64_t size;  ///< height and width of the source
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t groups = 1;
  bool planar = false;  ///< whether the source is an image
};

/// Registers `family/network/shape/kernel name` for each layer and each of its kernels, in every storage format (f32,
/// bf16, int8) that the machine runs. Weights come from the L3 cache,
/// as in a network; activations stay wherever the previous run left them. Counters: those of count_work(), and
/// the share of the core's multiply-add peak in that format. To compare kernels on a machine that does other work as
/// well, take the least time of many short repetitions.
void register_layers(const std::string& family, std::span<const Layer> layers);

}  // namespace zoo::benchmarks
