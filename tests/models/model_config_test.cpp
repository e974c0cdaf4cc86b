#include "models/model_config.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/graph/graph.h"
#include "tests/support/temp_folder.h"

namespace zoo::models {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A model file in a folder of its own.
class ModelFile : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }

  // The smallest model with `extra` lines in `model:` and `tail` after it.
  ModelConfig load(const std::string& extra = "", const std::string& tail = "",
                   const std::vector<ConfigOverride>& overrides = {}) const {
    write("model.yaml", "model:\n  task: classification\n  name: tiny\n" + extra +
                            "  architecture:\n    backbone:\n      name: mobilenetv3\n      params: {}\n"
                            "      stage_params:\n"
                            "        - {in_channels: [16], kernel_sizes: [3], expanded_channels: [16],\n"
                            "           out_channels: [24], use_se: [True], act_type: [relu], stride: [2]}\n"
                            "    head: {name: fc, params: {num_layers: 1}}\n" +
                            tail);
    return load_model_config(folder_ / "model.yaml", overrides);
  }

  test::TempFolder temp_;
  fs::path folder_ = temp_.path();
};

using ModelConfigTest = ModelFile;

TEST_F(ModelConfigTest, HasDefaultsForEverythingOptional) {
  const ModelConfig config = load();
  EXPECT_EQ(config.file, folder_ / "model.yaml");
  EXPECT_EQ(config.task, Task::kClassification);
  EXPECT_EQ(config.name, "tiny");
  EXPECT_EQ(config.num_classes, 1000);
  EXPECT_THAT(config.labels, IsEmpty());
  EXPECT_TRUE(config.checkpoint.empty());
  EXPECT_FALSE(config.use_pretrained);
  EXPECT_TRUE(config.checkpoint_where.empty());
  EXPECT_FALSE(config.ecosystem);
  EXPECT_EQ(config.runtime.precision, "f32");
  EXPECT_EQ(config.runtime.threads, 1);
  EXPECT_EQ(config.backbone_name, "mobilenetv3");
  EXPECT_EQ(config.head_name, "fc");
  EXPECT_THAT(config.ignored, IsEmpty());
  EXPECT_THAT(config.preprocess.resize, ElementsAre(256));
}

TEST_F(ModelConfigTest, HasAsManyClassesAsLabels) {
  write("animals.txt", "cat\ndog\n");
  const ModelConfig config = load("  labels: animals.txt\n");
  EXPECT_THAT(config.labels, ElementsAre("cat", "dog"));
  EXPECT_EQ(config.num_classes, 2);
}

TEST_F(ModelConfigTest, KnowsTheImageNetLabels) {
  const ModelConfig config = load("  labels: imagenet1k\n");
  EXPECT_THAT(config.labels, SizeIs(1000));
  EXPECT_EQ(config.labels.front(), "tench");
  EXPECT_EQ(config.labels.back(), "toilet tissue");
}

TEST_F(ModelConfigTest, FindsTheCheckpointBesideTheModelFile) {
  const ModelConfig config = load("  checkpoint: {use_pretrained: True, path: w.safetensors, scheme: timm}\n");
  EXPECT_EQ(config.checkpoint, folder_ / "w.safetensors");
  EXPECT_EQ(config.ecosystem, weights::Ecosystem::kTimm);
  EXPECT_EQ(config.checkpoint_where, (folder_ / "model.yaml").string() + ":4:44: model.checkpoint.path");
}

TEST_F(ModelConfigTest, ReadsWhichStateDictOfACheckpointIsMeant) {
  EXPECT_EQ(load("  checkpoint: {path: w.pth, entry: model_ema}\n").checkpoint_entry, "model_ema");
  EXPECT_EQ(load("  checkpoint: {path: w.pth, entry: ~}\n").checkpoint_entry, "");
}

TEST_F(ModelConfigTest, RemembersThatTheTrainerWouldDownload) {
  const ModelConfig config = load("  checkpoint: {use_pretrained: True, path: ~}\n");
  EXPECT_TRUE(config.use_pretrained);
  EXPECT_EQ(config.checkpoint_where, (folder_ / "model.yaml").string() + ":4:32: model.checkpoint.use_pretrained");
}

TEST_F(ModelConfigTest, TakesNullForWhatIsOptional) {
  const ModelConfig config = load("  labels: ~\n  num_classes: ~\n  checkpoint: ~\n", "preprocess: ~\nruntime: ~\n");
  EXPECT_EQ(config.num_classes, 1000);
  EXPECT_THAT(config.preprocess.crop, ElementsAre(224));
}

TEST_F(ModelConfigTest, ReadsRuntime) {
  EXPECT_EQ(load("", "runtime: {precision: f32, threads: 8}\n").runtime.threads, 8);
  EXPECT_EQ(load("", "runtime: {precision: bf16}\n").runtime.precision, "bf16");
}

TEST_F(ModelConfigTest, ListsIgnoredKeysWithTheirPlaceAndReason) {
  const ModelConfig config = load("  freeze_backbone: True\n");
  ASSERT_THAT(config.ignored, SizeIs(1));
  EXPECT_EQ(config.ignored[0].path, "model.freeze_backbone");
  EXPECT_EQ(config.ignored[0].reason, "freezing acts in training only");
}

TEST_F(ModelConfigTest, OverridesChangeTheNetwork) {
  const auto parameters = [&](const std::vector<ConfigOverride>& overrides) {
    return parameter_count(build_graph(load("", "", overrides)));
  };
  const int64_t plain = parameters({});
  EXPECT_EQ(plain, parameters({{"model.num_classes", "1000"}}));
  EXPECT_EQ(parameters({{"model.num_classes", "10"}}), plain - 990 * 145);
  EXPECT_EQ(parameters({{"model.architecture.backbone.stage_params[0].use_se", "[False]"}}), plain - (16 * 8 * 2 + 24));
  EXPECT_EQ(parameters(
                {{"model.architecture.backbone.params.in_channels", "1"}, {"preprocess", "{mean: [0.5], std: [0.5]}"}}),
            plain - 2 * 16 * 9);
}

TEST_F(ModelConfigTest, BuildsLogitsAndFeatures) {
  const graph::Graph graph = build_graph(load());
  ASSERT_THAT(graph.outputs, SizeIs(2));
  EXPECT_EQ(graph.outputs[0].name, "logits");
  EXPECT_EQ(graph[graph.outputs[0].node].name, "head.classifier");
  EXPECT_EQ(graph.outputs[1].name, "feature.0");
  EXPECT_EQ(graph[graph.outputs[1].node].name, "backbone.last_conv.act");
}

TEST_F(ModelConfigTest, TakesANetworkThatReadsNoPictures) {
  const ModelConfig config = load("", "", {{"model.architecture.backbone.params.in_channels", "4"}});
  EXPECT_EQ(config.backbone.in_channels, 4);
  EXPECT_THAT(config.preprocess.mean, IsEmpty());
  EXPECT_EQ(build_graph(config).in_channels(), 4);
}

TEST_F(ModelConfigTest, ReportsAllProblemsAtOnceInFileOrder) {
  try {
    load("  num_classes: 0\n  nmae: x\n", "runtime: {precision: f64}\n");
    FAIL() << "no error";
  } catch (const ConfigError& error) {
    ASSERT_THAT(error.problems(), SizeIs(3));
    EXPECT_THAT(error.problems()[0], ::testing::HasSubstr(":4:16: model.num_classes: "));
    EXPECT_THAT(error.problems()[1], ::testing::HasSubstr(":5:3: model.nmae: "));
    EXPECT_THAT(error.problems()[2], ::testing::HasSubstr("runtime.precision: "));
  }
}

TEST(ImageNetLabels, AreUnique) {
  std::vector<std::string> labels = imagenet1k_labels();
  ASSERT_THAT(labels, SizeIs(1000));
  std::sort(labels.begin(), labels.end());
  EXPECT_EQ(std::adjacent_find(labels.begin(), labels.end()), labels.end());
}

using BackboneConfigTest = ModelFile;

const std::string kBackboneAlone =
    "model:\n"
    "  architecture:\n"
    "    backbone:\n"
    "      name: mobilenetv3\n"
    "      stage_params:\n"
    "        - {in_channels: [16], kernel_sizes: [3], expanded_channels: [16],\n"
    "           out_channels: [24], use_se: [True], act_type: [relu], stride: [2]}\n";

TEST_F(BackboneConfigTest, NeedsNeitherTaskNorHead) {
  write("model.yaml", kBackboneAlone + "preprocess: {resize: [32, 48]}\nruntime: {threads: 2}\n");
  const ModelConfig config = load_backbone_config(folder_ / "model.yaml");
  EXPECT_EQ(config.backbone_name, "mobilenetv3");
  EXPECT_EQ(config.task, std::nullopt);
  EXPECT_EQ(config.head_name, "");
  EXPECT_THAT(config.preprocess.resize, ElementsAre(32, 48));
  EXPECT_EQ(config.runtime.threads, 2);
  EXPECT_THAT(config.ignored, IsEmpty());
  const graph::Graph graph = build_graph(config);
  ASSERT_THAT(graph.outputs, SizeIs(1));
  EXPECT_EQ(graph.outputs[0].name, "feature.0");
  EXPECT_THROW(load_model_config(folder_ / "model.yaml"), ConfigError) << "a whole model needs them";
}

TEST_F(BackboneConfigTest, LeavesTaskNeckAndHeadUnread) {
  write("model.yaml", kBackboneAlone + "    neck: {name: of_the_future}\n    head: {name: likewise}\n  task: depth\n");
  const ModelConfig config = load_backbone_config(folder_ / "model.yaml");
  std::vector<std::string> ignored;
  for (const auto& key : config.ignored) ignored.push_back(key.path);
  EXPECT_THAT(ignored, ElementsAre("model.task", "model.architecture.neck", "model.architecture.head"));
}

TEST_F(BackboneConfigTest, ReportsEveryProblem) {
  write("model.yaml", "model:\n  architecture:\n    backbone: {name: mobilenetv9, stage_params: []}\n  tusk: x\n");
  const std::string file = (folder_ / "model.yaml").string();
  try {
    load_backbone_config(file);
    FAIL() << "no exception";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.problems(),
                ElementsAre(::testing::StartsWith(file + ":3:22: model.architecture.backbone.name: unknown backbone "),
                            file + ":4:3: model.tusk: unknown key; did you mean \"task\"?"));
  }
}

}  // namespace
}  // namespace zoo::models
