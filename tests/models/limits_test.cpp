#include "models/limits.h"

#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/model.h"
#include "nn/graph/graph_builder.h"

namespace zoo::models {
namespace {

using ::testing::HasSubstr;

const std::string kModel = std::string(ZOO_SOURCE_DIR) + "/configs/timm/mobilenetv3_small_050.yaml";

/// The message of the TooLargeError that `work` throws, or nothing.
std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const TooLargeError& error) {
    EXPECT_GT(error.needed(), error.allowed());
    return error.what();
  }
  return {};
}

TEST(ActivationBytes, CountWhatIsAliveTogether) {
  graph::GraphBuilder builder(1);
  const graph::NodeId wide = builder.conv(builder.input(), "wide", {.out_channels = 8});
  const graph::NodeId active = builder.activation(wide, "active", ActivationKind::kRelu);  // in place
  const graph::NodeId narrow = builder.conv(active, "narrow", {.out_channels = 2});
  const graph::NodeId last = builder.conv(narrow, "last", {.out_channels = 2});
  builder.output("logits", builder.add(last, narrow, "sum"));
  const graph::Graph graph = builder.take();
  // The eight channels beside the two.
  EXPECT_EQ(activation_bytes(graph, {1, 1, 10, 10}), (8 + 2) * 100 * 4);
  EXPECT_EQ(activation_bytes(graph, {3, 1, 10, 10}), 3 * (8 + 2) * 100 * 4);
}

TEST(ActivationBytes, KeepWhatIsReadLaterAndHandedOut) {
  graph::GraphBuilder builder(1);
  const graph::NodeId a = builder.conv(builder.input(), "a", {.out_channels = 4});
  const graph::NodeId b = builder.conv(a, "b", {.out_channels = 5});
  const graph::NodeId c = builder.conv(b, "c", {.out_channels = 6});
  builder.output("a", a);
  builder.output("c", c);
  EXPECT_EQ(activation_bytes(builder.take(), {1, 1, 1, 1}), (4 + 5 + 6) * 4);
}

TEST(Limits, HoldForParametersBeforeAnyIsMade) {
  const LoadModelOptions huge = {
      .random_weights = true,
      .overrides = {ConfigOverride::parse("model.labels=~"), ConfigOverride::parse("model.num_classes=1000000")}};
  const std::string message = refusal([&] { Model::load(kModel, huge); });
  EXPECT_THAT(message, HasSubstr("mobilenetv3_small_050.yaml: the network has 102"));
  EXPECT_THAT(message, HasSubstr(" parameters (3.8 GiB in f32), more than the limit of 1000000000; fewer channels"));
  EXPECT_THAT(message, HasSubstr("(--max-parameters 102"));
}

TEST(Limits, HoldForParametersBeforeAFileIsRead) {
  LoadModelOptions options = {.checkpoint = "there-is-none.safetensors", .limits = {.parameters = 1000}};
  EXPECT_THAT(refusal([&] { Model::load(kModel, options); }), HasSubstr("more than the limit of 1000;"));
}

TEST(Limits, HoldForActivationsBeforeAnythingIsCompiled) {
  const Model model = Model::load(kModel, {.random_weights = true});
  const std::string message = refusal([&] { model.compile({1, 3, 16384, 16384}, {}); });
  EXPECT_THAT(message, HasSubstr("for an input of 1x3x16384x16384 the network's activations need at least "));
  EXPECT_THAT(message, HasSubstr("GiB, more than the limit of 4.0 GiB; a smaller input (--size), or a higher limit "
                                 "(--max-activations "));
}

TEST(Limits, AreRaisedByOptions) {
  const Shape input = {1, 3, 64, 64};
  const LoadModelOptions low = {.random_weights = true, .limits = {.activation_bytes = 100'000}};
  EXPECT_THAT(refusal([&] { Model::load(kModel, low).compile(input, {}); }),
              HasSubstr(" MiB, more than the limit of 0.1 MiB;"));
  const LoadModelOptions high = {.random_weights = true, .limits = {.activation_bytes = 1'000'000}};
  EXPECT_EQ(refusal([&] { Model::load(kModel, high).compile(input, {}); }), "");
}

}  // namespace
}  // namespace zoo::models
