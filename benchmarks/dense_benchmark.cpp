// Dense 3x3 convolutions: the first stages of MobileNetV4, pyramids and heads.
#include "benchmarks/layer_benchmark.h"

namespace zoo::benchmarks {
namespace {

constexpr Layer dense(const char* network, int64_t in_channels, int64_t out_channels, int64_t size, int64_t stride) {
  return {network, in_channels, out_channels, size, 3, stride};
}

constexpr Layer kLayers[] = {
    dense("v4_conv_small", 32, 32, 112, 2),
    dense("v4_conv_small", 32, 96, 56, 2),
    dense("v4_conv_medium", 32, 128, 128, 2),
    dense("v4_conv_large", 24, 96, 192, 2),
    dense("head", 64, 64, 64, 1),
    dense("head", 64, 64, 16, 1),
    dense("head", 256, 256, 32, 1),
    dense("head", 256, 256, 8, 1),
};

const bool kRegistered = [] {
  register_layers("dense", kLayers);
  return true;
}();

}  // namespace
}  // namespace zoo::benchmarks
