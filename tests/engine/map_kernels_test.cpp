// Kernels that resample maps or mix their positions, for every instruction set the machine has, against plain loops.
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nn/engine/kernels/f32/kernels.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/reference/reference_ops.h"
#include "nn/graph/graph.h"
#include "tests/support/compare.h"

namespace zoo::engine::kernels {
namespace {

std::vector<float> random_values(const Shape& shape, unsigned seed, float range = 4.0F) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-range, range);
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (float& v : values) v = uniform(random);
  return values;
}

/// What writes beyond its own values, or leaves some out, shows.
constexpr float kUntouched = -99.0F;

class MapKernels : public ::testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!machine_capabilities().has(GetParam())) GTEST_SKIP() << "this processor lacks the instruction set";
  }

  const KernelTable& table() const { return kernel_table(GetParam()); }
  int64_t blocks(const Shape& shape) const { return shape[0] * block_count(shape[1], table().lanes); }

  std::vector<float> unwritten(const Shape& shape) const {
    return std::vector<float>(static_cast<size_t>(blocks(shape) * shape[2] * shape[3] * table().lanes), kUntouched);
  }
  std::vector<float> blocked(const std::vector<float>& planar, const Shape& shape) const {
    std::vector<float> result = unwritten(shape);
    table().to_blocked(planar.data(), result.data(), shape[1], shape[2] * shape[3], 0, blocks(shape));
    return result;
  }
  /// Row-major values; the lanes beyond the last channel must be zero.
  std::vector<float> planar(const std::vector<float>& source, const Shape& shape) const {
    std::vector<float> result(static_cast<size_t>(shape.elements()));
    table().to_planar(source.data(), result.data(), shape[1], shape[2] * shape[3], 0, blocks(shape));
    EXPECT_EQ(blocked(result, shape), source) << "the tail is not zero";
    return result;
  }

  static std::vector<float> expected(const graph::Op& op, const std::vector<reference::TensorView>& srcs,
                                     const Shape& dst) {
    std::vector<float> result(static_cast<size_t>(dst.elements()));
    reference::evaluate(op, srcs, {}, dst, result);
    return result;
  }

  /// Runs `attention` in `calls` parts, each with the scratch of its own call.
  std::vector<float> attend(const Attention& op, int64_t images, const std::vector<float>& query,
                            const std::vector<float>& key, const std::vector<float>& value, size_t dst_size,
                            int64_t calls = 1) const {
    const int64_t lanes = table().lanes;
    std::vector<float> packed(static_cast<size_t>(packed_keys_size(op, images, lanes)), kUntouched);
    const int64_t key_items = images * block_count(op.keys, lanes);
    table().pack_keys(key.data(), packed.data(), op.key_dim, op.keys, 0, key_items / 2);
    table().pack_keys(key.data(), packed.data(), op.key_dim, op.keys, key_items / 2, key_items);
    std::vector<float> result(dst_size, kUntouched);
    const int64_t items = attention_items(op, images);
    for (int64_t call = 0; call < calls; ++call) {
      std::vector<float> scratch(static_cast<size_t>(attention_scratch(op, lanes)), kUntouched);
      table().attention(op, query.data(), packed.data(), value.data(), result.data(), scratch.data(),
                        items * call / calls, items * (call + 1) / calls);
    }
    return result;
  }
};

TEST_P(MapKernels, PoolsAreTheMeanAndTheLargestOfEachWindow) {
  struct Case {
    Shape src;
    graph::AvgPool2d op;
  };
  const std::vector<Case> cases = {
      {{1, 16, 8, 8}, {{2, 2}, {2, 2}, {0, 0}}},         {{3, 19, 7, 9}, {{2, 2}, {2, 2}, {0, 0}}},
      {{2, 5, 7, 9}, {{3, 3}, {2, 2}, {1, 1}}},          {{2, 33, 5, 4}, {{3, 3}, {1, 1}, {1, 1}, false}},
      {{1, 8, 1, 1}, {{1, 1}, {2, 2}, {0, 0}}},          {{1, 24, 6, 5}, {{5, 2}, {1, 3}, {2, 1}, false}},
      {{1, 1, 12, 10}, {{4, 4}, {4, 4}, {2, 2}, false}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.src.to_string());
    const auto extent = [](int64_t src, int64_t kernel, int64_t stride, int64_t pad) {
      return (src + 2 * pad - kernel) / stride + 1;
    };
    const Shape dst{c.src[0], c.src[1], extent(c.src[2], c.op.kernel.h, c.op.stride.h, c.op.pad.h),
                    extent(c.src[3], c.op.kernel.w, c.op.stride.w, c.op.pad.w)};
    const std::vector<float> source = random_values(c.src, 1);
    std::vector<float> pooled = unwritten(dst);
    const Pool op = {c.src[2],      c.src[3],      dst[2],     dst[3],     c.op.kernel.h,         c.op.kernel.w,
                     c.op.stride.h, c.op.stride.w, c.op.pad.h, c.op.pad.w, c.op.count_include_pad};
    table().avg_pool(op, blocked(source, c.src).data(), pooled.data(), 0, blocks(dst));
    EXPECT_TRUE(test::close_to_max(planar(pooled, dst), expected(c.op, {{c.src, source}}, dst), 1e-6));

    const graph::MaxPool2d largest = {c.op.kernel, c.op.stride, c.op.pad};
    std::vector<float> maxima = unwritten(dst);
    table().max_pool(op, blocked(source, c.src).data(), maxima.data(), 0, blocks(dst));
    EXPECT_EQ(planar(maxima, dst), expected(largest, {{c.src, source}}, dst));
  }
}

TEST_P(MapKernels, ResizeFollowsItsTaps) {
  const auto taps_of = [](graph::ResizeMode mode, int64_t src, int64_t dst) {
    std::vector<AxisTap> taps;
    for (const auto& tap : graph::resize_taps(mode, src, dst)) taps.push_back({tap.first, tap.second, tap.weight});
    return taps;
  };
  const std::vector<std::pair<Shape, graph::Size2d>> cases = {
      {{1, 16, 7, 7}, {14, 14}}, {{3, 19, 5, 8}, {9, 15}}, {{2, 33, 1, 1}, {3, 2}}, {{1, 5, 9, 6}, {4, 6}}};
  for (const auto& [src, size] : cases) {
    for (const auto mode : {graph::ResizeMode::kNearest, graph::ResizeMode::kBilinear}) {
      SCOPED_TRACE(src.to_string() + " " + std::string(graph::to_string(mode)));
      const Shape dst{src[0], src[1], size.h, size.w};
      const std::vector<float> source = random_values(src, 2);
      const std::vector<AxisTap> rows = taps_of(mode, src[2], size.h);
      const std::vector<AxisTap> columns = taps_of(mode, src[3], size.w);
      const Resize op = {
          mode == graph::ResizeMode::kNearest, src[2], src[3], size.h, size.w, rows.data(), columns.data()};
      std::vector<float> resized = unwritten(dst);
      table().resize(op, blocked(source, src).data(), resized.data(), 0, blocks(dst));
      EXPECT_TRUE(test::close_to_max(planar(resized, dst), expected(graph::Resize{mode}, {{src, source}}, dst), 1e-6));
    }
  }
}

TEST_P(MapKernels, NearestCopiesInfinities) {
  const Shape src{1, 1, 1, 2};
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<AxisTap> row = {{0, 0, 0.0F}};
  const std::vector<AxisTap> columns = {{0, 0, 0.0F}, {1, 1, 0.0F}, {1, 1, 0.0F}};
  std::vector<float> resized = unwritten({1, 1, 1, 3});
  table().resize({true, 1, 2, 1, 3, row.data(), columns.data()}, blocked({infinity, 1.0F}, src).data(), resized.data(),
                 0, 1);
  EXPECT_EQ(planar(resized, {1, 1, 1, 3}), (std::vector<float>{infinity, 1.0F, 1.0F}));
}

struct AttentionCase {
  int64_t images, heads, key_dim, value_dim;
  graph::Size2d queries, keys;
};

TEST_P(MapKernels, AttentionEqualsTheReference) {
  const std::vector<AttentionCase> cases = {
      {1, 4, 64, 64, {14, 14}, {14, 14}},  // MobileNetV4 hybrid medium
      {1, 8, 32, 64, {6, 6}, {3, 3}},      // keys and values of half the size
      {3, 3, 12, 20, {5, 7}, {5, 7}},      // channels of heads that share blocks
      {2, 5, 7, 5, {3, 3}, {2, 1}},        //
      {2, 1, 1, 1, {1, 1}, {1, 1}},        //
      {1, 2, 16, 24, {1, 6}, {17, 3}},     //
      {3, 1, 33, 17, {2, 3}, {4, 4}},      //
  };
  for (const AttentionCase& c : cases) {
    const Shape query_shape{c.images, c.heads * c.key_dim, c.queries.h, c.queries.w};
    const Shape key_shape{c.images, c.key_dim, c.keys.h, c.keys.w};
    const Shape value_shape{c.images, c.value_dim, c.keys.h, c.keys.w};
    const Shape dst{c.images, c.heads * c.value_dim, c.queries.h, c.queries.w};
    SCOPED_TRACE(query_shape.to_string() + " " + key_shape.to_string() + " " + dst.to_string());
    const std::vector<float> query = random_values(query_shape, 3, 2.0F);
    const std::vector<float> key = random_values(key_shape, 4, 2.0F);
    const std::vector<float> value = random_values(value_shape, 5);
    const Attention op = {c.heads, c.key_dim, c.value_dim, c.queries.h * c.queries.w, c.keys.h * c.keys.w};
    const auto wanted = expected(graph::MultiQueryAttention{c.heads, c.key_dim, c.value_dim},
                                 {{query_shape, query}, {key_shape, key}, {value_shape, value}}, dst);
    for (const int64_t calls : {1, 3}) {
      const auto mixed = attend(op, c.images, blocked(query, query_shape), blocked(key, key_shape),
                                blocked(value, value_shape), unwritten(dst).size(), calls);
      EXPECT_TRUE(test::close_to_max(planar(mixed, dst), wanted, 2e-6)) << calls << " calls";
    }
  }
}

TEST_P(MapKernels, AttentionStaysFiniteForHugeScores) {
  // Scores around 1e6: without subtracting the largest, exp would overflow.
  const Shape shape{1, 8, 3, 3};
  std::vector<float> query = random_values(shape, 6, 1000.0F);
  const std::vector<float> key = random_values(shape, 7, 1000.0F);
  const std::vector<float> value = random_values(shape, 8);
  const auto mixed = attend({1, 8, 8, 9, 9}, 1, blocked(query, shape), blocked(key, shape), blocked(value, shape),
                            unwritten(shape).size());
  const auto wanted =
      expected(graph::MultiQueryAttention{1, 8, 8}, {{shape, query}, {shape, key}, {shape, value}}, shape);
  EXPECT_TRUE(test::close_to_max(planar(mixed, shape), wanted, 1e-3));
}

TEST_P(MapKernels, AttentionDoesNotHideWhatIsNotANumber) {
  const Shape shape{1, 8, 3, 3};
  std::vector<float> query = random_values(shape, 9);
  query[4] = std::numeric_limits<float>::quiet_NaN();  // channel 0 of position 4
  const std::vector<float> other = random_values(shape, 10);
  const auto mixed = attend({1, 8, 8, 9, 9}, 1, blocked(query, shape), blocked(other, shape), blocked(other, shape),
                            unwritten(shape).size());
  std::vector<float> result(static_cast<size_t>(shape.elements()));
  table().to_planar(mixed.data(), result.data(), 8, 9, 0, blocks(shape));
  for (size_t i = 0; i < result.size(); ++i) EXPECT_EQ(std::isnan(result[i]), i % 9 == 4) << i;
}

INSTANTIATE_TEST_SUITE_P(AllSets, MapKernels, ::testing::Values(Isa::kSse, Isa::kAvx2, Isa::kAvx512),
                         [](const auto& c) { return std::string(to_string(c.param)); });

}  // namespace
}  // namespace zoo::engine::kernels
