// Depthwise and stem kernels of every instruction set the machine has, against the reference engine.
#include <ostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "nn/engine/kernels/f32/depthwise.h"
#include "nn/engine/kernels/f32/stem.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/reference/reference_ops.h"
#include "nn/graph/graph.h"
#include "tests/engine/blocked_maps.h"
#include "tests/support/compare.h"

namespace zoo::engine::kernels {
namespace {

/// Keeps the sums of all taps within the range where activations bend.
float weight_range(int64_t kernel) { return 2.0F / static_cast<float>(kernel); }

/// One convolution: its sizes, and whether the padding is TensorFlow's.
struct ConvCase {
  int64_t kernel;
  int64_t stride;
  Shape src;
  int64_t pad;
  graph::PaddingMode padding = graph::PaddingMode::kExplicit;
};

std::string name_of(const ConvCase& c) {
  std::string name = "k" + std::to_string(c.kernel) + "s" + std::to_string(c.stride);
  for (const int64_t dim : c.src.dims) name += "_" + std::to_string(dim);
  return name + (c.padding == graph::PaddingMode::kSame ? "_same" : "_pad" + std::to_string(c.pad));
}

void PrintTo(const ConvCase& c, std::ostream* out) { *out << name_of(c); }  // NOLINT(readability-identifier-naming)

graph::Conv2d conv_of(const ConvCase& c, int64_t out_channels, int64_t groups, ActivationKind activation) {
  graph::Conv2d conv;
  conv.in_channels = c.src[1];
  conv.out_channels = out_channels;
  conv.kernel = {c.kernel, c.kernel};
  conv.stride = {c.stride, c.stride};
  conv.pad = {c.pad, c.pad};
  conv.padding = c.padding;
  conv.groups = groups;
  conv.weight = 0;
  conv.bias = 1;
  conv.activation.kind = activation;
  return conv;
}

Shape result_shape(const graph::Conv2d& conv, const Shape& src) {
  const graph::ResolvedPadding pad = graph::resolve_padding(conv, {src[2], src[3]});
  const auto length = [&](int64_t in, int64_t before, int64_t after) {
    return (in + before + after - conv.kernel.h) / conv.stride.h + 1;
  };
  return {src[0], conv.out_channels, length(src[2], pad.begin.h, pad.end.h), length(src[3], pad.begin.w, pad.end.w)};
}

/// A convolution of random values, packed for one set of kernels.
struct Problem {
  Problem(const KernelTable& table, const graph::Conv2d& op, const Shape& image, int64_t max_tile)
      : conv(op), src(image), dst(result_shape(op, image)), pad(graph::resolve_padding(op, {image[2], image[3]})) {
    const int64_t kernel = conv.kernel.h;
    const int64_t inputs = conv.in_channels / conv.groups * kernel * kernel;
    x = random_values(src.elements(), 1);
    weights = random_values(conv.out_channels * inputs, 2, weight_range(kernel));
    bias = random_values(conv.out_channels, 3);
    residual = random_values(dst.elements(), 4);
    const int64_t padded = block_count(conv.out_channels, table.lanes) * table.lanes;
    packed_weights.resize(static_cast<size_t>(padded * inputs));
    pack_matrix(weights.data(), conv.out_channels, inputs, table.lanes, packed_weights.data());
    packed_bias = bias;
    packed_bias.resize(static_cast<size_t>(padded));
    runs = plan_row(kernel, conv.stride.w, pad.begin.w, src[3], dst[3], max_tile);
  }

  /// What the arguments of all kernels have in common.
  template <typename Op>
  void describe(Op& op) const {
    op.weights = packed_weights.data();
    op.bias = packed_bias.data();
    op.src_h = src[2];
    op.src_w = src[3];
    op.dst_h = dst[2];
    op.dst_w = dst[3];
    op.pad_top = pad.begin.h;
    op.pad_left = pad.begin.w;
    op.activation = {conv.activation.kind, 0.0F};
    op.runs = runs.data();
    op.run_count = static_cast<int64_t>(runs.size());
  }

  std::vector<float> expected(bool with_residual) const {
    ParameterValues values;
    values.views = {weights, bias};
    std::vector<reference::TensorView> srcs = {{src, x}};
    if (with_residual) srcs.push_back({dst, residual});
    std::vector<float> result(static_cast<size_t>(dst.elements()));
    reference::evaluate(conv, srcs, values, dst, result);
    return result;
  }

  graph::Conv2d conv;
  Shape src;
  Shape dst;
  graph::ResolvedPadding pad;
  std::vector<float> x, weights, bias, residual;
  std::vector<float> packed_weights, packed_bias;
  std::vector<TileRun> runs;
};

class ConvKernels : public ::testing::TestWithParam<std::tuple<Isa, ConvCase>> {
 protected:
  void SetUp() override {
    if (!machine_capabilities().has(std::get<0>(GetParam())))
      GTEST_SKIP() << "this processor lacks the instruction set";
  }

  const KernelTable& table() const { return kernel_table(std::get<0>(GetParam())); }
  static const ConvCase& conv_case() { return std::get<1>(GetParam()); }
};

/// The activations with code of their own, and one of the rest.
constexpr ActivationKind kActivations[] = {ActivationKind::kIdentity, ActivationKind::kRelu, ActivationKind::kRelu6,
                                           ActivationKind::kHardSwish, ActivationKind::kSigmoid};

class DepthwiseKernels : public ConvKernels {
 protected:
  void expect_equal(ActivationKind activation, bool with_residual, bool with_sums) const {
    const ConvCase& c = conv_case();
    const int64_t channels = c.src[1];
    const Problem problem(table(), conv_of(c, channels, channels, activation), c.src, depthwise_tile(table().isa));
    DepthwiseConv op;
    problem.describe(op);
    op.channels = channels;
    op.src_plane = c.src[2] * c.src[3] * table().lanes;
    op.dst_plane = problem.dst[2] * problem.dst[3] * table().lanes;
    const DepthwiseFunction depthwise = kDepthwise[table().isa](c.kernel, c.stride);
    ASSERT_NE(depthwise, nullptr);
    const BlockedMaps maps(table());
    const Shape vector = {problem.dst[0], channels, 1, 1};
    const std::vector<float> x = maps.blocked(problem.x, problem.src);
    const std::vector<float> residual = maps.blocked(problem.residual, problem.dst);
    std::vector<float> y = maps.unwritten(problem.dst);
    std::vector<float> sums = maps.unwritten(vector);
    // Two calls, as two threads would.
    const int64_t items = maps.blocks(problem.dst);
    for (const auto& [begin, end] : {std::pair{int64_t{0}, items / 2}, std::pair{items / 2, items}}) {
      depthwise(op, x.data(), with_residual ? residual.data() : nullptr, y.data() + BlockedMaps::kGuard,
                with_sums ? sums.data() + BlockedMaps::kGuard : nullptr, begin, end);
    }

    const std::vector<float> expected = problem.expected(with_residual);
    EXPECT_TRUE(test::close_to_max(maps.planar(y, problem.dst), expected, 1e-6));
    if (!with_sums) return;
    std::vector<double> totals(static_cast<size_t>(problem.dst[0] * channels));
    const auto area = static_cast<size_t>(BlockedMaps::area(problem.dst));
    for (size_t i = 0; i < expected.size(); ++i) totals[i / area] += expected[i];
    const std::vector<float> expected_sums(totals.begin(), totals.end());
    EXPECT_TRUE(test::close_to_max(maps.planar(sums, vector), expected_sums, 1e-5));
  }
};

TEST_P(DepthwiseKernels, EqualTheReferenceForEveryActivation) {
  for (const ActivationKind activation : kActivations) {
    SCOPED_TRACE(to_string(activation));
    expect_equal(activation, false, false);
  }
}

TEST_P(DepthwiseKernels, AddTheResidualBeforeTheActivation) { expect_equal(ActivationKind::kRelu, true, false); }

TEST_P(DepthwiseKernels, SumWhatTheyWrite) {
  expect_equal(ActivationKind::kHardSwish, false, true);
  expect_equal(ActivationKind::kSigmoid, true, true);
}

class StemKernels : public ConvKernels {
 protected:
  void expect_equal(int64_t out_channels, ActivationKind activation) const {
    const ConvCase& c = conv_case();
    const Problem problem(table(), conv_of(c, out_channels, 1, activation), c.src,
                          stem_tile(out_channels, table().lanes));
    StemConv op;
    problem.describe(op);
    op.in_channels = c.src[1];
    op.out_channels = out_channels;
    const BlockedMaps maps(table());
    std::vector<float> y = maps.unwritten(problem.dst);
    const int64_t items = problem.dst[0] * problem.dst[2];
    kStem[table().isa](op, problem.x.data(), y.data() + BlockedMaps::kGuard, 0, items / 2);
    kStem[table().isa](op, problem.x.data(), y.data() + BlockedMaps::kGuard, items / 2, items);
    EXPECT_TRUE(test::close_to_max(maps.planar(y, problem.dst), problem.expected(false), 1e-6));
  }
};

TEST_P(StemKernels, EqualTheReference) {
  // One block and two, three and four of AVX-512's; and tails.
  for (const int64_t out_channels : {16, 32, 5, 24, 40, 64}) {
    SCOPED_TRACE(out_channels);
    expect_equal(out_channels, ActivationKind::kHardSwish);
  }
  for (const ActivationKind activation : kActivations) {
    SCOPED_TRACE(to_string(activation));
    expect_equal(24, activation);
  }
}

std::string case_name(const ::testing::TestParamInfo<ConvKernels::ParamType>& info) {
  return std::string(to_string(std::get<0>(info.param))) + "_" + name_of(std::get<1>(info.param));
}

constexpr auto kSame = graph::PaddingMode::kSame;
const auto kIsas = ::testing::Values(Isa::kSse, Isa::kAvx2, Isa::kAvx512);

/// Every kernel and stride with maps of the zoo, odd sizes, widths of every tile, one row or column, channel tails,
/// several images, no padding, and paddings that differ on the two sides.
std::vector<ConvCase> depthwise_cases() {
  std::vector<ConvCase> cases;
  for (const int64_t kernel : {3, 5, 7}) {
    for (const int64_t stride : {1, 2}) {
      const int64_t pad = kernel / 2;
      cases.push_back({kernel, stride, {1, 32, 14, 14}, pad});
      cases.push_back({kernel, stride, {2, 24, 7, 7}, pad});
      cases.push_back({kernel, stride, {1, 17, 5, 31}, pad});
      cases.push_back({kernel, stride, {1, 5, 9, 57}, pad});
      cases.push_back({kernel, stride, {3, 3, 1, 1}, pad});
      cases.push_back({kernel, stride, {1, 16, 2, 3}, pad});
      cases.push_back({kernel, stride, {1, 8, 20, 1}, pad});
      cases.push_back({kernel, stride, {1, 8, 1, 20}, pad});
      cases.push_back({kernel, stride, {1, 16, 11, 12}, 0});
      cases.push_back({kernel, stride, {1, 16, 9, 10}, kernel - 1});
      cases.push_back({kernel, stride, {1, 20, 14, 28}, 0, kSame});
      cases.push_back({kernel, stride, {1, 20, 13, 27}, 0, kSame});
      cases.push_back({kernel, stride, {1, 4, 2, 2}, 0, kSame});
      cases.push_back({kernel, stride, {1, 16, 6, 112}, pad});
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(AllSets, DepthwiseKernels, ::testing::Combine(kIsas, ::testing::ValuesIn(depthwise_cases())),
                         case_name);

INSTANTIATE_TEST_SUITE_P(
    AllSets, StemKernels,
    ::testing::Combine(kIsas, ::testing::Values(ConvCase{3, 2, {1, 3, 32, 32}, 1}, ConvCase{3, 2, {2, 3, 17, 113}, 1},
                                                ConvCase{3, 2, {1, 1, 9, 30}, 1}, ConvCase{3, 2, {1, 4, 12, 57}, 1},
                                                ConvCase{3, 2, {1, 3, 16, 224}, 0, kSame},
                                                ConvCase{3, 2, {1, 3, 15, 25}, 0, kSame},
                                                ConvCase{3, 2, {1, 3, 11, 13}, 0}, ConvCase{3, 2, {1, 3, 8, 8}, 2},
                                                ConvCase{3, 2, {1, 3, 1, 1}, 1}, ConvCase{3, 2, {1, 2, 1, 6}, 1})),
    case_name);

TEST(RowTiles, CoverTheRowOnceInOrder) {
  for (int64_t width = 1; width < 130; ++width) {
    for (const int64_t max_tile : {4, 8, 14}) {
      int64_t x = 0;
      for (const TileRun& run : plan_row(3, 1, 1, width, width, max_tile)) {
        EXPECT_EQ(run.x, x) << width;
        EXPECT_LE(run.width, max_tile) << width;
        x += run.count * run.width;
      }
      EXPECT_EQ(x, width);
    }
  }
}

TEST(RowTiles, UseFewTiles) {
  const std::vector<TileRun> runs = plan_row(3, 1, 1, 20, 20, 14);
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].width, 12);
  EXPECT_EQ(runs[1].width, 8);
}

TEST(RowTiles, TellWhichTouchTheBorder) {
  const std::vector<TileRun> runs = plan_row(3, 1, 1, 112, 112, 14);
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_TRUE(runs[0].border);
  EXPECT_FALSE(runs[1].border);
  EXPECT_EQ(runs[1].count, 6);
  EXPECT_TRUE(runs[2].border);
  EXPECT_EQ(plan_row(3, 1, 0, 114, 112, 14).size(), 1U) << "no padding, no border";
}

}  // namespace
}  // namespace zoo::engine::kernels
