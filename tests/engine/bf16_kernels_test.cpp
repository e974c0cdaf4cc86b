// The kernels of bf16 networks against plain loops.
#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nn/engine/kernels/bf16/bf16.h"
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
    if (!machine_capabilities().amx_bf16) GTEST_SKIP() << "this processor has no AMX";
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
    if (!machine_capabilities().amx_bf16) GTEST_SKIP() << "this processor has no AMX";
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

TEST(Bf16MatVec, EqualsTheDotProductsForAnyNumberOfRowsAndBlocks) {
  if (!machine_capabilities().amx_bf16) GTEST_SKIP() << "this processor has no AMX";
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
