// The kernels of bf16 networks against plain loops.
#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/machine/aligned_buffer.h"
#include "nn/engine/machine/capabilities.h"

namespace zoo::engine::kernels {
namespace {

/// To nearest even, as the hardware does.
Bf16 to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<Bf16>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

float to_float(Bf16 value) { return std::bit_cast<float>(static_cast<uint32_t>(value) << 16); }

struct MapCase {
  int64_t images;
  int64_t channels;
  int64_t area;
};

class Bf16Relayout : public ::testing::TestWithParam<MapCase> {
 protected:
  void SetUp() override {
    if (!machine_capabilities().avx512_bf16) GTEST_SKIP() << "this processor has no AVX512-BF16";
  }
};

TEST_P(Bf16Relayout, RoundsToChannelsLastAndBack) {
  const auto& [images, channels, area] = GetParam();
  const int64_t blocks = (channels + 15) / 16;
  const int64_t row = channel_pitch(channels);
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> blocked(static_cast<size_t>(images * blocks * area * 16));
  for (size_t i = 0; i < blocked.size(); ++i) {
    const auto block = static_cast<int64_t>(i) / (area * 16) % blocks;
    const bool tail = block * 16 + static_cast<int64_t>(i) % 16 >= channels;
    blocked[i] = tail ? 0.0F : normal(random);
  }
  constexpr Bf16 kUnwritten = 0x7FC0;
  std::vector<Bf16> rows(static_cast<size_t>(images * area * row), kUnwritten);
  blocked_to_bf16(blocked.data(), rows.data(), channels, area, 0, images);
  for (int64_t i = 0; i < images * area * row; ++i) {
    const int64_t channel = i % row;
    const int64_t position = i / row;
    if (channel >= padded_channels(channels)) {
      ASSERT_EQ(rows[static_cast<size_t>(i)], kUnwritten) << "between positions " << position << " and the next";
      continue;
    }
    float expected = 0.0F;
    if (channel < channels) {
      const int64_t block = position / area * blocks + channel / 16;
      expected = blocked[static_cast<size_t>((block * area + position % area) * 16 + channel % 16)];
    }
    ASSERT_EQ(rows[static_cast<size_t>(i)], to_bf16(expected)) << "position " << position << ", channel " << channel;
  }

  std::vector<float> back(blocked.size(), -99.0F);
  bf16_to_blocked(rows.data(), back.data(), channels, area, 0, images);
  for (size_t i = 0; i < back.size(); ++i) ASSERT_EQ(back[i], to_float(to_bf16(blocked[i]))) << i;
}

INSTANTIATE_TEST_SUITE_P(Table, Bf16Relayout,
                         ::testing::Values(MapCase{1, 16, 9}, MapCase{2, 3, 5}, MapCase{2, 17, 7}, MapCase{3, 40, 4},
                                           MapCase{1, 72, 1}, MapCase{2, 96, 3}, MapCase{1, 112, 6}, MapCase{2, 250, 3},
                                           MapCase{1, 640, 2}),
                         [](const auto& c) {
                           return std::to_string(c.param.images) + "x" + std::to_string(c.param.channels) + "x" +
                                  std::to_string(c.param.area);
                         });

class Bf16Unfold : public ::testing::TestWithParam<UnfoldImage> {
 protected:
  void SetUp() override {
    if (!machine_capabilities().avx512_bf16) GTEST_SKIP() << "this processor has no AVX512-BF16";
  }
};

TEST_P(Bf16Unfold, PutsAllThatAPositionReadsIntoItsRow) {
  const UnfoldImage& op = GetParam();
  constexpr int64_t kImages = 2;
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<float> images(static_cast<size_t>(kImages * 3 * op.h * op.w));
  for (float& value : images) value = normal(random);
  // The value that a position's row has at [row, column, channel]; zero outside of the image and behind the 27.
  const auto expected = [&](int64_t image, int64_t y, int64_t x, int64_t k) {
    const int64_t row = y * op.stride_h - op.pad_top + k / 9;
    const int64_t column = x * op.stride_w - op.pad_left + k / 3 % 3;
    if (k >= 27 || row < 0 || row >= op.h || column < 0 || column >= op.w) return Bf16{0};
    return to_bf16(images[static_cast<size_t>(((image * 3 + k % 3) * op.h + row) * op.w + column)]);
  };
  constexpr Bf16 kUnwritten = 0x7FC0;
  std::vector<Bf16> rows(static_cast<size_t>(kImages * op.dst_h * op.dst_w * kTileDepth), kUnwritten);
  // In two calls, as two threads do.
  unfold_image(op, images.data(), rows.data() + op.dst_h * op.dst_w * kTileDepth, op.dst_h, kImages * op.dst_h);
  unfold_image(op, images.data(), rows.data(), 0, op.dst_h);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto k = static_cast<int64_t>(i) % kTileDepth;
    const auto position = static_cast<int64_t>(i) / kTileDepth;
    const int64_t x = position % op.dst_w;
    const int64_t y = position / op.dst_w;
    ASSERT_EQ(rows[i], expected(y / op.dst_h, y % op.dst_h, x, k)) << "row " << y << ", position " << x << ", " << k;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, Bf16Unfold,
    ::testing::Values(
        UnfoldImage{
            .h = 9, .w = 16, .dst_h = 9, .dst_w = 16, .stride_h = 1, .stride_w = 1, .pad_top = 1, .pad_left = 1},
        UnfoldImage{.h = 37, .w = 51, .dst_h = 19, .dst_w = 26, .pad_top = 1, .pad_left = 1},
        UnfoldImage{.h = 9, .w = 1150, .dst_h = 4, .dst_w = 574},
        UnfoldImage{.h = 1, .w = 1, .dst_h = 1, .dst_w = 1, .pad_top = 1, .pad_left = 1},
        UnfoldImage{.h = 4, .w = 700, .dst_h = 1, .dst_w = 3, .stride_h = 300, .stride_w = 300, .pad_left = 1}),
    [](const auto& c) { return "case" + std::to_string(c.index); });

/// A dense convolution of maps that have their padding already.
struct DenseCase {
  int64_t images, channels, dst_h, dst_w, out_channels;
  int64_t kernel = 1;
  int64_t stride = 1;
  bool has_residual = false;
  ActivationKind activation = ActivationKind::kRelu;
  bool joins_runs = false;  ///< all positions as one run
};

class Bf16Dense : public ::testing::TestWithParam<std::tuple<Bf16Isa, DenseCase>> {
 protected:
  void SetUp() override {
    if (!machine_capabilities().has(std::get<0>(GetParam()))) GTEST_SKIP() << "this processor lacks the set";
  }

  /// Small whole numbers, with which every sum is exact, so that each kernel must yield the same bits.
  float whole_number(int most) { return static_cast<float>(std::uniform_int_distribution<int>(-most, most)(random_)); }

  /// [positions, channel_pitch]: zeros behind the channels, NaN between positions.
  AlignedBuffer map_of(int64_t positions, int64_t channels) {
    AlignedBuffer map(static_cast<size_t>(positions * channel_pitch(channels)) * sizeof(Bf16));
    for (int64_t i = 0; i < positions * channel_pitch(channels); ++i) {
      const int64_t channel = i % channel_pitch(channels);
      values_of(map)[i] = channel < channels                    ? to_bf16(whole_number(3))
                          : channel < padded_channels(channels) ? Bf16{0}
                                                                : kUnwritten;
    }
    return map;
  }

  static Bf16* values_of(const AlignedBuffer& map) { return reinterpret_cast<Bf16*>(map.data()); }

  static constexpr Bf16 kUnwritten = 0x7FC0;

  std::mt19937 random_{11};
};

TEST_P(Bf16Dense, EqualsExactSumsHoweverTheWorkIsCut) {
  const auto& [isa, c] = GetParam();
  const int64_t taps = c.kernel * c.kernel;
  const int64_t src_h = (c.dst_h - 1) * c.stride + c.kernel;
  const int64_t src_w = (c.dst_w - 1) * c.stride + c.kernel;
  const int64_t pixel = channel_pitch(c.channels);
  const AlignedBuffer src = map_of(c.images * src_h * src_w, c.channels);
  const int64_t dst_row = channel_pitch(c.out_channels);
  const int64_t positions = c.images * c.dst_h * c.dst_w;
  const AlignedBuffer residual = map_of(positions, c.out_channels);

  std::vector<float> weights(static_cast<size_t>(c.out_channels * taps * c.channels));
  for (float& weight : weights) weight = whole_number(2);
  std::vector<float> bias(static_cast<size_t>(channel_pairs(c.out_channels) * 2 * kChannelStep));
  for (int64_t o = 0; o < c.out_channels; ++o) bias[static_cast<size_t>(o)] = whole_number(50);
  std::vector<int64_t> offsets;
  for (int64_t tap = 0; tap < taps; ++tap) offsets.push_back((tap / c.kernel * src_w + tap % c.kernel) * pixel);
  TileConv conv;
  conv.depth = std::min(padded_channels(c.channels), kTileDepth);
  conv.depth_blocks = padded_channels(c.channels) / conv.depth;
  const auto packed_values = static_cast<size_t>(packed_tile_weights(c.out_channels, taps, conv.depth_blocks));
  AlignedBuffer packed(packed_values * sizeof(Bf16));
  std::fill_n(packed.data(), packed.size(), std::byte{0});
  pack_tile_weights(weights.data(), c.out_channels, taps, c.channels, conv.depth_blocks, values_of(packed));
  conv.weights = values_of(packed);
  conv.bias = bias.data();
  conv.out_channels = c.out_channels;
  conv.dst_row = dst_row;
  conv.taps = taps;
  conv.tap_offsets = offsets.data();
  conv.position_stride = c.stride * pixel;
  conv.run_length = c.joins_runs ? positions : c.dst_w;
  conv.runs = c.joins_runs ? 1 : c.dst_h;
  conv.run_stride = c.stride * src_w * pixel;
  conv.dst_run = conv.run_length;
  conv.images = c.joins_runs ? 1 : c.images;
  conv.image_stride = src_h * src_w * pixel;
  conv.activation = {c.activation, 0.25F};

  const Bf16Table& table = bf16_table(isa);
  const int64_t items = table.conv_items(conv);
  const AlignedBuffer whole(static_cast<size_t>(positions * dst_row) * sizeof(Bf16));
  const AlignedBuffer cut(whole.size());
  for (const AlignedBuffer* dst : {&whole, &cut}) std::fill_n(values_of(*dst), positions * dst_row, kUnwritten);
  const Bf16* const added = c.has_residual ? values_of(residual) : nullptr;
  table.conv(conv, values_of(src), added, values_of(whole), 0, items);
  for (int64_t item = items; item-- > 0;) table.conv(conv, values_of(src), added, values_of(cut), item, item + 1);

  for (int64_t position = 0; position < positions; ++position) {
    const int64_t image = position / (c.dst_h * c.dst_w);
    const int64_t y = position / c.dst_w % c.dst_h * c.stride;
    const int64_t x = position % c.dst_w * c.stride;
    const Bf16* const corner = values_of(src) + ((image * src_h + y) * src_w + x) * pixel;
    for (int64_t o = 0; o < dst_row; ++o) {
      const int64_t at = position * dst_row + o;
      float expected = 0.0F;
      if (o < c.out_channels) {
        expected = bias[static_cast<size_t>(o)] + (c.has_residual ? to_float(added[at]) : 0.0F);
        for (int64_t tap = 0; tap < taps; ++tap) {
          for (int64_t k = 0; k < c.channels; ++k) {
            expected += to_float(corner[offsets[static_cast<size_t>(tap)] + k]) *
                        weights[static_cast<size_t>((o * taps + tap) * c.channels + k)];
          }
        }
        if (expected < 0.0F) expected *= c.activation == ActivationKind::kLeakyRelu ? 0.25F : 0.0F;
      }
      const Bf16 bits = o < padded_channels(c.out_channels) ? to_bf16(expected + 0.0F) : kUnwritten;
      ASSERT_EQ(values_of(whole)[at], bits) << "position " << position << ", output " << o;
      ASSERT_EQ(values_of(cut)[at], bits) << "position " << position << ", output " << o << ", cut into items";
    }
  }
}

constexpr auto kLeaky = ActivationKind::kLeakyRelu;

INSTANTIATE_TEST_SUITE_P(
    Table, Bf16Dense,
    ::testing::Combine(::testing::Values(Bf16Isa::kDot, Bf16Isa::kAmx),
                       ::testing::Values(
                           // Of one to fifteen positions.
                           DenseCase{1, 24, 1, 1, 5}, DenseCase{1, 16, 1, 2, 16}, DenseCase{2, 40, 1, 3, 17},
                           DenseCase{1, 40, 2, 4, 32}, DenseCase{1, 33, 2, 5, 48, 3}, DenseCase{1, 8, 3, 6, 40, 3},
                           DenseCase{2, 70, 3, 7, 65, 1, 1, true}, DenseCase{1, 64, 2, 8, 96, 1, 1, false, kLeaky},
                           DenseCase{1, 20, 2, 9, 33, 5, 2}, DenseCase{1, 130, 1, 10, 20},
                           DenseCase{1, 48, 2, 11, 40, 3, 2, true}, DenseCase{1, 32, 1, 12, 31},
                           DenseCase{1, 96, 2, 13, 16}, DenseCase{1, 17, 2, 14, 64, 3},
                           DenseCase{1, 24, 2, 15, 24, 3, 1, true, kLeaky},
                           // Depth in several blocks: more inputs than a block of weights, many taps; positions with
                           // room between them.
                           DenseCase{1, 640, 9, 7, 70, 1, 1, true, kLeaky, true},
                           DenseCase{1, 256, 4, 29, 40, 1, 1, false, kLeaky, true},
                           DenseCase{1, 72, 5, 16, 50, 3, 1, true}, DenseCase{2, 320, 7, 7, 33, 3, 1, false, kLeaky},
                           // So many positions that they are shared between threads, of one run and of many.
                           DenseCase{3, 16, 20, 13, 72, 1, 1, true, kLeaky, true}, DenseCase{2, 24, 23, 17, 40, 3, 2},
                           DenseCase{1, 384, 30, 22, 40, 1, 1, false, kLeaky, true})),
    [](const auto& c) { return std::string(to_string(std::get<0>(c.param))) + "_case" + std::to_string(c.index); });

TEST(Bf16MatVec, EqualsTheDotProductsForAnyNumberOfRowsAndBlocks) {
  if (!machine_capabilities().avx512_bf16) GTEST_SKIP() << "this processor has no AVX512-BF16";
  constexpr int64_t kInputs = 37;
  constexpr int64_t kInputRow = 48;
  constexpr int64_t kMostRows = 9;
  std::mt19937 random(8);
  std::uniform_int_distribution<int> eighths(-32, 32);  // bf16 holds them exactly
  const auto random_values = [&](int64_t count) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& v : values) v = static_cast<float>(eighths(random)) / 8.0F;
    return values;
  };
  for (const int64_t outputs : {5, 16, 40, 64, 113}) {
    const int64_t dst_row = (outputs + 15) / 16 * 16;
    const std::vector<float> weights = random_values(outputs * kInputs);
    std::vector<Bf16> packed(static_cast<size_t>(packed_bf16_matrix(outputs, kInputs)));
    pack_bf16_matrix(weights.data(), outputs, kInputs, packed.data());
    std::vector<float> bias = random_values(outputs);
    bias.resize(static_cast<size_t>(dst_row));
    const Bf16MatVec op = {packed.data(), bias.data(), kInputs, outputs, {ActivationKind::kRelu, 0.0F}};
    const std::vector<float> x = random_values(kMostRows * kInputRow);
    for (const int64_t rows : {1, 3, 4, 9}) {
      std::vector<float> y(static_cast<size_t>(rows * dst_row), -99.0F);
      mat_vec_bf16(op, x.data(), kInputRow, y.data(), dst_row, rows, 0, dst_row / 16);
      for (int64_t i = 0; i < rows * dst_row; ++i) {
        const int64_t output = i % dst_row;
        float sum = output < outputs ? bias[static_cast<size_t>(output)] : 0.0F;
        for (int64_t k = 0; output < outputs && k < kInputs; ++k) {
          sum +=
              weights[static_cast<size_t>(output * kInputs + k)] * x[static_cast<size_t>(i / dst_row * kInputRow + k)];
        }
        ASSERT_EQ(y[static_cast<size_t>(i)], std::max(sum, 0.0F)) << outputs << " outputs, row " << i / dst_row;
      }
    }
  }
}

TEST(PaddedChannels, AreHalfACacheLineOrWholeOnes) {
  EXPECT_EQ(padded_channels(1), 16);
  EXPECT_EQ(padded_channels(16), 16);
  EXPECT_EQ(padded_channels(17), 32);
  EXPECT_EQ(padded_channels(32), 32);
  EXPECT_EQ(padded_channels(72), 96);
}

TEST(ChannelPitch, IsNoMultipleOfManyLines) {
  for (const int64_t channels : {1, 16, 17, 72, 128, 192, 224, 288, 320, 480, 960}) {
    EXPECT_EQ(channel_pitch(channels), padded_channels(channels)) << channels;
  }
  EXPECT_EQ(channel_pitch(250), 256 + 32);
  EXPECT_EQ(channel_pitch(640), 640 + 32);
  EXPECT_EQ(channel_pitch(1024), 1024 + 32);
}

}  // namespace
}  // namespace zoo::engine::kernels
