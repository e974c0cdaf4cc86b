// Depthwise convolutions and stems.
#include "benchmarks/layer_benchmark.h"

namespace zoo::benchmarks {
namespace {

constexpr Layer depthwise(const char* network, int64_t channels, int64_t size, int64_t kernel, int64_t stride) {
  return {network, channels, channels, size, kernel, stride, channels};
}

constexpr Layer stem(const char* network, int64_t out_channels) {
  return {network, 3, out_channels, 224, 3, 2, 1, true};
}

constexpr Layer kDepthwise[] = {
    depthwise("v3_large", 16, 112, 3, 1),  depthwise("v3_large", 64, 112, 3, 2),  depthwise("v3_large", 72, 56, 3, 1),
    depthwise("v3_large", 72, 56, 5, 2),   depthwise("v3_large", 120, 28, 5, 1),  depthwise("v3_large", 240, 28, 3, 2),
    depthwise("v3_large", 200, 14, 3, 1),  depthwise("v3_large", 480, 14, 3, 1),  depthwise("v3_large", 672, 14, 3, 1),
    depthwise("v3_large", 672, 14, 5, 2),  depthwise("v3_large", 960, 7, 5, 1),   depthwise("v3_small", 16, 112, 3, 2),
    depthwise("v3_small", 240, 14, 5, 1),  depthwise("v3_small", 576, 7, 5, 1),

    depthwise("v4_medium", 192, 56, 5, 2), depthwise("v4_medium", 80, 28, 3, 1),  depthwise("v4_medium", 160, 28, 3, 1),
    depthwise("v4_medium", 480, 28, 5, 2), depthwise("v4_medium", 640, 14, 3, 1), depthwise("v4_medium", 640, 14, 5, 1),
    depthwise("v4_medium", 960, 14, 5, 2), depthwise("v4_medium", 1024, 7, 5, 1), depthwise("v4_medium", 256, 7, 3, 1),
};

constexpr Layer kStems[] = {stem("v3", 16), stem("v4", 32)};

const bool kRegistered = [] {
  register_layers("depthwise", kDepthwise);
  register_layers("stem", kStems);
  return true;
}();

}  // namespace
}  // namespace zoo::benchmarks
