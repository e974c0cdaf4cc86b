// timm 1.0.12 (EfficientNet and MobileNetV3 classes): `conv_stem`, `bn1`, `blocks.STAGE.BLOCK.*`, `conv_head`,
// `classifier`. The names inside a block depend on its type.
#include <fmt/format.h>

#include "nn/weights/name_scheme_detail.h"

namespace zoo::weights {
namespace {

/// Attribute names of a convolution and of the norm after it; empty where there is none.
struct ConvNames {
  std::string_view conv;
  std::string_view norm;
};

std::optional<ConvNames> separable_names(Part part) {
  if (part == Part::kDepthwise) return ConvNames{"conv_dw", "bn1"};
  if (part == Part::kProject) return ConvNames{"conv_pw", "bn2"};
  return std::nullopt;
}

std::optional<ConvNames> inverted_residual_names(Part part) {
  if (part == Part::kExpand) return ConvNames{"conv_pw", "bn1"};
  if (part == Part::kDepthwise) return ConvNames{"conv_dw", "bn2"};
  if (part == Part::kProject) return ConvNames{"conv_pwl", "bn3"};
  return std::nullopt;
}

std::optional<ConvNames> fused_names(Part part) {
  if (part == Part::kExpand) return ConvNames{"conv_exp", "bn1"};
  if (part == Part::kProject) return ConvNames{"conv_pwl", "bn2"};
  return std::nullopt;
}

std::optional<ConvNames> universal_names(Part part) {
  if (part == Part::kStartDepthwise) return ConvNames{"dw_start.conv", "dw_start.bn"};
  if (part == Part::kExpand) return ConvNames{"pw_exp.conv", "pw_exp.bn"};
  if (part == Part::kDepthwise) return ConvNames{"dw_mid.conv", "dw_mid.bn"};
  if (part == Part::kProject) return ConvNames{"pw_proj.conv", "pw_proj.bn"};
  return std::nullopt;
}

std::optional<ConvNames> attention_names(Part part) {
  switch (part) {
    case Part::kAttentionNorm:
      return ConvNames{{}, "norm"};
    case Part::kQueryPool:
      return ConvNames{{}, "attn.query.norm"};
    case Part::kQuery:
      return ConvNames{"attn.query.proj", {}};
    case Part::kKeyDown:
      return ConvNames{"attn.key.down_conv", "attn.key.norm"};
    case Part::kKey:
      return ConvNames{"attn.key.proj", {}};
    case Part::kValueDown:
      return ConvNames{"attn.value.down_conv", "attn.value.norm"};
    case Part::kValue:
      return ConvNames{"attn.value.proj", {}};
    case Part::kAttentionOutput:
      return ConvNames{"attn.output.proj", {}};
    default:
      return std::nullopt;
  }
}

std::optional<ConvNames> block_names(const ParameterRole& role) {
  if (role.part == Part::kLayerScale) return ConvNames{"layer_scale", {}};
  switch (role.block_kind) {
    case BlockKind::kDepthwiseSeparable:
      return separable_names(role.part);
    case BlockKind::kInvertedResidual:
      return inverted_residual_names(role.part);
    case BlockKind::kConv:
      return ConvNames{"conv", "bn1"};
    case BlockKind::kFusedInvertedResidual:
      return fused_names(role.part);
    case BlockKind::kUniversalBottleneck:
      return universal_names(role.part);
    case BlockKind::kAttention:
      return attention_names(role.part);
    case BlockKind::kNone:
    case BlockKind::kConvHead:
    case BlockKind::kPyramid:
    case BlockKind::kDetectionBranches:
    case BlockKind::kLevelFusion:
    case BlockKind::kSsdLite:
    case BlockKind::kLrAspp:
    case BlockKind::kDeepLabV3:
      break;
  }
  return std::nullopt;
}

std::optional<std::string> conv_or_norm(const ConvNames& names, const ParameterRole& role) {
  const std::string_view module = role.layer == Layer::kWeighted ? names.conv : names.norm;
  if (module.empty()) return std::nullopt;
  return fmt::format("{}.{}", module, torch_field(role.field));
}

std::optional<std::string> block_name(const ParameterRole& role) {
  if (role.part == Part::kSqueezeReduce || role.part == Part::kSqueezeExpand) {
    if (role.layer != Layer::kWeighted) return std::nullopt;
    const std::string_view conv = role.part == Part::kSqueezeReduce ? "conv_reduce" : "conv_expand";
    return fmt::format("blocks.{}.{}.se.{}.{}", role.stage, role.block, conv, torch_field(role.field));
  }
  const std::optional<ConvNames> names = block_names(role);
  const std::optional<std::string> name = names ? conv_or_norm(*names, role) : std::nullopt;
  if (!name) return std::nullopt;
  return fmt::format("blocks.{}.{}.{}", role.stage, role.block, *name);
}

std::optional<std::string> backbone_name(const ParameterRole& role) {
  if (role.part == Part::kStem) return conv_or_norm({"conv_stem", "bn1"}, role);
  if (role.part != Part::kLastConv) return block_name(role);
  if (role.family == Family::kMobileNetV1 || role.family == Family::kMobileNetV2) {
    return conv_or_norm({"conv_head", "bn2"}, role);
  }
  // A stage of its own, after those of the model file.
  return fmt::format("blocks.{}.0.{}", role.stages, *conv_or_norm({"conv", "bn1"}, role));
}

/// A linear hidden layer, in timm a 1x1 convolution on the pooled features; no network of it has more layers.
std::optional<SchemeTensor> linear_head_tensor(const Parameter& parameter) {
  const ParameterRole& role = parameter.role;
  if (role.part != Part::kHeadHidden || role.layer != Layer::kWeighted) return std::nullopt;
  SchemeTensor tensor{fmt::format("conv_head.{}", torch_field(role.field)), std::nullopt};
  if (role.field == Field::kWeight && parameter.shape.rank() == 2) {
    tensor.shape = Shape{parameter.shape[0], parameter.shape[1], 1, 1};
  }
  return tensor;
}

std::optional<SchemeTensor> head_tensor(const Parameter& parameter) {
  const ParameterRole& role = parameter.role;
  // timm has classification heads only.
  if (role.head_layers > 2 || is_level_head(role)) return std::nullopt;
  if (role.part == Part::kClassifier) {
    if (role.layer != Layer::kWeighted) return std::nullopt;
    return SchemeTensor{fmt::format("classifier.{}", torch_field(role.field)), std::nullopt};
  }
  if (role.block_kind != BlockKind::kConvHead) return linear_head_tensor(parameter);
  // MobileNetV4 (MobileNetV3 class) normalises with norm_head, MobileNetV1 and V2 (EfficientNet class) with bn2.
  std::optional<std::string> name =
      conv_or_norm({"conv_head", role.part == Part::kHeadConv ? "bn2" : "norm_head"}, role);
  return SchemeTensor{*std::move(name), std::nullopt};
}

}  // namespace

std::optional<SchemeTensor> timm_tensor(const Parameter& parameter) {
  const ParameterRole& role = parameter.role;
  if (role.layer == Layer::kActivation) return std::nullopt;
  if (role.section == Section::kHead) return head_tensor(parameter);
  if (role.section != Section::kBackbone) return std::nullopt;
  std::optional<std::string> name = backbone_name(role);
  if (!name) return std::nullopt;
  return SchemeTensor{*std::move(name), std::nullopt};
}

Section timm_section(std::string_view name) {
  const bool head = name.starts_with("classifier.") || name.starts_with("conv_head.") ||
                    name.starts_with("norm_head.") || name.starts_with("bn2.");
  return head ? Section::kHead : Section::kBackbone;
}

}  // namespace zoo::weights
