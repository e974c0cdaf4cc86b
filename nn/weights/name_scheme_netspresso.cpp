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

/// The module that holds the parameter's ConvLayer or squeeze-and-excite, or empty.
std::string backbone_module(const ParameterRole& role) {
  switch (role.part) {
    case Part::kStem:
      return "backbone.conv_first";
    case Part::kExpand:
    case Part::kDepthwise:
    case Part::kProject:
    case Part::kSqueezeReduce:
    case Part::kSqueezeExpand:
      return fmt::format("backbone.stages.{}.{}.block.{}", role.stage, role.block, role.part_index);
    case Part::kLastConv:
      return fmt::format("backbone.stages.{}.{}", role.stage, role.block);
    case Part::kHeadHidden:
    case Part::kClassifier:
      break;
  }
  return {};
}

/// The `fc` head is one Sequential: Linear and activation for every hidden layer, then Dropout and Linear.
std::optional<int> fc_head_index(const ParameterRole& role) {
  if (role.part == Part::kClassifier && role.layer == Layer::kWeighted) return 2 * role.head_layers - 1;
  if (role.part == Part::kHeadHidden && role.layer == Layer::kWeighted) return 2 * role.head_layer;
  if (role.part == Part::kHeadHidden && role.layer == Layer::kActivation) return 2 * role.head_layer + 1;
  return std::nullopt;
}

}  // namespace

std::optional<SchemeTensor> netspresso_tensor(const Parameter& parameter) {
  const ParameterRole& role = parameter.role;
  const std::string_view field = torch_field(role.field);
  if (role.section == Section::kHead) {
    const std::optional<int> index = fc_head_index(role);
    if (!index) return std::nullopt;
    return SchemeTensor{fmt::format("head.classifier.{}.{}", *index, field), std::nullopt};
  }
  const std::string module = role.section == Section::kBackbone ? backbone_module(role) : std::string();
  if (module.empty()) return std::nullopt;
  if (role.part == Part::kSqueezeReduce || role.part == Part::kSqueezeExpand) {
    if (role.layer != Layer::kWeighted) return std::nullopt;
    return SchemeTensor{fmt::format("{}.{}.{}", module, role.part == Part::kSqueezeReduce ? "fc1" : "fc2", field),
                        std::nullopt};
  }
  return SchemeTensor{fmt::format("{}.block.{}.{}", module, conv_layer_entry(role.layer), field), std::nullopt};
}

Section netspresso_section(std::string_view name) {
  if (name.starts_with("head.")) return Section::kHead;
  if (name.starts_with("neck.")) return Section::kNeck;
  return Section::kBackbone;
}

}  // namespace zoo::weights
