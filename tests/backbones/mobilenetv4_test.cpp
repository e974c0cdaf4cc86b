#include "backbones/mobilenetv4.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/backbones/graph_probe.h"

namespace zoo::backbones {
namespace {

using graph::Graph;
using graph::GraphBuilder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

MobileNetV4Config decode(const std::string& text) {
  const ConfigDocument document = ConfigDocument::parse("name: mobilenetv4\n" + text, "x.yaml");
  document.root().at("name").as_string();
  MobileNetV4Config config = decode_mobilenetv4(document.root());
  document.finish();
  return config;
}

// Rows behind a stem of 16 channels with stride 2; `params` begins with a comma or is empty.
MobileNetV4Config decode_rows(const std::string& rows, const std::string& params = "") {
  return decode("params: {stem_out_channel: 16, final_conv_out_channel: 0, act_type: relu" + params +
                "}\nstage_params: " + rows + "\n");
}

Graph build(const MobileNetV4Config& config) {
  GraphBuilder builder(config.in_channels);
  const FeaturePyramid pyramid = build_mobilenetv4(builder, config);
  for (size_t i = 0; i < pyramid.size(); ++i) builder.output(fmt::format("feature.{}", i), pyramid[i].value);
  return builder.take();
}

std::vector<std::string> block_nodes(const Graph& graph) {
  std::vector<std::string> names;
  const std::string prefix = "stage0.block0.";
  for (const auto& node : graph.nodes) {
    if (node.name.starts_with(prefix)) names.push_back(node.name.substr(prefix.size()));
  }
  return names;
}

std::string last_shape(const Graph& graph, int64_t height, int64_t width) {
  return infer_shapes(graph, {1, 3, height, width}).back().to_string();
}

TEST(MobileNetV4, HasTheTrainersDefaults) {
  const MobileNetV4Config config = decode_rows("[[[conv, 24, 3, 2]]]");
  EXPECT_EQ(config.in_channels, 3);
  EXPECT_EQ(config.stem.kernel, 3);
  EXPECT_EQ(config.stem.stride, 2);
  EXPECT_EQ(config.final_conv.kernel, 1);
  EXPECT_EQ(config.final_conv.stride, 1);
  EXPECT_EQ(config.norm.kind, NormKind::kBatchNorm);
  EXPECT_EQ(config.norm.eps, 1e-5);
  EXPECT_FALSE(config.same_padding);
  EXPECT_EQ(config.antialias, Antialias::kNone);
  EXPECT_EQ(config.feature_levels.kind, FeatureLevels::kStages);
  EXPECT_THAT(config.returned_stages, ElementsAre(0U));
}

TEST(MobileNetV4, ReadsEveryParameter) {
  const MobileNetV4Config config = decode(R"(
params: {in_channels: 1, stem_out_channel: 8, stem_kernel_size: 5, stem_stride: 1, final_conv_out_channel: 48,
         final_conv_kernel_size: 3, final_conv_stride: 2, norm_type: instance_norm, norm_eps: 1.0e-3, act_type: GELU,
         return_stage_idx: [1, 0], layer_scale: 0.1, padding: same, antialias: blur}
stage_params: [[[conv, 16, 3, 2]], [[conv, 24, 3, 2]]]
)");
  EXPECT_EQ(config.in_channels, 1);
  EXPECT_EQ(config.stem.out_channels, 8);
  EXPECT_EQ(config.stem.kernel, 5);
  EXPECT_EQ(config.stem.stride, 1);
  EXPECT_EQ(config.final_conv.kernel, 3);
  EXPECT_EQ(config.activation, ActivationKind::kGelu);
  EXPECT_EQ(config.norm.kind, NormKind::kInstanceNorm);
  EXPECT_EQ(config.norm.eps, 1e-3);
  EXPECT_TRUE(config.same_padding);
  EXPECT_EQ(config.antialias, Antialias::kBlur);
  EXPECT_THAT(config.returned_stages, ElementsAre(0U, 1U));
  EXPECT_THAT(levels(mobilenetv4_features(config)), ElementsAre(std::tuple(16, 2), std::tuple(48, 8)));
}

TEST(MobileNetV4, ReturnsTheLastStageUnlessToldOtherwise) {
  const std::string rows = "[[[conv, 24, 3, 2]], [[conv, 24, 3, 2]]]";
  EXPECT_THAT(decode_rows(rows, ", return_stage_idx: ~").returned_stages, ElementsAre(1U));
  EXPECT_THAT(decode_rows(rows, ", feature_levels: strides").returned_stages, IsEmpty());
}

TEST(MobileNetV4, DefinesEveryStageAndSaysWhichAreReturned) {
  const ConfigDocument document = ConfigDocument::parse(
      "params: {in_channels: 4, stem_out_channel: 16, final_conv_out_channel: 96, act_type: relu,\n"
      "         return_stage_idx: [2, 0]}\n"
      "stage_params: [[[conv, 24, 3, 2]], [[conv, 32, 3, 2]], [[conv, 48, 3, 2]]]\n",
      "x.yaml");
  const BackboneDefinition definition = define_mobilenetv4(document.root());
  document.finish();
  EXPECT_EQ(definition.in_channels, 4);
  EXPECT_THAT(levels(definition.features), ElementsAre(std::tuple(24, 4), std::tuple(32, 8), std::tuple(96, 16)));
  EXPECT_THAT(definition.returned_levels, ElementsAre(0U, 2U));
}

TEST(MobileNetV4, ReadsAConvRow) {
  const Graph graph = build(decode_rows("[[[conv, 16, 5, 1]]]"));
  EXPECT_THAT(block_nodes(graph), ElementsAre("conv.conv", "conv.norm", "conv.act"));
  EXPECT_EQ(op_of<graph::Conv2d>(graph, "stage0.block0.conv.conv").kernel.h, 5);
  EXPECT_EQ(parameter_of(graph, "stage0.block0.conv.conv.weight").role.block, "conv");
}

TEST(MobileNetV4, ReadsAFusedRowWhichSkipsOnlyInTimm) {
  const Graph graph = build(decode_rows("[[[fi, 16, 32, 3, 1]]]"));
  EXPECT_THAT(block_nodes(graph),
              ElementsAre("expand.conv", "expand.norm", "expand.act", "project.conv", "project.norm"));
  EXPECT_EQ(op_of<graph::Conv2d>(graph, "stage0.block0.expand.conv").kernel.h, 3);
  EXPECT_TRUE(has_node(build(decode_rows("[[[fi, 16, 32, 3, 1]]]", ", fi_skip: True")), "stage0.block0.add"));
  EXPECT_FALSE(has_node(build(decode_rows("[[[fi, 16, 32, 3, 2]]]", ", fi_skip: True")), "stage0.block0.add"));
}

TEST(MobileNetV4, ReadsAUniversalRow) {
  const Graph graph = build(decode_rows("[[[uir, 16, 64, True, 5, True, 3, 1]]]", ", layer_scale: 0.1"));
  EXPECT_THAT(block_nodes(graph),
              ElementsAre("start.conv", "start.norm", "expand.conv", "expand.norm", "expand.act", "middle.conv",
                          "middle.norm", "middle.act", "project.conv", "project.norm", "layer_scale", "add"));
  EXPECT_EQ(op_of<graph::Conv2d>(graph, "stage0.block0.start.conv").groups, 16);
  EXPECT_EQ(op_of<graph::Conv2d>(graph, "stage0.block0.middle.conv").groups, 64);
  EXPECT_EQ(parameter_of(graph, "stage0.block0.project.conv.weight").role.count("position"), 3);
}

TEST(MobileNetV4, LeavesOutWhatAUniversalRowSwitchesOff) {
  const Graph graph = build(decode_rows("[[[uir, 24, 64, False, ~, False, ~, 1]]]", ", layer_scale: 0.1"));
  EXPECT_THAT(block_nodes(graph),
              ElementsAre("expand.conv", "expand.norm", "expand.act", "project.conv", "project.norm", "layer_scale"));
}

TEST(MobileNetV4, LeavesTheExpandConvolutionOutWhereItIsNotNeededUnlessAsInTimm) {
  const std::string rows = "[[[uir, 16, 16, True, 3, True, 3, 1]]]";
  EXPECT_FALSE(has_node(build(decode_rows(rows)), "stage0.block0.expand.conv"));
  EXPECT_TRUE(has_node(build(decode_rows(rows, ", uir_expand: always")), "stage0.block0.expand.conv"));
}

TEST(MobileNetV4, StridesOnTheMiddleConvolutionOnlyUnlessAsInTimm) {
  const std::string start_only = "[[[uir, 16, 64, True, 3, False, ~, 2]]]";
  EXPECT_EQ(last_shape(build(decode_rows("[[[uir, 16, 64, True, 3, True, 3, 2]]]")), 32, 32), "1x16x8x8");
  const MobileNetV4Config trainer = decode_rows(start_only);
  EXPECT_EQ(last_shape(build(trainer), 32, 32), "1x16x16x16");
  EXPECT_FALSE(has_node(build(trainer), "stage0.block0.add"));
  EXPECT_EQ(mobilenetv4_features(trainer).back().stride, 2);
  const MobileNetV4Config timm = decode_rows(start_only, ", uir_stride: middle_or_start");
  EXPECT_EQ(last_shape(build(timm), 32, 32), "1x16x8x8");
  EXPECT_EQ(mobilenetv4_features(timm).back().stride, 4);
}

TEST(MobileNetV4, ReadsAnAttentionRow) {
  const Graph graph = build(decode_rows("[[[mmqa, 16, 32, 4, ~, True, 3, 2, 1]]]", ", layer_scale: 0.1"));
  EXPECT_THAT(block_nodes(graph),
              ElementsAre("norm", "query.project", "key.down", "key.norm", "key.project", "value.down", "value.norm",
                          "value.project", "attention", "output", "layer_scale", "add"));
  EXPECT_EQ(op_of<graph::MultiQueryAttention>(graph, "stage0.block0.attention").key_dim, 8);
  EXPECT_EQ(parameter_of(graph, "stage0.block0.key.project.weight").role.count("position"), 2);
  EXPECT_EQ(last_shape(graph, 30, 14), "1x16x15x7");
  const Graph plain = build(decode_rows("[[[mmqa, 24, 32, 4, ~, False, ~, ~, 1]]]"));
  EXPECT_THAT(block_nodes(plain),
              ElementsAre("norm", "query.project", "key.project", "value.project", "attention", "output"));
}

TEST(MobileNetV4, PoolsTheQueryAndComesBackToTheSizeOfItsInput) {
  const Graph graph = build(decode_rows("[[[mmqa, 16, 32, 4, 2, False, ~, ~, 1]]]"));
  EXPECT_THAT(block_nodes(graph), ElementsAre("norm", "query.pool", "query.norm", "query.project", "key.project",
                                              "value.project", "attention", "upsample", "output", "add"));
  EXPECT_EQ(op_of<graph::Resize>(graph, "stage0.block0.upsample").mode, graph::ResizeMode::kBilinear);
  EXPECT_EQ(last_shape(graph, 30, 14), "1x16x15x7");
  EXPECT_EQ(parameter_of(graph, "stage0.block0.query.norm.weight").role.count("position"), 1);
  EXPECT_EQ(parameter_of(graph, "stage0.block0.query.project.weight").role.count("position"), 2);
  EXPECT_EQ(parameter_of(graph, "stage0.block0.output.weight").role.count("position"), 1);
}

TEST(MobileNetV4, NormalisesAttentionByBatchWhateverTheConvolutionsHave) {
  const Graph graph = build(decode_rows("[[[mmqa, 16, 32, 4, 2, True, 3, 2, 1]]]", ", norm_type: instance_norm"));
  EXPECT_NO_FATAL_FAILURE(op_of<graph::InstanceNorm>(graph, "stem.norm"));
  for (const std::string name : {"norm", "query.norm", "key.norm", "value.norm"}) {
    op_of<graph::BatchNorm>(graph, "stage0.block0." + name);
  }
}

TEST(MobileNetV4, OnlyNormalisesAQueryThatIsPooledByOne) {
  const Graph graph = build(decode_rows("[[[mmqa, 16, 32, 4, 1, False, ~, ~, 1]]]"));
  EXPECT_THAT(block_nodes(graph), ElementsAre("norm", "query.norm", "query.project", "key.project", "value.project",
                                              "attention", "output", "add"));
}

TEST(MobileNetV4, PoolsInsteadOfAStrideWhereItAntialiases) {
  const std::string rows = "[[[uir, 16, 64, True, 3, True, 3, 2], [fi, 16, 32, 3, 2], [conv, 16, 3, 2]]]";
  const Graph average = build(decode_rows(rows, ", antialias: average"));
  EXPECT_EQ(op_of<graph::Conv2d>(average, "stem.conv").stride.h, 2);
  EXPECT_EQ(op_of<graph::Conv2d>(average, "stage0.block0.middle.conv").stride.h, 1);
  EXPECT_EQ(op_of<graph::AvgPool2d>(average, "stage0.block0.middle.pool").kernel.h, 2);
  EXPECT_TRUE(has_node(average, "stage0.block1.expand.pool"));
  EXPECT_TRUE(has_node(average, "stage0.block2.conv.pool"));
  EXPECT_EQ(last_shape(average, 34, 64), "1x16x2x4");  // an odd last row is dropped
  const Graph blur = build(decode_rows(rows, ", antialias: blur"));
  EXPECT_EQ(op_of<graph::BlurPool2d>(blur, "stage0.block0.middle.pool").stride.h, 2);
  EXPECT_EQ(last_shape(blur, 34, 64), "1x16x3x4");
}

constexpr const char* kCfg = R"(
cfg:
  conv0: {block_name: convbn, num_blocks: 1, block_specs: [[3, 16, 3, 2]]}
  layer1: {block_name: fused_ib, num_blocks: 1, block_specs: [[16, 16, 1, 4, ACT]]}
  layer2:
    block_name: uib
    num_blocks: 2
    block_specs: [[16, 24, 3, 5, False, 2, 4], [24, 24, 0, 3, True, 1, 3, [4, 16, 16, 2, 2, 2, True, 1, 1]]]
)";

std::string cfg_with(const std::string& act, const std::string& params = "") {
  std::string text = params + kCfg;
  return text.replace(text.find("ACT"), 3, act);
}

TEST(MobileNetV4Cfg, IsTheSameNetworkInLucidsForm) {
  const MobileNetV4Config config = decode(cfg_with("True"));
  EXPECT_EQ(config.activation, ActivationKind::kRelu6);
  EXPECT_EQ(config.stem.out_channels, 16);
  EXPECT_EQ(config.final_conv.out_channels, 0);
  EXPECT_THAT(levels(mobilenetv4_features(config)), ElementsAre(std::tuple(16, 2), std::tuple(24, 4)));

  const auto& fused = std::get<FusedInvertedResidualOptions>(config.stages[0][0]);
  EXPECT_EQ(fused.expanded_channels, 64);
  EXPECT_EQ(fused.kernel, 3);
  EXPECT_EQ(fused.project_activation, ActivationKind::kRelu6);
  EXPECT_FALSE(fused.skip);

  const auto& first = std::get<UniversalBottleneckOptions>(config.stages[1][0]);
  EXPECT_EQ(first.start_stride, 2);  // middle_dw_downsample is False
  EXPECT_EQ(first.middle_stride, 1);
  const auto& second = std::get<UniversalBottleneckOptions>(config.stages[1][1]);
  EXPECT_EQ(second.start_kernel, 0);
  EXPECT_EQ(second.expanded_channels, 72);
  EXPECT_FALSE(second.skip);

  const auto& attention = std::get<AttentionOptions>(config.stages[1][2]);
  EXPECT_EQ(attention.attention_channels, 64);
  EXPECT_EQ(attention.query_stride, 2);
  EXPECT_EQ(attention.kv_kernel, 3);
  EXPECT_EQ(attention.kv_stride, 2);
  EXPECT_TRUE(attention.layer_scale);
  EXPECT_TRUE(attention.skip);
  EXPECT_EQ(last_shape(build(config), 32, 32), "1x24x8x8");
}

TEST(MobileNetV4Cfg, HasSkipsWhereResidual) {
  const MobileNetV4Config config = decode(cfg_with("False", "params: {residual: True, act_type: relu}"));
  const auto& fused = std::get<FusedInvertedResidualOptions>(config.stages[0][0]);
  EXPECT_EQ(fused.project_activation, ActivationKind::kIdentity);
  EXPECT_TRUE(fused.skip);
  EXPECT_FALSE(std::get<UniversalBottleneckOptions>(config.stages[1][0]).skip);
  EXPECT_TRUE(std::get<UniversalBottleneckOptions>(config.stages[1][1]).skip);
  EXPECT_EQ(config.activation, ActivationKind::kRelu);
}

TEST(MobileNetV4Cfg, RoundsTheWidthInsideAUibToEight) {
  const MobileNetV4Config config = decode(R"(
cfg:
  conv0: {block_name: convbn, num_blocks: 1, block_specs: [[3, 20, 3, 2]]}
  layer1: {block_name: uib, num_blocks: 1, block_specs: [[20, 20, 3, 3, True, 1, 2.5]]}
)");
  EXPECT_EQ(std::get<UniversalBottleneckOptions>(config.stages[0][0]).expanded_channels, 48);
}

}  // namespace
}  // namespace zoo::backbones
