// The limits of int8's integers: 32-bit sums, the tails of vectors, weights without a step.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/engine/int8/convolution_list.h"
#include "nn/engine/int8/int8_layer.h"
#include "nn/engine/int8/int8_steps.h"
#include "nn/engine/kernels/int8/int8.h"
#include "nn/engine/machine/capabilities.h"
#include "tests/engine/formula_calibration.h"
#include "tests/engine/int8_sets.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

using kernels::kInt8MostPositions;
using kernels::kInt8MostProducts;

graph::Conv2d conv_of(int64_t in_channels, int64_t kernel_h, int64_t kernel_w, int64_t groups = 1) {
  return {.in_channels = in_channels, .out_channels = groups, .kernel = {kernel_h, kernel_w}, .groups = groups};
}

TEST(Int8Limits, SumsFitExactlyUpToTheLimit) {
  constexpr int64_t kLargestSum = std::numeric_limits<int32_t>::max();
  EXPECT_LE(kInt8MostProducts * 255 * 127, kLargestSum);
  EXPECT_GT((kInt8MostProducts + 1) * 255 * 127, kLargestSum);
  EXPECT_LE(kInt8MostPositions * 255, kLargestSum);
  EXPECT_GT((kInt8MostPositions + 1) * 255, kLargestSum);

  EXPECT_TRUE(int8_sums_fit(conv_of(kInt8MostProducts - 1, 1, 1)));
  EXPECT_TRUE(int8_sums_fit(conv_of(kInt8MostProducts, 1, 1)));
  EXPECT_FALSE(int8_sums_fit(conv_of(kInt8MostProducts + 1, 1, 1)));
  EXPECT_TRUE(int8_sums_fit(conv_of(1353, 7, 7)));
  EXPECT_FALSE(int8_sums_fit(conv_of(1354, 7, 7)));
  EXPECT_FALSE(int8_sums_fit(conv_of(1500, 7, 7)));
  EXPECT_TRUE(int8_sums_fit(conv_of(100'000, 7, 7, 100'000))) << "a depthwise sum has the taps only";
  EXPECT_TRUE(is_int8_layer_size(kInt8MostProducts));
  EXPECT_FALSE(is_int8_layer_size(kInt8MostProducts + 1));
  EXPECT_GE(kernels::int8_row_limit(kInt8MostProducts), 255) << "a layer's inputs keep 8 bits";
}

class Int8LimitKernels : public ::testing::TestWithParam<kernels::Int8Isa> {
 protected:
  void SetUp() override {
    if (!machine_capabilities().has(GetParam())) GTEST_SKIP() << "this processor lacks the instruction set";
  }
  const kernels::Int8Table& table() const { return kernels::int8_table(GetParam()); }
};

/// The largest sums that the limit allows, of either sign, against 64 bits.
TEST_P(Int8LimitKernels, TheLargestSumsAreExact) {
  constexpr int64_t kOut = kernels::kInt8Lanes;
  for (const int64_t inputs : {kInt8MostProducts / 4 * 4 - 4, kInt8MostProducts / 4 * 4}) {
    const std::vector<uint8_t> src(static_cast<size_t>(inputs + kernels::kInt8Slack), 255);
    std::vector<int8_t> weights(static_cast<size_t>(kOut * inputs));
    for (int64_t o = 0; o < kOut; ++o) {
      std::fill_n(weights.begin() + o * inputs, inputs, static_cast<int8_t>(o % 2 == 0 ? 127 : -127));
    }
    const kernels::Int8ConvWeights shape = {kOut, 1, inputs};
    std::vector<int8_t> packed(static_cast<size_t>(table().packed_conv_size(shape)));
    table().pack_conv(shape, weights.data(), packed.data());
    const int64_t lanes = kernels::lanes_of(GetParam());
    const std::vector<float> scale(kOut, 1.0F);
    const std::vector<float> bias(kOut, 0.0F);
    kernels::Int8Epilogue epilogue;
    epilogue.to_f32 = true;
    epilogue.scale = scale.data();
    epilogue.bias = bias.data();
    const kernels::Int8Tile tile;
    const kernels::Int8Conv conv = {.weights = packed.data(),
                                    .tiles = &tile,
                                    .rows = 1,
                                    .row_bytes = inputs,
                                    .row_pitch = inputs,
                                    .position_pitch = inputs,
                                    .out_blocks = 1,
                                    .dst_pitch = lanes * 4,
                                    .dst_block_pitch = lanes * 4,
                                    .lanes = lanes,
                                    .f32_blocks = kOut / lanes,
                                    .epilogue = epilogue};
    std::vector<float> sums(kOut);
    table().conv(conv, src.data(), nullptr, reinterpret_cast<std::byte*>(sums.data()), 0, 1);
    for (int64_t o = 0; o < kOut; ++o) {
      const int64_t expected = inputs * 255 * (o % 2 == 0 ? 127 : -127);
      EXPECT_EQ(sums[static_cast<size_t>(o)], static_cast<float>(expected)) << inputs;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllSets, Int8LimitKernels, ::testing::ValuesIn(kInt8Sets), int8_set_name);

/// 1500 channels, 7x7: more than 32 bits hold.
TEST(Int8Limits, AConvolutionBeyondThemIsLeftToF32) {
  if (!why_unavailable(Precision::kInt8).empty()) GTEST_SKIP() << why_unavailable(Precision::kInt8);
  graph::GraphBuilder b(3);
  graph::NodeId x =
      b.activation(b.conv(b.input(), "wide", {.out_channels = 1500, .bias = true}), "act", ActivationKind::kRelu);
  x = b.conv(x, "large", {.out_channels = 16, .kernel = 7, .bias = true});
  b.output("y", x);
  const graph::BoundGraph network = bind_formula(b.take());
  const Shape shape = {1, 3, 8, 8};
  CompileOptions options;
  options.precision = Precision::kInt8;
  options.calibration = calibration_of(network, shape);
  for (const std::string& step : implementations(network, shape, options)) {
    const bool is_of_the_large_one = step.starts_with("large ");
    EXPECT_FALSE(is_of_the_large_one && step.find("int8") != std::string::npos) << step;
  }
  CompileOptions reference;
  reference.engine = EngineKind::kReference;
  EXPECT_TRUE(
      test::close_to_max(run_network(network, shape, options)[0], run_network(network, shape, reference)[0], 0.03));
}

TEST(Int8Limits, MeansLeaveTheTailZero) {
  constexpr int64_t kChannels = 19;
  constexpr int64_t kImages = 2;
  const Quantization src = {std::vector<float>(32, 0.5F), std::vector<float>(32, 2.0F), std::vector<float>(32, 7.0F)};
  const Int8Means means = {&src, 4, kChannels};
  ASSERT_EQ(means.padded(), 32);
  std::vector<int32_t> sums(kImages * 32, 40);
  std::vector<float> mean(kImages * 32, -99.0F);
  means(sums.data(), kImages, mean.data());
  for (int64_t n = 0; n < kImages; ++n) {
    for (int64_t c = 0; c < 32; ++c) {
      EXPECT_EQ(mean[static_cast<size_t>(n * 32 + c)], c < kChannels ? 1.5F : 0.0F) << n << " " << c;
    }
  }
}

TEST(Int8Limits, WeightsOfEverySizeAreRoundedToNumbers) {
  for (const float largest : {0.0F, 1e-45F, 3e-39F, 3e-37F, 9e-37F, 1e-30F, 1.0F, 3e38F}) {
    const std::vector<float> weights = {largest, -largest, largest / 2, 0.0F};
    std::vector<int8_t> rounded(weights.size(), 99);
    const float step = round_int8_weights(weights.data(), 4, rounded.data());
    EXPECT_TRUE(std::isfinite(step)) << largest;
    for (size_t i = 0; i < weights.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(rounded[i]) * step, weights[i], std::max(1e-36, 0.005 * largest)) << largest;
    }
  }
}

}  // namespace
}  // namespace zoo::engine
