// What is not a number stays so, whichever kernel a layer gets: NaN, infinities, zeros and limits through every
// activation on every path that this machine runs.
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "nn/engine/bf16/convolution_list.h"
#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/kernels/int8/int8.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/plan/stored_bytes.h"
#include "nn/engine/reference/reference_ops.h"
#include "tests/engine/bf16_sets.h"
#include "tests/engine/convolution_fixture.h"
#include "tests/engine/int8_sets.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kSmallest = std::numeric_limits<float>::min();
constexpr float kDenormal = std::numeric_limits<float>::denorm_min();
constexpr float kSlope = 0.25F;

constexpr float kSpecials[] = {kNaN,      -kNaN,      kInfinity, -kInfinity, 0.0F, -0.0F, kDenormal, -kDenormal,
                               kSmallest, -kSmallest, kLargest,  -kLargest,  1.0F, -1.0F, 100.0F,    -100.0F};
constexpr auto kCount = static_cast<int64_t>(std::size(kSpecials));

kernels::ResolvedActivation function_of(ActivationKind kind) {
  const bool leaky = kind == ActivationKind::kLeakyRelu;
  return {kind, leaky ? kLeakyReluSlope : kSlope};
}

float expected_of(ActivationKind kind, float x) {
  return static_cast<float>(reference::activate(kind, x, function_of(kind).slope));
}

/// As PyTorch has it, within what the kernels' polynomials round.
::testing::AssertionResult is_value(float actual, ActivationKind kind, float x) {
  const float expected = expected_of(kind, x);
  if (std::isnan(expected) && std::isnan(actual)) return ::testing::AssertionSuccess();
  if (actual == expected || std::abs(actual - expected) <= 1e-6F + 1e-5F * std::abs(expected)) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << to_string(kind) << "(" << x << ") is " << actual << ", expected " << expected;
}

/// The values of output `o` for o = 0 ... are f(special[o]).
void expect_values(const std::vector<float>& actual, ActivationKind kind, std::string_view path) {
  for (size_t o = 0; o < std::size(kSpecials); ++o) EXPECT_TRUE(is_value(actual[o], kind, kSpecials[o])) << path;
}

struct TorchRow {
  ActivationKind kind;
  float of_infinity;
  float of_minus_infinity;
  float of_zero;
  float of_minus_largest;
};

/// torch 2.13: torch.nn.functional.*(torch.tensor([inf, -inf, 0, -3.4028235e38])), PReLU's weight 0.25.
constexpr TorchRow kTorch[] = {
    {ActivationKind::kIdentity, kInfinity, -kInfinity, 0.0F, -kLargest},
    {ActivationKind::kRelu, kInfinity, 0.0F, 0.0F, 0.0F},
    {ActivationKind::kRelu6, 6.0F, 0.0F, 0.0F, 0.0F},
    {ActivationKind::kPrelu, kInfinity, -kInfinity, 0.0F, -kSlope* kLargest},
    {ActivationKind::kLeakyRelu, kInfinity, -kInfinity, 0.0F, -kLeakyReluSlope* kLargest},
    {ActivationKind::kGelu, kInfinity, kNaN, 0.0F, 0.0F},
    {ActivationKind::kSilu, kInfinity, kNaN, 0.0F, 0.0F},
    {ActivationKind::kHardSwish, kInfinity, kNaN, 0.0F, 0.0F},
    {ActivationKind::kHardSigmoid, 1.0F, 0.0F, 0.5F, 0.0F},
    {ActivationKind::kSigmoid, 1.0F, 0.0F, 0.5F, 0.0F},
};

TEST(SpecialValues, TheReferenceHasPyTorchs) {
  for (const TorchRow& row : kTorch) {
    SCOPED_TRACE(to_string(row.kind));
    const auto expect = [&](float x, float expected) {
      const float actual = expected_of(row.kind, x);
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(actual)) << x;
      } else {
        EXPECT_EQ(actual, expected) << x;
      }
    };
    expect(kNaN, kNaN);
    expect(kInfinity, row.of_infinity);
    expect(-kInfinity, row.of_minus_infinity);
    expect(0.0F, row.of_zero);
    expect(-kLargest, row.of_minus_largest);
  }
}

/// Of every instruction set.
class SpecialValues : public ::testing::TestWithParam<kernels::Isa> {
 protected:
  void SetUp() override {
    if (!machine_capabilities().has(GetParam())) GTEST_SKIP() << "this processor lacks the instruction set";
  }
  const kernels::KernelTable& table() const { return kernels::kernel_table(GetParam()); }

  /// Runs one kernel on a map of `x` in every value; `weight` in every tap.
  std::vector<float> run(const ConvolutionKernel& kernel, const ConvolutionProblem& problem,
                         const std::vector<float>& x, float weight, const std::vector<float>& bias) const {
    const AlignedBuffer packed(kernel.packed_bytes());
    const AlignedBuffer scratch(kernel.scratch_bytes(1));
    const std::vector<float> weights(static_cast<size_t>(problem.weight_count()), weight);
    kernel.pack(weights, bias, packed.data());
    const BlockedMaps maps(table());
    const bool planar = problem.src_format == kPlanarF32;
    const std::vector<float> src = planar ? x : maps.blocked(x, problem.src);
    std::vector<float> dst = maps.unwritten(problem.dst);
    kernel
        .bind({.src = src.data(),
               .packed = packed.data(),
               .dst = dst.data() + BlockedMaps::kGuard,
               .scratch = scratch.data()})
        ->run();
    return maps.planar(dst, problem.dst);
  }

  /// One position of every channel.
  static std::vector<float> first_position(const std::vector<float>& planar, const Shape& shape) {
    std::vector<float> values;
    for (int64_t c = 0; c < shape[1]; ++c) values.push_back(planar[static_cast<size_t>(c * shape[2] * shape[3])]);
    return values;
  }
};

/// Problems for which there is every family of kernels.
std::vector<ConvolutionProblem> problems(ActivationKind kind, int64_t channels = kCount) {
  const Extras extras = {.activation = function_of(kind)};
  const graph::ResolvedPadding none = {{0, 0}, {0, 0}};
  const graph::ResolvedPadding one = {{1, 1}, {1, 1}};
  ConvolutionProblem depthwise = dense_problem({1, channels, 9, 9}, channels, 3, 1, one, extras);
  depthwise.op.groups = channels;
  ConvolutionProblem stem = dense_problem({1, 3, 17, 17}, channels, 3, 2, one, extras);
  stem.src_format = kPlanarF32;
  ConvolutionProblem expand = depthwise;
  graph::Conv2d expansion = dense_problem({1, channels, 9, 9}, channels, 1, 1, none, extras).op;
  expand.expansions = {{expansion, none, function_of(kind)}};
  ConvolutionProblem pair = dense_problem({1, channels, 8, 8}, channels, 1, 1, none, extras);
  expansion.kernel = {3, 3};
  expansion.pad = {1, 1};
  pair.expansions = {{expansion, one, function_of(kind)}};
  return {dense_problem({1, channels, 5, 5}, channels, 1, 1, none, extras),
          dense_problem({2, channels, 1, 1}, channels, 1, 1, none, extras),
          dense_problem({1, channels, 8, 8}, channels, 3, 1, one, extras),
          dense_problem({1, channels, 9, 9}, channels, 5, 2, {{2, 2}, {2, 2}}, extras),
          depthwise,
          stem,
          expand,
          pair};
}

TEST_P(SpecialValues, EveryConvolutionsActivation) {
  for (const ActivationKind kind : kAllActivations) {
    for (const ConvolutionProblem& problem : problems(kind)) {
      // The sum is zero, so that what is activated is the bias. That of an expansion follows and stays zero.
      std::vector<float> bias(kSpecials, kSpecials + kCount);
      bias.resize(static_cast<size_t>(problem.bias_count()));
      const std::vector<float> zeros(static_cast<size_t>(problem.src.elements()));
      const ConvolutionKernels kernels = f32_convolution_kernels(problem, table());
      for (const auto& kernel : kernels) {
        SCOPED_TRACE(kernel->name() + " " + to_string(problem));
        expect_values(first_position(run(*kernel, problem, zeros, 0.0F, bias), problem.dst), kind, kernel->name());
      }
    }
  }
}

TEST_P(SpecialValues, NaNOfTheSourceReachesEveryResultThatReadsIt) {
  for (const ActivationKind kind : kAllActivations) {
    for (const ConvolutionProblem& problem : problems(kind)) {
      const std::vector<float> bias(static_cast<size_t>(problem.bias_count()), 0.5F);
      const std::vector<float> source(static_cast<size_t>(problem.src.elements()), kNaN);
      for (const auto& kernel : f32_convolution_kernels(problem, table())) {
        SCOPED_TRACE(kernel->name() + " " + to_string(problem));
        const std::vector<float> result = run(*kernel, problem, source, 0.5F, bias);
        const auto numbers = std::ranges::count_if(result, [](float v) { return !std::isnan(v); });
        EXPECT_EQ(numbers, 0) << "of " << result.size();
      }
    }
  }
}

TEST_P(SpecialValues, EveryVectorLayersActivation) {
  const int64_t padded = kernels::block_count(kCount, table().lanes) * table().lanes;
  std::vector<float> bias(kSpecials, kSpecials + kCount);
  bias.resize(static_cast<size_t>(padded));
  const std::vector<float> x(static_cast<size_t>(padded), 0.0F);
  const std::vector<float> weights(static_cast<size_t>(padded * padded), 1.0F);
  const std::vector<kernels::Bf16> compact(weights.size(), kernels::round_to_bf16(1.0F));
  for (const ActivationKind kind : kAllActivations) {
    std::vector<float> y(static_cast<size_t>(padded), -99.0F);
    const int64_t blocks = padded / table().lanes;
    const kernels::MatVec op = {weights.data(), bias.data(), kCount, kCount, function_of(kind)};
    table().mat_vec(op, x.data(), padded, y.data(), padded, 1, 0, blocks);
    expect_values(y, kind, "mat_vec");
    const kernels::CompactMatVec small = {compact.data(), bias.data(), kCount, kCount, function_of(kind)};
    table().compact_mat_vec(small, x.data(), padded, y.data(), padded, 1, 0, blocks);
    expect_values(y, kind, "compact_mat_vec");
  }
}

TEST_P(SpecialValues, EveryMapsActivation) {
  const Shape shape = {1, kCount, 1, 1};
  const BlockedMaps maps(table());
  const std::vector<float> x = maps.blocked({kSpecials, kSpecials + kCount}, shape);
  const std::vector<float> zeros(x.size());
  for (const ActivationKind kind : kAllActivations) {
    for (const float* other : {static_cast<const float*>(nullptr), zeros.data()}) {
      std::vector<float> y = maps.unwritten(shape);
      table().map(x.data(), other, y.data() + BlockedMaps::kGuard, function_of(kind), kCount, 1, 0, maps.blocks(shape));
      expect_values(maps.planar(y, shape), kind, "map");
    }
  }
}

TEST_P(SpecialValues, NaNWinsWhereverItLiesInAWindowOfMaxPool) {
  const Shape shape = {1, 3, 3, 3};
  const Shape result = {1, 3, 1, 1};
  const BlockedMaps maps(table());
  const kernels::Pool pool = {.src_h = 3, .src_w = 3, .dst_h = 1, .dst_w = 1, .kernel_h = 3, .kernel_w = 3};
  for (size_t at = 0; at < 9; ++at) {
    std::vector<float> x(27, -kInfinity);
    x[9 + (at + 1) % 9] = kInfinity;  // an infinity beside it is no number's rival
    x[at] = x[9 + at] = kNaN;
    x[18 + at] = 5.0F;
    const std::vector<float> src = maps.blocked(x, shape);
    std::vector<float> dst = maps.unwritten(result);
    table().max_pool(pool, src.data(), dst.data() + BlockedMaps::kGuard, 0, maps.blocks(shape));
    const std::vector<float> actual = maps.planar(dst, result);
    std::vector<float> expected(3);
    reference::evaluate(graph::MaxPool2d{.kernel = {3, 3}}, std::vector<reference::TensorView>{{shape, x}}, {}, result,
                        expected);
    for (const std::vector<float>& values : {actual, expected}) {
      EXPECT_TRUE(std::isnan(values[0])) << at;
      EXPECT_TRUE(std::isnan(values[1])) << at;
      EXPECT_EQ(values[2], 5.0F) << at;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllSets, SpecialValues,
                         ::testing::Values(kernels::Isa::kSse, kernels::Isa::kAvx2, kernels::Isa::kAvx512),
                         [](const auto& i) { return std::string(kernels::to_string(i.param)); });

/// Every kind of convolution, each with this activation.
graph::BoundGraph network_of(ActivationKind kind) {
  graph::GraphBuilder b(3);
  graph::NodeId x = b.input();
  const auto layer = [&](const std::string& name, graph::ConvOptions options) {
    options.bias = true;
    x = b.activation(b.conv(x, name, options), name + ".act", kind);
  };
  layer("stem", {.out_channels = 16, .kernel = 3, .stride = 2});
  layer("expand", {.out_channels = 40});
  layer("depthwise", {.out_channels = 40, .kernel = 3, .groups = 40});
  layer("dense", {.out_channels = 24, .kernel = 3});
  layer("project", {.out_channels = 16});
  b.output("y", x);
  return bind_formula(b.take());
}

/// Which values of the result are numbers, with a pixel of the image that is none.
std::vector<bool> numbers_of(const graph::BoundGraph& network, const CompileOptions& options, float pixel) {
  const Shape shape = {1, 3, 40, 40};
  const auto runner = Executable::compile(network, shape, options)->new_runner();
  const Tensor image = weights::formula_input(shape, "test");
  std::ranges::copy(image.data, runner->input().begin());
  runner->input()[20 * 40 + 20] = pixel;
  runner->run();
  std::vector<bool> is_number;
  for (const float v : runner->output(0)) is_number.push_back(!std::isnan(v));
  return is_number;
}

/// Winograd's transforms spread a NaN over the tile that reads it, so that more may be NaN than with plain loops, never
/// less.
TEST(SpecialValuesOfNetworks, ANaNPixelReachesAllThatReadsItByEveryKernelInEveryPrecision) {
  for (const ActivationKind kind : kAllActivations) {
    const graph::BoundGraph network = network_of(kind);
    CompileOptions reference;
    reference.engine = EngineKind::kReference;
    const std::vector<bool> expected = numbers_of(network, reference, kNaN);
    const auto reached = std::ranges::count(expected, false);
    EXPECT_GT(reached, 0);
    EXPECT_GT(std::ranges::count(expected, true), 0);
    std::vector<CompileOptions> all;
    for (const auto isa :
         {InstructionSet::kAuto, InstructionSet::kSse, InstructionSet::kAvx2, InstructionSet::kAvx512}) {
      if (!is_available(isa)) continue;
      for (const std::string wanted : {"own", "onednn", "auto"}) all.push_back(options_for(isa, 1, wanted));
    }
    for (const Bf16Set& set : bf16_sets()) {
      all.emplace_back();
      all.back().precision = Precision::kBf16;
      all.back().kernels.isa = set.held_to;
    }
    if (machine_capabilities().amx_bf16) all.push_back(options_for(InstructionSet::kAuto, 1, "own:split"));
    for (const CompileOptions& options : all) {
      for (const float pixel : {kNaN, -kNaN}) {
        const std::vector<bool> actual = numbers_of(network, options, pixel);
        for (size_t i = 0; i < expected.size(); ++i) {
          ASSERT_TRUE(expected[i] || !actual[i]) << to_string(kind) << " " << options.kernels.wanted << " "
                                                 << to_string(options.kernels.isa) << ": value " << i << " is a number";
        }
        EXPECT_LT(std::ranges::count(actual, false), static_cast<int64_t>(expected.size())) << "not all of them";
      }
    }
  }
}

/// The f32 vectors of int8 networks.
class SpecialValuesOfInt8 : public ::testing::TestWithParam<kernels::Int8Isa> {
 protected:
  void SetUp() override {
    if (!machine_capabilities().has(GetParam())) GTEST_SKIP() << "this processor lacks the instruction set";
  }
  const kernels::Int8Table& table() const { return kernels::int8_table(GetParam()); }
};

TEST_P(SpecialValuesOfInt8, EveryLayersActivation) {
  const int64_t padded = kernels::int8_padded(kCount);
  std::vector<float> bias(kSpecials, kSpecials + kCount);
  bias.resize(static_cast<size_t>(padded));
  const std::vector<float> scale(static_cast<size_t>(padded), 1.0F);
  const std::vector<int8_t> weights(static_cast<size_t>(padded * kernels::int8_row_size(kCount)), 1);
  const std::vector<int16_t> rounded(static_cast<size_t>(kernels::int8_row_size(kCount)));
  const float step = 1.0F;
  const int64_t lanes = kernels::lanes_of(GetParam());
  for (const ActivationKind kind : kAllActivations) {
    std::vector<float> y(static_cast<size_t>(padded), -99.0F);
    const kernels::Int8MatVec op = {weights.data(), scale.data(),      bias.data(), kCount,
                                    kCount,         function_of(kind), lanes};
    table().mat_vec(op, rounded.data(), &step, y.data(), padded, 1, 0, padded / kernels::kInt8Lanes);
    expect_values(y, kind, "mat_vec_int8");

    const std::vector<uint8_t> src(static_cast<size_t>(padded + kernels::kInt8Slack));
    const std::vector<int8_t> packed(static_cast<size_t>(table().packed_conv_size({padded, 1, padded})));
    const kernels::Int8Tile tile;
    const kernels::Int8Conv conv = {
        .weights = packed.data(),
        .tiles = &tile,
        .rows = 1,
        .row_bytes = padded,
        .row_pitch = padded,
        .position_pitch = padded,
        .out_blocks = padded / kernels::kInt8Lanes,
        .dst_pitch = lanes * 4,
        .dst_block_pitch = lanes * 4,
        .lanes = lanes,
        .f32_blocks = padded / lanes,
        .epilogue = {.to_f32 = true, .activation = function_of(kind), .scale = scale.data(), .bias = bias.data()}};
    table().conv(conv, src.data(), nullptr, reinterpret_cast<std::byte*>(y.data()), 0, 1);
    expect_values(y, kind, "conv_int8");
  }
}

TEST_P(SpecialValuesOfInt8, AVectorWithWhatIsNotFiniteMakesItsWholeRowNaN) {
  constexpr int64_t kInputs = 37;
  constexpr int64_t kPitch = kernels::int8_padded(kInputs);
  for (const float value : {kNaN, kInfinity, -kInfinity}) {
    for (const size_t at : {size_t{0}, size_t{15}, size_t{36}}) {
      std::vector<float> x(3 * kPitch, 1.0F);
      x[kPitch + at] = value;
      std::vector<int16_t> rounded(3 * kernels::int8_row_size(kInputs));
      std::vector<float> steps(3);
      table().round_rows(x.data(), kPitch, kInputs, 3, rounded.data(), steps.data());
      EXPECT_TRUE(std::isfinite(steps[0]));
      EXPECT_TRUE(std::isnan(steps[1])) << value << " at " << at;
      EXPECT_TRUE(std::isfinite(steps[2]));
    }
  }
}

TEST_P(SpecialValuesOfInt8, BytesHoldTheNearestNumberOfWhatLiesBeyond) {
  const std::vector<float> x = {kInfinity, -kInfinity, kLargest, -kLargest, 1e12F, -1e12F, kDenormal, 0.0F,
                                1.0F,      2.0F,       3.0F,     4.0F,      5.0F,  6.0F,   7.0F,      8.0F};
  const std::vector<float> inverse(16, 10.0F);
  const std::vector<float> zero(16, 100.0F);
  std::vector<uint8_t> bytes(16);
  const kernels::Int8Blocked map = {16, 1, kernels::lanes_of(GetParam())};
  table().quantize(map, x.data(), inverse.data(), zero.data(), bytes.data(), 0, 1);
  EXPECT_EQ(bytes, (std::vector<uint8_t>{255, 0, 255, 0, 255, 0, 100, 100, 110, 120, 130, 140, 150, 160, 170, 180}));
  std::vector<uint8_t> pixels(4 * 6);
  const kernels::Int8Image op = {.inverse_step = inverse.data(),
                                 .zero = zero.data(),
                                 .channels = 1,
                                 .src_h = 1,
                                 .src_w = 6,
                                 .dst_h = 1,
                                 .dst_w = 6};
  table().quantize_image(op, x.data(), pixels.data(), 0, 1);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(pixels[4 * i], i % 2 == 0 ? 255 : 0) << x[i];
}

TEST_P(SpecialValuesOfInt8, BytesAreThoseOfTheReference) {
  std::vector<float> bias;  // in steps of the result, around where activations bend and bytes end
  for (const float x : kSpecials) {
    if (!std::isnan(x)) bias.push_back(x);
  }
  for (const float x : {2147483520.0F, -2147483648.0F, 254.5F, 255.5F, -0.5F, 3.0F, -3.0F, 6.0F, 88.0F, -88.0F}) {
    bias.push_back(x);
  }
  const int64_t channels = kernels::int8_padded(static_cast<int64_t>(bias.size()));
  bias.resize(static_cast<size_t>(channels), 0.0F);
  const std::vector<float> ones(bias.size(), 1.0F);
  const std::vector<float> zero(bias.size(), 100.0F);
  const std::vector<uint8_t> src(static_cast<size_t>(channels + kernels::kInt8Slack));
  using Mode = kernels::Int8Epilogue::Mode;
  for (const ActivationKind kind : kAllActivations) {
    for (const Mode mode : {Mode::kLinear, Mode::kHardSwish, Mode::kOther}) {
      const kernels::Int8Epilogue op = {.mode = mode,
                                        .activation = function_of(kind),
                                        .scale = ones.data(),
                                        .bias = bias.data(),
                                        .unit = ones.data(),
                                        .zero = zero.data()};
      std::vector<uint8_t> bytes(src.size(), 77);
      std::vector<uint8_t> expected(src.size(), 77);
      table().map(op, src.data(), nullptr, bytes.data(), channels, 0, 1);
      kernels::int8_table(kernels::Int8Isa::kReference).map(op, src.data(), nullptr, expected.data(), channels, 0, 1);
      EXPECT_EQ(bytes, expected) << to_string(kind) << " " << static_cast<int>(mode);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllSets, SpecialValuesOfInt8, ::testing::ValuesIn(kInt8Sets), int8_set_name);

float to_float(kernels::Bf16 value) { return std::bit_cast<float>(static_cast<uint32_t>(value) << 16U); }

/// Of the kernels on maps in bf16.
class SpecialValuesOfBf16 : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!machine_capabilities().avx512_bf16) GTEST_SKIP() << "this processor has no AVX512-BF16";
  }

  /// With one column of tiles, and with a pair and one more.
  static constexpr int64_t kChannels[] = {kCount, 3 * kCount};

  static std::vector<float> specials(int64_t count) {
    std::vector<float> values;
    while (static_cast<int64_t>(values.size()) < count) values.insert(values.end(), kSpecials, kSpecials + kCount);
    return values;
  }

  static std::vector<ConvolutionProblem> bf16_problems(ActivationKind kind) {
    std::vector<ConvolutionProblem> all;
    for (const int64_t channels : kChannels) {
      for (ConvolutionProblem& problem : problems(kind, channels)) {
        if (problem.src_format == kBlockedF32) problem.src_format = kChannelsLastBf16;
        problem.dst_format = kChannelsLastBf16;
        problem.machine = machine_capabilities();
        all.push_back(std::move(problem));
      }
    }
    return all;
  }

  static ConvolutionKernels kernels_of(const ConvolutionProblem& problem) {
    return bf16_convolution_kernels(problem, kernels::kernel_table(problem.machine.isa));
  }

  /// The result [position, channel] for a source of `x` everywhere.
  static std::vector<float> run(const ConvolutionKernel& kernel, const ConvolutionProblem& problem, float x,
                                float weight, const std::vector<float>& bias) {
    const AlignedBuffer packed(kernel.packed_bytes());
    const AlignedBuffer scratch(kernel.scratch_bytes(1));
    const AlignedBuffer src(stored_bytes(problem.src, problem.src_format, kernel.lanes()));
    const AlignedBuffer dst(stored_bytes(problem.dst, problem.dst_format, kernel.lanes()));
    const int64_t channels = problem.src[1];
    for (int64_t p = 0; p < problem.src.elements() / channels; ++p) {
      for (int64_t c = 0; c < channels; ++c) {
        if (problem.src_format == kPlanarF32) {
          reinterpret_cast<float*>(src.data())[p * channels + c] = x;
        } else {
          reinterpret_cast<kernels::Bf16*>(src.data())[p * kernels::channel_pitch(channels) + c] =
              kernels::round_to_bf16(x);
        }
      }
    }
    const std::vector<float> weights(static_cast<size_t>(problem.weight_count()), weight);
    kernel.pack(weights, bias, packed.data());
    kernel.bind({.src = src.data(), .packed = packed.data(), .dst = dst.data(), .scratch = scratch.data()})->run();
    std::vector<float> result;
    for (int64_t p = 0; p < problem.dst.elements() / problem.dst[1]; ++p) {
      const auto* position =
          reinterpret_cast<const kernels::Bf16*>(dst.data()) + p * kernels::channel_pitch(problem.dst[1]);
      for (int64_t c = 0; c < problem.dst[1]; ++c) result.push_back(to_float(position[c]));
    }
    return result;
  }

  static void expect_rounded(const std::vector<float>& actual, ActivationKind kind, std::string_view path) {
    for (size_t i = 0; i < actual.size(); ++i) {
      const float x = kSpecials[i % kCount];
      const float expected = to_float(kernels::round_to_bf16(expected_of(kind, x)));
      const bool is_same = actual[i] == expected || (std::isnan(actual[i]) && std::isnan(expected)) ||
                           std::abs(actual[i] - expected) <= 1e-6F + std::abs(expected) / 128.0F;
      EXPECT_TRUE(is_same) << path << ": " << to_string(kind) << "(" << x << ") is " << actual[i] << ", expected "
                           << expected;
    }
  }
};

TEST_F(SpecialValuesOfBf16, EveryConvolutionsActivation) {
  size_t count = 0;
  for (const ActivationKind kind : kAllActivations) {
    for (const ConvolutionProblem& problem : bf16_problems(kind)) {
      std::vector<float> bias = specials(problem.dst[1]);
      bias.resize(static_cast<size_t>(problem.bias_count()));
      for (const auto& kernel : kernels_of(problem)) {
        SCOPED_TRACE(kernel->name() + " " + to_string(problem));
        expect_rounded(run(*kernel, problem, 0.0F, 0.0F, bias), kind, kernel->name());
        ++count;
      }
    }
  }
  EXPECT_GT(count, 0U);
}

TEST_F(SpecialValuesOfBf16, NaNOfTheSourceReachesEveryResult) {
  for (const ActivationKind kind : kAllActivations) {
    for (const ConvolutionProblem& problem : bf16_problems(kind)) {
      const std::vector<float> bias(static_cast<size_t>(problem.bias_count()), 0.5F);
      for (const auto& kernel : kernels_of(problem)) {
        SCOPED_TRACE(kernel->name() + " " + to_string(problem));
        const std::vector<float> result = run(*kernel, problem, kNaN, 0.5F, bias);
        EXPECT_EQ(std::ranges::count_if(result, [](float v) { return !std::isnan(v); }), 0);
      }
    }
  }
}

TEST_F(SpecialValuesOfBf16, EveryMapsActivation) {
  for (const int64_t channels : kChannels) {
    const auto pitch = static_cast<size_t>(kernels::channel_pitch(channels));
    const std::vector<float> values = specials(channels);
    std::vector<kernels::Bf16> src(pitch);
    std::ranges::transform(values, src.begin(), kernels::round_to_bf16);
    const std::vector<kernels::Bf16> zeros(pitch);
    for (const ActivationKind kind : kAllActivations) {
      for (const kernels::Bf16* other : {static_cast<const kernels::Bf16*>(nullptr), zeros.data()}) {
        std::vector<kernels::Bf16> dst(pitch, kernels::round_to_bf16(-99.0F));
        kernels::map_bf16(src.data(), other, dst.data(), function_of(kind), channels, 0, 1);
        for (int64_t c = 0; c < channels; ++c) {
          // The numbers at the ends of f32's range have become others.
          const float expected = expected_of(kind, to_float(src[static_cast<size_t>(c)]));
          const float actual = to_float(dst[static_cast<size_t>(c)]);
          const bool is_same = actual == expected || (std::isnan(actual) && std::isnan(expected)) ||
                               std::abs(actual - expected) <= 1e-6F + std::abs(expected) / 128.0F;
          EXPECT_TRUE(is_same) << to_string(kind) << "(" << to_float(src[static_cast<size_t>(c)]) << ") is " << actual
                               << ", expected " << expected;
        }
        for (size_t c = static_cast<size_t>(channels); c < static_cast<size_t>(kernels::padded_channels(channels));
             ++c) {
          EXPECT_EQ(dst[c], 0) << "the tail is not zero";
        }
      }
    }
  }
}

TEST_F(SpecialValuesOfBf16, EveryLayersActivation) {
  std::vector<float> bias(kSpecials, kSpecials + kCount);
  const std::vector<float> x(16, 0.0F);
  const std::vector<float> weights(static_cast<size_t>(kCount * kCount), 1.0F);
  std::vector<kernels::Bf16> packed(static_cast<size_t>(kernels::packed_bf16_matrix(kCount, kCount)));
  kernels::pack_bf16_matrix(weights.data(), kCount, kCount, packed.data());
  for (const ActivationKind kind : kAllActivations) {
    std::vector<float> y(16, -99.0F);
    const kernels::Bf16MatVec op = {packed.data(), bias.data(), kCount, kCount, function_of(kind)};
    kernels::mat_vec_bf16(op, x.data(), 16, y.data(), 16, 1, 0, 1);
    expect_values(y, kind, "mat_vec_bf16");
  }
}

}  // namespace
}  // namespace zoo::engine
