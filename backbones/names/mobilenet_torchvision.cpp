// torchvision 0.14: one Sequential `features` (stem, blocks, last convolution) and one called `classifier`. A
// convolution is a Conv2dNormActivation, a Sequential with the convolution at 0 and the norm at 1. Segmenters and
// detectors hold the entries of `features` as `backbone`.
#include <array>
#include <string>

#include <fmt/format.h>

#include "backbones/names/mobilenet_names.h"
#include "nn/core/name_table.h"

namespace zoo::backbones {
namespace {

/// ssdlite320 cuts the entries in two within a block: up to its expand convolution, and from its depthwise convolution
/// on.
struct Cut {
  int entry = 0;  ///< of the block
  std::string module_of(int other) const {
    return other <= entry ? fmt::format("backbone.features.0.{}", other)
                          : fmt::format("backbone.features.1.{}", other - entry);
  }
};

/// The module of the part's entry, and that of the part itself where it is in a block. The divided block's halves lack
/// its own `block`.
std::array<NameWord, 2> modules_of(const ParameterRole& role, Task task) {
  const int entry = role.count("entry").value_or(0);
  const int position = role.count("position").value_or(0);
  std::string module = fmt::format("{}.{}", task == Task::kClassification ? "features" : "backbone", entry);
  std::string layer = fmt::format("{}.block.{}", module, position);
  if (const std::optional<int> divided = role.count("divided_block"); divided && task == Task::kDetection) {
    const Cut cut = {*divided + 1};
    module = cut.module_of(entry);
    layer = fmt::format("{}.block.{}", module, position);
    if (entry == cut.entry) layer = role.part == "expand" ? module : fmt::format("backbone.features.1.0.{}", position);
  }
  return {NameWord("entry_module", std::move(module)), NameWord("layer_module", std::move(layer))};
}

std::optional<TensorName> name_of(const Parameter& parameter, Task task) {
  static const NameTable table{{"stem", "{entry_module}.0", "{entry_module}.1"},
                               {"last_conv", "{entry_module}.0", "{entry_module}.1"},
                               {"depthwise_separable.depthwise", "{layer_module}.0", "{layer_module}.1"},
                               {"depthwise_separable.se_reduce", "{layer_module}.fc1"},
                               {"depthwise_separable.se_expand", "{layer_module}.fc2"},
                               {"depthwise_separable.project", "{layer_module}.0", "{layer_module}.1"},
                               {"inverted_residual.expand", "{layer_module}.0", "{layer_module}.1"},
                               {"inverted_residual.depthwise", "{layer_module}.0", "{layer_module}.1"},
                               {"inverted_residual.se_reduce", "{layer_module}.fc1"},
                               {"inverted_residual.se_expand", "{layer_module}.fc2"},
                               {"inverted_residual.project", "{layer_module}.0", "{layer_module}.1"}};
  std::optional<std::string> name = table.find(parameter.role, modules_of(parameter.role, task));
  if (!name) return std::nullopt;
  return TensorName{*std::move(name)};
}

FamilyNaming torchvision_family(TensorNaming backbone) {
  return {.backbone = std::move(backbone),
          .sections = {{"backbone.extra.", Section::kNeck}, {"classifier.", Section::kHead}, {"head.", Section::kHead}},
          .training_only = {"aux_classifier."}};
}

}  // namespace

FamilyNaming mobilenetv3_torchvision() { return torchvision_family(name_of); }

FamilyNaming torchvision_heads_only() { return torchvision_family(nullptr); }

}  // namespace zoo::backbones
