// Names of single parts by their roles. The names of whole networks are compared with the reference state dictionaries
// in tests/models.
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backbones/registry.h"
#include "heads/neck_registry.h"
#include "heads/registry.h"
#include "nn/weights/name_scheme.h"

namespace zoo::weights {
namespace {

struct PartCase {
  std::string what;
  std::string family;
  ParameterRole role;
  std::string netspresso;  ///< "-": no such structure
  std::string timm;
};

std::ostream& operator<<(std::ostream& stream, const PartCase& part) { return stream << part.what; }

/// A part of stage 2, block 1 in four stages.
ParameterRole block_role(const std::string& kind, const std::string& part, Layer layer = Layer::kWeighted,
                         int position = 0) {
  return {.block = kind,
          .part = part,
          .counts = {{"stage", 2}, {"block", 1}, {"position", position}, {"layer", 0}, {"stages", 4}, {"entry", 9}},
          .layer = layer};
}

ParameterRole gamma(const std::string& kind) {
  ParameterRole role = block_role(kind, "layer_scale");
  role.field = Field::kGamma;
  return role;
}

ParameterRole head_role(const std::string& part, Layer layer, int head_layer, int head_layers) {
  return {.section = Section::kHead,
          .block = "fc_conv",
          .part = part,
          .counts = {{"layer", head_layer}, {"layers", head_layers}},
          .layer = layer};
}

ParameterRole level_role(Section section, const std::string& head, const std::string& part,
                         Layer layer = Layer::kWeighted) {
  return {.section = section, .block = head, .part = part, .counts = {{"level", 2}, {"layer", 2}}, .layer = layer};
}

/// A network of this family with the neck and head that the role asks for.
std::shared_ptr<const NetworkNames> network(const std::string& family, const std::string& block) {
  const auto* neck = heads::NeckRegistry::global().find(block);
  const heads::HeadEntry* head = nullptr;
  for (const TaskTraits& task : kTasks) {
    if (head == nullptr) head = heads::HeadRegistry::global().find(task.task, block);
  }
  const auto* backbone = backbones::BackboneRegistry::global().find(family);
  return std::make_shared<const NetworkNames>(
      Task::kClassification, backbone == nullptr ? FamilyNames() : backbone->names,
      neck == nullptr ? HeadNames() : neck->names, head == nullptr ? HeadNames() : head->names);
}

std::string name_in(Ecosystem ecosystem, const std::string& family, const ParameterRole& role,
                    const Shape& shape = {8, 4}) {
  const auto tensor = expected_tensor(ecosystem, Parameter{"p", shape, role, network(family, role.block)});
  return tensor ? tensor->name : "-";
}

const std::vector<PartCase> kParts = {
    {"v4_stem", "mobilenetv4", block_role("", "stem"), "backbone.conv_stem.block.conv.weight", "conv_stem.weight"},
    {"v4_last_conv_norm", "mobilenetv4", block_role("", "last_conv", Layer::kNorm),
     "backbone.stages.2.1.block.norm.weight", "blocks.4.0.bn1.weight"},
    {"conv", "mobilenetv4", block_role("conv", "conv"), "backbone.stages.2.1.block.conv.weight",
     "blocks.2.1.conv.weight"},
    {"conv_norm", "mobilenetv4", block_role("conv", "conv", Layer::kNorm), "backbone.stages.2.1.block.norm.weight",
     "blocks.2.1.bn1.weight"},
    {"conv_act", "mobilenetv4", block_role("conv", "conv", Layer::kActivation), "backbone.stages.2.1.block.act.weight",
     "-"},
    {"fused_expand", "mobilenetv4", block_role("fused_inverted_residual", "expand"),
     "backbone.stages.2.1.block.0.block.conv.weight", "blocks.2.1.conv_exp.weight"},
    {"fused_project_norm", "mobilenetv4", block_role("fused_inverted_residual", "project", Layer::kNorm, 1),
     "backbone.stages.2.1.block.1.block.norm.weight", "blocks.2.1.bn2.weight"},
    {"uir_start", "mobilenetv4", block_role("universal_bottleneck", "start"),
     "backbone.stages.2.1.block.0.block.conv.weight", "blocks.2.1.dw_start.conv.weight"},
    {"uir_expand", "mobilenetv4", block_role("universal_bottleneck", "expand", Layer::kNorm, 1),
     "backbone.stages.2.1.block.1.block.norm.weight", "blocks.2.1.pw_exp.bn.weight"},
    {"uir_middle", "mobilenetv4", block_role("universal_bottleneck", "middle", Layer::kWeighted, 2),
     "backbone.stages.2.1.block.2.block.conv.weight", "blocks.2.1.dw_mid.conv.weight"},
    {"uir_project", "mobilenetv4", block_role("universal_bottleneck", "project", Layer::kWeighted, 3),
     "backbone.stages.2.1.block.3.block.conv.weight", "blocks.2.1.pw_proj.conv.weight"},
    {"uir_gamma", "mobilenetv4", gamma("universal_bottleneck"), "backbone.stages.2.1.layer_scale.gamma",
     "blocks.2.1.layer_scale.gamma"},
    {"mqa_norm", "mobilenetv4", block_role("attention", "norm", Layer::kNorm), "backbone.stages.2.1.norm_layer.weight",
     "blocks.2.1.norm.weight"},
    {"mqa_query", "mobilenetv4", block_role("attention", "query"), "backbone.stages.2.1.attention.query.0.weight",
     "blocks.2.1.attn.query.proj.weight"},
    {"mqa_pooled_query_norm", "mobilenetv4", block_role("attention", "query_norm", Layer::kNorm, 1),
     "backbone.stages.2.1.attention.query.1.weight", "blocks.2.1.attn.query.norm.weight"},
    {"mqa_pooled_query", "mobilenetv4", block_role("attention", "query", Layer::kWeighted, 2),
     "backbone.stages.2.1.attention.query.2.weight", "blocks.2.1.attn.query.proj.weight"},
    {"mqa_key_down", "mobilenetv4", block_role("attention", "key_down"), "backbone.stages.2.1.attention.key.0.weight",
     "blocks.2.1.attn.key.down_conv.weight"},
    {"mqa_key_norm", "mobilenetv4", block_role("attention", "key_down", Layer::kNorm, 1),
     "backbone.stages.2.1.attention.key.1.weight", "blocks.2.1.attn.key.norm.weight"},
    {"mqa_key", "mobilenetv4", block_role("attention", "key", Layer::kWeighted, 2),
     "backbone.stages.2.1.attention.key.2.weight", "blocks.2.1.attn.key.proj.weight"},
    {"mqa_value_norm", "mobilenetv4", block_role("attention", "value_down", Layer::kNorm, 1),
     "backbone.stages.2.1.attention.value.1.weight", "blocks.2.1.attn.value.norm.weight"},
    {"mqa_value", "mobilenetv4", block_role("attention", "value"), "backbone.stages.2.1.attention.value.0.weight",
     "blocks.2.1.attn.value.proj.weight"},
    {"mqa_output", "mobilenetv4", block_role("attention", "output"), "backbone.stages.2.1.attention.linear.0.weight",
     "blocks.2.1.attn.output.proj.weight"},
    {"mqa_output_behind_upsampling", "mobilenetv4", block_role("attention", "output", Layer::kWeighted, 1),
     "backbone.stages.2.1.attention.linear.1.weight", "blocks.2.1.attn.output.proj.weight"},
    {"mqa_gamma", "mobilenetv4", gamma("attention"), "backbone.stages.2.1.layer_scale.gamma",
     "blocks.2.1.layer_scale.gamma"},
    {"v1_depthwise", "mobilenetv1", block_role("depthwise_separable", "depthwise"), "-", "blocks.2.1.conv_dw.weight"},
    {"v2_project", "mobilenetv2", block_role("inverted_residual", "project"), "-", "blocks.2.1.conv_pwl.weight"},
    {"v2_last_conv", "mobilenetv2", block_role("", "last_conv"), "-", "conv_head.weight"},
    {"v1_last_conv_norm", "mobilenetv1", block_role("", "last_conv", Layer::kNorm), "-", "bn2.weight"},
    {"head_after_pool", "mobilenetv4", head_role("hidden", Layer::kWeighted, 0, 2),
     "head.classifier.0.block.conv.weight", "conv_head.weight"},
    {"head_norm_after_pool", "mobilenetv4", head_role("hidden", Layer::kNorm, 0, 2),
     "head.classifier.0.block.norm.weight", "norm_head.weight"},
    {"head_act_after_pool", "mobilenetv4", head_role("hidden", Layer::kActivation, 1, 3),
     "head.classifier.1.block.act.weight", "-"},
    {"head_before_pool", "mobilenetv4", head_role("hidden_before_pool", Layer::kWeighted, 0, 2), "-",
     "conv_head.weight"},
    {"head_norm_before_pool", "mobilenetv4", head_role("hidden_before_pool", Layer::kNorm, 0, 2), "-", "bn2.weight"},
    {"classifier_of_two", "mobilenetv4", head_role("classifier", Layer::kWeighted, 1, 2),
     "head.classifier.2.block.conv.weight", "classifier.weight"},
    {"classifier_of_one", "mobilenetv4", head_role("classifier", Layer::kWeighted, 0, 1),
     "head.classifier.1.block.conv.weight", "classifier.weight"},
    {"classifier_of_three", "mobilenetv4", head_role("classifier", Layer::kWeighted, 2, 3),
     "head.classifier.3.block.conv.weight", "-"},
    {"lateral", "mobilenetv4", level_role(Section::kNeck, "fpn", "lateral"), "neck.lateral_convs.2.weight", "-"},
    {"pyramid_conv", "mobilenetv4", level_role(Section::kNeck, "fpn", "output"), "neck.fpn_convs.2.weight", "-"},
    {"pyramid_norm", "mobilenetv4", level_role(Section::kNeck, "fpn", "output", Layer::kNorm), "-", "-"},
    {"class_conv", "mobilenetv4", level_role(Section::kHead, "anchor_decoupled_head", "class_conv"),
     "head.classification_head.conv.2.block.conv.weight", "-"},
    {"class_norm", "mobilenetv4", level_role(Section::kHead, "anchor_decoupled_head", "class_conv", Layer::kNorm),
     "head.classification_head.conv.2.block.norm.weight", "-"},
    {"class_scores", "mobilenetv4", level_role(Section::kHead, "anchor_decoupled_head", "class_scores"),
     "head.classification_head.cls_logits.weight", "-"},
    {"box_norm", "mobilenetv4", level_role(Section::kHead, "anchor_decoupled_head", "box_conv", Layer::kNorm),
     "head.regression_head.conv.2.block.norm.weight", "-"},
    {"box_offsets", "mobilenetv4", level_role(Section::kHead, "anchor_decoupled_head", "box_offsets"),
     "head.regression_head.bbox_reg.weight", "-"},
    {"level_conv", "mobilenetv4", level_role(Section::kHead, "all_mlp_decoder", "level"),
     "head.linear_c.2.block.conv.weight", "-"},
    {"fuse_norm", "mobilenetv4", level_role(Section::kHead, "all_mlp_decoder", "fuse", Layer::kNorm),
     "head.linear_fuse.block.norm.weight", "-"},
    {"segmentation_classifier", "mobilenetv4", level_role(Section::kHead, "all_mlp_decoder", "classifier"),
     "head.classifier.weight", "-"}};

class PartNames : public ::testing::TestWithParam<PartCase> {};

TEST_P(PartNames, FollowFromTheRole) {
  EXPECT_EQ(name_in(Ecosystem::kNetsPresso, GetParam().family, GetParam().role), GetParam().netspresso);
  EXPECT_EQ(name_in(Ecosystem::kTimm, GetParam().family, GetParam().role), GetParam().timm);
}

TEST_P(PartNames, AreNotKnownToTorchvision) {
  EXPECT_EQ(name_in(Ecosystem::kTorchvision, GetParam().family, GetParam().role), "-");
}

// A new family would otherwise silently get names that are plausible and wrong.
TEST_P(PartNames, AreRefusedInAFamilyThatTheEcosystemDoesNotKnow) {
  for (const Ecosystem ecosystem : {Ecosystem::kNetsPresso, Ecosystem::kTorchvision, Ecosystem::kTimm}) {
    EXPECT_EQ(name_in(ecosystem, "a family of tomorrow", GetParam().role), "-") << to_string(ecosystem);
  }
  EXPECT_EQ(name_in(Ecosystem::kOwn, "a family of tomorrow", GetParam().role), "p");
}

INSTANTIATE_TEST_SUITE_P(NameScheme, PartNames, ::testing::ValuesIn(kParts),
                         [](const auto& test) { return test.param.what; });

TEST(NameScheme, NetsPressoClassifierOfConvolutionsHasFourDimensions) {
  const Parameter parameter{"p", Shape{8, 4}, head_role("classifier", Layer::kWeighted, 1, 2),
                            network("mobilenetv4", "fc_conv")};
  EXPECT_EQ(expected_tensor(Ecosystem::kNetsPresso, parameter)->shape, (Shape{8, 4, 1, 1}));
  EXPECT_EQ(expected_tensor(Ecosystem::kTimm, parameter)->shape, (Shape{8, 4}));
}

TEST(NameScheme, TimmHeadsBeginWithTheirNames) {
  const auto names = network("mobilenetv4", "fc_conv");
  EXPECT_EQ(section_of_tensor(Ecosystem::kTimm, "norm_head.weight", names.get()), Section::kHead);
  EXPECT_EQ(section_of_tensor(Ecosystem::kTimm, "bn2.running_mean", names.get()), Section::kHead);
  EXPECT_EQ(section_of_tensor(Ecosystem::kTimm, "bn1.running_mean", names.get()), Section::kBackbone);
}

}  // namespace
}  // namespace zoo::weights
