// torchvision 0.14: one Sequential `features` (stem, blocks, last convolution) and one called `classifier`. A
// convolution is a Conv2dNormActivation, a Sequential with the convolution at 0 and the norm at 1. Segmenters and
// detectors hold the entries of `features` as `backbone`.
#include <fmt/format.h>

#include "nn/weights/name_scheme_detail.h"

namespace zoo::weights {
namespace {

bool has_family(Family family) { return family == Family::kMobileNetV3 || family == Family::kOther; }

/// The entry of the Sequential `features` that holds a parameter of the backbone: 0 is the stem; -1: none.
int feature_index(const ParameterRole& role) {
  switch (role.part) {
    case Part::kStem:
      return 0;
    case Part::kExpand:
    case Part::kDepthwise:
    case Part::kProject:
    case Part::kSqueezeReduce:
    case Part::kSqueezeExpand:
      return role.flat_block + 1;
    case Part::kLastConv:
      return role.total_blocks + 1;
    default:
      return -1;
  }
}

/// Where a detector or segmenter puts an entry of `features`. ssdlite320 cuts them in two within a block: up to its
/// expand convolution, and from its depthwise convolution on, both without the block's own `block`.
std::string divided_module(const ParameterRole& role, int index) {
  const int cut = role.divided_block + 1;
  if (index < cut) return fmt::format("backbone.features.0.{}", index);
  if (index > cut) return fmt::format("backbone.features.1.{}", index - cut);
  return role.part == Part::kExpand ? fmt::format("backbone.features.0.{}", index)
                                    : fmt::format("backbone.features.1.0.{}", role.part_index);
}

/// The module that holds the parameter's Conv2dNormActivation or squeeze-and-excite, or empty.
std::string feature_module(const ParameterRole& role) {
  const int index = feature_index(role);
  if (index < 0) return {};
  std::string module;
  if (role.task == Task::kClassification) {
    module = fmt::format("features.{}", index);
  } else if (role.task == Task::kDetection && role.divided_block >= 0) {
    module = divided_module(role, index);
    if (index == role.divided_block + 1) return module;
  } else {
    module = fmt::format("backbone.{}", index);
  }
  const bool in_block = role.part != Part::kStem && role.part != Part::kLastConv;
  return in_block ? fmt::format("{}.block.{}", module, role.part_index) : module;
}

/// Linear, activation, Dropout, Linear; with one layer only Dropout, Linear. No network of it has more layers.
std::optional<int> classifier_index(const ParameterRole& role) {
  if (role.part == Part::kHeadHidden && role.head_layers == 2) return 0;
  if (role.part == Part::kClassifier && role.head_layers == 2) return 3;
  if (role.part == Part::kClassifier && role.head_layers == 1) return 1;
  return std::nullopt;
}

/// The convolution (0) or the norm (1) of a Sequential.
int entry(const ParameterRole& role) { return role.layer == Layer::kWeighted ? 0 : 1; }

std::string ssdlite_module(const ParameterRole& role) {
  switch (role.part) {
    case Part::kExtraLevel:
      return fmt::format("backbone.extra.{}.{}.{}", role.head_layer, role.part_index, entry(role));
    case Part::kClassPredictor:
    case Part::kBoxPredictor: {
      const std::string list = fmt::format("head.{}_head.module_list.{}.{}",
                                           role.part == Part::kBoxPredictor ? "regression" : "classification",
                                           role.head_layer, role.part_index);
      return role.part_index == 0 ? fmt::format("{}.{}", list, entry(role)) : list;
    }
    default:
      return {};
  }
}

std::string lraspp_module(const ParameterRole& role) {
  switch (role.part) {
    case Part::kBranch:
      return fmt::format("classifier.cbr.{}", entry(role));
    case Part::kPooledBranch:
      return "classifier.scale.1";
    case Part::kLowClassifier:
      return "classifier.low_classifier";
    case Part::kClassifier:
      return "classifier.high_classifier";
    default:
      return {};
  }
}

std::string deeplabv3_module(const ParameterRole& role) {
  switch (role.part) {
    case Part::kBranch:
      return fmt::format("classifier.0.convs.{}.{}", role.part_index, entry(role));
    case Part::kPooledBranch:  // after the pooling
      return fmt::format("classifier.0.convs.{}.{}", role.part_index, 1 + entry(role));
    case Part::kMerge:
      return fmt::format("classifier.0.project.{}", entry(role));
    case Part::kRefine:
      return fmt::format("classifier.{}", 1 + entry(role));
    case Part::kClassifier:
      return "classifier.4";
    default:
      return {};
  }
}

/// The module of a layer outside the backbone, or empty.
std::string head_module(const ParameterRole& role) {
  switch (role.block_kind) {
    case BlockKind::kSsdLite:
      return ssdlite_module(role);
    case BlockKind::kLrAspp:
      return lraspp_module(role);
    case BlockKind::kDeepLabV3:
      return deeplabv3_module(role);
    default:
      break;
  }
  const std::optional<int> index = classifier_index(role);
  if (!index || role.section != Section::kHead || role.layer != Layer::kWeighted) return {};
  return fmt::format("classifier.{}", *index);
}

}  // namespace

std::optional<SchemeTensor> torchvision_tensor(const Parameter& parameter) {
  const ParameterRole& role = parameter.role;
  const std::string_view field = torch_field(role.field);
  if (role.layer == Layer::kActivation) return std::nullopt;
  if (role.section != Section::kBackbone) {
    const std::string module = head_module(role);
    if (module.empty()) return std::nullopt;
    return SchemeTensor{fmt::format("{}.{}", module, field), std::nullopt};
  }
  if (!has_family(role.family)) return std::nullopt;
  const std::string module = feature_module(role);
  if (module.empty()) return std::nullopt;
  if (role.part == Part::kSqueezeReduce || role.part == Part::kSqueezeExpand) {
    if (role.layer != Layer::kWeighted) return std::nullopt;
    return SchemeTensor{fmt::format("{}.{}.{}", module, role.part == Part::kSqueezeReduce ? "fc1" : "fc2", field),
                        std::nullopt};
  }
  return SchemeTensor{fmt::format("{}.{}.{}", module, entry(role), field), std::nullopt};
}

Section torchvision_section(std::string_view name) {
  if (name.starts_with("backbone.extra.")) return Section::kNeck;
  return name.starts_with("classifier.") || name.starts_with("head.") ? Section::kHead : Section::kBackbone;
}

bool torchvision_training_only(std::string_view name) { return name.starts_with("aux_classifier."); }

}  // namespace zoo::weights
