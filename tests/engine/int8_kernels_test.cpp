// Every int8 kernel of every instruction set the machine has, against the plain loops, bit for bit.
#include <algorithm>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nn/engine/kernels/int8/int8.h"
#include "nn/engine/machine/capabilities.h"
#include "tests/engine/int8_sets.h"

namespace zoo::engine::kernels {
namespace {

using Mode = Int8Epilogue::Mode;

/// What the kernels are compared with; what no kernel may touch.
constexpr auto kUntouched = std::byte{0xAB};

constexpr auto kLine = std::align_val_t{64};

class RandomValues {
 public:
  explicit RandomValues(unsigned seed) : random_(seed) {}

  int64_t whole(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random_); }
  template <typename T>
  std::vector<T> wholes(int64_t count, int64_t low, int64_t high) {
    std::vector<T> values(static_cast<size_t>(count));
    for (T& value : values) value = static_cast<T>(whole(low, high));
    return values;
  }
  std::vector<float> reals(int64_t count, float low, float high) {
    std::uniform_real_distribution<float> uniform(low, high);
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = uniform(random_);
    return values;
  }
  /// A map with the slack that kernels may read.
  std::vector<uint8_t> map(int64_t count) { return wholes<uint8_t>(count + kInt8Slack, 0, 255); }

 private:
  std::mt19937 random_;
};

/// An epilogue and the arrays that it points to. Sums of `terms` products become results of all sizes.
struct EpilogueData {
  EpilogueData(RandomValues& random, int64_t channels, Mode mode, ActivationKind kind, int64_t terms)
      : scale(random.reals(channels, 0.2F, 1.0F)),
        bias(random.reals(channels, -40.0F, 160.0F)),
        unit(random.reals(channels, 0.01F, 0.05F)),
        zero(random.reals(channels, 0.0F, 60.0F)) {
    for (float& value : scale) value /= 64.0F * std::sqrt(static_cast<float>(terms));
    op = {.mode = mode,
          .to_f32 = false,
          .activation = {kind, 0.2F},
          .scale = scale.data(),
          .bias = bias.data(),
          .unit = unit.data(),
          .zero = zero.data(),
          .residual_scale = 0.7F,
          .low = 3,
          .high = 250};
  }
  std::vector<float> scale, bias, unit, zero;
  Int8Epilogue op;
};

struct EpilogueCase {
  Mode mode;
  ActivationKind kind;
};

constexpr EpilogueCase kEpilogues[] = {
    {Mode::kLinear, ActivationKind::kIdentity}, {Mode::kHardSwish, ActivationKind::kHardSwish},
    {Mode::kOther, ActivationKind::kGelu},      {Mode::kOther, ActivationKind::kSilu},
    {Mode::kOther, ActivationKind::kPrelu},     {Mode::kOther, ActivationKind::kHardSigmoid},
    {Mode::kOther, ActivationKind::kSigmoid},
};

class Int8Kernels : public ::testing::TestWithParam<Int8Isa> {
 protected:
  void SetUp() override {
    if (!machine_capabilities().has(GetParam())) GTEST_SKIP() << "this processor lacks the instruction set";
  }
  const Int8Table& table() const { return int8_table(GetParam()); }
  static const Int8Table& reference() { return int8_table(Int8Isa::kReference); }
};

struct ConvCase {
  int64_t in, out, kernel, stride, height, width, rows;
};

// rows: positions per tile; where they do not divide the width, the last tile of a row overlaps the one before it.
constexpr ConvCase kConvs[] = {
    {64, 32, 1, 1, 4, 8, 8},   {16, 16, 1, 1, 5, 5, 5},   {80, 48, 1, 1, 3, 17, 16}, {240, 16, 1, 1, 1, 16, 16},
    {16, 80, 1, 2, 6, 8, 4},   {32, 48, 3, 1, 5, 14, 7},  {32, 64, 3, 2, 9, 9, 4},   {4, 16, 3, 2, 11, 35, 16},
    {16, 16, 5, 1, 7, 11, 11}, {1504, 16, 3, 2, 5, 7, 3}, {8192, 16, 3, 1, 3, 4, 2}, {128, 96, 3, 1, 4, 5, 5},
    {960, 160, 1, 1, 1, 1, 1}, {48, 16, 2, 2, 8, 8, 4},
};

class Int8Convs : public Int8Kernels {
 protected:
  static std::vector<int8_t> pack(const Int8Table& with, const Int8ConvWeights& shape,
                                  const std::vector<int8_t>& weights) {
    std::vector<int8_t> packed(static_cast<size_t>(with.packed_conv_size(shape)));
    with.pack_conv(shape, weights.data(), packed.data());
    return packed;
  }

  void expect_equal(const ConvCase& c, const EpilogueCase& e, bool with_residual, bool to_f32) const {
    SCOPED_TRACE(testing::Message() << "in " << c.in << " out " << c.out << " kernel " << c.kernel << " stride "
                                    << c.stride << " size " << c.height << "x" << c.width << " rows " << c.rows
                                    << " activation " << to_string(e.kind) << " residual " << with_residual << " f32 "
                                    << to_f32);
    RandomValues random(7);
    const int64_t dst_h = (c.height - c.kernel) / c.stride + 1;
    const int64_t dst_w = (c.width - c.kernel) / c.stride + 1;
    const int64_t row_bytes = c.kernel * c.in;
    const std::vector<uint8_t> src = random.map(c.height * c.width * c.in);
    const std::vector<uint8_t> residual = random.map(dst_h * dst_w * c.out);
    const auto weights = random.wholes<int8_t>(c.out * c.kernel * row_bytes, -127, 127);
    const Int8ConvWeights shape = {c.out, c.kernel, row_bytes};
    const std::vector<int8_t> packed = pack(table(), shape, weights);
    const std::vector<int8_t> reference_packed = pack(reference(), shape, weights);
    EpilogueData epilogue(random, c.out, e.mode, e.kind, c.kernel * row_bytes);
    epilogue.op.to_f32 = to_f32;

    const int64_t element = to_f32 ? 4 : 1;
    const int64_t area = dst_h * dst_w;
    const int64_t lanes = lanes_of(GetParam());
    const int64_t dst_pitch = to_f32 ? lanes * element : c.out;
    // The last block of f32 may be a half one of kInt8Lanes.
    const int64_t f32_blocks = block_count(c.out - 5, lanes);
    const int64_t rows = std::min(c.rows, dst_w);
    std::vector<Int8Tile> tiles;
    for (int64_t y = 0; y < dst_h; ++y) {
      for (int64_t x = 0; x < dst_w; x += rows) {
        const int64_t first = std::min(x, dst_w - rows);
        const int64_t position = y * dst_w + first;
        tiles.push_back({(y * c.width + first) * c.stride * c.in, position * dst_pitch, position * c.out});
      }
    }
    const Int8Conv op = {.weights = packed.data(),
                         .tiles = tiles.data(),
                         .rows = rows,
                         .kernel_rows = c.kernel,
                         .row_bytes = row_bytes,
                         .row_pitch = c.width * c.in,
                         .position_pitch = c.stride * c.in,
                         .out_blocks = c.out / kInt8Lanes,
                         .dst_pitch = dst_pitch,
                         .dst_block_pitch = to_f32 ? area * lanes * element : kInt8Lanes,
                         .residual_pitch = c.out,
                         .lanes = lanes,
                         .f32_blocks = f32_blocks,
                         .epilogue = epilogue.op};
    std::vector<std::byte> actual(static_cast<size_t>(area * c.out * element), kUntouched);
    std::vector<std::byte> expected = actual;
    const uint8_t* added = with_residual ? residual.data() : nullptr;
    const auto count = static_cast<int64_t>(tiles.size());
    table().conv(op, src.data(), added, actual.data(), 0, count / 2);
    table().conv(op, src.data(), added, actual.data(), count / 2, count);
    Int8Conv by_loops = op;
    by_loops.weights = reference_packed.data();
    reference().conv(by_loops, src.data(), added, expected.data(), 0, count);
    EXPECT_TRUE(actual == expected);
  }
};

TEST_P(Int8Convs, EveryShape) {
  for (const ConvCase& c : kConvs) {
    for (const bool residual : {false, true}) {
      for (const bool to_f32 : {false, true}) expect_equal(c, kEpilogues[0], residual, to_f32);
    }
  }
}

TEST_P(Int8Convs, EveryActivation) {
  for (const EpilogueCase& e : kEpilogues) {
    for (const bool residual : {false, true}) {
      for (const bool to_f32 : {false, true}) expect_equal(kConvs[2], e, residual, to_f32);
    }
  }
}

TEST_P(Int8Kernels, DepthwiseEveryKernelStrideAndSize) {
  RandomValues random(8);
  for (const int64_t kernel : {3, 5, 7}) {
    for (const int64_t stride : {1, 2}) {
      for (const int64_t size : {1, 2, 3, 4, 5, 7, 12, 14, 23}) {
        for (const bool same : {false, true}) {
          // One block of channels, several, and a cache line's four with one or two left.
          constexpr int64_t kChannels[] = {48, 16, 96, 64, 80};
          const int64_t channels = kChannels[(size + (same ? 1 : 0)) % 5];
          SCOPED_TRACE(testing::Message() << kernel << " stride " << stride << " size " << size << " same " << same
                                          << " channels " << channels);
          const int64_t images = 2;
          const int64_t width = size + 2;
          // TensorFlow SAME: the odd pixel of padding is at the end.
          const int64_t pad = kernel / 2 - (same && stride == 2 ? 1 : 0);
          const auto weights = random.wholes<int8_t>(channels * kernel * kernel, -127, 127);
          std::vector<int8_t> packed(static_cast<size_t>(packed_int8_depthwise_size(channels, kernel, stride)));
          pack_int8_depthwise(weights.data(), channels, kernel, stride, packed.data());
          const auto zero = random.wholes<uint8_t>(channels, 0, 255);
          const EpilogueData epilogue(random, channels, size % 2 == 0 ? Mode::kLinear : Mode::kHardSwish,
                                      ActivationKind::kHardSwish, kernel * kernel);
          const Int8Depthwise op = {.weights = packed.data(),
                                    .zero = zero.data(),
                                    .channels = channels,
                                    .kernel = kernel,
                                    .stride = stride,
                                    .pad_top = pad,
                                    .pad_left = pad,
                                    .src_h = size,
                                    .src_w = width,
                                    .dst_h = (size - 1) / stride + 1,
                                    .dst_w = (width - 1) / stride + 1,
                                    .epilogue = epilogue.op};
          const std::vector<uint8_t> src = random.map(images * size * width * channels);
          const int64_t results = images * op.dst_h * op.dst_w * channels;
          std::vector<uint8_t> actual(static_cast<size_t>(results));
          std::vector<uint8_t> expected(static_cast<size_t>(results));
          std::vector<int32_t> sums(static_cast<size_t>(images * channels));
          std::vector<int32_t> expected_sums(static_cast<size_t>(images * channels));
          const auto bytes = static_cast<size_t>(int8_ring_bytes(op));
          struct Free {
            void operator()(std::byte* p) const { operator delete[](p, kLine); }
          };
          const std::unique_ptr<std::byte[], Free> ring(new (kLine) std::byte[bytes]);
          const int64_t items = images * channels / kInt8Lanes;
          const int64_t cut = items / 3;  // as between two threads
          table().depthwise(op, src.data(), actual.data(), sums.data(), ring.get(), 0, cut);
          table().depthwise(op, src.data(), actual.data(), sums.data(), ring.get(), cut, items);
          reference().depthwise(op, src.data(), expected.data(), expected_sums.data(), nullptr, 0, items);
          ASSERT_EQ(actual, expected);
          ASSERT_EQ(sums, expected_sums);
        }
      }
    }
  }
}

TEST_P(Int8Kernels, MatVecAndItsRounding) {
  RandomValues random(9);
  for (const int64_t inputs : {1, 16, 37, 960}) {
    for (const int64_t outputs : {8, 64, 1000}) {
      for (const int64_t rows : {1, 4, 6}) {
        SCOPED_TRACE(testing::Message() << inputs << " -> " << outputs << ", rows " << rows);
        const int64_t pitch = int8_padded(inputs);
        std::vector<float> x = random.reals(rows * pitch, -3.0F, 5.0F);
        std::fill_n(x.begin(), inputs, 0.0F);  // a row without anything
        const auto weights = random.wholes<int8_t>(outputs * inputs, -127, 127);
        std::vector<int8_t> packed(static_cast<size_t>(int8_padded(outputs) * int8_row_size(inputs)));
        pack_int8_matrix(weights.data(), outputs, inputs, packed.data());
        const int64_t padded = int8_padded(outputs);
        const std::vector<float> scale = random.reals(padded, 0.001F, 0.002F);
        const std::vector<float> bias = random.reals(padded, -3.0F, 3.0F);
        const Int8MatVec op = {
            packed.data(),       scale.data(), bias.data(), inputs, outputs, {ActivationKind::kHardSwish, 0.0F},
            lanes_of(GetParam())};
        struct Result {
          std::vector<int16_t> rounded;
          std::vector<float> steps, y;
          bool operator==(const Result&) const = default;
        };
        const auto run = [&](const Int8Table& with) {
          Result r{std::vector<int16_t>(static_cast<size_t>(rows * int8_row_size(inputs)), int16_t{-1}),
                   std::vector<float>(static_cast<size_t>(rows)),
                   std::vector<float>(static_cast<size_t>(rows * padded), -99.0F)};
          with.round_rows(x.data(), pitch, inputs, rows, r.rounded.data(), r.steps.data());
          with.mat_vec(op, r.rounded.data(), r.steps.data(), r.y.data(), padded, rows, 0, padded / kInt8Lanes);
          return r;
        };
        const Result actual = run(table());
        const Result expected = run(reference());
        EXPECT_EQ(actual.rounded, expected.rounded);
        EXPECT_EQ(actual.steps, expected.steps);
        EXPECT_EQ(actual.y, expected.y);
      }
    }
  }
}

TEST_P(Int8Kernels, MapsOfBytes) {
  RandomValues random(10);
  for (const int64_t channels : {16, 48, 112}) {
    const int64_t images = 3;
    const int64_t area = 7;
    const int64_t count = images * area * channels;
    const std::vector<uint8_t> a = random.map(count);
    const std::vector<uint8_t> b = random.map(count);
    const auto compare = [&](auto run) {
      std::vector<uint8_t> actual(static_cast<size_t>(count));
      std::vector<uint8_t> expected(static_cast<size_t>(count));
      run(table(), actual.data());
      run(reference(), expected.data());
      EXPECT_EQ(actual, expected);
    };
    const std::vector<float> factor = random.reals(images * channels, 0.0F, 2.0F);
    const std::vector<float> offset = random.reals(images * channels, -50.0F, 50.0F);
    compare([&](const Int8Table& with, uint8_t* dst) {
      with.rescale(a.data(), factor.data(), offset.data(), dst, area, channels, 0, images * area);
    });
    for (const EpilogueCase& e : kEpilogues) {
      const EpilogueData epilogue(random, channels, e.mode, e.kind, 1);
      compare([&](const Int8Table& with, uint8_t* dst) {
        with.map(epilogue.op, a.data(), b.data(), dst, channels, 0, images * area);
      });
      compare([&](const Int8Table& with, uint8_t* dst) {
        with.map(epilogue.op, a.data(), nullptr, dst, channels, 0, images * area);
      });
    }
    std::vector<int32_t> sums(static_cast<size_t>(images * channels));
    std::vector<int32_t> expected_sums(static_cast<size_t>(images * channels));
    table().sum_positions(a.data(), sums.data(), area, channels, 0, images);
    reference().sum_positions(a.data(), expected_sums.data(), area, channels, 0, images);
    EXPECT_EQ(sums, expected_sums);
  }
}

TEST_P(Int8Kernels, BetweenFloatsAndBytes) {
  RandomValues random(11);
  for (const int64_t channels : {3, 16, 40}) {
    const int64_t padded = int8_padded(channels);
    const int64_t lanes = lanes_of(GetParam());
    const int64_t blocks = 2 * padded / kInt8Lanes;
    const int64_t area = 9;
    const Int8Blocked map = {channels, area, lanes};
    const std::vector<float> src = random.reals(2 * map.blocks() * lanes * area, -5.0F, 5.0F);
    const std::vector<float> inverse = random.reals(padded, 10.0F, 80.0F);
    const std::vector<float> zero = random.reals(padded, 0.0F, 200.0F);
    std::vector<uint8_t> bytes(static_cast<size_t>(2 * padded * area));
    std::vector<uint8_t> expected_bytes = bytes;
    table().quantize(map, src.data(), inverse.data(), zero.data(), bytes.data(), 0, blocks);
    reference().quantize(map, src.data(), inverse.data(), zero.data(), expected_bytes.data(), 0, blocks);
    EXPECT_EQ(bytes, expected_bytes);
    std::vector<float> reals(src.size(), -99.0F);
    std::vector<float> expected_reals = reals;
    table().dequantize(map, bytes.data(), inverse.data(), zero.data(), reals.data(), 0, blocks);
    reference().dequantize(map, bytes.data(), inverse.data(), zero.data(), expected_reals.data(), 0, blocks);
    EXPECT_EQ(reals, expected_reals);
  }
}

TEST_P(Int8Kernels, ImagesWithABorder) {
  RandomValues random(12);
  for (const int64_t channels : {1, 3, 4}) {
    for (const int64_t width : {5, 16, 33}) {
      const int64_t height = 4;
      const std::vector<float> src = random.reals(2 * channels * height * width, -3.0F, 3.0F);
      const std::vector<float> inverse = random.reals(channels, 40.0F, 60.0F);
      const std::vector<float> zero = random.reals(channels, 100.0F, 140.0F);
      const Int8Image op = {.inverse_step = inverse.data(),
                            .zero = zero.data(),
                            .channels = channels,
                            .src_h = height,
                            .src_w = width,
                            .dst_h = height + 2,
                            .dst_w = width + 5,
                            .pad_top = 1,
                            .pad_left = 2};
      std::vector<uint8_t> actual(static_cast<size_t>(2 * op.dst_h * op.dst_w * 4), 99);
      std::vector<uint8_t> expected = actual;
      table().quantize_image(op, src.data(), actual.data(), 0, 2 * op.dst_h);
      reference().quantize_image(op, src.data(), expected.data(), 0, 2 * op.dst_h);
      EXPECT_EQ(actual, expected) << channels << " channels, " << width << " wide";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllSets, Int8Convs, ::testing::ValuesIn(kInt8VectorSets), int8_set_name);
INSTANTIATE_TEST_SUITE_P(AllSets, Int8Kernels, ::testing::ValuesIn(kInt8VectorSets), int8_set_name);

}  // namespace
}  // namespace zoo::engine::kernels
