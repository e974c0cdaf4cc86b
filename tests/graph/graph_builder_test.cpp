#include "nn/graph/graph_builder.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"

namespace zoo::graph {
namespace {

using ::testing::ElementsAre;

template <typename Function>
std::string error_of(const Function& function) {
  try {
    function();
  } catch (const GraphError& error) {
    return error.what();
  }
  return "no GraphError";
}

std::vector<std::string> parameter_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const Parameter& parameter : graph.parameters) names.push_back(parameter.name);
  return names;
}

TEST(GraphBuilder, NamesNodesAndParametersByScope) {
  GraphBuilder builder(3);
  {
    const GraphBuilder::Scope backbone(builder, "backbone");
    const GraphBuilder::Scope stem(builder, "stem");
    const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 8, .kernel = 3, .bias = true});
    builder.batch_norm(conv, "norm", 1e-3);
  }
  builder.conv(builder.input(), "other", {.out_channels = 4});
  const Graph graph = builder.take();

  ASSERT_EQ(graph.nodes.size(), 4U);
  EXPECT_EQ(graph.nodes[0].name, "input");
  EXPECT_EQ(graph.nodes[1].name, "backbone.stem.conv");
  EXPECT_EQ(graph.nodes[3].name, "other");
  EXPECT_THAT(parameter_names(graph),
              ElementsAre("backbone.stem.conv.weight", "backbone.stem.conv.bias", "backbone.stem.norm.weight",
                          "backbone.stem.norm.bias", "backbone.stem.norm.running_mean",
                          "backbone.stem.norm.running_var", "other.weight"));
}

TEST(GraphBuilder, GivesConvolutionsTheirShapesAndDefaultPadding) {
  GraphBuilder builder(8);
  const NodeId id =
      builder.conv(builder.input(), "conv",
                   {.out_channels = 16, .kernel = 5, .stride = 2, .dilation = 3, .groups = 4, .bias = true});
  EXPECT_EQ(builder.channels(id), 16);
  const Graph graph = builder.take();

  const auto& conv = std::get<Conv2d>(graph[id].op);
  EXPECT_EQ(conv.in_channels, 8);
  EXPECT_EQ(conv.kernel, (Size2d{5, 5}));
  EXPECT_EQ(conv.stride, (Size2d{2, 2}));
  EXPECT_EQ(conv.dilation, (Size2d{3, 3}));
  EXPECT_EQ(conv.pad, (Size2d{6, 6}));
  EXPECT_EQ(graph.parameter(conv.weight).shape, (Shape{16, 2, 5, 5}));
  EXPECT_EQ(graph.parameter(conv.bias).shape, (Shape{16}));
}

TEST(GraphBuilder, GivesLayerScaleItsFactors) {
  GraphBuilder builder(6);
  ParameterRole role;
  role.part = "project";
  builder.set_role(role);
  const NodeId id = builder.scale_channels(builder.input(), "layer_scale");
  EXPECT_EQ(builder.channels(id), 6);
  const Graph graph = builder.take();
  const auto& scale = std::get<ScaleChannels>(graph[id].op);
  EXPECT_EQ(scale.channels, 6);
  const Parameter& gamma = graph.parameter(scale.weight);
  EXPECT_EQ(gamma.name, "layer_scale.gamma");
  EXPECT_EQ(gamma.shape, (Shape{6}));
  EXPECT_EQ(gamma.role.part, "project");
  EXPECT_EQ(gamma.role.field, Field::kGamma);
}

TEST(GraphBuilder, AddsPoolsAndResizesThatKeepTheChannels) {
  GraphBuilder builder(6);
  const NodeId pool = builder.avg_pool(builder.input(), "pool", {.kernel = 3, .stride = 2, .pad = 1});
  const NodeId blur = builder.blur_pool(pool, "blur", 2);
  const NodeId up = builder.resize_like(blur, builder.input(), "up", ResizeMode::kBilinear);
  for (const NodeId id : {pool, blur, up}) EXPECT_EQ(builder.channels(id), 6);
  const Graph graph = builder.take();
  const auto& pool_op = std::get<AvgPool2d>(graph[pool].op);
  EXPECT_EQ(pool_op.kernel, (Size2d{3, 3}));
  EXPECT_EQ(pool_op.stride, (Size2d{2, 2}));
  EXPECT_EQ(pool_op.pad, (Size2d{1, 1}));
  EXPECT_TRUE(pool_op.count_include_pad);
  EXPECT_EQ(std::get<BlurPool2d>(graph[blur].op).channels, 6);
  EXPECT_EQ(std::get<BlurPool2d>(graph[blur].op).stride, (Size2d{2, 2}));
  EXPECT_EQ(std::get<Resize>(graph[up].op).mode, ResizeMode::kBilinear);
  EXPECT_THAT(graph[up].inputs, ElementsAre(blur, 0));
  EXPECT_TRUE(graph.parameters.empty());
}

TEST(GraphBuilder, JoinsChannels) {
  GraphBuilder builder(6);
  const NodeId wide = builder.conv(builder.input(), "wide", {.out_channels = 8});
  const NodeId joined = builder.concat({wide, builder.input()}, "joined");
  EXPECT_EQ(builder.channels(joined), 14);
  EXPECT_EQ(builder.concat({wide}, "alone"), wide);
  const Graph graph = builder.take();
  EXPECT_EQ(graph.nodes.size(), 3U);
  EXPECT_THAT(graph[joined].inputs, ElementsAre(wide, 0));
}

TEST(GraphBuilder, SlicesAndShufflesChannels) {
  GraphBuilder builder(6);
  const NodeId mixed = builder.shuffle_channels(builder.input(), "mixed", 3);
  const NodeId part = builder.slice_channels(mixed, "part", 2, 4);
  EXPECT_EQ(builder.channels(mixed), 6);
  EXPECT_EQ(builder.channels(part), 4);
  const Graph graph = builder.take();
  EXPECT_EQ(std::get<ShuffleChannels>(graph[mixed].op).groups, 3);
  EXPECT_EQ(std::get<SliceChannels>(graph[part].op).begin, 2);
  EXPECT_EQ(std::get<SliceChannels>(graph[part].op).in_channels, 6);
}

TEST(GraphBuilder, RepeatsALayerWithTheSameParameters) {
  GraphBuilder builder(6);
  const NodeId other = builder.max_pool(builder.input(), "pool", {.kernel = 1, .stride = 2});
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 8, .kernel = 3, .bias = true});
  const NodeId norm = builder.batch_norm(conv, "norm", 1e-3);
  const NodeId conv_again = builder.repeat(conv, other, "level1.conv");
  const NodeId norm_again = builder.repeat(norm, conv_again, "level1.norm");
  EXPECT_EQ(builder.channels(norm_again), 8);
  const Graph graph = builder.take();
  EXPECT_EQ(graph.parameters.size(), 6U);
  EXPECT_EQ(parameter_count(graph), 6 * 8 * 9 + 8 + 16);
  EXPECT_EQ(graph[conv_again].name, "level1.conv");
  EXPECT_THAT(graph[conv_again].inputs, ElementsAre(other));
  EXPECT_EQ(parameters_of(graph[conv_again].op), parameters_of(graph[conv].op));
  EXPECT_EQ(parameters_of(graph[norm_again].op), parameters_of(graph[norm].op));
  EXPECT_EQ(std::get<Conv2d>(graph[conv_again].op).pad, (Size2d{1, 1}));
  EXPECT_EQ(std::get<BatchNorm>(graph[norm_again].op).eps, 1e-3);
  EXPECT_EQ(std::get<MaxPool2d>(graph[other].op).stride, (Size2d{2, 2}));
}

TEST(GraphBuilder, TakesTheHeadSizesOfAttentionFromKeysAndValues) {
  GraphBuilder builder(3);
  const NodeId query = builder.conv(builder.input(), "query", {.out_channels = 32});
  const NodeId key = builder.conv(builder.input(), "key", {.out_channels = 8});
  const NodeId value = builder.conv(builder.input(), "value", {.out_channels = 5});
  const NodeId id = builder.multi_query_attention(query, key, value, "mqa", 4);
  EXPECT_EQ(builder.channels(id), 20);
  const Graph graph = builder.take();
  const auto& attention = std::get<MultiQueryAttention>(graph[id].op);
  EXPECT_EQ(attention.heads, 4);
  EXPECT_EQ(attention.key_dim, 8);
  EXPECT_EQ(attention.value_dim, 5);
  EXPECT_THAT(graph[id].inputs, ElementsAre(query, key, value));
}

TEST(GraphBuilder, LeavesThePadOfSamePaddingToTheInputSize) {
  GraphBuilder builder(3);
  const NodeId id =
      builder.conv(builder.input(), "conv", {.out_channels = 8, .kernel = 3, .padding = PaddingMode::kSame});
  const Graph graph = builder.take();
  EXPECT_EQ(std::get<Conv2d>(graph[id].op).pad, (Size2d{0, 0}));
}

TEST(GraphBuilder, CopiesItsRoleAndFillsInLayerAndField) {
  GraphBuilder builder(3);
  ParameterRole role;
  role.part = "depthwise";
  role.set_count("stage", 2);
  builder.set_role(role);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 8, .bias = true});
  const NodeId norm = builder.batch_norm(conv, "norm", 1e-5);
  const NodeId act = builder.activation(norm, "act", ActivationKind::kPrelu);
  const NodeId pool = builder.global_avg_pool(act, "pool");
  builder.linear(builder.flatten(pool, "flatten"), "fc", 10, true);
  const Graph graph = builder.take();

  struct Place {
    Layer layer;
    Field field;
    Shape shape;
  };
  const std::vector<Place> places = {
      {Layer::kWeighted, Field::kWeight, {8, 3, 1, 1}},
      {Layer::kWeighted, Field::kBias, {8}},
      {Layer::kNorm, Field::kWeight, {8}},
      {Layer::kNorm, Field::kBias, {8}},
      {Layer::kNorm, Field::kRunningMean, {8}},
      {Layer::kNorm, Field::kRunningVar, {8}},
      {Layer::kActivation, Field::kWeight, {1}},
      {Layer::kWeighted, Field::kWeight, {10, 8}},
      {Layer::kWeighted, Field::kBias, {10}},
  };
  ASSERT_EQ(graph.parameters.size(), places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    SCOPED_TRACE(graph.parameters[i].name);
    EXPECT_EQ(graph.parameters[i].role.layer, places[i].layer);
    EXPECT_EQ(graph.parameters[i].role.field, places[i].field);
    EXPECT_EQ(graph.parameters[i].role.part, "depthwise");
    EXPECT_EQ(graph.parameters[i].role.count("stage"), 2);
    EXPECT_EQ(graph.parameters[i].shape, places[i].shape);
  }
  EXPECT_EQ(graph.parameters[6].name, "act.weight");
  EXPECT_EQ(std::get<Activation>(graph[act].op).function.slope, 6);
}

TEST(GraphBuilder, AddsNothingForTheIdentityActivation) {
  GraphBuilder builder(3);
  EXPECT_EQ(builder.activation(builder.input(), "act", ActivationKind::kIdentity), builder.input());
  EXPECT_EQ(builder.take().nodes.size(), 1U);
}

TEST(GraphBuilder, HandsOutOutputs) {
  GraphBuilder builder(3);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 8});
  builder.output("feature.0", conv);
  builder.output("logits", conv);
  const Graph graph = builder.take();
  ASSERT_EQ(graph.outputs.size(), 2U);
  EXPECT_EQ(graph.outputs[1].name, "logits");
  EXPECT_EQ(graph.outputs[1].node, conv);
}

struct BadCall {
  std::string name;
  void (*call)(GraphBuilder&);
  std::string message;
};

class GraphBuilderRejects : public ::testing::TestWithParam<BadCall> {};

TEST_P(GraphBuilderRejects, WithTheNodeAndTheReason) {
  GraphBuilder builder(6);
  builder.conv(builder.input(), "first", {.out_channels = 4});
  EXPECT_EQ(error_of([&] { GetParam().call(builder); }), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Calls, GraphBuilderRejects,
    ::testing::Values(
        BadCall{"TakenName", [](GraphBuilder& b) { b.conv(0, "first", {.out_channels = 4}); },
                R"(node "first" (Conv2d): the name is already taken)"},
        BadCall{"NameOfTheInput", [](GraphBuilder& b) { b.flatten(0, "input"); },
                R"(node "input" (Flatten): the name is already taken)"},
        BadCall{"EmptyName", [](GraphBuilder& b) { b.flatten(0, ""); }, R"(node "" (Flatten): has an empty name)"},
        BadCall{"GroupsThatDoNotDivide", [](GraphBuilder& b) { b.conv(0, "c", {.out_channels = 8, .groups = 3}); },
                R"(node "c" (Conv2d): 3 groups do not divide 6 input and 8 output channels)"},
        BadCall{"NoOutputChannels", [](GraphBuilder& b) { b.conv(0, "c", {}); },
                R"(node "c" (Conv2d): out_channels is 0, must be at least 1)"},
        BadCall{"NoGroups", [](GraphBuilder& b) { b.conv(0, "c", {.out_channels = 8, .groups = 0}); },
                R"(node "c" (Conv2d): groups is 0, must be at least 1)"},
        BadCall{"NoStride", [](GraphBuilder& b) { b.conv(0, "c", {.out_channels = 8, .stride = 0}); },
                R"(node "c" (Conv2d): stride is 0x0, must be between 1 and 2147483648)"},
        BadCall{"NegativeKernel", [](GraphBuilder& b) { b.conv(0, "c", {.out_channels = 8, .kernel = -3}); },
                R"(node "c" (Conv2d): kernel is -3x-3, must be between 1 and 2147483648)"},
        BadCall{"HugeDilation",
                [](GraphBuilder& b) {
                  b.conv(0, "c", {.out_channels = 8, .kernel = 3, .dilation = std::numeric_limits<int64_t>::max()});
                },
                R"(node "c" (Conv2d): dilation is 9223372036854775807x9223372036854775807, must be between 1 and )"
                R"(2147483648)"},
        BadCall{"HugePad",
                [](GraphBuilder& b) { b.conv(0, "c", {.out_channels = 1, .kernel = 9, .dilation = int64_t{1} << 31}); },
                R"(node "c" (Conv2d): pad is 8589934592x8589934592, must be between 0 and 2147483648)"},
        BadCall{"HugeWeight", [](GraphBuilder& b) { b.conv(0, "c", {.out_channels = int64_t{1} << 40, .kernel = 3}); },
                R"(node "c" (Conv2d): weight 1099511627776x6x3x3 has more than 2147483648 elements)"},
        BadCall{"HugeLinear", [](GraphBuilder& b) { b.linear(0, "fc", std::numeric_limits<int64_t>::max(), true); },
                R"(node "fc" (Linear): weight 9223372036854775807x6 has more than 2147483648 elements)"},
        BadCall{"NegativeEps", [](GraphBuilder& b) { b.batch_norm(0, "bn", -1e-5); },
                R"(node "bn" (BatchNorm): eps is -1e-05, must be finite and not negative)"},
        BadCall{"EpsThatIsNoNumber",
                [](GraphBuilder& b) { b.instance_norm(0, "in", std::numeric_limits<double>::quiet_NaN()); },
                R"(node "in" (InstanceNorm): eps is nan, must be finite and not negative)"},
        BadCall{"AddOfDifferentChannels", [](GraphBuilder& b) { b.add(0, 1, "sum"); },
                R"(node "sum" (Add): cannot add 6 and 4 channels)"},
        BadCall{"MulOfDifferentChannels", [](GraphBuilder& b) { b.mul(0, 1, "scale"); },
                R"(node "scale" (Mul): cannot scale 6 channels by 4)"},
        BadCall{"PoolWithoutKernel", [](GraphBuilder& b) { b.avg_pool(0, "pool", {.kernel = 0}); },
                R"(node "pool" (AvgPool2d): kernel is 0x0, must be between 1 and 2147483648)"},
        BadCall{"PoolOfPadding", [](GraphBuilder& b) { b.avg_pool(0, "pool", {.kernel = 3, .pad = 2}); },
                R"(node "pool" (AvgPool2d): pad 2x2 is more than half of kernel 3x3)"},
        BadCall{"MaxPoolOfPadding", [](GraphBuilder& b) { b.max_pool(0, "pool", {.kernel = 3, .pad = 2}); },
                R"(node "pool" (MaxPool2d): pad 2x2 is more than half of kernel 3x3)"},
        BadCall{"ConcatOfNothing", [](GraphBuilder& b) { b.concat({}, "joined"); },
                R"(node "joined" (Concat): nothing to put together)"},
        BadCall{"RepeatOnOtherChannels", [](GraphBuilder& b) { b.repeat(1, 1, "again"); },
                R"(node "again" (Conv2d): repeats "first", which reads 6 channels, on 4)"},
        BadCall{"RepeatOfTwoSources", [](GraphBuilder& b) { b.repeat(b.add(0, 0, "sum"), 0, "again"); },
                R"(node "sum" (Add): cannot be repeated: it has 2 sources, not one)"},
        BadCall{"BlurWithoutStride", [](GraphBuilder& b) { b.blur_pool(0, "blur", 0); },
                R"(node "blur" (BlurPool2d): stride is 0x0, must be between 1 and 2147483648)"},
        BadCall{"SliceBeyondTheEnd", [](GraphBuilder& b) { b.slice_channels(0, "part", 3, 4); },
                R"(node "part" (SliceChannels): 4 channels from 3 on are not among 6)"},
        BadCall{"SliceBeforeTheBeginning", [](GraphBuilder& b) { b.slice_channels(0, "part", -1, 4); },
                R"(node "part" (SliceChannels): 4 channels from -1 on are not among 6)"},
        BadCall{"SliceOfNothing", [](GraphBuilder& b) { b.slice_channels(0, "part", 0, 0); },
                R"(node "part" (SliceChannels): channels is 0, must be at least 1)"},
        BadCall{"ShuffleOfUnequalGroups", [](GraphBuilder& b) { b.shuffle_channels(0, "mixed", 4); },
                R"(node "mixed" (ShuffleChannels): 4 groups do not divide 6 channels)"},
        BadCall{"ShuffleWithoutGroups", [](GraphBuilder& b) { b.shuffle_channels(0, "mixed", 0); },
                R"(node "mixed" (ShuffleChannels): groups is 0, must be at least 1)"},
        BadCall{"ResizeLikeNoValue", [](GraphBuilder& b) { b.resize_like(0, 9, "up", ResizeMode::kNearest); },
                "value 9 does not exist, the graph has 2 nodes"},
        BadCall{"AttentionWithoutHeads", [](GraphBuilder& b) { b.multi_query_attention(0, 1, 1, "mqa", 0); },
                R"(node "mqa" (MultiQueryAttention): heads is 0, must be at least 1)"},
        BadCall{"AttentionOfOtherHeads", [](GraphBuilder& b) { b.multi_query_attention(0, 1, 1, "mqa", 2); },
                R"(node "mqa" (MultiQueryAttention): 2 heads of 4 key channels need 8 query channels, got 6)"},
        BadCall{"AttentionOfHugeHeads",
                [](GraphBuilder& b) { b.multi_query_attention(0, 1, 1, "mqa", std::numeric_limits<int64_t>::max()); },
                R"(node "mqa" (MultiQueryAttention): query 9223372036854775807x4 has more than 2147483648 elements)"},
        BadCall{"ValueThatDoesNotExist", [](GraphBuilder& b) { b.flatten(7, "flat"); },
                "value 7 does not exist, the graph has 2 nodes"},
        BadCall{"OutputOfNoValue", [](GraphBuilder& b) { b.output("logits", kNone); },
                R"(output "logits": value -1 does not exist, the graph has 2 nodes)"},
        BadCall{"OutputDeclaredTwice",
                [](GraphBuilder& b) {
                  b.output("logits", 0);
                  b.output("logits", 1);
                },
                R"(output "logits" is declared twice)"}),
    [](const auto& param_info) { return param_info.param.name; });

TEST(GraphBuilder, RejectsImagesWithoutChannels) {
  EXPECT_EQ(error_of([] { GraphBuilder builder(0); }), R"(node "input" (Input): channels is 0, must be at least 1)");
}

}  // namespace
}  // namespace zoo::graph
