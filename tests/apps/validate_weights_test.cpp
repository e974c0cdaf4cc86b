// `validate --checkpoint`: what it says about files that do not fit, to the letter.
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "models/model_config.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"
#include "tests/apps/program_runner.h"

namespace zoo::test {
namespace {

// A network of a few parameters whose blocks yield these channels.
std::string model_text(const std::string& stages) {
  return fmt::format(R"(model:
  task: classification
  name: tiny
  num_classes: 2
  architecture:
    backbone:
      name: mobilenetv3
      params: {{last_conv_channels: 8}}
      stage_params:
{}    head: {{name: fc}}
)",
                     stages);
}

std::string stage(int in_channels, int out_channels) {
  return fmt::format(
      "        - {{in_channels: [{0}], kernel_sizes: [3], expanded_channels: [{0}], out_channels: [{1}],\n"
      "           use_se: [False], act_type: [relu], stride: [1]}}\n",
      in_channels, out_channels);
}

class ValidateWeights : public ::testing::Test {
 protected:
  void SetUp() override { write_text(model_, model_text(stage(4, 4))); }

  // Saves weights of another model file under the names of an ecosystem.
  void save_weights_of(const std::string& text, weights::Ecosystem ecosystem) {
    const std::string other = folder_ / "other.yaml";
    write_text(other, text);
    const graph::Graph graph = models::build_graph(models::load_model_config(other));
    std::vector<std::pair<std::string, Tensor>> tensors;
    for (const Parameter& parameter : graph.parameters) {
      const auto tensor = weights::expected_tensor(ecosystem, parameter);
      ASSERT_TRUE(tensor) << parameter.name;
      tensors.emplace_back(tensor->name, weights::formula_tensor(tensor->name, tensor->shape, {}));
    }
    weights::write_safetensors(checkpoint_, tensors);
  }

  // What the program prints, without the folder.
  std::string validate() {
    const ProgramResult result = run_program({"validate", model_, "--checkpoint", checkpoint_});
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(result.exit_code, result.out.starts_with(model_ + ": ok; ") ? 0 : 2);
    std::string text = result.out;
    const std::string folder = folder_.path().string() + '/';
    for (size_t at = text.find(folder); at != std::string::npos; at = text.find(folder, at)) {
      text.erase(at, folder.size());
    }
    return text;
  }

  TempFolder folder_;
  std::string model_ = folder_ / "tiny.yaml";
  std::string checkpoint_ = folder_ / "weights.safetensors";
};

TEST_F(ValidateWeights, ThatFitAreOk) {
  for (const weights::Ecosystem ecosystem : weights::all_ecosystems()) {
    save_weights_of(model_text(stage(4, 4)), ecosystem);
    EXPECT_EQ(validate(), "tiny.yaml: ok; weights: weights.safetensors fits\n");
  }
}

TEST_F(ValidateWeights, OfAnotherWidthAreListedTensorByTensor) {
  save_weights_of(model_text(stage(5, 6)), weights::Ecosystem::kTorchvision);
  EXPECT_EQ(validate(),
            "tiny.yaml: weights.safetensors: does not fit the network: "
            "the network differs from the one that was trained; use the model file of this checkpoint\n"
            "torchvision names (nearest), 6 of 22 tensors match: "
            "0 missing, 0 unexpected, 16 misshaped, 0 of wrong type, 0 non-finite\n"
            R"(  misshaped (16):
    features.0.0.weight: the network needs 4x3x3x3, the file has 5x3x3x3
    features.0.1.weight: the network needs 4, the file has 5
    features.0.1.bias: the network needs 4, the file has 5
    features.0.1.running_mean: the network needs 4, the file has 5
    features.0.1.running_var: the network needs 4, the file has 5
    features.1.block.0.0.weight: the network needs 4x1x3x3, the file has 5x1x3x3
    features.1.block.0.1.weight: the network needs 4, the file has 5
    features.1.block.0.1.bias: the network needs 4, the file has 5
    features.1.block.0.1.running_mean: the network needs 4, the file has 5
    features.1.block.0.1.running_var: the network needs 4, the file has 5
    features.1.block.1.0.weight: the network needs 4x4x1x1, the file has 6x5x1x1
    features.1.block.1.1.weight: the network needs 4, the file has 6
    features.1.block.1.1.bias: the network needs 4, the file has 6
    features.1.block.1.1.running_mean: the network needs 4, the file has 6
    features.1.block.1.1.running_var: the network needs 4, the file has 6
    features.2.0.weight: the network needs 8x4x1x1, the file has 8x6x1x1
)");
}

TEST_F(ValidateWeights, OfOtherStagesAreMissingAndLeftOver) {
  save_weights_of(model_text(stage(4, 4) + stage(4, 4)), weights::Ecosystem::kTimm);
  EXPECT_EQ(validate(),
            "tiny.yaml: weights.safetensors: does not fit the network: "
            "the network differs from the one that was trained; use the model file of this checkpoint\n"
            "timm names (nearest), 17 of 22 tensors match: "
            "1 missing, 11 unexpected, 4 misshaped, 0 of wrong type, 0 non-finite\n"
            R"(  missing (1):
    blocks.1.0.conv.weight
  unexpected (11):
    blocks.1.0.conv_dw.weight
    blocks.1.0.conv_pw.weight
    blocks.1.0.bn2.weight
    blocks.1.0.bn2.bias
    blocks.1.0.bn2.running_mean
    blocks.1.0.bn2.running_var
    blocks.2.0.conv.weight
    blocks.2.0.bn1.weight
    blocks.2.0.bn1.bias
    blocks.2.0.bn1.running_mean
    blocks.2.0.bn1.running_var
  misshaped (4):
    blocks.1.0.bn1.weight: the network needs 8, the file has 4
    blocks.1.0.bn1.bias: the network needs 8, the file has 4
    blocks.1.0.bn1.running_mean: the network needs 8, the file has 4
    blocks.1.0.bn1.running_var: the network needs 8, the file has 4
)");
}

TEST_F(ValidateWeights, OfAnUnrelatedNetworkFitNoScheme) {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const char* name : {"encoder.weight", "encoder.bias"}) tensors.emplace_back(name, Tensor{Shape{1}, {0.5F}});
  weights::write_safetensors(checkpoint_, tensors);
  EXPECT_EQ(validate(),
            "tiny.yaml: weights.safetensors: does not fit the network: "
            "it has none of the network's tensors under any known name; is it a checkpoint of another model?\n"
            "netspresso names (nearest), 0 of 22 tensors match: "
            "22 missing, 2 unexpected, 0 misshaped, 0 of wrong type, 0 non-finite\n"
            R"(  missing (22):
    backbone.conv_first.block.conv.weight
    backbone.conv_first.block.norm.weight
    backbone.conv_first.block.norm.bias
    backbone.conv_first.block.norm.running_mean
    backbone.conv_first.block.norm.running_var
    backbone.stages.0.0.block.0.block.conv.weight
    backbone.stages.0.0.block.0.block.norm.weight
    backbone.stages.0.0.block.0.block.norm.bias
    backbone.stages.0.0.block.0.block.norm.running_mean
    backbone.stages.0.0.block.0.block.norm.running_var
    backbone.stages.0.0.block.1.block.conv.weight
    backbone.stages.0.0.block.1.block.norm.weight
    backbone.stages.0.0.block.1.block.norm.bias
    backbone.stages.0.0.block.1.block.norm.running_mean
    backbone.stages.0.0.block.1.block.norm.running_var
    backbone.stages.0.1.block.conv.weight
    backbone.stages.0.1.block.norm.weight
    backbone.stages.0.1.block.norm.bias
    backbone.stages.0.1.block.norm.running_mean
    backbone.stages.0.1.block.norm.running_var
    head.classifier.1.weight
    head.classifier.1.bias
  unexpected (2):
    encoder.weight
    encoder.bias
)");
}

}  // namespace
}  // namespace zoo::test
