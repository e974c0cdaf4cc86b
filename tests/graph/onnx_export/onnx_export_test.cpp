// What an exported file says, and what cannot be exported.
#include "nn/graph/onnx_export/onnx_export.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/graph/graph_builder.h"
#include "tests/engine/network_fixture.h"
#include "tests/support/opencv_dnn.h"

namespace zoo::onnx_export {
namespace {

using graph::GraphBuilder;
using graph::NodeId;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// conv -> batch norm -> hard swish, handed out as "y" and "again"; the image itself as "image".
graph::BoundGraph small_network() {
  GraphBuilder b(3);
  const NodeId conv = b.batch_norm(b.conv(b.input(), "conv", {.out_channels = 4, .kernel = 3}), "norm", 1e-5);
  const NodeId result = b.activation(conv, "act", ActivationKind::kHardSwish);
  b.output("y", result);
  b.output("again", result);
  b.output("image", b.input());
  return engine::bind_formula(b.take());
}

std::vector<std::string> node_types(const ::onnx::ModelProto& model) {
  std::vector<std::string> types;
  for (const auto& node : model.graph().node()) types.push_back(node.op_type());
  return types;
}

std::vector<std::string> output_names(const ::onnx::ModelProto& model) {
  std::vector<std::string> names;
  for (const auto& output : model.graph().output()) names.push_back(output.name());
  return names;
}

std::vector<int64_t> extents(const ::onnx::ValueInfoProto& value) {
  std::vector<int64_t> result;
  for (const auto& dim : value.type().tensor_type().shape().dim()) result.push_back(dim.dim_value());
  return result;
}

/// What `to_onnx` says about it.
template <typename Expected>
std::string failure(const graph::BoundGraph& network, const Options& options) {
  try {
    to_onnx(network, options);
  } catch (const Expected& error) {
    return error.what();
  }
  return "no error";
}

TEST(OnnxExport, SaysWhatItIs) {
  Options options{.input = {2, 3, 6, 5}, .model_name = "tiny", .producer_version = "1.2.3"};
  options.metadata = {{"task", "classification"}, {"labels", "[\"a\"]"}};
  const ::onnx::ModelProto model = test::parse_onnx(to_onnx(small_network(), options));
  EXPECT_EQ(model.ir_version(), 8);
  ASSERT_EQ(model.opset_import_size(), 1);
  EXPECT_EQ(model.opset_import(0).domain(), "");
  EXPECT_EQ(model.opset_import(0).version(), 17);
  EXPECT_EQ(model.producer_name(), "backbone-zoo");
  EXPECT_EQ(model.producer_version(), "1.2.3");
  EXPECT_EQ(model.graph().name(), "tiny");
  ASSERT_EQ(model.metadata_props_size(), 2);
  EXPECT_EQ(model.metadata_props(1).key(), "labels");
  EXPECT_EQ(model.metadata_props(1).value(), "[\"a\"]");
  ASSERT_EQ(model.graph().input_size(), 1);
  EXPECT_EQ(model.graph().input(0).name(), "input");
  EXPECT_THAT(extents(model.graph().input(0)), ElementsAre(2, 3, 6, 5));
  EXPECT_THAT(extents(model.graph().output(0)), ElementsAre(2, 4, 6, 5));
}

TEST(OnnxExport, FoldsNormsAndFusesNothing) {
  const ::onnx::ModelProto model =
      test::parse_onnx(to_onnx(small_network(), {.input = {1, 3, 6, 5}, .outputs = {"y"}}));
  EXPECT_THAT(node_types(model), ElementsAre("Conv", "HardSwish"));
  EXPECT_EQ(model.graph().node(0).name(), "conv");
  EXPECT_EQ(model.graph().initializer_size(), 2);
}

TEST(OnnxExport, RoundsValuesThatHaveARange) {
  Options options{.input = {1, 3, 6, 5}, .outputs = {"y"}};
  options.ranges = {{"input", -1.0F, 1.55F}, {"norm", -2.0F, 3.1F}, {"act", -0.375F, 3.1F}};
  const ::onnx::ModelProto model = test::parse_onnx(to_onnx(small_network(), options));
  // The result itself is handed out as it is.
  EXPECT_THAT(node_types(model),
              ElementsAre("QuantizeLinear", "DequantizeLinear", "DequantizeLinear", "DequantizeLinear", "Conv",
                          "QuantizeLinear", "DequantizeLinear", "HardSwish"));
  const auto& conv = model.graph().node(4);
  EXPECT_EQ(conv.input(0), "input/dequantized");
  EXPECT_EQ(conv.input(1), "conv/weight");
  EXPECT_EQ(conv.input(2), "conv/bias");
  for (const auto& constant : model.graph().initializer()) {
    if (constant.name() == "input/zero_point") {
      EXPECT_EQ(static_cast<uint8_t>(constant.raw_data()[0]), 100);
    }
    if (constant.name() == "conv.folded_weight/int8") {
      EXPECT_EQ(constant.data_type(), ::onnx::TensorProto::INT8);
      EXPECT_EQ(constant.raw_data().size(), 4U * 3U * 3U * 3U);
    }
  }
}

TEST(OnnxExport, LeavesWhatAReluReads) {
  GraphBuilder b(3);
  const NodeId conv = b.conv(b.input(), "conv", {.out_channels = 4});
  const NodeId act = b.activation(conv, "act", ActivationKind::kRelu);
  b.output("y", b.conv(act, "last", {.out_channels = 2}));
  Options options{.input = {1, 3, 6, 5}};
  options.ranges = {{"input", -1.0F, 1.0F}, {"conv", -1.0F, 1.0F}, {"act", 0.0F, 1.0F}};
  EXPECT_THAT(node_types(test::parse_onnx(to_onnx(engine::bind_formula(b.take()), options))),
              ElementsAre("QuantizeLinear", "DequantizeLinear", "DequantizeLinear", "Conv", "Relu", "QuantizeLinear",
                          "DequantizeLinear", "DequantizeLinear", "Conv"));
}

TEST(OnnxExport, HandsOutOneValueUnderSeveralNames) {
  const std::string bytes = to_onnx(small_network(), {.input = {1, 3, 6, 5}});
  EXPECT_THAT(output_names(test::parse_onnx(bytes)), ElementsAre("y", "again", "image"));
  const Tensor image = weights::formula_input({1, 3, 6, 5}, "test");
  const auto outputs = test::run_in_opencv(bytes, image);
  EXPECT_EQ(outputs.at("y").data, outputs.at("again").data);
  EXPECT_EQ(outputs.at("image").data, image.data);
}

TEST(OnnxExport, KeepsTheOrderOfTheWantedOutputs) {
  const Options options{.input = {1, 3, 6, 5}, .outputs = {"image", "y"}};
  EXPECT_THAT(output_names(test::parse_onnx(to_onnx(small_network(), options))), ElementsAre("image", "y"));
}

TEST(OnnxExport, StoresALayerThatLevelsShareOnce) {
  GraphBuilder b(3);
  const NodeId conv = b.conv(b.input(), "conv", {.out_channels = 3, .bias = true});
  b.output("y", b.repeat(conv, conv, "again"));
  const auto model = test::parse_onnx(to_onnx(engine::bind_formula(b.take()), {.input = {1, 3, 4, 4}}));
  EXPECT_EQ(model.graph().node_size(), 2);
  EXPECT_EQ(model.graph().initializer_size(), 2);
}

// i * (2 / 82) and i / (82 / 2) differ at 41 when computed in float.
TEST(OnnxExport, GathersWhereOnnxRoundsNearestOtherwise) {
  GraphBuilder b(3);
  const NodeId small = b.max_pool(b.input(), "pool", {.kernel = 1, .stride = 41});
  b.output("y", b.resize_like(small, b.input(), "resize", graph::ResizeMode::kNearest));
  const graph::BoundGraph network = engine::bind_formula(b.take());
  EXPECT_THAT(node_types(test::parse_onnx(to_onnx(network, {.input = {1, 3, 82, 82}}))),
              ElementsAre("MaxPool", "Gather", "Gather"));
  EXPECT_THAT(node_types(test::parse_onnx(to_onnx(network, {.input = {1, 3, 41, 41}}))),
              ElementsAre("MaxPool", "Resize"));
}

TEST(OnnxExport, RefusesAnInputThatDoesNotFit) {
  EXPECT_THAT(failure<GraphError>(small_network(), {.input = {1, 4, 6, 5}}),
              HasSubstr("expects [N, 3, H, W], got 1x4x6x5"));
}

TEST(OnnxExport, RefusesAnUnknownOutput) {
  EXPECT_THAT(failure<GraphError>(small_network(), {.input = {1, 3, 6, 5}, .outputs = {"logits"}}),
              HasSubstr("output \"logits\" does not exist"));
}

TEST(OnnxExport, RefusesMissingValues) {
  graph::BoundGraph network = small_network();
  network.values.views.pop_back();
  EXPECT_THAT(failure<GraphError>(network, {.input = {1, 3, 6, 5}}), HasSubstr("have values"));
}

TEST(OnnxExport, ReportsWhatTheCheckerFinds) {
  GraphBuilder b(3);
  b.output("y", b.conv(b.conv(b.input(), "y", {.out_channels = 2}), "second", {.out_channels = 2}));
  EXPECT_THAT(failure<GraphError>(engine::bind_formula(b.take()), {.input = {1, 3, 4, 4}, .model_name = "twice"}),
              HasSubstr("twice: ONNX's checker refuses the model: "));
}

}  // namespace
}  // namespace zoo::onnx_export
