// torchvision 0.14: one Sequential `features` (stem, blocks, last convolution) and one called `classifier`. A
// convolution is a Conv2dNormActivation, a Sequential with the convolution at 0 and the norm at 1.
#include <fmt/format.h>

#include "nn/weights/name_scheme_detail.h"

namespace zoo::weights {
namespace {

bool has_family(Family family) { return family == Family::kMobileNetV3 || family == Family::kOther; }

/// The module that holds the parameter's Conv2dNormActivation or squeeze-and-excite, or empty.
std::string feature_module(const ParameterRole& role) {
  switch (role.part) {
    case Part::kStem:
      return "features.0";
    case Part::kExpand:
    case Part::kDepthwise:
    case Part::kProject:
    case Part::kSqueezeReduce:
    case Part::kSqueezeExpand:
      return fmt::format("features.{}.block.{}", role.flat_block + 1, role.part_index);
    case Part::kLastConv:
      return fmt::format("features.{}", role.total_blocks + 1);
    default:
      return {};
  }
}

/// Linear, activation, Dropout, Linear; with one layer only Dropout, Linear. No network of it has more layers.
std::optional<int> classifier_index(const ParameterRole& role) {
  if (role.part == Part::kHeadHidden && role.head_layers == 2) return 0;
  if (role.part == Part::kClassifier && role.head_layers == 2) return 3;
  if (role.part == Part::kClassifier && role.head_layers == 1) return 1;
  return std::nullopt;
}

}  // namespace

std::optional<SchemeTensor> torchvision_tensor(const Parameter& parameter) {
  const ParameterRole& role = parameter.role;
  const std::string_view field = torch_field(role.field);
  if (role.layer == Layer::kActivation) return std::nullopt;
  if (role.section == Section::kHead) {
    if (is_level_head(role)) return std::nullopt;
    const std::optional<int> index = classifier_index(role);
    if (!index || role.layer != Layer::kWeighted) return std::nullopt;
    return SchemeTensor{fmt::format("classifier.{}.{}", *index, field), std::nullopt};
  }
  if (role.section != Section::kBackbone || !has_family(role.family)) return std::nullopt;
  const std::string module = feature_module(role);
  if (module.empty()) return std::nullopt;
  if (role.part == Part::kSqueezeReduce || role.part == Part::kSqueezeExpand) {
    if (role.layer != Layer::kWeighted) return std::nullopt;
    return SchemeTensor{fmt::format("{}.{}.{}", module, role.part == Part::kSqueezeReduce ? "fc1" : "fc2", field),
                        std::nullopt};
  }
  return SchemeTensor{fmt::format("{}.{}.{}", module, role.layer == Layer::kWeighted ? 0 : 1, field), std::nullopt};
}

Section torchvision_section(std::string_view name) {
  return name.starts_with("classifier.") ? Section::kHead : Section::kBackbone;
}

}  // namespace zoo::weights
