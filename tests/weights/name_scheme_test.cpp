#include "nn/weights/name_scheme.h"

#include <fstream>
#include <ostream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/weights/mobilenetv3_parameters.h"
#include "tests/weights/test_files.h"

namespace zoo::weights {
namespace {

using testing::IsEmpty;

Section section_of(Ecosystem ecosystem, std::string_view name) {
  return section_of_tensor(ecosystem, name, mobilenetv3_network().get());
}

/// "name shape" of every tensor that inference needs, from a reference state dictionary.
std::set<std::string> reference_tensors(const std::string& model) {
  std::set<std::string> tensors;
  std::ifstream stream(reference_data("tensors/" + model + ".tsv"));
  std::string line;
  std::getline(stream, line);
  EXPECT_EQ(line, "name\tshape\tdtype\trole\trule") << model;
  while (std::getline(stream, line)) {
    std::istringstream fields(line);
    std::string name;
    std::string shape;
    fields >> name >> shape;
    if (!name.ends_with(".num_batches_tracked")) tensors.insert(name.append(" ").append(shape));
  }
  return tensors;
}

struct ReferenceModel {
  std::string id;
  Ecosystem ecosystem;
  NetworkSpec network;
};

std::ostream& operator<<(std::ostream& stream, const ReferenceModel& model) { return stream << model.id; }

NetworkSpec timm_rw() {
  NetworkSpec network = mobilenetv3_large({1, 2, 3, 4, 2, 3});
  network.stages[2][0].squeezed = 18;  // a quarter of the width, rounded to whole numbers only
  network.stages[2][1].squeezed = 30;
  network.stages[2][2].squeezed = 30;
  network.hidden_bias = false;
  return network;
}

NetworkSpec timm_small_075() {
  NetworkSpec network;
  network.stages = {{{3, 16, 16, 8, false}},
                    {{3, 72, 24, 0}, {3, 88, 24, 0}},
                    {{5, 96, 32, 24}, {5, 192, 32, 48}, {5, 192, 32, 48}},
                    {{5, 96, 40, 24}, {5, 120, 40, 32}},
                    {{5, 240, 72, 64}, {5, 432, 72, 112}, {5, 432, 72, 112}}};
  network.last_conv = 432;
  network.hidden = 1024;
  return network;
}

NetworkSpec timm_small_minimal() {
  NetworkSpec network = mobilenetv3_small({1, 2, 3, 2, 3});
  for (std::vector<BlockSpec>& stage : network.stages) {
    for (BlockSpec& block : stage) {
      block.kernel = 3;
      block.squeezed = 0;
    }
  }
  return network;
}

const std::vector<ReferenceModel> kModels = {
    {"torchvision__mobilenet_v3_small", Ecosystem::kTorchvision, mobilenetv3_small({1, 2, 5, 3})},
    {"torchvision__mobilenet_v3_large", Ecosystem::kTorchvision, mobilenetv3_large({1, 2, 3, 6, 3})},
    {"timm__mobilenetv3_small_100", Ecosystem::kTimm, mobilenetv3_small({1, 2, 3, 2, 3})},
    {"timm__mobilenetv3_small_075", Ecosystem::kTimm, timm_small_075()},
    {"timm__mobilenetv3_large_100", Ecosystem::kTimm, mobilenetv3_large({1, 2, 3, 4, 2, 3})},
    {"timm__mobilenetv3_rw", Ecosystem::kTimm, timm_rw()},
    {"timm__tf_mobilenetv3_small_minimal_100", Ecosystem::kTimm, timm_small_minimal()},
    {"netspresso__mobilenetv3-small-classification", Ecosystem::kNetsPresso, mobilenetv3_small({1, 2, 5, 3})},
    {"netspresso__mobilenetv3-large-classification", Ecosystem::kNetsPresso, mobilenetv3_large({3, 3, 6, 3})}};

class ReferenceNames : public testing::TestWithParam<ReferenceModel> {};

TEST_P(ReferenceNames, AreExactlyThoseOfTheStateDictionary) {
  std::set<std::string> unknown = reference_tensors(GetParam().id);
  ASSERT_GT(unknown.size(), 100U);
  std::vector<std::string> wrong;
  const std::vector<Parameter> parameters = list_parameters(GetParam().network);
  const size_t expected_count = unknown.size();
  for (const Parameter& parameter : parameters) {
    const std::optional<ExpectedTensor> tensor = expected_tensor(GetParam().ecosystem, parameter);
    ASSERT_TRUE(tensor) << parameter.name;
    EXPECT_EQ(tensor->shape.elements(), parameter.shape.elements()) << parameter.name;
    const std::string line = tensor->name + " " + tensor->shape.to_string();
    if (unknown.erase(line) == 0) wrong.push_back(parameter.name + " -> " + line);
  }
  EXPECT_THAT(wrong, IsEmpty()) << "names that the reference does not have";
  EXPECT_THAT(unknown, IsEmpty()) << "tensors of the reference that nothing asks for";
  EXPECT_EQ(parameters.size(), expected_count);
}

INSTANTIATE_TEST_SUITE_P(NameScheme, ReferenceNames, testing::ValuesIn(kModels), [](const auto& test) {
  std::string name = test.param.id;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

/// Names of all parameters of which our name ends like this; "-" where the ecosystem has none.
std::vector<std::string> names_of(Ecosystem ecosystem, const NetworkSpec& network, std::string_view ending) {
  std::vector<std::string> names;
  for (const Parameter& parameter : list_parameters(network)) {
    if (!parameter.name.ends_with(ending)) continue;
    const std::optional<ExpectedTensor> tensor = expected_tensor(ecosystem, parameter);
    names.push_back(tensor ? tensor->name : "-");
  }
  return names;
}

std::vector<std::string> head_names(Ecosystem ecosystem, int head_layers) {
  NetworkSpec network = tiny_network();
  network.head_layers = head_layers;
  std::vector<std::string> names = names_of(ecosystem, network, ".weight");
  names.erase(names.begin(), names.end() - head_layers);
  return names;
}

TEST(NameScheme, NetsPressoHeadIsNumberedAsItsSequential) {
  using testing::ElementsAre;
  EXPECT_THAT(head_names(Ecosystem::kNetsPresso, 1), ElementsAre("head.classifier.1.weight"));
  EXPECT_THAT(head_names(Ecosystem::kNetsPresso, 2),
              ElementsAre("head.classifier.0.weight", "head.classifier.3.weight"));
  EXPECT_THAT(head_names(Ecosystem::kNetsPresso, 3),
              ElementsAre("head.classifier.0.weight", "head.classifier.2.weight", "head.classifier.5.weight"));
}

TEST(NameScheme, OtherHeadsHaveOneOrTwoLayers) {
  using testing::ElementsAre;
  EXPECT_THAT(head_names(Ecosystem::kTorchvision, 1), ElementsAre("classifier.1.weight"));
  EXPECT_THAT(head_names(Ecosystem::kTorchvision, 2), ElementsAre("classifier.0.weight", "classifier.3.weight"));
  EXPECT_THAT(head_names(Ecosystem::kTorchvision, 3), ElementsAre("-", "-", "-"));
  EXPECT_THAT(head_names(Ecosystem::kTimm, 1), ElementsAre("classifier.weight"));
  EXPECT_THAT(head_names(Ecosystem::kTimm, 2), ElementsAre("conv_head.weight", "classifier.weight"));
  EXPECT_THAT(head_names(Ecosystem::kTimm, 3), ElementsAre("-", "-", "-"));
}

TEST(NameScheme, OnlyNetsPressoHasLearnedActivations) {
  NetworkSpec network = tiny_network();
  network.learned_activations = true;
  EXPECT_THAT(names_of(Ecosystem::kNetsPresso, network, ".act.weight"),
              testing::ElementsAre(
                  "backbone.conv_first.block.act.weight", "backbone.stages.0.0.block.0.block.act.weight",
                  "backbone.stages.1.0.block.0.block.act.weight", "backbone.stages.1.0.block.1.block.act.weight",
                  "backbone.stages.1.1.block.0.block.act.weight", "backbone.stages.1.1.block.1.block.act.weight",
                  "backbone.stages.1.2.block.act.weight"));
  EXPECT_THAT(names_of(Ecosystem::kTimm, network, ".act.weight"), testing::Each("-"));
  EXPECT_THAT(names_of(Ecosystem::kTorchvision, network, ".act.weight"), testing::Each("-"));
}

TEST(NameScheme, LearnedActivationOfTheNetsPressoHeadFollowsItsLinear) {
  Parameter parameter{"head.act1.weight", Shape{1}, {}, mobilenetv3_network()};
  parameter.role.section = Section::kHead;
  parameter.role.block = "fc";
  parameter.role.part = "hidden";
  parameter.role.layer = Layer::kActivation;
  parameter.role.counts = {{"layer", 1}, {"layers", 3}};
  EXPECT_EQ(expected_tensor(Ecosystem::kNetsPresso, parameter)->name, "head.classifier.3.weight");
  EXPECT_FALSE(expected_tensor(Ecosystem::kTimm, parameter));
  EXPECT_FALSE(expected_tensor(Ecosystem::kTorchvision, parameter));
}

TEST(NameScheme, StructuresOfNoEcosystemHaveNoName) {
  Parameter neck{"neck.lateral0.conv.weight", Shape{8, 8, 1, 1}, {}, mobilenetv3_network()};
  neck.role.section = Section::kNeck;
  Parameter norm_in_head{"head.hidden0.norm.weight", Shape{8}, {}, mobilenetv3_network()};
  norm_in_head.role = {.section = Section::kHead,
                       .block = "fc",
                       .part = "hidden",
                       .counts = {{"layer", 0}, {"layers", 2}},
                       .layer = Layer::kNorm};
  for (const Ecosystem ecosystem : {Ecosystem::kNetsPresso, Ecosystem::kTorchvision, Ecosystem::kTimm}) {
    EXPECT_FALSE(expected_tensor(ecosystem, neck)) << to_string(ecosystem);
    EXPECT_FALSE(expected_tensor(ecosystem, norm_in_head)) << to_string(ecosystem);
  }
}

TEST(NameScheme, OwnNamesAreTheParametersNames) {
  const Parameter neck{"neck.lateral0.conv.weight", Shape{8, 8, 1, 1}, {}};  // a role that no ecosystem knows
  EXPECT_EQ(expected_tensor(Ecosystem::kOwn, neck)->name, neck.name);
  EXPECT_EQ(expected_tensor(Ecosystem::kOwn, neck)->shape, neck.shape);
  for (const Parameter& parameter : list_parameters(mobilenetv3_small({1, 2, 3, 2, 3}))) {
    EXPECT_EQ(expected_tensor(Ecosystem::kOwn, parameter)->name, parameter.name);
    EXPECT_EQ(section_of(Ecosystem::kOwn, parameter.name), parameter.role.section) << parameter.name;
  }
}

TEST(NameScheme, EcosystemsAreFoundByTheirNames) {
  EXPECT_THAT(ecosystem_names(), testing::ElementsAre("netspresso", "torchvision", "timm", "own"));
  for (const Ecosystem ecosystem : all_ecosystems()) EXPECT_EQ(ecosystem_from_name(to_string(ecosystem)), ecosystem);
  EXPECT_EQ(ecosystem_from_name("keras"), std::nullopt);
}

TEST(NameScheme, SectionOfATensorFollowsFromItsName) {
  EXPECT_EQ(section_of(Ecosystem::kNetsPresso, "head.classifier.0.weight"), Section::kHead);
  EXPECT_EQ(section_of(Ecosystem::kNetsPresso, "neck.lateral_convs.0.conv.weight"), Section::kNeck);
  EXPECT_EQ(section_of(Ecosystem::kNetsPresso, "backbone.conv_first.block.conv.weight"), Section::kBackbone);
  EXPECT_EQ(section_of(Ecosystem::kTorchvision, "classifier.3.weight"), Section::kHead);
  EXPECT_EQ(section_of(Ecosystem::kTorchvision, "features.0.0.weight"), Section::kBackbone);
  EXPECT_EQ(section_of(Ecosystem::kTorchvision, "head.regression_head.module_list.0.1.bias"), Section::kHead);
  EXPECT_EQ(section_of(Ecosystem::kTorchvision, "backbone.extra.0.0.0.weight"), Section::kNeck);
  EXPECT_EQ(section_of(Ecosystem::kTorchvision, "backbone.0.0.weight"), Section::kBackbone);
  EXPECT_EQ(section_of(Ecosystem::kTimm, "conv_head.weight"), Section::kHead);
  EXPECT_EQ(section_of(Ecosystem::kTimm, "classifier.bias"), Section::kHead);
  EXPECT_EQ(section_of(Ecosystem::kTimm, "blocks.0.0.conv_dw.weight"), Section::kBackbone);
  EXPECT_EQ(section_of(Ecosystem::kOwn, "neck.lateral0.conv.weight"), Section::kNeck);
  EXPECT_EQ(section_of(Ecosystem::kOwn, "header.weight"), Section::kBackbone);
}

}  // namespace
}  // namespace zoo::weights
