// Operations that resample maps or mix their positions: the fast engine against the reference engine.
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

using graph::GraphBuilder;
using graph::NodeId;

NodeId pointwise(GraphBuilder& b, NodeId src, const std::string& name, int64_t channels) {
  return b.conv(src, name, {.out_channels = channels});
}

/// A network on an image with any channels and size.
struct MapCase {
  std::string name;
  std::function<void(GraphBuilder&)> build;
};

class MapOperationEngine : public ::testing::TestWithParam<std::tuple<MapCase, Shape>> {};

TEST_P(MapOperationEngine, EqualsTheReference) {
  const auto& [c, shape] = GetParam();
  for (const int threads : {1, 2}) {
    GraphBuilder builder(shape[1]);
    c.build(builder);
    expect_engines_agree(bind_formula(builder.take()), shape, threads);
  }
}

/// The attention block of MobileNetV4: norm, projections, attention, output, layer scale, skip.
NodeId attention_block(GraphBuilder& b, NodeId src, int64_t heads, int64_t dim, int64_t key_stride) {
  const NodeId norm = b.batch_norm(src, "norm", 1e-5);
  const auto shared_head = [&](const std::string& name) {
    NodeId value = norm;
    if (key_stride > 1) {
      value = b.conv(value, name + ".down",
                     {.out_channels = b.channels(src), .kernel = 3, .stride = key_stride, .groups = b.channels(src)});
      value = b.batch_norm(value, name + ".norm", 1e-5);
    }
    return pointwise(b, value, name + ".proj", dim);
  };
  const NodeId query = pointwise(b, norm, "query", heads * dim);
  const NodeId mixed = b.multi_query_attention(query, shared_head("key"), shared_head("value"), "attention", heads);
  return b.add(b.scale_channels(pointwise(b, mixed, "output", b.channels(src)), "layer_scale"), src, "add");
}

const std::vector<MapCase> kMapCases = {
    {"avg_pool", [](GraphBuilder& b) { b.output("y", b.avg_pool(b.input(), "pool", {.kernel = 1, .stride = 2})); }},
    {"avg_pool_padded",
     [](GraphBuilder& b) {
       const NodeId conv = b.activation(pointwise(b, b.input(), "conv", 21), "act", ActivationKind::kRelu);
       const NodeId pool = b.avg_pool(conv, "pool", {.kernel = 3, .stride = 2, .pad = 1});
       b.output("y", pointwise(b, pool, "after", 10));
     }},
    {"max_pool", [](GraphBuilder& b) { b.output("y", b.max_pool(b.input(), "pool", {.kernel = 1, .stride = 2})); }},
    {"max_pool_padded",
     [](GraphBuilder& b) {
       const NodeId pool =
           b.max_pool(pointwise(b, b.input(), "conv", 21), "pool", {.kernel = 3, .stride = 2, .pad = 1});
       b.output("y", pointwise(b, pool, "after", 10));
     }},
    {"concat_of_whole_blocks",
     [](GraphBuilder& b) {
       const NodeId first = pointwise(b, b.input(), "first", 32);
       b.output("y", b.concat({first, pointwise(b, b.input(), "second", 16), first}, "joined"));
     }},
    {"concat_across_blocks",
     [](GraphBuilder& b) {
       const NodeId joined = b.concat({pointwise(b, b.input(), "first", 5), b.input(),
                                       pointwise(b, b.input(), "second", 43), pointwise(b, b.input(), "third", 2)},
                                      "joined");
       b.output("joined", joined);
       b.output("y", pointwise(b, joined, "after", 10));
     }},
    {"slices_across_blocks",
     [](GraphBuilder& b) {
       const NodeId conv = pointwise(b, b.input(), "conv", 43);
       b.output("whole_block", b.slice_channels(conv, "whole_block", 16, 16));
       b.output("inside", b.slice_channels(conv, "inside", 7, 3));
       b.output("y", pointwise(b, b.slice_channels(conv, "rest", 5, 38), "after", 10));
     }},
    {"shuffles",
     [](GraphBuilder& b) {
       const NodeId conv = pointwise(b, b.input(), "conv", 42);
       b.output("two", b.shuffle_channels(conv, "two", 2));
       b.output("back", b.shuffle_channels(b.shuffle_channels(conv, "three", 3), "back", 14));
       b.output("one", b.shuffle_channels(conv, "one", 1));
       b.output("all", pointwise(b, b.shuffle_channels(conv, "all", 42), "after", 10));
     }},
    {"channels_moved_many_times",
     [](GraphBuilder& b) {
       const NodeId first = pointwise(b, b.input(), "first", 18);
       const NodeId second = pointwise(b, b.input(), "second", 18);
       NodeId value = b.concat({first, second}, "joined");
       for (const char* name : {"0", "1", "2"}) {
         const std::string block = name;
         const NodeId mixed = b.shuffle_channels(value, "shuffle" + block, 2);
         const NodeId kept = b.slice_channels(mixed, "kept" + block, 0, 18);
         const NodeId worked = pointwise(b, b.slice_channels(mixed, "worked" + block, 18, 18), "conv" + block, 18);
         value = b.concat({kept, worked}, "join" + block);
         // One of them is handed out as well, and one is read by a layer.
         if (block == "0") b.output("mixed", mixed);
         if (block == "1") b.output("act", b.activation(kept, "act", ActivationKind::kRelu));
       }
       b.output("y", value);
     }},
    {"repeated_layer",
     [](GraphBuilder& b) {
       const NodeId pool = b.max_pool(b.input(), "pool", {.kernel = 1, .stride = 2});
       const NodeId conv = b.conv(b.input(), "conv", {.out_channels = 18, .kernel = 3});
       const NodeId norm = b.batch_norm(conv, "norm", 1e-5);
       const NodeId act = b.activation(norm, "act", ActivationKind::kPrelu);
       b.output("fine", act);
       b.output("coarse", b.repeat(act, b.repeat(norm, b.repeat(conv, pool, "conv1"), "norm1"), "act1"));
     }},
    {"blur_pool",
     [](GraphBuilder& b) {
       const NodeId conv = b.activation(pointwise(b, b.input(), "conv", 21), "act", ActivationKind::kRelu);
       b.output("y", pointwise(b, b.blur_pool(conv, "blur", 2), "after", 10));
     }},
    {"blur_pool_of_the_image", [](GraphBuilder& b) { b.output("y", b.blur_pool(b.input(), "blur", 1)); }},
    {"resize_nearest",
     [](GraphBuilder& b) {
       const NodeId down = b.conv(b.input(), "down", {.out_channels = 19, .kernel = 3, .stride = 2});
       const NodeId up = b.resize_like(down, b.input(), "up", graph::ResizeMode::kNearest);
       b.output("y", b.add(pointwise(b, b.input(), "side", 19), up, "sum"));
     }},
    {"resize_bilinear",
     [](GraphBuilder& b) {
       const NodeId down = b.conv(b.input(), "down", {.out_channels = 19, .kernel = 3, .stride = 3});
       b.output("up", b.resize_like(down, b.input(), "up", graph::ResizeMode::kBilinear));
       b.output("down", b.resize_like(b.input(), down, "back", graph::ResizeMode::kBilinear));
     }},
    {"resize_to_its_own_size",
     [](GraphBuilder& b) {
       const NodeId conv = pointwise(b, b.input(), "conv", 12);
       const NodeId same = b.resize_like(conv, b.input(), "same", graph::ResizeMode::kBilinear);
       b.output("same", same);
       b.output("y", b.activation(same, "act", ActivationKind::kRelu));
     }},
    {"layer_scale",
     [](GraphBuilder& b) {
       const NodeId conv = b.batch_norm(pointwise(b, b.input(), "conv", 27), "norm", 1e-3);
       b.output("y", b.add(b.scale_channels(conv, "scale"), pointwise(b, b.input(), "skip", 27), "sum"));
     }},
    {"layer_scale_of_the_image", [](GraphBuilder& b) { b.output("y", b.scale_channels(b.input(), "scale")); }},
    {"attention", [](GraphBuilder& b) { b.output("y", attention_block(b, b.input(), 4, 32, 1)); }},
    {"attention_with_small_keys", [](GraphBuilder& b) { b.output("y", attention_block(b, b.input(), 8, 64, 2)); }},
    {"attention_of_odd_heads", [](GraphBuilder& b) { b.output("y", attention_block(b, b.input(), 3, 13, 2)); }},
    {"attention_of_a_pooled_query",
     [](GraphBuilder& b) {
       const NodeId query = b.conv(b.input(), "query", {.out_channels = 48, .kernel = 3, .stride = 2});
       const NodeId mixed = b.multi_query_attention(query, pointwise(b, b.input(), "key", 12),
                                                    pointwise(b, b.input(), "value", 20), "attention", 4);
       b.output("y", b.resize_like(mixed, b.input(), "up", graph::ResizeMode::kBilinear));
     }},
    {"attention_whose_result_is_handed_out",
     [](GraphBuilder& b) {
       const NodeId both = pointwise(b, b.input(), "both", 16);
       b.output("mixed", b.multi_query_attention(both, both, both, "attention", 1));
     }},
};

const std::vector<Shape> kMapShapes = {{1, 16, 14, 14}, {3, 24, 13, 11}, {2, 19, 5, 8}, {1, 5, 1, 1}, {2, 3, 7, 1}};

INSTANTIATE_TEST_SUITE_P(Table, MapOperationEngine,
                         ::testing::Combine(::testing::ValuesIn(kMapCases), ::testing::ValuesIn(kMapShapes)),
                         [](const auto& c) {
                           return std::get<0>(c.param).name + "_" + std::get<1>(c.param).to_string();
                         });

std::vector<std::string> operations(const Executable& executable) {
  std::vector<std::string> ops;
  for (const StepInfo& step : executable.steps()) ops.push_back(step.op);
  return ops;
}

TEST(MapOperations, LeaveNoStepForLayerScaleAndSkip) {
  GraphBuilder b(16);
  b.output("y", attention_block(b, pointwise(b, b.input(), "before", 16), 2, 8, 1));
  const auto executable = Executable::compile(bind_formula(b.take()), {1, 16, 6, 6});
  // The first convolution, the norm, query, key, value, attention, output with scale and skip, the result row-major.
  EXPECT_THAT(operations(*executable), ::testing::ElementsAre("Relayout", "Conv2d", "Conv2d", "Conv2d", "Conv2d",
                                                              "Conv2d", "MultiQueryAttention", "Conv2d", "Relayout"));
}

TEST(MapOperations, CountTheProductsOfAttention) {
  GraphBuilder b(16);
  b.output("y", b.multi_query_attention(b.input(), pointwise(b, b.input(), "key", 8),
                                        pointwise(b, b.input(), "value", 4), "attention", 2));
  const auto executable = Executable::compile(bind_formula(b.take()), {3, 16, 6, 5});
  int64_t macs = 0;
  for (const StepInfo& step : executable->steps()) macs += step.op == "MultiQueryAttention" ? step.macs : 0;
  EXPECT_EQ(macs, 3 * 2 * 30 * 30 * (8 + 4));
}

}  // namespace
}  // namespace zoo::engine
