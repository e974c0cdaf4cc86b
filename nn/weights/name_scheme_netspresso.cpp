// NetsPresso Trainer 1.4.1: `backbone.*`, `neck.*`, `head.*`. Most layers are its ConvLayer, a Sequential called
// `block` with the entries conv, norm and act.
#include <fmt/format.h>

#include "nn/weights/name_scheme_detail.h"

namespace zoo::weights {
namespace {

std::string_view conv_layer_entry(Layer layer) {
  switch (layer) {
    case Layer::kWeighted:
      return "conv";
    case Layer::kNorm:
      return "norm";
    case Layer::kActivation:
      return "act";
  }
  return {};
}

/// The trainer's modules of MobileNetV3 and V4: layers of a block are numbered as the block really has them.
std::string block_module(const ParameterRole& role) {
  return fmt::format("backbone.stages.{}.{}", role.stage, role.block);
}

/// The module that holds the parameter's ConvLayer, or empty.
std::string conv_layer_module(const ParameterRole& role) {
  switch (role.part) {
    case Part::kStem:
      return role.family == Family::kMobileNetV4 ? "backbone.conv_stem" : "backbone.conv_first";
    case Part::kStartDepthwise:
    case Part::kExpand:
    case Part::kDepthwise:
    case Part::kProject:
      return fmt::format("{}.block.{}", block_module(role), role.part_index);
    case Part::kConv:
    case Part::kLastConv:
      return block_module(role);
    default:
      return {};
  }
}

/// The module of a parameter that is not in a ConvLayer, or empty.
std::string plain_module(const ParameterRole& role) {
  switch (role.part) {
    case Part::kSqueezeReduce:
      return fmt::format("{}.block.{}.fc1", block_module(role), role.part_index);
    case Part::kSqueezeExpand:
      return fmt::format("{}.block.{}.fc2", block_module(role), role.part_index);
    case Part::kLayerScale:
      return block_module(role) + ".layer_scale";
    case Part::kAttentionNorm:
      return block_module(role) + ".norm_layer";
    case Part::kQueryPool:
    case Part::kQuery:
      return fmt::format("{}.attention.query.{}", block_module(role), role.part_index);
    case Part::kKeyDown:
      return fmt::format("{}.attention.key.{}", block_module(role), role.layer == Layer::kWeighted ? 0 : 1);
    case Part::kKey:
      return fmt::format("{}.attention.key.{}", block_module(role), role.part_index);
    case Part::kValueDown:
      return fmt::format("{}.attention.value.{}", block_module(role), role.layer == Layer::kWeighted ? 0 : 1);
    case Part::kValue:
      return fmt::format("{}.attention.value.{}", block_module(role), role.part_index);
    case Part::kAttentionOutput:
      return fmt::format("{}.attention.linear.{}", block_module(role), role.part_index);
    default:
      return {};
  }
}

std::optional<std::string> backbone_name(const ParameterRole& role) {
  if (role.family == Family::kMobileNetV1 || role.family == Family::kMobileNetV2) return std::nullopt;
  if (const std::string module = conv_layer_module(role); !module.empty()) {
    return fmt::format("{}.block.{}.{}", module, conv_layer_entry(role.layer), torch_field(role.field));
  }
  const std::string module = plain_module(role);
  if (module.empty() || role.layer == Layer::kActivation) return std::nullopt;
  if (role.layer == Layer::kNorm && (role.part == Part::kSqueezeReduce || role.part == Part::kSqueezeExpand)) {
    return std::nullopt;
  }
  return fmt::format("{}.{}", module, torch_field(role.field));
}

/// The `fc` head is one Sequential: Linear and activation for every hidden layer, then Dropout and Linear.
std::optional<int> fc_head_index(const ParameterRole& role) {
  if (role.part == Part::kClassifier && role.layer == Layer::kWeighted) return 2 * role.head_layers - 1;
  if (role.part == Part::kHeadHidden && role.layer == Layer::kWeighted) return 2 * role.head_layer;
  if (role.part == Part::kHeadHidden && role.layer == Layer::kActivation) return 2 * role.head_layer + 1;
  return std::nullopt;
}

/// The `fc_conv` head is one Sequential: a ConvLayer for every hidden layer, then Dropout and a ConvLayer.
std::optional<SchemeTensor> conv_head_tensor(const Parameter& parameter) {
  const ParameterRole& role = parameter.role;
  const bool is_classifier = role.part == Part::kClassifier && role.layer == Layer::kWeighted;
  if (!is_classifier && role.part != Part::kHeadHidden) return std::nullopt;
  SchemeTensor tensor{fmt::format("head.classifier.{}.block.{}.{}", is_classifier ? role.head_layers : role.head_layer,
                                  conv_layer_entry(role.layer), torch_field(role.field)),
                      std::nullopt};
  if (is_classifier && role.field == Field::kWeight && parameter.shape.rank() == 2) {
    tensor.shape = Shape{parameter.shape[0], parameter.shape[1], 1, 1};
  }
  return tensor;
}

/// The `fpn` neck: convolutions without norm or activation.
std::optional<std::string> pyramid_name(const ParameterRole& role) {
  if (role.block_kind != BlockKind::kPyramid || role.layer != Layer::kWeighted) return std::nullopt;
  const std::string_view list = role.part == Part::kLateral ? "lateral_convs" : "fpn_convs";
  return fmt::format("neck.{}.{}.{}", list, role.head_layer, torch_field(role.field));
}

/// The ConvLayers of the heads that read several levels, or empty.
std::string level_head_conv_layer(const ParameterRole& role) {
  switch (role.part) {
    case Part::kClassConv:
      return fmt::format("head.classification_head.conv.{}", role.head_layer);
    case Part::kBoxConv:
      return fmt::format("head.regression_head.conv.{}", role.head_layer);
    case Part::kLevelConv:
      return fmt::format("head.linear_c.{}", role.head_layer);
    case Part::kFuse:
      return "head.linear_fuse";
    default:
      return {};
  }
}

/// `anchor_decoupled_head` and `all_mlp_decoder`: ConvLayers, and plain convolutions at the end.
std::optional<std::string> level_head_name(const ParameterRole& role) {
  const bool detects = role.block_kind == BlockKind::kDetectionBranches;
  if (!detects && role.block_kind != BlockKind::kLevelFusion) return std::nullopt;
  if (const std::string module = level_head_conv_layer(role); !module.empty()) {
    return fmt::format("{}.block.{}.{}", module, conv_layer_entry(role.layer), torch_field(role.field));
  }
  if (role.layer != Layer::kWeighted) return std::nullopt;
  const std::string_view field = torch_field(role.field);
  if (role.part == Part::kBoxRegression) return fmt::format("head.regression_head.bbox_reg.{}", field);
  if (role.part != Part::kClassifier) return std::nullopt;
  return fmt::format("head.{}.{}", detects ? "classification_head.cls_logits" : "classifier", field);
}

std::optional<SchemeTensor> head_tensor(const Parameter& parameter) {
  const ParameterRole& role = parameter.role;
  if (role.block_kind == BlockKind::kConvHead) return conv_head_tensor(parameter);
  if (is_level_head(role)) {
    std::optional<std::string> name = level_head_name(role);
    return name ? std::optional(SchemeTensor{*std::move(name), std::nullopt}) : std::nullopt;
  }
  const std::optional<int> index = fc_head_index(role);
  if (!index) return std::nullopt;
  return SchemeTensor{fmt::format("head.classifier.{}.{}", *index, torch_field(role.field)), std::nullopt};
}

}  // namespace

std::optional<SchemeTensor> netspresso_tensor(const Parameter& parameter) {
  const ParameterRole& role = parameter.role;
  if (role.section == Section::kHead) return head_tensor(parameter);
  std::optional<std::string> name = role.section == Section::kNeck ? pyramid_name(role) : backbone_name(role);
  if (!name) return std::nullopt;
  return SchemeTensor{*std::move(name), std::nullopt};
}

Section netspresso_section(std::string_view name) {
  if (name.starts_with("head.")) return Section::kHead;
  if (name.starts_with("neck.")) return Section::kNeck;
  return Section::kBackbone;
}

}  // namespace zoo::weights
