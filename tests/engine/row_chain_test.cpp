// Convolutions that run some rows at a time: the rows themselves, and networks in which they yield the same bits as one
// after the other.
#include "nn/engine/plan/row_chain.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/engine/machine/aligned_buffer.h"
#include "nn/engine/machine/parallel.h"
#include "tests/engine/bf16_sets.h"
#include "tests/engine/formula_calibration.h"
#include "tests/engine/network_fixture.h"
#include "tests/support/temp_folder.h"

namespace zoo::engine {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

/// A convolution of rows of bytes: the sum of `kernel` rows, each as if moved by its padding to the left and right.
struct SumRows {
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t pad_top = 0;
  int64_t pad_bottom = 0;
  size_t left = 0;
  size_t right = 0;

  int64_t dst_h(int64_t src_h) const { return (pad_top + src_h + pad_bottom - kernel) / stride + 1; }

  void row(const uint8_t* src, size_t src_pitch, uint8_t* dst, size_t width) const {
    for (size_t x = 0; x < width; ++x) {
      unsigned sum = 0;
      for (int64_t k = 0; k < kernel; ++k) {
        const uint8_t* values = src + static_cast<size_t>(k) * src_pitch;
        sum += values[x] + 3U * values[x + left + right];
      }
      dst[x] = static_cast<uint8_t>(sum);
    }
  }
};

constexpr uint8_t kPadding = 7;

using Rows = std::vector<std::vector<uint8_t>>;

Rows made_up_rows(int64_t count, size_t width) {
  Rows rows(static_cast<size_t>(count), std::vector<uint8_t>(width));
  for (size_t y = 0; y < rows.size(); ++y) {
    for (size_t x = 0; x < width; ++x) rows[y][x] = static_cast<uint8_t>(y * 31 + x * 7 + x / 250);
  }
  return rows;
}

/// All of it at once.
Rows expected_rows(Rows rows, const std::vector<SumRows>& stages, size_t width) {
  for (const SumRows& stage : stages) {
    const size_t pitch = stage.left + width + stage.right;
    const auto height = static_cast<int64_t>(rows.size());
    std::vector<uint8_t> padded(static_cast<size_t>(stage.pad_top + height + stage.pad_bottom) * pitch, kPadding);
    for (size_t y = 0; y < rows.size(); ++y) {
      std::ranges::copy(rows[y], padded.begin() + static_cast<std::ptrdiff_t>(
                                                      (y + static_cast<size_t>(stage.pad_top)) * pitch + stage.left));
    }
    Rows result(static_cast<size_t>(stage.dst_h(height)), std::vector<uint8_t>(width));
    for (size_t y = 0; y < result.size(); ++y) {
      stage.row(padded.data() + y * static_cast<size_t>(stage.stride) * pitch, pitch, result[y].data(), width);
    }
    rows = std::move(result);
  }
  return rows;
}

class RowChainOfBytes : public ::testing::TestWithParam<std::vector<SumRows>> {
 protected:
  /// The rows that a chain of these stages yields of `images` copies of `rows`.
  static std::vector<uint8_t> run(const std::vector<SumRows>& stages, const Rows& rows, size_t width, int threads,
                                  int64_t images) {
    std::vector<RowStage> bound;
    auto height = static_cast<int64_t>(rows.size());
    for (size_t i = 0; i < stages.size(); ++i) {
      const SumRows stage = stages[i];
      const size_t pitch = stage.left + width + stage.right;
      const size_t dst_pitch = i + 1 < stages.size() ? stages[i + 1].left + width + stages[i + 1].right : width;
      bound.push_back(
          {.kernel = stage.kernel,
           .stride = stage.stride,
           .src_h = height,
           .pad_top = stage.pad_top,
           .row_bytes = pitch,
           .left_bytes = stage.left,
           .map_bytes = width,
           .padding = std::byte{kPadding},
           .compute = [=](const std::byte* src, std::byte* dst, int64_t begin, int64_t end) {
             for (int64_t y = begin; y < end; ++y) {
               stage.row(
                   reinterpret_cast<const uint8_t*>(src) + static_cast<size_t>((y - begin) * stage.stride) * pitch,
                   pitch, reinterpret_cast<uint8_t*>(dst) + static_cast<size_t>(y - begin) * dst_pitch, width);
             }
           }});
      height = stage.dst_h(height);
    }
    const SumRows first = stages.front();
    const auto fill = [&](const std::byte* src, std::byte* padded, int64_t begin, int64_t end) {
      const size_t pitch = first.left + width + first.right;
      for (int64_t y = begin; y < end; ++y) {
        std::byte* row = padded + static_cast<size_t>(y - begin) * pitch;
        const int64_t from = y - first.pad_top;
        std::fill_n(row, pitch, std::byte{kPadding});
        if (from < 0 || from >= static_cast<int64_t>(rows.size())) continue;
        std::copy_n(src + static_cast<size_t>(from) * width, width, row + first.left);
      }
    };
    const auto count = static_cast<size_t>(images);
    const RowChain chain(bound, fill,
                         {.images = images,
                          .dst_h = height,
                          .dst_row_bytes = width,
                          .src_image_bytes = rows.size() * width,
                          .dst_image_bytes = static_cast<size_t>(height) * width},
                         threads);
    std::vector<uint8_t> src;
    for (size_t n = 0; n < count; ++n) {
      for (const auto& row : rows) src.insert(src.end(), row.begin(), row.end());
    }
    std::vector<uint8_t> dst(count * static_cast<size_t>(height) * width, 0xAA);
    const AlignedBuffer scratch(chain.scratch_bytes());
    std::fill_n(scratch.data(), chain.scratch_bytes(), std::byte{0x55});
    ThreadPool pool(threads);
    const PoolScope scope(&pool);
    chain.run(reinterpret_cast<const std::byte*>(src.data()), reinterpret_cast<std::byte*>(dst.data()), scratch.data());
    return dst;
  }
};

TEST_P(RowChainOfBytes, YieldsWhatTheStagesYieldOneAfterTheOther) {
  for (const size_t width : {size_t{5}, size_t{70'000}}) {  // all rows fit in the cache, or a few
    const Rows rows = made_up_rows(23, width);
    const Rows expected = expected_rows(rows, GetParam(), width);
    for (const int threads : {1, 3}) {
      const std::vector<uint8_t> actual = run(GetParam(), rows, width, threads, 2);
      ASSERT_EQ(actual.size(), 2 * expected.size() * width);
      for (size_t y = 0; y < 2 * expected.size(); ++y) {
        const auto first = actual.begin() + static_cast<std::ptrdiff_t>(y * width);
        ASSERT_TRUE(
            std::equal(first, first + static_cast<std::ptrdiff_t>(width), expected[y % expected.size()].begin()))
            << "row " << y << " of " << width << " bytes, " << threads << " threads";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, RowChainOfBytes,
    ::testing::Values(std::vector<SumRows>{{1, 1, 0, 0, 0, 0}, {1, 1, 0, 0, 0, 0}},
                      std::vector<SumRows>{{3, 2, 1, 1, 1, 1}, {3, 2, 1, 1, 2, 2}, {1, 1, 0, 0, 0, 0}},
                      std::vector<SumRows>{{3, 1, 1, 1, 1, 1}, {5, 1, 2, 2, 0, 3}, {3, 2, 0, 1, 1, 0}},
                      std::vector<SumRows>{{1, 2, 0, 0, 0, 0}, {7, 1, 3, 3, 3, 3}},
                      std::vector<SumRows>{{5, 1, 0, 0, 0, 0}, {2, 3, 1, 0, 4, 4}, {1, 1, 2, 2, 1, 1}}),
    [](const auto& c) { return "case" + std::to_string(c.index); });

struct Layer {
  int64_t out = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  ActivationKind kind = ActivationKind::kRelu;
  graph::PaddingMode padding = graph::PaddingMode::kExplicit;
  int64_t dilation = 1;
};

struct ChainCase {
  Shape image;
  std::vector<Layer> layers;
};

/// Hands out every map as "layerN" and the last one as "y".
graph::BoundGraph network_of(const ChainCase& c) {
  graph::GraphBuilder builder(c.image[1]);
  graph::NodeId node = builder.input();
  for (size_t i = 0; i < c.layers.size(); ++i) {
    const Layer& layer = c.layers[i];
    const std::string name = "layer" + std::to_string(i);
    graph::ConvOptions options;
    options.out_channels = layer.out;
    options.kernel = layer.kernel;
    options.stride = layer.stride;
    options.dilation = layer.dilation;
    options.padding = layer.padding;
    options.bias = true;
    node = builder.conv(node, name, options);
    node = builder.activation(node, name + ".act", layer.kind);
    if (i + 1 < c.layers.size()) builder.output(name, node);
  }
  // The last map, too, is stored in the network's precision: it is no output, and no step does more than it alone.
  builder.output("y",
                 builder.add(builder.conv(node, "last", {.out_channels = 8, .kernel = 3, .groups = 8}), node, "sum"));
  return rounded_weights(builder.take());
}

class RowChainNetwork : public ::testing::TestWithParam<ChainCase> {
 protected:
  /// Layers whose values are handed out are steps of their own; `kernel` is asked for where they are not.
  static void expect_same_bits(CompileOptions options, const std::string& kernel) {
    const graph::BoundGraph network = network_of(GetParam());
    const Shape& image = GetParam().image;
    options.outputs = {};
    EXPECT_THAT(implementations(network, image, options), Not(Contains(HasSubstr(kernel))));
    const std::vector<float> expected = run_network(network, image, options).back();
    options.outputs = {"y"};
    options.kernels.wanted = kernel;
    for (const int threads : {1, 2, 3}) {
      options.tuned_threads = threads;
      if (image[0] < threads || threads == 1) {
        EXPECT_THAT(implementations(network, image, options), Contains(HasSubstr(kernel)));
      }
      EXPECT_EQ(run_network(network, image, options).at(0), expected) << threads << " threads";
    }
  }

  static void expect_same_bits_in_bf16() {
    for (const Bf16Set& set : bf16_sets()) {
      CompileOptions options;
      options.precision = Precision::kBf16;
      options.kernels.isa = set.held_to;
      // Rows are computed by the first kernels; others add up in another order.
      options.kernels.timing = KernelTiming::kKnownOnly;
      options.kernels.cache = "";
      expect_same_bits(options, set.prefix + "rows");
    }
  }
};

TEST_P(RowChainNetwork, YieldsTheSameBitsInBf16) {
  if (!why_unavailable(Precision::kBf16).empty()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  expect_same_bits_in_bf16();
}

TEST_P(RowChainNetwork, YieldsTheSameBitsInInt8) {
  if (!why_unavailable(Precision::kInt8).empty()) GTEST_SKIP() << why_unavailable(Precision::kInt8);
  CompileOptions options;
  options.precision = Precision::kInt8;
  options.calibration = calibration_of(network_of(GetParam()), GetParam().image);
  expect_same_bits(options, "own:rows_int8");
}

constexpr auto kSwish = ActivationKind::kHardSwish;
constexpr auto kSigmoid = ActivationKind::kSigmoid;
constexpr auto kSame = graph::PaddingMode::kSame;

INSTANTIATE_TEST_SUITE_P(
    Table, RowChainNetwork,
    ::testing::Values(
        // The beginning of MobileNetV4: from the image.
        ChainCase{{1, 3, 258, 260}, {{32, 3, 2}, {48, 3, 2}, {8, 1, 1, ActivationKind::kIdentity}}},
        ChainCase{{2, 3, 259, 131}, {{24, 3, 2, kSwish}, {20, 3, 1, kSigmoid}, {8, 1, 1}}},
        ChainCase{{1, 1, 180, 200}, {{16, 3, 2, kSwish, kSame}, {32, 3, 1, kSigmoid, kSame}, {8, 3, 2, kSwish, kSame}}},
        // From maps.
        ChainCase{{1, 20, 97, 90}, {{40, 1, 1, kSigmoid}, {16, 3, 1}, {24, 1, 2}, {8, 1, 1}}},
        ChainCase{{3, 16, 70, 65}, {{32, 5, 1}, {32, 5, 1}, {8, 3, 2, kSwish}}},
        // More than one step holds.
        ChainCase{{1, 8, 96, 96},
                  {{16, 1}, {16, 3}, {16, 1}, {16, 3}, {16, 1}, {16, 3}, {16, 1}, {16, 3}, {16, 1}, {8, 3}}}),
    [](const auto& c) { return "case" + std::to_string(c.index); });

class DilatedRowChain : public RowChainNetwork {};

/// In int8 networks dilated convolutions run in f32.
TEST_P(DilatedRowChain, YieldsTheSameBitsInBf16) {
  if (!why_unavailable(Precision::kBf16).empty()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  expect_same_bits_in_bf16();
}

INSTANTIATE_TEST_SUITE_P(Table, DilatedRowChain,
                         ::testing::Values(ChainCase{
                             {1, 12, 80, 80}, {{32, 3, 1, kSwish, graph::PaddingMode::kExplicit, 2}, {8, 3, 1}}}),
                         [](const auto& c) { return "case" + std::to_string(c.index); });

/// Rows are a candidate as any other. A machine that has neither precision has no rows.
class RowChainChoice : public ::testing::Test {
 protected:
  /// Of three convolutions, of which the maps between are of that size.
  static std::vector<std::string> steps(Precision precision, int64_t size, const KernelOptions& kernels) {
    graph::GraphBuilder builder(3);
    graph::NodeId node = builder.conv(builder.input(), "first", {.out_channels = 32, .kernel = 3});
    node = builder.conv(node, "second", {.out_channels = 32});
    node = builder.conv(node, "third", {.out_channels = 32});
    builder.output("y", builder.conv(node, "depthwise", {.out_channels = 32, .kernel = 3, .groups = 32}));
    const graph::BoundGraph network = rounded_weights(builder.take());
    const Shape image = {1, 3, size, size};
    CompileOptions options;
    options.precision = precision;
    if (precision == Precision::kInt8) options.calibration = calibration_of(network, image);
    options.kernels = kernels;
    std::vector<std::string> convolutions;
    for (const StepInfo& step : Executable::compile(network, image, options)->steps()) {
      if (step.op == "Conv2d" && step.node != "depthwise")
        convolutions.push_back(step.node + " " + step.implementation);
    }
    return convolutions;
  }

  static std::vector<Precision> precisions() {
    std::vector<Precision> available;
    for (const Precision precision : {Precision::kBf16, Precision::kInt8}) {
      if (why_unavailable(precision).empty()) available.push_back(precision);
    }
    return available;
  }
};

constexpr int64_t kLargeSize = 64;
/// Where rows usually do not pay, but might.
constexpr int64_t kMediumSize = 24;
constexpr int64_t kSmallSize = 6;

TEST_F(RowChainChoice, IsMadeBySizeWhereNothingMayBeMeasured) {
  const KernelOptions known_only = {.cache = "", .timing = KernelTiming::kKnownOnly};
  for (const Precision precision : precisions()) {
    EXPECT_THAT(steps(precision, kLargeSize, known_only), ElementsAre(HasSubstr("rows"))) << to_string(precision);
    EXPECT_THAT(steps(precision, kMediumSize, known_only), SizeIs(3)) << to_string(precision);
    EXPECT_THAT(steps(precision, kSmallSize, known_only), SizeIs(3)) << to_string(precision);
  }
}

TEST_F(RowChainChoice, CanBeForcedAndForbidden) {
  for (const Precision precision : precisions()) {
    EXPECT_THAT(steps(precision, kSmallSize, {.wanted = "rows", .cache = ""}), ElementsAre(HasSubstr("third own:")))
        << to_string(precision);
    const std::string apart = precision == Precision::kBf16 ? bf16_sets().front().prefix + "p" : "conv_int8";
    EXPECT_THAT(steps(precision, kLargeSize, {.wanted = apart, .cache = ""}), SizeIs(3)) << to_string(precision);
  }
}

/// What was measured decides, against what usually pays.
TEST_F(RowChainChoice, IsRemembered) {
  for (const Precision precision : precisions()) {
    const test::TempFolder folder;
    const KernelOptions options = {.cache = folder.path()};
    const std::vector<std::string> measured = steps(precision, kMediumSize, options);
    EXPECT_EQ(steps(precision, kMediumSize, options), measured);
    std::string text;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      std::ifstream file(entry.path());
      text.append(std::istreambuf_iterator<char>(file), {});
    }
    EXPECT_THAT(text, HasSubstr(precision == Precision::kBf16 ? bf16_sets().front().prefix + "rows" : "own:rows_int8"));
    EXPECT_THAT(text, HasSubstr(" + own:"));
  }
}

}  // namespace
}  // namespace zoo::engine
