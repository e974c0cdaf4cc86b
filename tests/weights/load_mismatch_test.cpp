// Checkpoints that fit only in part: what --allow-missing excuses, and what the error says about wrong files.
#include <algorithm>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/weights/checkpoint_test.h"

namespace zoo::weights {
namespace {

using testing::ElementsAre;

using AllowMissing = CheckpointTest;
using WrongCheckpoint = CheckpointTest;

const LoadOptions kAnyHead = {.ecosystem = std::nullopt, .allow_missing = {Section::kHead}};

TEST_F(AllowMissing, AllowedHeadMayBeMissing) {
  for (const Ecosystem ecosystem : all_ecosystems()) {
    NamedTensors tensors = checkpoint(ecosystem, parameters_);
    const size_t all = tensors.size();
    std::erase_if(tensors, [&](const auto& entry) {
      return section_of_tensor(ecosystem, entry.first, mobilenetv3_network().get()) == Section::kHead;
    });
    ASSERT_EQ(tensors.size(), all - 4);
    const SafetensorsFile file = save(tensors);
    EXPECT_NE(loading_error(file), "loaded");
    const LoadedWeights loaded = load_checkpoint(parameters_, file, kAnyHead);
    EXPECT_TRUE(loaded.report.detected);
    EXPECT_TRUE(loaded.report.acceptable);
    EXPECT_FALSE(loaded.report.complete());
    EXPECT_EQ(loaded.report.missing.size(), 4U);
    for (size_t id = 0; id < parameters_.size(); ++id) {
      const Tensor expected = parameters_[id].role.section == Section::kHead
                                  ? formula_tensor(parameters_[id].name, parameters_[id].shape, {})
                                  : tensor_of(tensors, expected_tensor(ecosystem, parameters_[id])->name);
      EXPECT_TRUE(std::ranges::equal(loaded.values.views[id], expected.data)) << parameters_[id].name;
    }
  }
}

TEST_F(AllowMissing, AllowedHeadMayHaveOtherClassesAndLayers) {
  NamedTensors tensors = checkpoint(Ecosystem::kNetsPresso, parameters_);
  remove(tensors, "head.classifier.0.weight");
  remove(tensors, "head.classifier.0.bias");
  tensor_of(tensors, "head.classifier.3.weight") = {Shape{9, 10}, std::vector<float>(90, 1.0F)};
  tensors.emplace_back("head.classifier.1.weight", Tensor{Shape{1}, {0.25F}});
  const SafetensorsFile file = save(tensors);
  const LoadedWeights loaded = load_checkpoint(parameters_, file, kAnyHead);
  EXPECT_EQ(loaded.report.missing.size(), 2U);
  EXPECT_EQ(loaded.report.misshaped.size(), 1U);
  EXPECT_THAT(loaded.report.unexpected, ElementsAre("head.classifier.1.weight"));
  EXPECT_NE(loading_error(file), "loaded");
}

TEST_F(AllowMissing, AllowedHeadDoesNotExcuseTheBackbone) {
  NamedTensors tensors = checkpoint(Ecosystem::kNetsPresso, parameters_);
  remove(tensors, "backbone.conv_first.block.conv.weight");
  EXPECT_NE(loading_error(save(tensors), kAnyHead), "loaded");
  tensors = checkpoint(Ecosystem::kNetsPresso, parameters_);
  tensors.emplace_back("backbone.extra.weight", Tensor{Shape{1}, {0.25F}});
  EXPECT_NE(loading_error(save(tensors), kAnyHead), "loaded");
  tensors = checkpoint(Ecosystem::kNetsPresso, parameters_);
  tensor_of(tensors, "backbone.conv_first.block.norm.bias") = {Shape{1}, {1.0F}};
  EXPECT_NE(loading_error(save(tensors), kAnyHead), "loaded");
}

TEST_F(AllowMissing, AllowedHeadDoesNotExcuseInfinity) {
  NamedTensors tensors = checkpoint(Ecosystem::kTimm, parameters_);
  tensor_of(tensors, "classifier.weight").data[3] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(loading_error(save(tensors), kAnyHead),
            "does not fit the network: it holds NaN or infinity; the training diverged or the file is damaged");
}

TEST_F(AllowMissing, HeadOfAnotherFormIsFilledWhereTheEcosystemHasNone) {
  NetworkSpec network = tiny_network();
  network.head_layers = 3;
  const std::vector<Parameter> parameters = list_parameters(network);
  const LoadedWeights loaded = load_checkpoint(parameters, save(checkpoint(Ecosystem::kTimm, parameters_)), kAnyHead);
  EXPECT_EQ(loaded.report.missing.size(), 6U);
  EXPECT_THAT(loaded.report.missing, testing::Contains("head.hidden0.weight (no such structure in timm)"));
  EXPECT_EQ(loaded.report.unexpected.size(), 4U);
}

TEST_F(WrongCheckpoint, AuxiliaryClassifierOfTorchvisionIsIgnored) {
  NamedTensors tensors = checkpoint(Ecosystem::kTorchvision, parameters_);
  tensors.emplace_back("aux_classifier.4.bias", Tensor{Shape{1}, {0.25F}});
  const LoadReport report = check_checkpoint(parameters_, save(tensors));
  EXPECT_TRUE(report.acceptable);
  EXPECT_TRUE(report.complete());
  EXPECT_THAT(report.ignored, ElementsAre("aux_classifier.4.bias"));

  tensors = checkpoint(Ecosystem::kTimm, parameters_);
  tensors.emplace_back("aux_classifier.4.bias", Tensor{Shape{1}, {0.25F}});
  EXPECT_THAT(check_checkpoint(parameters_, save(tensors)).unexpected, ElementsAre("aux_classifier.4.bias"));
}

TEST_F(WrongCheckpoint, OtherNumberOfClassesSaysWhatToSet) {
  NetworkSpec other = tiny_network();
  other.classes = 9;
  for (const Ecosystem ecosystem : all_ecosystems()) {
    EXPECT_EQ(loading_error(save(checkpoint(ecosystem, list_parameters(other)))),
              "does not fit the network: only the number of classes differs (9 in the file, 5 in the model file); set "
              "num_classes to 9, or load without the head (--allow-missing head)");
  }
}

TEST_F(WrongCheckpoint, OtherHeadIsToldFromOtherClasses) {
  NetworkSpec other = tiny_network();
  other.hidden = 6;
  EXPECT_EQ(loading_error(save(checkpoint(Ecosystem::kTimm, list_parameters(other)))),
            "does not fit the network: only the head differs; use the checkpoint's head in the model file, or load "
            "without the head (--allow-missing head)");
}

TEST_F(WrongCheckpoint, OtherBackboneSaysSo) {
  NetworkSpec other = tiny_network();
  other.stages[1][0].hidden = 16;
  EXPECT_EQ(loading_error(save(checkpoint(Ecosystem::kTimm, list_parameters(other)))),
            "does not fit the network: the network differs from the one that was trained; use the model file of this "
            "checkpoint");
}

TEST_F(WrongCheckpoint, DeeperCheckpointSaysSo) {
  NamedTensors tensors = checkpoint(Ecosystem::kTimm, parameters_);
  tensors.emplace_back("blocks.3.0.conv_pw.weight", Tensor{Shape{1}, {0.0F}});
  EXPECT_EQ(loading_error(save(tensors)),
            "does not fit the network: it has tensors that the network lacks; use the model file of this checkpoint");
}

TEST_F(WrongCheckpoint, ForeignModelSaysSo) {
  const SafetensorsFile file = save({{"vit.embeddings.cls_token", {Shape{1}, {0.0F}}}});
  EXPECT_EQ(
      loading_error(file),
      "does not fit the network: it has none of the network's tensors under any known name; is it a checkpoint of "
      "another model?");
  EXPECT_EQ(loading_error(file, {.ecosystem = Ecosystem::kTimm, .allow_missing = {}}),
            "does not fit the network: it has no name of timm; is checkpoint.scheme right?");
}

TEST_F(WrongCheckpoint, AllowedHeadDoesNotMakeAForeignModelFit) {
  const SafetensorsFile file = save({{"head.weight", {Shape{1}, {0.0F}}}});
  EXPECT_NE(loading_error(file, kAnyHead), "loaded");
}

}  // namespace
}  // namespace zoo::weights
