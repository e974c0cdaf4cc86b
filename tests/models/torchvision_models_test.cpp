// torchvision's detector and segmenters as whole models: what their checkpoints hold besides and what does not fit.
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/model.h"
#include "nn/core/error.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"
#include "tests/support/temp_folder.h"

namespace zoo::models {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

class TorchvisionModel : public ::testing::Test {
 protected:
  static fs::path config(const std::string& name) {
    return fs::path(ZOO_SOURCE_DIR) / "configs" / "torchvision" / (name + ".yaml");
  }

  /// The checkpoint that torchvision would save of this network.
  static NamedTensors checkpoint(const std::string& name) {
    NamedTensors tensors;
    for (const Parameter& parameter : build_graph(load_model_config(config(name))).parameters) {
      const auto tensor = weights::expected_tensor(weights::Ecosystem::kTorchvision, parameter).value();
      tensors.emplace_back(tensor.name, weights::formula_tensor(tensor.name, tensor.shape, {}));
    }
    return tensors;
  }

  Model load(const std::string& name, const NamedTensors& tensors, const std::vector<std::string>& overrides = {}) {
    const fs::path file = folder_ / "weights.safetensors";
    weights::write_safetensors(file, tensors);
    LoadModelOptions options;
    options.checkpoint = file;
    for (const std::string& text : overrides) options.overrides.push_back(ConfigOverride::parse(text));
    return Model::load(config(name), options);
  }

  std::string error(const std::string& name, const NamedTensors& tensors, const std::vector<std::string>& overrides) {
    try {
      load(name, tensors, overrides);
    } catch (const WeightError& problem) {
      return problem.what();
    }
    return {};
  }

  test::TempFolder temp_;
  fs::path folder_ = temp_.path();
};

TEST_F(TorchvisionModel, MayHoldAnAuxiliaryClassifier) {
  NamedTensors tensors = checkpoint("deeplabv3_mobilenet_v3_large");
  tensors.emplace_back("aux_classifier.0.weight", Tensor{Shape{10, 40, 3, 3}, std::vector<float>(3600)});
  tensors.emplace_back("aux_classifier.1.running_var", Tensor{Shape{10}, std::vector<float>(10)});
  const Model model = load("deeplabv3_mobilenet_v3_large", tensors);
  ASSERT_TRUE(model.report());
  EXPECT_TRUE(model.report()->detected);
  EXPECT_TRUE(model.report()->complete());
  EXPECT_THAT(model.report()->ignored, ElementsAre("aux_classifier.0.weight", "aux_classifier.1.running_var"));
}

TEST_F(TorchvisionModel, SaysHowManyClassesItsCheckpointHas) {
  const std::vector<std::string> five = {"model.num_classes=5", "model.labels=~"};
  const std::string expected =
      "only the number of classes differs ({} in the file, 5 in the model file); set num_classes to {}";
  for (const auto& [name, classes] : {std::pair{"ssdlite320_mobilenet_v3_large", 91},
                                      {"lraspp_mobilenet_v3_large", 21},
                                      {"deeplabv3_mobilenet_v3_large", 21}}) {
    EXPECT_THAT(error(name, checkpoint(name), five), HasSubstr(fmt::format(fmt::runtime(expected), classes, classes)));
  }
}

TEST_F(TorchvisionModel, OfOtherBoxesIsNotTakenForOtherClasses) {
  const std::string name = "ssdlite320_mobilenet_v3_large";
  const std::string text = error(name, checkpoint(name), {"model.architecture.head.params.aspect_ratios=[2]"});
  EXPECT_THAT(text, HasSubstr("only the head differs; use the checkpoint's head in the model file"));
}

TEST_F(TorchvisionModel, KeepsItsExtraLevelsWhenTheHeadMayDiffer) {
  const std::string name = "ssdlite320_mobilenet_v3_large";
  NamedTensors tensors = checkpoint(name);
  std::erase_if(tensors, [](const auto& entry) { return entry.first.starts_with("backbone.extra.0."); });
  weights::write_safetensors(folder_ / "weights.safetensors", tensors);
  LoadModelOptions options;
  options.checkpoint = folder_ / "weights.safetensors";
  options.allow_missing = {Section::kHead};
  EXPECT_THROW(Model::load(config(name), options), WeightError);
  options.allow_missing = {Section::kHead, Section::kNeck};
  EXPECT_EQ(Model::load(config(name), options).report()->missing.size(), 15U);
}

}  // namespace
}  // namespace zoo::models
