// Pointwise convolutions.
#include "benchmarks/layer_benchmark.h"

namespace zoo::benchmarks {
namespace {

constexpr Layer kLayers[] = {
    {"v3_small", 16, 72, 56},         {"v3_small", 24, 88, 28},         {"v3_small", 40, 240, 14},
    {"v3_small", 240, 40, 14},        {"v3_small", 96, 576, 7},         {"v3_small", 576, 96, 7},
    {"v3_large", 16, 64, 112},        {"v3_large", 72, 24, 56},         {"v3_large", 40, 120, 28},
    {"v3_large", 80, 480, 14},        {"v3_large", 672, 112, 14},       {"v3_large", 160, 960, 7},
    {"v3_large", 960, 160, 7},        {"v4_conv_small", 96, 64, 28},    {"v4_conv_small", 96, 192, 14},
    {"v4_conv_small", 384, 96, 14},   {"v4_conv_small", 128, 512, 7},   {"v4_conv_small", 512, 128, 7},
    {"v4_conv_medium", 192, 80, 28},  {"v4_conv_medium", 80, 160, 28},  {"v4_conv_medium", 160, 640, 14},
    {"v4_conv_medium", 640, 160, 14}, {"v4_conv_medium", 256, 1024, 7}, {"v4_conv_medium", 1024, 256, 7},
    {"v4_conv_large", 512, 2048, 12}, {"v4_conv_large", 2048, 512, 12},
};

const bool kRegistered = [] {
  register_layers("pointwise", kLayers);
  return true;
}();

}  // namespace
}  // namespace zoo::benchmarks
