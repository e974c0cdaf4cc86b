// Every operation as ONNX, executed by OpenCV's dnn module, against the reference engine.
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nn/graph/graph_builder.h"
#include "nn/graph/onnx_export/onnx_export.h"
#include "tests/engine/network_fixture.h"
#include "tests/support/opencv_dnn.h"

namespace zoo::onnx_export {
namespace {

using graph::GraphBuilder;
using graph::NodeId;

struct OperationCase {
  std::string name;
  Shape input;
  std::function<void(GraphBuilder&)> build;
};

void PrintTo(const OperationCase& c, std::ostream* stream) { *stream << c.name; }

OperationCase activation_case(const std::string& name, ActivationKind kind) {
  return {name, {2, 8, 5, 7}, [kind](GraphBuilder& b) {
            b.output("y", b.activation(b.conv(b.input(), "conv", {.out_channels = 8, .bias = true}), "act", kind));
          }};
}

OperationCase conv_case(const std::string& name, const graph::ConvOptions& options) {
  return {name, {2, 8, 13, 18}, [options](GraphBuilder& b) { b.output("y", b.conv(b.input(), "conv", options)); }};
}

OperationCase resize_case(const std::string& name, graph::ResizeMode mode, Shape input, int64_t stride) {
  return {name, std::move(input), [mode, stride](GraphBuilder& b) {
            const NodeId small = b.max_pool(b.input(), "pool", {.kernel = 1, .stride = stride});
            b.output("y", b.resize_like(small, b.input(), "resize", mode));
          }};
}

OperationCase squeeze_excite_case(const std::string& name, ActivationKind kind) {
  return {name, {2, 8, 6, 6}, [kind](GraphBuilder& b) {
            const NodeId conv = b.conv(b.input(), "conv", {.out_channels = 8});
            NodeId gate = b.conv(b.global_avg_pool(conv, "pool"), "reduce", {.out_channels = 4, .bias = true});
            gate = b.activation(gate, "inner", ActivationKind::kRelu);
            gate = b.activation(b.conv(gate, "expand", {.out_channels = 8, .bias = true}), "gate", kind);
            b.output("y", b.mul(conv, gate, "mul"));
          }};
}

const std::vector<OperationCase> kCases = {
    conv_case("conv_strided", {.out_channels = 5, .kernel = 3, .stride = 2, .bias = true}),
    conv_case("conv_dilated", {.out_channels = 5, .kernel = 3, .dilation = 2}),
    conv_case("conv_grouped", {.out_channels = 4, .kernel = 3, .groups = 2, .bias = true}),
    conv_case("conv_depthwise", {.out_channels = 8, .kernel = 5, .stride = 2, .groups = 8}),
    conv_case("conv_same", {.out_channels = 8, .kernel = 3, .stride = 2, .padding = graph::PaddingMode::kSame}),
    activation_case("relu", ActivationKind::kRelu),
    activation_case("relu6", ActivationKind::kRelu6),
    activation_case("prelu", ActivationKind::kPrelu),
    activation_case("leaky_relu", ActivationKind::kLeakyRelu),
    activation_case("gelu", ActivationKind::kGelu),
    activation_case("silu", ActivationKind::kSilu),
    activation_case("hard_swish", ActivationKind::kHardSwish),
    activation_case("hard_sigmoid", ActivationKind::kHardSigmoid),
    activation_case("sigmoid", ActivationKind::kSigmoid),
    {"batch_norm_alone", {2, 6, 4, 4}, [](GraphBuilder& b) { b.output("y", b.batch_norm(b.input(), "bn", 1e-3)); }},
    {"instance_norm", {2, 6, 4, 5}, [](GraphBuilder& b) { b.output("y", b.instance_norm(b.input(), "norm", 1e-3)); }},
    {"residual_and_layer_scale",
     {1, 6, 4, 5},
     [](GraphBuilder& b) {
       const NodeId conv = b.conv(b.input(), "conv", {.out_channels = 6});
       b.output("y", b.add(b.scale_channels(b.batch_norm(conv, "bn", 1e-5), "scale"), b.input(), "add"));
     }},
    squeeze_excite_case("squeeze_excite_hard_sigmoid", ActivationKind::kHardSigmoid),
    squeeze_excite_case("squeeze_excite_sigmoid", ActivationKind::kSigmoid),
    {"classifier",
     {3, 8, 6, 6},
     [](GraphBuilder& b) {
       const NodeId hidden = b.linear(b.flatten(b.global_avg_pool(b.input(), "pool"), "flatten"), "hidden", 9, false);
       const NodeId norm = b.batch_norm(hidden, "norm", 1e-5);
       b.output("y", b.linear(b.activation(norm, "act", ActivationKind::kRelu), "classifier", 5, true));
     }},
    {"avg_pool",
     {1, 4, 9, 9},
     [](GraphBuilder& b) { b.output("y", b.avg_pool(b.input(), "pool", {.kernel = 3, .stride = 2})); }},
    {"max_pool",
     {1, 4, 9, 9},
     [](GraphBuilder& b) { b.output("y", b.max_pool(b.input(), "pool", {.kernel = 3, .stride = 2, .pad = 1})); }},
    {"blur_pool", {1, 4, 9, 8}, [](GraphBuilder& b) { b.output("y", b.blur_pool(b.input(), "blur", 2)); }},
    {"concat",
     {2, 4, 3, 3},
     [](GraphBuilder& b) {
       const NodeId conv = b.conv(b.input(), "conv", {.out_channels = 3});
       b.output("y", b.concat({conv, b.input(), conv}, "joined"));
     }},
    {"slice_channels",
     {2, 7, 3, 4},
     [](GraphBuilder& b) {
       b.output("front", b.slice_channels(b.input(), "front", 0, 3));
       b.output("back", b.slice_channels(b.input(), "back", 4, 3));
     }},
    {"shuffle_channels",
     {1, 12, 3, 5},
     [](GraphBuilder& b) {
       const NodeId mixed = b.shuffle_channels(b.input(), "mixed", 3);
       b.output("mixed", mixed);
       b.output("y", b.conv(mixed, "conv", {.out_channels = 5}));
     }},
    resize_case("resize_nearest", graph::ResizeMode::kNearest, {1, 4, 8, 12}, 2),
    resize_case("resize_bilinear", graph::ResizeMode::kBilinear, {1, 4, 9, 12}, 3),
    resize_case("resize_bilinear_from_one_pixel", graph::ResizeMode::kBilinear, {1, 4, 4, 4}, 4),
    {"attention",
     {2, 8, 4, 6},
     [](GraphBuilder& b) {
       const NodeId query = b.conv(b.input(), "query", {.out_channels = 12});
       const NodeId small = b.max_pool(b.input(), "pool", {.kernel = 1, .stride = 2});
       const NodeId key = b.conv(small, "key", {.out_channels = 4});
       const NodeId value = b.conv(small, "value", {.out_channels = 5});
       b.output("y", b.multi_query_attention(query, key, value, "attention", 3));
     }},
};

class OnnxOperation : public ::testing::TestWithParam<OperationCase> {};

void expect_opencv_agrees(const graph::BoundGraph& exported, const graph::BoundGraph& network, const Shape& shape) {
  engine::CompileOptions reference;
  reference.engine = engine::EngineKind::kReference;
  const auto expected = engine::run_network(network, shape, reference);
  const auto actual = test::run_in_opencv(to_onnx(exported, {.input = shape}), weights::formula_input(shape, "test"));
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const std::string& name = network.graph.outputs[i].name;
    EXPECT_TRUE(test::close_to_max(actual.at(name).data, expected[i], 1e-5)) << name;
  }
}

TEST_P(OnnxOperation, EqualsTheReference) {
  GraphBuilder builder(GetParam().input[1]);
  GetParam().build(builder);
  const graph::BoundGraph network = engine::bind_formula(builder.take());
  expect_opencv_agrees(network, network, GetParam().input);
}

TEST_P(OnnxOperation, EqualsTheReferenceAfterThePasses) {
  GraphBuilder builder(GetParam().input[1]);
  GetParam().build(builder);
  const graph::BoundGraph network = engine::bind_formula(builder.take());
  expect_opencv_agrees(graph::optimise(network), network, GetParam().input);
}

std::string case_name(const ::testing::TestParamInfo<OperationCase>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(All, OnnxOperation, ::testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace zoo::onnx_export
