// A user's own neck and head, registered from outside, against any backbone.
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/model.h"
#include "models/model_config.h"
#include "models/results.h"
#include "nn/core/error.h"
#include "pipeline/tasks/detector.h"
#include "tests/support/temp_folder.h"

namespace zoo::models {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

// Brings every level to `width` channels.
heads::NeckDefinition define_own_neck(const ConfigNode& neck, const heads::NeckContext& context) {
  const int64_t width = neck.find("params").at("width").as_int_in(1, 1024, 1);
  heads::NeckDefinition definition;
  for (const auto& level : context.features) definition.levels.push_back({graph::kNone, width, level.stride});
  definition.build = [width](graph::GraphBuilder& builder, const std::vector<heads::FeatureLevel>& levels) {
    std::vector<heads::FeatureLevel> result;
    builder.set_role({.section = Section::kNeck});
    for (const auto& level : levels) {
      const auto name = fmt::format("level{}", result.size());
      result.push_back({builder.conv(level.value, name, {.out_channels = width}), width, level.stride});
    }
    return result;
  };
  return definition;
}

// One anchor per position, one 1x1 convolution that all levels share.
heads::HeadDefinition define_own_head(const ConfigNode& head, const heads::HeadContext& context) {
  head.find("params");
  heads::HeadDefinition definition;
  heads::DetectionDecoding decoding;
  decoding.classes = context.num_classes;
  decoding.postprocess.score_thresh = 0.5;
  for (size_t i = 0; i < context.features.size(); ++i) {
    decoding.class_outputs.push_back(fmt::format("cls_logits.{}", i));
    decoding.box_outputs.push_back(fmt::format("bbox_regression.{}", i));
    decoding.anchors_per_position.push_back(1);
  }
  definition.detection = std::move(decoding);
  definition.build = [classes = context.num_classes](graph::GraphBuilder& builder,
                                                     const std::vector<heads::FeatureLevel>& levels) {
    builder.set_role({.section = Section::kHead});
    const graph::NodeId scores = builder.conv(levels[0].value, "scores0", {.out_channels = classes});
    const graph::NodeId boxes = builder.conv(levels[0].value, "boxes0", {.out_channels = 4});
    for (size_t i = 0; i < levels.size(); ++i) {
      const auto again = [&](graph::NodeId layer, const char* name) {
        return i == 0 ? layer : builder.repeat(layer, levels[i].value, fmt::format("{}{}", name, i));
      };
      builder.output(fmt::format("cls_logits.{}", i), again(scores, "scores"));
      builder.output(fmt::format("bbox_regression.{}", i), again(boxes, "boxes"));
    }
  };
  return definition;
}

class OwnHead : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    heads::NeckRegistry::global().add("own_neck", define_own_neck);
    heads::HeadRegistry::global().add(Task::kDetection, "own_head", define_own_head);
  }

  // MobileNetV4 of four stages with own neck and head.
  ModelConfig load(const std::string& returned, const std::string& tail = "") const {
    std::ofstream(folder_ / "model.yaml") << "model:\n  task: detection\n  name: tiny\n  architecture:\n    backbone:\n"
                                             "      name: mobilenetv4\n      params:\n"
                                             "        {stem_out_channel: 8, final_conv_out_channel: 24, act_type: relu"
                                          << returned
                                          << "}\n      stage_params:\n"
                                             "        - [[conv, 8, 3, 2]]\n        - [[conv, 12, 3, 2]]\n"
                                             "        - [[conv, 16, 3, 2]]\n        - [[conv, 20, 3, 2]]\n"
                                             "    neck: {name: own_neck, params: {width: 10}}\n"
                                             "    head: {name: own_head, params: ~}\n"
                                          << tail;
    return load_model_config(folder_ / "model.yaml");
  }

  test::TempFolder temp_;
  fs::path folder_ = temp_.path();
};

std::vector<std::string> outputs_at(const graph::Graph& graph, const Shape& input) {
  const auto shapes = infer_shapes(graph, input);
  std::vector<std::string> outputs;
  for (const auto& output : graph.outputs) {
    outputs.push_back(output.name + " " + shapes[static_cast<size_t>(output.node)].to_string());
  }
  return outputs;
}

TEST_F(OwnHead, ReadsTheLevelsTheBackboneReturnsThroughTheNeck) {
  const ModelConfig config = load(", return_stage_idx: [1, 3]");
  EXPECT_EQ(config.neck_name, "own_neck");
  EXPECT_EQ(config.head_name, "own_head");
  EXPECT_THAT(outputs_at(build_graph(config), {1, 3, 64, 96}),
              ElementsAre("cls_logits.0 1x80x8x12", "bbox_regression.0 1x4x8x12", "cls_logits.1 1x80x2x3",
                          "bbox_regression.1 1x4x2x3", "feature.0 1x8x16x24", "feature.1 1x12x8x12",
                          "feature.2 1x16x4x6", "feature.3 1x24x2x3", "neck.0 1x10x8x12", "neck.1 1x10x2x3"));
}

TEST_F(OwnHead, CountsTheParametersOfSharedLayersOnce) {
  const graph::Graph graph = build_graph(load(", return_stage_idx: [0, 1, 2, 3]"));
  int64_t head = 0;
  for (const Parameter& parameter : graph.parameters) {
    if (parameter.role.section == Section::kHead) head += parameter.shape.elements();
  }
  EXPECT_EQ(head, 10 * 80 + 10 * 4);
}

TEST_F(OwnHead, GivesThePostprocessorItsDefaults) {
  const auto plain = load(", return_stage_idx: [0, 1]").detection;
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->postprocess.score_thresh, 0.5);
  EXPECT_THAT(plain->class_outputs, ElementsAre("cls_logits.0", "cls_logits.1"));
  const auto given =
      load(", return_stage_idx: [0, 1]", "  num_classes: 3\n  postprocessor: {params: {nms_thresh: 0.7}}\n").detection;
  ASSERT_TRUE(given);
  EXPECT_EQ(given->classes, 3);
  EXPECT_EQ(given->postprocess.score_thresh, 0.5);
  EXPECT_EQ(given->postprocess.nms_thresh, 0.7);
}

// A decoding without anchors says where the raw maps are, and no more.
TEST_F(OwnHead, WithoutAnchorsYieldsRawMapsAndNoDetections) {
  load(", return_stage_idx: [0, 1]");
  const auto model = std::make_shared<const Model>(Model::load(folder_ / "model.yaml", {.random_weights = true}));
  const auto executable = model->compile({1, 3, 32, 32}, {});
  const auto runner = executable->new_runner();
  runner->run();
  std::vector<std::string> names;
  for (const auto& [name, tensor] : collect_results(model->config(), *executable, *runner)) names.push_back(name);
  EXPECT_THAT(names, ::testing::IsSupersetOf({"cls_logits.0", "bbox_regression.1"}));
  EXPECT_THAT(names, Not(Contains(AnyOf("anchors", StartsWith("det.")))));
  EXPECT_THAT([&] { pipeline::Detector detector(model); },
              ThrowsMessage<Error>(HasSubstr("model.yaml: the head own_head has no anchors")));
}

TEST_F(OwnHead, WantsToKnowWhichLevelsWhereTheBackboneReturnsOneByDefault) {
  for (const std::string returned : {"", ", return_stage_idx: ~"}) {
    try {
      load(returned);
      FAIL() << "no error";
    } catch (const ConfigError& error) {
      ASSERT_EQ(error.problems().size(), 1U);
      EXPECT_THAT(error.problems()[0],
                  HasSubstr("model.architecture.backbone.params.return_stage_idx: none given: only the last "
                            "level is returned, but a detection reads several; list them, e.g. [0, 1, 2, "
                            "3]"));
    }
  }
}

TEST(NeckRegistry, RefusesANameThatIsTaken) {
  heads::NeckRegistry registry;
  registry.add("x", define_own_neck);
  EXPECT_THROW(registry.add("x", define_own_neck), Error);
  EXPECT_EQ(registry.find("y"), nullptr);
  EXPECT_THAT(registry.names(), ElementsAre("x"));
}

}  // namespace
}  // namespace zoo::models
