// The oracle itself, against numbers worked out by hand.
#include <cmath>

#include <gtest/gtest.h>

#include "nn/engine/reference/reference_ops.h"
#include "nn/graph/graph.h"

namespace zoo::engine::reference {
namespace {

/// Parameter values that the test owns.
ParameterValues values_of(const std::vector<std::vector<float>>& tensors) {
  ParameterValues values;
  for (const auto& tensor : tensors) values.views.emplace_back(tensor);
  return values;
}

std::vector<float> evaluate_op(const graph::Op& op, const std::vector<TensorView>& srcs, const ParameterValues& values,
                               const Shape& dst_shape) {
  std::vector<float> dst(static_cast<size_t>(dst_shape.elements()));
  evaluate(op, srcs, values, dst_shape, dst);
  return dst;
}

TEST(ReferenceConv2d, IsACrossCorrelationWithZeroPadding) {
  const std::vector<float> image = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const std::vector<std::vector<float>> tensors = {{0, 1, 0, 0, 0, 2, 0, 0, 0}, {10}};
  const graph::Conv2d conv = {.in_channels = 1,
                              .out_channels = 1,
                              .kernel = {3, 3},
                              .stride = {1, 1},
                              .pad = {1, 1},
                              .dilation = {1, 1},
                              .weight = 0,
                              .bias = 1,
                              .activation = {}};
  // Each result: value above + 2 x value to the right + 10.
  EXPECT_EQ(evaluate_op(conv, {{{1, 1, 3, 3}, image}}, values_of(tensors), {1, 1, 3, 3}),
            (std::vector<float>{14, 16, 10, 21, 24, 13, 30, 33, 16}));
}

TEST(ReferenceConv2d, ReadsItsOwnGroupOnly) {
  const std::vector<float> image = {1, 10};
  const std::vector<std::vector<float>> tensors = {{2, 3}};
  const graph::Conv2d conv = {.in_channels = 2, .out_channels = 2, .groups = 2, .weight = 0, .activation = {}};
  EXPECT_EQ(evaluate_op(conv, {{{1, 2, 1, 1}, image}}, values_of(tensors), {1, 2, 1, 1}), (std::vector<float>{2, 30}));
}

TEST(ReferenceConv2d, SamePaddingPutsTheOddPixelAtTheEnd) {
  const std::vector<float> image = {1, 2, 3, 4};
  const std::vector<std::vector<float>> tensors = {{1, 10, 100}};
  const graph::Conv2d conv = {.in_channels = 1,
                              .out_channels = 1,
                              .kernel = {1, 3},
                              .stride = {1, 2},
                              .padding = graph::PaddingMode::kSame,
                              .weight = 0,
                              .activation = {}};
  // Width 4, stride 2: two outputs, one zero in all, on the right.
  EXPECT_EQ(evaluate_op(conv, {{{1, 1, 1, 4}, image}}, values_of(tensors), {1, 1, 1, 2}),
            (std::vector<float>{321, 43}));
}

TEST(ReferenceConv2d, DilationSpreadsTheTaps) {
  const std::vector<float> image = {1, 2, 3, 4, 5};
  const std::vector<std::vector<float>> tensors = {{1, 10, 100}};
  const graph::Conv2d conv = {.in_channels = 1,
                              .out_channels = 1,
                              .kernel = {1, 3},
                              .stride = {1, 1},
                              .dilation = {1, 2},
                              .weight = 0,
                              .activation = {}};
  EXPECT_EQ(evaluate_op(conv, {{{1, 1, 1, 5}, image}}, values_of(tensors), {1, 1, 1, 1}), (std::vector<float>{531}));
}

TEST(ReferenceBatchNorm, UsesTheStoredStatistics) {
  const std::vector<float> x = {5, 7};
  const std::vector<std::vector<float>> tensors = {{2}, {1}, {3}, {3.75F}};
  const graph::BatchNorm norm = {.channels = 1, .eps = 0.25, .weight = 0, .bias = 1, .mean = 2, .var = 3};
  EXPECT_EQ(evaluate_op(norm, {{{1, 1, 1, 2}, x}}, values_of(tensors), {1, 1, 1, 2}), (std::vector<float>{3, 5}));
}

TEST(ReferenceActivation, MatchesKnownValues) {
  struct Case {
    ActivationKind kind;
    double x;
    double y;
  };
  const std::vector<Case> cases = {
      {ActivationKind::kIdentity, -2, -2},
      {ActivationKind::kRelu, -2, 0},
      {ActivationKind::kRelu6, 7, 6},
      {ActivationKind::kPrelu, -2, -0.5},
      {ActivationKind::kLeakyRelu, -2, -0.02},
      {ActivationKind::kGelu, 1, 0.8413447460685429},
      {ActivationKind::kSilu, 1, 0.7310585786300049},
      {ActivationKind::kHardSwish, 1, 2.0 / 3.0},
      {ActivationKind::kHardSwish, -3, 0},
      {ActivationKind::kHardSigmoid, 1, 2.0 / 3.0},
      {ActivationKind::kSigmoid, 1, 0.7310585786300049},
  };
  for (const Case& c : cases) EXPECT_NEAR(activate(c.kind, c.x, 0.25), c.y, 1e-9) << to_string(c.kind) << " of " << c.x;
}

TEST(ReferenceSqueezeExcite, EqualsItsParts) {
  const std::vector<float> image = {1, 3, 10, 30};
  const std::vector<std::vector<float>> tensors = {{1, 0.1F}, {-1}, {1, -1}, {0, 3}};
  const graph::SqueezeExcite op = {.channels = 2,
                                   .squeezed = 1,
                                   .reduce_weight = 0,
                                   .reduce_bias = 1,
                                   .expand_weight = 2,
                                   .expand_bias = 3,
                                   .inner = {ActivationKind::kRelu},
                                   .gate = {ActivationKind::kHardSigmoid}};
  // Means 2 and 20 -> hidden relu(2 + 2 - 1) = 3 -> gates of 3 and 0: 1 and 0.5.
  EXPECT_EQ(evaluate_op(op, {{{1, 2, 1, 2}, image}}, values_of(tensors), {1, 2, 1, 2}),
            (std::vector<float>{1, 3, 5, 15}));
}

TEST(ReferenceLinear, IsRowsTimesVector) {
  const std::vector<float> x = {1, 2};
  const std::vector<std::vector<float>> tensors = {{1, 10, 2, 20, 3, 30}, {0.5F, 0, -100}};
  const graph::Linear op = {
      .in_features = 2, .out_features = 3, .weight = 0, .bias = 1, .activation = {ActivationKind::kRelu}};
  EXPECT_EQ(evaluate_op(op, {{{1, 2}, x}}, values_of(tensors), {1, 3}), (std::vector<float>{21.5F, 42, 0}));
}

TEST(ReferenceScaleChannels, MultipliesEveryChannel) {
  const std::vector<float> x = {1, 2, 3, 4};
  const std::vector<std::vector<float>> tensors = {{10, -1}};
  EXPECT_EQ(evaluate_op(graph::ScaleChannels{2, 0}, {{{1, 2, 1, 2}, x}}, values_of(tensors), {1, 2, 1, 2}),
            (std::vector<float>{10, 20, -3, -4}));
}

TEST(ReferenceAvgPool2d, CountsThePaddingUnlessToldOtherwise) {
  const std::vector<float> x = {4, 8, 12, 16};
  graph::AvgPool2d pool = {{2, 2}, {2, 2}, {1, 1}};
  // Each window holds one value and three zeros.
  EXPECT_EQ(evaluate_op(pool, {{{1, 1, 2, 2}, x}}, {}, {1, 1, 2, 2}), (std::vector<float>{1, 2, 3, 4}));
  pool.count_include_pad = false;
  EXPECT_EQ(evaluate_op(pool, {{{1, 1, 2, 2}, x}}, {}, {1, 1, 2, 2}), x);
  pool.pad = {0, 0};
  EXPECT_EQ(evaluate_op(pool, {{{1, 1, 2, 2}, x}}, {}, {1, 1, 1, 1}), (std::vector<float>{10}));
}

TEST(ReferenceMaxPool2d, LeavesThePaddingOut) {
  const std::vector<float> x = {-4, -8, -12, -16};
  EXPECT_EQ(evaluate_op(graph::MaxPool2d{{2, 2}, {2, 2}, {1, 1}}, {{{1, 1, 2, 2}, x}}, {}, {1, 1, 2, 2}), x);
  EXPECT_EQ(evaluate_op(graph::MaxPool2d{{2, 1}, {1, 1}, {0, 0}}, {{{1, 1, 2, 2}, x}}, {}, {1, 1, 1, 2}),
            (std::vector<float>{-4, -8}));
  EXPECT_EQ(evaluate_op(graph::MaxPool2d{{1, 1}, {2, 2}, {0, 0}}, {{{1, 1, 2, 2}, x}}, {}, {1, 1, 1, 1}),
            (std::vector<float>{-4}));
}

TEST(ReferenceConcat, PutsChannelsBehindEachOtherForEveryImage) {
  const std::vector<float> a = {1, 2, 3, 4};
  const std::vector<float> b = {5, 6, 7, 8, 9, 10, 11, 12};
  EXPECT_EQ(evaluate_op(graph::Concat{}, {{{2, 1, 1, 2}, a}, {{2, 2, 1, 2}, b}}, {}, {2, 3, 1, 2}),
            (std::vector<float>{1, 2, 5, 6, 7, 8, 3, 4, 9, 10, 11, 12}));
}

TEST(ReferenceBlurPool2d, IsTheBinomialFilterWithZeroPadding) {
  const std::vector<float> x = {16, 0, 0, 0, 0, 0, 0, 0, 16};
  EXPECT_EQ(evaluate_op(graph::BlurPool2d{1, {2, 2}}, {{{1, 1, 3, 3}, x}}, {}, {1, 1, 2, 2}),
            (std::vector<float>{4, 0, 0, 4}));
  EXPECT_EQ(evaluate_op(graph::BlurPool2d{1, {1, 1}}, {{{1, 1, 3, 3}, x}}, {}, {1, 1, 3, 3}),
            (std::vector<float>{4, 2, 0, 2, 2, 2, 0, 2, 4}));
}

TEST(ReferenceResize, InterpolatesLikeTorch) {
  const std::vector<float> x = {0, 4, 8, 16};
  const std::vector<TensorView> srcs = {{{1, 1, 2, 2}, x}};
  EXPECT_EQ(evaluate_op(graph::Resize{graph::ResizeMode::kNearest}, srcs, {}, {1, 1, 3, 4}),
            (std::vector<float>{0, 0, 4, 4, 0, 0, 4, 4, 8, 8, 16, 16}));
  EXPECT_EQ(evaluate_op(graph::Resize{graph::ResizeMode::kBilinear}, srcs, {}, {1, 1, 2, 4}),
            (std::vector<float>{0, 1, 3, 4, 8, 10, 14, 16}));
}

TEST(ReferenceMultiQueryAttention, SharesKeysAndValuesBetweenHeads) {
  // Two heads of one channel, one position each; two keys.
  const float ln3 = std::log(3.0F);
  const std::vector<float> query = {0, ln3};
  const std::vector<float> key = {0, 1};
  const std::vector<float> value = {4, 8, 0, 100};
  // Weights 1/2, 1/2 for the first head; 1/4, 3/4 for the second.
  const auto mixed = evaluate_op(graph::MultiQueryAttention{2, 1, 2},
                                 {{{1, 2, 1, 1}, query}, {{1, 1, 1, 2}, key}, {{1, 2, 1, 2}, value}}, {}, {1, 4, 1, 1});
  ASSERT_EQ(mixed.size(), 4U);
  EXPECT_FLOAT_EQ(mixed[0], 6);
  EXPECT_FLOAT_EQ(mixed[1], 50);
  EXPECT_FLOAT_EQ(mixed[2], 7);
  EXPECT_FLOAT_EQ(mixed[3], 75);
}

TEST(ReferenceMultiQueryAttention, DividesByTheRootOfTheKeyChannels) {
  const float ln3 = std::log(3.0F);
  const std::vector<float> query = {ln3, ln3, ln3, ln3};
  const std::vector<float> key = {0, 0.5F, 0, 0.5F, 0, 0.5F, 0, 0.5F};
  const std::vector<float> value = {4, 8};
  // Product 2 ln 3 over 2: weights 1/4, 3/4.
  const auto mixed = evaluate_op(graph::MultiQueryAttention{1, 4, 1},
                                 {{{1, 4, 1, 1}, query}, {{1, 4, 1, 2}, key}, {{1, 1, 1, 2}, value}}, {}, {1, 1, 1, 1});
  EXPECT_FLOAT_EQ(mixed[0], 7);
}

}  // namespace
}  // namespace zoo::engine::reference
