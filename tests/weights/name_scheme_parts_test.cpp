// Names of single parts by their roles. The names of whole networks are compared with the reference state dictionaries
// in tests/models.
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/weights/name_scheme.h"

namespace zoo::weights {
namespace {

struct PartCase {
  std::string what;
  ParameterRole role;
  std::string netspresso;  ///< "-": no such structure
  std::string timm;
};

std::ostream& operator<<(std::ostream& stream, const PartCase& part) { return stream << part.what; }

ParameterRole block_role(BlockKind kind, Part part, Layer layer = Layer::kWeighted, int part_index = 0) {
  ParameterRole role = {.family = Family::kMobileNetV4, .block_kind = kind, .part = part, .layer = layer};
  role.stage = 2;
  role.block = 1;
  role.part_index = part_index;
  role.stages = 4;
  return role;
}

ParameterRole in_family(Family family, ParameterRole role) {
  role.family = family;
  return role;
}

ParameterRole gamma(BlockKind kind) {
  ParameterRole role = block_role(kind, Part::kLayerScale);
  role.field = Field::kGamma;
  return role;
}

ParameterRole head_role(Part part, Layer layer, int head_layer, int head_layers) {
  ParameterRole role = {.section = Section::kHead, .block_kind = BlockKind::kConvHead, .part = part, .layer = layer};
  role.head_layer = head_layer;
  role.head_layers = head_layers;
  return role;
}

ParameterRole level_role(Section section, BlockKind kind, Part part, Layer layer = Layer::kWeighted) {
  ParameterRole role = {.section = section, .block_kind = kind, .part = part, .layer = layer};
  role.head_layer = 2;
  return role;
}

std::string name_in(Ecosystem ecosystem, const ParameterRole& role, const Shape& shape = {8, 4}) {
  const auto tensor = expected_tensor(ecosystem, Parameter{"p", shape, role});
  return tensor ? tensor->name : "-";
}

using Kind = BlockKind;
using enum Part;

const std::vector<PartCase> kParts = {
    {"v4_stem", block_role(Kind::kNone, kStem), "backbone.conv_stem.block.conv.weight", "conv_stem.weight"},
    {"v4_last_conv_norm", block_role(Kind::kNone, kLastConv, Layer::kNorm), "backbone.stages.2.1.block.norm.weight",
     "blocks.4.0.bn1.weight"},
    {"conv", block_role(Kind::kConv, Part::kConv), "backbone.stages.2.1.block.conv.weight", "blocks.2.1.conv.weight"},
    {"conv_norm", block_role(Kind::kConv, Part::kConv, Layer::kNorm), "backbone.stages.2.1.block.norm.weight",
     "blocks.2.1.bn1.weight"},
    {"conv_act", block_role(Kind::kConv, Part::kConv, Layer::kActivation), "backbone.stages.2.1.block.act.weight", "-"},
    {"fused_expand", block_role(Kind::kFusedInvertedResidual, kExpand), "backbone.stages.2.1.block.0.block.conv.weight",
     "blocks.2.1.conv_exp.weight"},
    {"fused_project_norm", block_role(Kind::kFusedInvertedResidual, kProject, Layer::kNorm, 1),
     "backbone.stages.2.1.block.1.block.norm.weight", "blocks.2.1.bn2.weight"},
    {"uir_start", block_role(Kind::kUniversalBottleneck, kStartDepthwise),
     "backbone.stages.2.1.block.0.block.conv.weight", "blocks.2.1.dw_start.conv.weight"},
    {"uir_expand", block_role(Kind::kUniversalBottleneck, kExpand, Layer::kNorm, 1),
     "backbone.stages.2.1.block.1.block.norm.weight", "blocks.2.1.pw_exp.bn.weight"},
    {"uir_middle", block_role(Kind::kUniversalBottleneck, kDepthwise, Layer::kWeighted, 2),
     "backbone.stages.2.1.block.2.block.conv.weight", "blocks.2.1.dw_mid.conv.weight"},
    {"uir_project", block_role(Kind::kUniversalBottleneck, kProject, Layer::kWeighted, 3),
     "backbone.stages.2.1.block.3.block.conv.weight", "blocks.2.1.pw_proj.conv.weight"},
    {"uir_gamma", gamma(Kind::kUniversalBottleneck), "backbone.stages.2.1.layer_scale.gamma",
     "blocks.2.1.layer_scale.gamma"},
    {"mqa_norm", block_role(Kind::kAttention, kAttentionNorm, Layer::kNorm), "backbone.stages.2.1.norm_layer.weight",
     "blocks.2.1.norm.weight"},
    {"mqa_query", block_role(Kind::kAttention, kQuery), "backbone.stages.2.1.attention.query.0.weight",
     "blocks.2.1.attn.query.proj.weight"},
    {"mqa_pooled_query_norm", block_role(Kind::kAttention, kQueryPool, Layer::kNorm, 1),
     "backbone.stages.2.1.attention.query.1.weight", "blocks.2.1.attn.query.norm.weight"},
    {"mqa_pooled_query", block_role(Kind::kAttention, kQuery, Layer::kWeighted, 2),
     "backbone.stages.2.1.attention.query.2.weight", "blocks.2.1.attn.query.proj.weight"},
    {"mqa_key_down", block_role(Kind::kAttention, kKeyDown), "backbone.stages.2.1.attention.key.0.weight",
     "blocks.2.1.attn.key.down_conv.weight"},
    {"mqa_key_norm", block_role(Kind::kAttention, kKeyDown, Layer::kNorm, 1),
     "backbone.stages.2.1.attention.key.1.weight", "blocks.2.1.attn.key.norm.weight"},
    {"mqa_key", block_role(Kind::kAttention, kKey, Layer::kWeighted, 2), "backbone.stages.2.1.attention.key.2.weight",
     "blocks.2.1.attn.key.proj.weight"},
    {"mqa_value_norm", block_role(Kind::kAttention, kValueDown, Layer::kNorm, 1),
     "backbone.stages.2.1.attention.value.1.weight", "blocks.2.1.attn.value.norm.weight"},
    {"mqa_value", block_role(Kind::kAttention, kValue), "backbone.stages.2.1.attention.value.0.weight",
     "blocks.2.1.attn.value.proj.weight"},
    {"mqa_output", block_role(Kind::kAttention, kAttentionOutput), "backbone.stages.2.1.attention.linear.0.weight",
     "blocks.2.1.attn.output.proj.weight"},
    {"mqa_output_behind_upsampling", block_role(Kind::kAttention, kAttentionOutput, Layer::kWeighted, 1),
     "backbone.stages.2.1.attention.linear.1.weight", "blocks.2.1.attn.output.proj.weight"},
    {"mqa_gamma", gamma(Kind::kAttention), "backbone.stages.2.1.layer_scale.gamma", "blocks.2.1.layer_scale.gamma"},
    {"v1_depthwise", in_family(Family::kMobileNetV1, block_role(Kind::kDepthwiseSeparable, kDepthwise)), "-",
     "blocks.2.1.conv_dw.weight"},
    {"v2_project", in_family(Family::kMobileNetV2, block_role(Kind::kInvertedResidual, kProject)), "-",
     "blocks.2.1.conv_pwl.weight"},
    {"v2_last_conv", in_family(Family::kMobileNetV2, block_role(Kind::kNone, kLastConv)), "-", "conv_head.weight"},
    {"v1_last_conv_norm", in_family(Family::kMobileNetV1, block_role(Kind::kNone, kLastConv, Layer::kNorm)), "-",
     "bn2.weight"},
    {"head_after_pool", head_role(kHeadHidden, Layer::kWeighted, 0, 2), "head.classifier.0.block.conv.weight",
     "conv_head.weight"},
    {"head_norm_after_pool", head_role(kHeadHidden, Layer::kNorm, 0, 2), "head.classifier.0.block.norm.weight",
     "norm_head.weight"},
    {"head_act_after_pool", head_role(kHeadHidden, Layer::kActivation, 1, 3), "head.classifier.1.block.act.weight",
     "-"},
    {"head_before_pool", head_role(kHeadConv, Layer::kWeighted, 0, 2), "-", "conv_head.weight"},
    {"head_norm_before_pool", head_role(kHeadConv, Layer::kNorm, 0, 2), "-", "bn2.weight"},
    {"classifier_of_two", head_role(kClassifier, Layer::kWeighted, 1, 2), "head.classifier.2.block.conv.weight",
     "classifier.weight"},
    {"classifier_of_one", head_role(kClassifier, Layer::kWeighted, 0, 1), "head.classifier.1.block.conv.weight",
     "classifier.weight"},
    {"classifier_of_three", head_role(kClassifier, Layer::kWeighted, 2, 3), "head.classifier.3.block.conv.weight", "-"},
    {"lateral", level_role(Section::kNeck, Kind::kPyramid, kLateral), "neck.lateral_convs.2.weight", "-"},
    {"pyramid_conv", level_role(Section::kNeck, Kind::kPyramid, kPyramidConv), "neck.fpn_convs.2.weight", "-"},
    {"pyramid_norm", level_role(Section::kNeck, Kind::kPyramid, kPyramidConv, Layer::kNorm), "-", "-"},
    {"class_conv", level_role(Section::kHead, Kind::kDetectionBranches, kClassConv),
     "head.classification_head.conv.2.block.conv.weight", "-"},
    {"class_norm", level_role(Section::kHead, Kind::kDetectionBranches, kClassConv, Layer::kNorm),
     "head.classification_head.conv.2.block.norm.weight", "-"},
    {"class_scores", level_role(Section::kHead, Kind::kDetectionBranches, kClassifier),
     "head.classification_head.cls_logits.weight", "-"},
    {"box_norm", level_role(Section::kHead, Kind::kDetectionBranches, kBoxConv, Layer::kNorm),
     "head.regression_head.conv.2.block.norm.weight", "-"},
    {"box_offsets", level_role(Section::kHead, Kind::kDetectionBranches, kBoxRegression),
     "head.regression_head.bbox_reg.weight", "-"},
    {"level_conv", level_role(Section::kHead, Kind::kLevelFusion, kLevelConv), "head.linear_c.2.block.conv.weight",
     "-"},
    {"fuse_norm", level_role(Section::kHead, Kind::kLevelFusion, kFuse, Layer::kNorm),
     "head.linear_fuse.block.norm.weight", "-"},
    {"segmentation_classifier", level_role(Section::kHead, Kind::kLevelFusion, kClassifier), "head.classifier.weight",
     "-"}};

class PartNames : public ::testing::TestWithParam<PartCase> {};

TEST_P(PartNames, FollowFromTheRole) {
  EXPECT_EQ(name_in(Ecosystem::kNetsPresso, GetParam().role), GetParam().netspresso);
  EXPECT_EQ(name_in(Ecosystem::kTimm, GetParam().role), GetParam().timm);
}

TEST_P(PartNames, AreNotKnownToTorchvisionInABackbone) {
  const BlockKind kind = GetParam().role.block_kind;
  const bool reads_levels = kind == Kind::kDetectionBranches || kind == Kind::kLevelFusion;
  if (GetParam().role.section == Section::kHead && !reads_levels) return;
  EXPECT_EQ(name_in(Ecosystem::kTorchvision, GetParam().role), "-");
}

INSTANTIATE_TEST_SUITE_P(NameScheme, PartNames, ::testing::ValuesIn(kParts),
                         [](const auto& test) { return test.param.what; });

TEST(NameScheme, NetsPressoClassifierOfConvolutionsHasFourDimensions) {
  const Parameter parameter{"p", Shape{8, 4}, head_role(kClassifier, Layer::kWeighted, 1, 2)};
  EXPECT_EQ(expected_tensor(Ecosystem::kNetsPresso, parameter)->shape, (Shape{8, 4, 1, 1}));
  EXPECT_EQ(expected_tensor(Ecosystem::kTimm, parameter)->shape, (Shape{8, 4}));
}

TEST(NameScheme, TimmHeadsBeginWithTheirNames) {
  EXPECT_EQ(section_of_tensor(Ecosystem::kTimm, "norm_head.weight"), Section::kHead);
  EXPECT_EQ(section_of_tensor(Ecosystem::kTimm, "bn2.running_mean"), Section::kHead);
  EXPECT_EQ(section_of_tensor(Ecosystem::kTimm, "bn1.running_mean"), Section::kBackbone);
}

}  // namespace
}  // namespace zoo::weights
