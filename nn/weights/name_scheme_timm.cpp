// timm 1.0.12 (MobileNetV3 class): `conv_stem`, `bn1`, `blocks.STAGE.BLOCK.*`, `conv_head`, `classifier`. The names
// inside a block depend on its type, DepthwiseSeparableConv or InvertedResidual.
#include <fmt/format.h>

#include "nn/weights/name_scheme_detail.h"

namespace zoo::weights {
namespace {

/// Attribute names of a convolution and of the norm after it.
struct ConvNames {
  std::string_view conv;
  std::string_view norm;
};

std::optional<ConvNames> block_conv_names(BlockKind kind, Part part) {
  const bool separable = kind == BlockKind::kDepthwiseSeparable;
  if (!separable && kind != BlockKind::kInvertedResidual) return std::nullopt;
  switch (part) {
    case Part::kExpand:
      if (separable) return std::nullopt;
      return ConvNames{"conv_pw", "bn1"};
    case Part::kDepthwise:
      return separable ? ConvNames{"conv_dw", "bn1"} : ConvNames{"conv_dw", "bn2"};
    case Part::kProject:
      return separable ? ConvNames{"conv_pw", "bn2"} : ConvNames{"conv_pwl", "bn3"};
    default:
      return std::nullopt;
  }
}

std::optional<std::string> conv_or_norm(const ConvNames& names, const ParameterRole& role) {
  return fmt::format("{}.{}", role.layer == Layer::kWeighted ? names.conv : names.norm, torch_field(role.field));
}

std::optional<std::string> backbone_name(const ParameterRole& role) {
  switch (role.part) {
    case Part::kStem:
      return conv_or_norm({"conv_stem", "bn1"}, role);
    case Part::kExpand:
    case Part::kDepthwise:
    case Part::kProject: {
      const std::optional<ConvNames> names = block_conv_names(role.block_kind, role.part);
      if (!names) return std::nullopt;
      return fmt::format("blocks.{}.{}.{}", role.stage, role.block, *conv_or_norm(*names, role));
    }
    case Part::kSqueezeReduce:
    case Part::kSqueezeExpand: {
      if (role.layer != Layer::kWeighted) return std::nullopt;
      const std::string_view conv = role.part == Part::kSqueezeReduce ? "conv_reduce" : "conv_expand";
      return fmt::format("blocks.{}.{}.se.{}.{}", role.stage, role.block, conv, torch_field(role.field));
    }
    case Part::kLastConv:  // a stage of its own, after those of the model file
      return fmt::format("blocks.{}.0.{}", role.stages, *conv_or_norm({"conv", "bn1"}, role));
    case Part::kHeadHidden:
    case Part::kClassifier:
      break;
  }
  return std::nullopt;
}

}  // namespace

std::optional<SchemeTensor> timm_tensor(const Parameter& parameter) {
  const ParameterRole& role = parameter.role;
  if (role.layer == Layer::kActivation) return std::nullopt;
  if (role.section == Section::kBackbone) {
    std::optional<std::string> name = backbone_name(role);
    if (!name) return std::nullopt;
    return SchemeTensor{*std::move(name), std::nullopt};
  }
  if (role.section != Section::kHead || role.layer != Layer::kWeighted || role.head_layers > 2) return std::nullopt;
  if (role.part == Part::kClassifier) {
    return SchemeTensor{fmt::format("classifier.{}", torch_field(role.field)), std::nullopt};
  }
  if (role.part != Part::kHeadHidden) return std::nullopt;
  SchemeTensor tensor{fmt::format("conv_head.{}", torch_field(role.field)), std::nullopt};
  // The hidden layer is a 1x1 convolution on the pooled features.
  if (role.field == Field::kWeight && parameter.shape.rank() == 2) {
    tensor.shape = Shape{parameter.shape[0], parameter.shape[1], 1, 1};
  }
  return tensor;
}

Section timm_section(std::string_view name) {
  const bool head = name.starts_with("classifier.") || name.starts_with("conv_head.") || name.starts_with("norm_head.");
  return head ? Section::kHead : Section::kBackbone;
}

}  // namespace zoo::weights
