#include <limits>

#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/graph/graph_builder.h"

namespace zoo::graph {
namespace {

struct ConvCase {
  int64_t kernel;
  int64_t stride;
  int64_t pad;  ///< -1 = TensorFlow SAME
  int64_t dilation;
  Size2d input;
  Size2d output;
};

Conv2d conv_of(const ConvCase& c) {
  Conv2d conv;
  conv.in_channels = 3;
  conv.out_channels = 5;
  conv.kernel = {c.kernel, c.kernel};
  conv.stride = {c.stride, c.stride};
  conv.dilation = {c.dilation, c.dilation};
  conv.pad = c.pad < 0 ? Size2d{0, 0} : Size2d{c.pad, c.pad};
  conv.padding = c.pad < 0 ? PaddingMode::kSame : PaddingMode::kExplicit;
  return conv;
}

Graph graph_of(Op op, int64_t in_channels = 3, std::vector<NodeId> inputs = {0}) {
  Graph graph;
  graph.nodes.push_back({"input", Input{in_channels}, {}});
  graph.nodes.push_back({"node", std::move(op), std::move(inputs)});
  return graph;
}

class ConvShape : public ::testing::TestWithParam<ConvCase> {};

TEST_P(ConvShape, FollowsTheFormula) {
  const ConvCase& c = GetParam();
  const auto shapes = infer_shapes(graph_of(conv_of(c)), {2, 3, c.input.h, c.input.w});
  EXPECT_EQ(shapes[1], (Shape{2, 5, c.output.h, c.output.w}));
}

INSTANTIATE_TEST_SUITE_P(Explicit, ConvShape,
                         ::testing::Values(ConvCase{1, 1, 0, 1, {7, 9}, {7, 9}},          //
                                           ConvCase{3, 1, 1, 1, {1, 1}, {1, 1}},          //
                                           ConvCase{3, 1, 0, 1, {3, 4}, {1, 2}},          //
                                           ConvCase{3, 2, 1, 1, {224, 224}, {112, 112}},  //
                                           ConvCase{3, 2, 1, 1, {225, 223}, {113, 112}},  //
                                           ConvCase{3, 2, 1, 1, {1, 2}, {1, 1}},          //
                                           ConvCase{5, 2, 2, 1, {15, 14}, {8, 7}},        //
                                           ConvCase{5, 1, 4, 2, {9, 10}, {9, 10}},        //
                                           ConvCase{3, 2, 2, 2, {9, 10}, {5, 5}},         //
                                           ConvCase{1, 2, 0, 1, {9, 10}, {5, 5}},         //
                                           ConvCase{2, 2, 0, 1, {9, 10}, {4, 5}},         //
                                           ConvCase{7, 3, 3, 1, {20, 21}, {7, 7}}));

INSTANTIATE_TEST_SUITE_P(Same, ConvShape,
                         ::testing::Values(ConvCase{3, 2, -1, 1, {224, 225}, {112, 113}},  //
                                           ConvCase{3, 1, -1, 1, {7, 8}, {7, 8}},          //
                                           ConvCase{5, 2, -1, 1, {1, 2}, {1, 1}},          //
                                           ConvCase{5, 3, -1, 2, {10, 11}, {4, 4}},        //
                                           ConvCase{1, 2, -1, 1, {9, 10}, {5, 5}},         //
                                           ConvCase{2, 1, -1, 1, {4, 5}, {4, 5}}));

TEST(ConvShapeFormula, CountsThePlacesWhereTheKernelFits) {
  for (int64_t kernel = 1; kernel <= 5; ++kernel) {
    for (int64_t stride = 1; stride <= 3; ++stride) {
      for (int64_t dilation = 1; dilation <= 3; ++dilation) {
        for (int64_t pad = 0; pad <= 4; ++pad) {
          for (int64_t size = 1; size <= 16; ++size) {
            int64_t places = 0;
            for (int64_t at = 0; at + dilation * (kernel - 1) < size + 2 * pad; at += stride) ++places;
            if (places == 0) continue;
            const ConvCase c{kernel, stride, pad, dilation, {size, size}, {places, places}};
            const auto shapes = infer_shapes(graph_of(conv_of(c)), {1, 3, size, size});
            ASSERT_EQ(shapes[1], (Shape{1, 5, places, places}))
                << "kernel " << kernel << " stride " << stride << " dilation " << dilation << " pad " << pad << " size "
                << size;
          }
        }
      }
    }
  }
}

struct PaddingCase {
  int64_t kernel;
  int64_t stride;
  int64_t dilation;
  int64_t size;
  int64_t begin;
  int64_t end;
};

class SamePadding : public ::testing::TestWithParam<PaddingCase> {};

TEST_P(SamePadding, PutsTheOddPixelBelowAndRight) {
  const PaddingCase& c = GetParam();
  const Conv2d conv = conv_of({c.kernel, c.stride, -1, c.dilation, {}, {}});
  const ResolvedPadding padding = resolve_padding(conv, {c.size, 64});
  EXPECT_EQ(padding.begin.h, c.begin);
  EXPECT_EQ(padding.end.h, c.end);
  EXPECT_EQ(resolve_padding(conv, {64, c.size}).begin.w, c.begin);
  EXPECT_EQ(resolve_padding(conv, {64, c.size}).end.w, c.end);
}

INSTANTIATE_TEST_SUITE_P(Cases, SamePadding,
                         ::testing::Values(PaddingCase{3, 1, 1, 8, 1, 1},   //
                                           PaddingCase{3, 2, 1, 8, 0, 1},   //
                                           PaddingCase{3, 2, 1, 9, 1, 1},   //
                                           PaddingCase{5, 2, 1, 8, 1, 2},   //
                                           PaddingCase{5, 2, 1, 9, 2, 2},   //
                                           PaddingCase{3, 2, 2, 8, 1, 2},   //
                                           PaddingCase{2, 1, 1, 8, 0, 1},   //
                                           PaddingCase{1, 2, 1, 8, 0, 0},   //
                                           PaddingCase{5, 2, 1, 1, 2, 2},   //
                                           PaddingCase{3, 5, 1, 11, 1, 1},  //
                                           PaddingCase{3, 5, 1, 8, 0, 0}));

TEST(ResolvePadding, RepeatsTheExplicitPadOnBothSides) {
  Conv2d conv = conv_of({3, 1, 1, 1, {}, {}});
  conv.pad = {1, 2};
  const ResolvedPadding padding = resolve_padding(conv, {8, 8});
  EXPECT_EQ(padding.begin, (Size2d{1, 2}));
  EXPECT_EQ(padding.end, (Size2d{1, 2}));
}

TEST(InferShapes, FollowsEveryOperation) {
  GraphBuilder builder(3);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 8, .kernel = 3, .stride = 2});
  const NodeId norm = builder.batch_norm(conv, "norm", 1e-5);
  const NodeId instance = builder.instance_norm(norm, "instance", 1e-5);
  const NodeId act = builder.activation(instance, "act", ActivationKind::kRelu);
  const NodeId sum = builder.add(act, norm, "sum");
  const NodeId pool = builder.global_avg_pool(sum, "pool");
  const NodeId scaled = builder.mul(sum, pool, "scaled");
  const NodeId flat = builder.flatten(pool, "flat");
  const NodeId logits = builder.linear(flat, "logits", 10, true);
  const auto shapes = infer_shapes(builder.take(), {2, 3, 9, 12});

  const Shape map{2, 8, 5, 6};
  for (const NodeId id : {conv, norm, instance, act, sum, scaled}) EXPECT_EQ(shapes[static_cast<size_t>(id)], map);
  EXPECT_EQ(shapes[static_cast<size_t>(pool)], (Shape{2, 8, 1, 1}));
  EXPECT_EQ(shapes[static_cast<size_t>(flat)], (Shape{2, 8}));
  EXPECT_EQ(shapes[static_cast<size_t>(logits)], (Shape{2, 10}));
}

TEST(InferShapes, FlattensMapsOfAnySize) {
  EXPECT_EQ(infer_shapes(graph_of(Flatten{}), {2, 3, 4, 5})[1], (Shape{2, 60}));
}

TEST(InferShapes, KeepsTheShapeOfSqueezeExcite) {
  SqueezeExcite se;
  se.channels = 3;
  se.squeezed = 2;
  EXPECT_EQ(infer_shapes(graph_of(se), {2, 3, 4, 5})[1], (Shape{2, 3, 4, 5}));
}

struct MapCase {
  std::string name;
  Op op;
  Size2d input;
  Size2d output;
};

class MapShape : public ::testing::TestWithParam<MapCase> {};

TEST_P(MapShape, FollowsTheFormula) {
  const MapCase& c = GetParam();
  const auto shapes = infer_shapes(graph_of(c.op), {2, 3, c.input.h, c.input.w});
  EXPECT_EQ(shapes[1], (Shape{2, 3, c.output.h, c.output.w}));
}

INSTANTIATE_TEST_SUITE_P(Operations, MapShape,
                         ::testing::Values(MapCase{"Scale", ScaleChannels{3, kNone}, {5, 4}, {5, 4}},
                                           MapCase{"PoolByTwo", AvgPool2d{{2, 2}, {2, 2}, {0, 0}}, {9, 8}, {4, 4}},
                                           MapCase{"PoolPadded", AvgPool2d{{3, 3}, {2, 2}, {1, 1}}, {9, 8}, {5, 4}},
                                           MapCase{"PoolUneven", AvgPool2d{{3, 1}, {1, 2}, {1, 0}}, {9, 8}, {9, 4}},
                                           MapCase{"MaxOfOneByTwo", MaxPool2d{{1, 1}, {2, 2}, {0, 0}}, {7, 4}, {4, 2}},
                                           MapCase{"MaxPadded", MaxPool2d{{3, 3}, {2, 2}, {1, 1}}, {9, 8}, {5, 4}},
                                           MapCase{"BlurByTwo", BlurPool2d{3, {2, 2}}, {9, 8}, {5, 4}},
                                           MapCase{"BlurOfOne", BlurPool2d{3, {2, 2}}, {1, 1}, {1, 1}},
                                           MapCase{"BlurByOne", BlurPool2d{3, {1, 1}}, {9, 8}, {9, 8}}),
                         [](const auto& param_info) { return param_info.param.name; });

TEST(InferShapes, ResizesToTheSizeOfTheOther) {
  GraphBuilder builder(3);
  const NodeId down = builder.conv(builder.input(), "down", {.out_channels = 8, .kernel = 3, .stride = 2});
  const NodeId up = builder.resize_like(down, builder.input(), "up", ResizeMode::kNearest);
  EXPECT_EQ(infer_shapes(builder.take(), {2, 3, 9, 12})[static_cast<size_t>(up)], (Shape{2, 8, 9, 12}));
}

TEST(InferShapes, FollowsChannelsThatMove) {
  EXPECT_EQ(infer_shapes(graph_of(SliceChannels{3, 1, 2}), {2, 3, 9, 12})[1], (Shape{2, 2, 9, 12}));
  EXPECT_EQ(infer_shapes(graph_of(ShuffleChannels{3, 3}), {2, 3, 9, 12})[1], (Shape{2, 3, 9, 12}));
}

TEST(InferShapes, AddsUpTheChannelsOfAConcat) {
  GraphBuilder builder(3);
  const NodeId wide = builder.conv(builder.input(), "wide", {.out_channels = 8});
  const NodeId joined = builder.concat({wide, builder.input(), wide}, "joined");
  EXPECT_EQ(infer_shapes(builder.take(), {2, 3, 9, 12})[static_cast<size_t>(joined)], (Shape{2, 19, 9, 12}));
}

TEST(InferShapes, GivesAttentionThePositionsOfTheQuery) {
  GraphBuilder builder(3);
  const NodeId query = builder.conv(builder.input(), "query", {.out_channels = 16});
  const NodeId key = builder.conv(builder.input(), "key", {.out_channels = 4, .kernel = 3, .stride = 2});
  const NodeId value = builder.conv(builder.input(), "value", {.out_channels = 5, .kernel = 3, .stride = 2});
  const NodeId mixed = builder.multi_query_attention(query, key, value, "mixed", 4);
  EXPECT_EQ(infer_shapes(builder.take(), {2, 3, 9, 12})[static_cast<size_t>(mixed)], (Shape{2, 20, 9, 12}));
}

TEST(ResizeTaps, PickTheNearestAsTorchDoes) {
  const auto firsts = [](int64_t src, int64_t dst) {
    std::vector<int64_t> result;
    for (const ResizeTap& tap : resize_taps(ResizeMode::kNearest, src, dst)) {
      EXPECT_EQ(tap.second, tap.first);
      EXPECT_EQ(tap.weight, 0.0F);
      result.push_back(tap.first);
    }
    return result;
  };
  EXPECT_EQ(firsts(2, 4), (std::vector<int64_t>{0, 0, 1, 1}));
  EXPECT_EQ(firsts(3, 5), (std::vector<int64_t>{0, 0, 1, 1, 2}));
  EXPECT_EQ(firsts(5, 2), (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(firsts(1, 3), (std::vector<int64_t>{0, 0, 0}));
}

TEST(ResizeTaps, MixTwoNeighboursForBilinear) {
  struct Tap {
    int64_t first, second;
    double weight;
  };
  const auto expect_taps = [](int64_t src, const std::vector<Tap>& expected) {
    const auto taps = resize_taps(ResizeMode::kBilinear, src, static_cast<int64_t>(expected.size()));
    ASSERT_EQ(taps.size(), expected.size());
    for (size_t i = 0; i < taps.size(); ++i) {
      EXPECT_EQ(taps[i].first, expected[i].first) << i;
      EXPECT_EQ(taps[i].second, expected[i].second) << i;
      EXPECT_NEAR(taps[i].weight, expected[i].weight, 1e-6) << i;
    }
  };
  expect_taps(2, {{0, 1, 0}, {0, 1, 0.25}, {0, 1, 0.75}, {1, 1, 0}});
  expect_taps(3, {{0, 1, 0.25}, {1, 2, 0.75}});
  expect_taps(4, {{0, 1, 0}, {1, 2, 0}, {2, 3, 0}, {3, 3, 0}});
  expect_taps(1, {{0, 0, 0}, {0, 0, 0}});
}

struct BadShape {
  std::string name;
  Graph graph;
  Shape input;
  std::string message;
};

Conv2d conv3x3(int64_t pad, int64_t dilation = 1) { return conv_of({3, 1, pad, dilation, {}, {}}); }

template <typename Function>
Graph changed(Graph graph, const Function& change) {
  change(graph);
  return graph;
}

class InferShapesRejects : public ::testing::TestWithParam<BadShape> {};

TEST_P(InferShapesRejects, WithTheNodeAndTheShapes) {
  try {
    infer_shapes(GetParam().graph, GetParam().input);
    FAIL() << "no GraphError";
  } catch (const GraphError& error) {
    EXPECT_EQ(std::string(error.what()), GetParam().message);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Graphs, InferShapesRejects,
    ::testing::Values(
        BadShape{"InputChannels",
                 graph_of(Flatten{}),
                 {1, 4, 8, 8},
                 R"(node "input" (Input): expects [N, 3, H, W], got 1x4x8x8)"},
        BadShape{
            "InputRank", graph_of(Flatten{}), {3, 8, 8}, R"(node "input" (Input): expects [N, 3, H, W], got 3x8x8)"},
        BadShape{"EmptyInput", graph_of(Flatten{}), {1, 3, 0, 8}, R"(node "input" (Input): input 1x3x0x8 is empty)"},
        BadShape{
            "NegativeInput", graph_of(Flatten{}), {1, 3, -8, 8}, R"(node "input" (Input): input 1x3x-8x8 is empty)"},
        BadShape{"HugeInput",
                 graph_of(Flatten{}),
                 {1, 3, std::numeric_limits<int64_t>::max(), 8},
                 R"(node "input" (Input): input 1x3x9223372036854775807x8 has more than 2147483648 elements)"},
        BadShape{"KernelLargerThanInput",
                 graph_of(conv3x3(0)),
                 {1, 3, 2, 8},
                 R"(node "node" (Conv2d): kernel 3x3 with dilation 1 does not fit the padded input 1x3x2x8)"},
        BadShape{"DilatedKernelLargerThanInput",
                 graph_of(conv3x3(1, 4)),
                 {1, 3, 8, 6},
                 R"(node "node" (Conv2d): kernel 3x3 with dilation 4 does not fit the padded input 1x3x10x8)"},
        BadShape{"HugeOutput",
                 graph_of(conv3x3(1)),
                 {1, 3, 25000, 25000},
                 R"(node "node" (Conv2d): output 1x5x25000x25000 has more than 2147483648 elements)"},
        BadShape{"ConvChannels",
                 graph_of(conv3x3(1), 4),
                 {1, 4, 8, 8},
                 R"(node "node" (Conv2d): expects [N, 3, H, W], got 1x4x8x8)"},
        BadShape{"Residual",
                 graph_of(conv3x3(1), 3, {0, 0}),
                 {1, 3, 8, 8},
                 R"(node "node" (Conv2d): residual 1x3x8x8 does not fit the output 1x5x8x8)"},
        BadShape{"LinearOnMap",
                 graph_of(Linear{.in_features = 3, .out_features = 2}),
                 {1, 3, 1, 1},
                 R"(node "node" (Linear): expects [N, 3], got 1x3x1x1)"},
        BadShape{"MulByMap",
                 graph_of(Mul{}, 3, {0, 0}),
                 {1, 3, 2, 2},
                 R"(node "node" (Mul): cannot scale 1x3x2x2 by 1x3x2x2)"},
        BadShape{"NormChannels",
                 graph_of(BatchNorm{.channels = 8}),
                 {1, 3, 2, 2},
                 R"(node "node" (BatchNorm): expects 8 channels, got 1x3x2x2)"},
        BadShape{"SqueezeExciteChannels",
                 graph_of(SqueezeExcite{.channels = 8, .squeezed = 2}),
                 {1, 3, 2, 2},
                 R"(node "node" (SqueezeExcite): expects [N, 8, H, W], got 1x3x2x2)"},
        BadShape{"ScaleChannels",
                 graph_of(ScaleChannels{8, kNone}),
                 {1, 3, 2, 2},
                 R"(node "node" (ScaleChannels): expects [N, 8, H, W], got 1x3x2x2)"},
        BadShape{"PoolLargerThanInput",
                 graph_of(AvgPool2d{{4, 4}, {1, 1}, {1, 0}}),
                 {1, 3, 2, 3},
                 R"(node "node" (AvgPool2d): kernel 4x4 does not fit the padded input 1x3x4x3)"},
        BadShape{"MaxPoolLargerThanInput",
                 graph_of(MaxPool2d{{4, 4}, {1, 1}, {1, 0}}),
                 {1, 3, 2, 3},
                 R"(node "node" (MaxPool2d): kernel 4x4 does not fit the padded input 1x3x4x3)"},
        BadShape{"ConcatOfSizes",
                 changed(graph_of(AvgPool2d{{2, 2}, {2, 2}, {0, 0}}),
                         [](Graph& graph) {
                           graph.nodes.push_back({"joined", Concat{}, {0, 1}});
                         }),
                 {1, 3, 4, 4},
                 R"(node "joined" (Concat): cannot put the channels of 1x3x2x2 behind those of 1x3x4x4)"},
        BadShape{"ConcatOfVectors",
                 changed(graph_of(Flatten{}),
                         [](Graph& graph) {
                           graph.nodes.push_back({"joined", Concat{}, {1, 1}});
                         }),
                 {1, 3, 4, 4},
                 R"(node "joined" (Concat): expects [N, C, H, W], got 1x48)"},
        BadShape{"ConcatOfNothing",
                 graph_of(Concat{}, 3, {}),
                 {1, 3, 4, 4},
                 R"(node "node" (Concat): needs 1 inputs, has 0)"},
        BadShape{"BlurChannels",
                 graph_of(BlurPool2d{8, {2, 2}}),
                 {1, 3, 2, 2},
                 R"(node "node" (BlurPool2d): expects [N, 8, H, W], got 1x3x2x2)"},
        BadShape{"ResizeLikeVector",
                 changed(graph_of(Flatten{}),
                         [](Graph& graph) {
                           graph.nodes.push_back({"up", Resize{}, {0, 1}});
                         }),
                 {1, 3, 2, 2},
                 R"(node "up" (Resize): expects the size of a [N, C, H, W], got 1x12)"},
        BadShape{"AttentionQuery",
                 graph_of(MultiQueryAttention{2, 3, 3}, 3, {0, 0, 0}),
                 {1, 3, 2, 2},
                 R"(node "node" (MultiQueryAttention): expects [N, 6, H, W], got 1x3x2x2)"},
        BadShape{"AttentionKeys",
                 changed(graph_of(AvgPool2d{{2, 2}, {2, 2}, {0, 0}}),
                         [](Graph& graph) {
                           graph.nodes.push_back({"mqa", MultiQueryAttention{1, 3, 3}, {0, 0, 1}});
                         }),
                 {2, 3, 4, 4},
                 R"(node "mqa" (MultiQueryAttention): expects keys [2, 3, Hk, Wk] and values [2, 3, Hk, Wk], )"
                 R"(got 2x3x4x4 and 2x3x2x2)"},
        BadShape{"AttentionInputs",
                 graph_of(MultiQueryAttention{1, 3, 3}, 3, {0, 0}),
                 {1, 3, 2, 2},
                 R"(node "node" (MultiQueryAttention): needs 3 inputs, has 2)"},
        BadShape{"MissingInput", graph_of(Add{}), {1, 3, 2, 2}, R"(node "node" (Add): needs 2 inputs, has 1)"},
        BadShape{"LaterValue",
                 graph_of(Add{}, 3, {0, 1}),
                 {1, 3, 2, 2},
                 R"(node "node" (Add): reads value 1, which is not computed before it)"},
        BadShape{"SecondInput",
                 graph_of(Input{3}, 3, {}),
                 {1, 3, 2, 2},
                 R"(node "node" (Input): the first node, and no other, must be an Input)"},
        BadShape{"StrideZero",
                 graph_of(conv_of({3, 0, 1, 1, {}, {}})),
                 {1, 3, 2, 2},
                 R"(node "node" (Conv2d): stride is 0x0, must be between 1 and 2147483648)"},
        BadShape{"AddOfDifferentSizes",
                 changed(graph_of(conv_of({3, 2, 1, 1, {}, {}})),
                         [](Graph& graph) {
                           std::get<Conv2d>(graph.nodes[1].op).out_channels = 3;
                           graph.nodes.push_back({"sum", Add{}, {0, 1}});
                         }),
                 {1, 3, 8, 8},
                 R"(node "sum" (Add): cannot add 1x3x8x8 and 1x3x4x4)"},
        BadShape{"PoolOfVector",
                 changed(graph_of(Flatten{}),
                         [](Graph& graph) {
                           graph.nodes.push_back({"p", GlobalAvgPool{}, {1}});
                         }),
                 {1, 3, 8, 8},
                 R"(node "p" (GlobalAvgPool): expects [N, C, H, W], got 1x192)"}),
    [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace zoo::graph
