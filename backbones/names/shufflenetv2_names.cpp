#include "backbones/names/shufflenetv2_names.h"

#include <array>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "backbones/names/netspresso.h"
#include "nn/core/name_table.h"

namespace zoo::backbones {
namespace {

/// Both count the stages from 2: the first of the paper is stem and pooling.
std::optional<TensorName> find(const NameTable& table, const ParameterRole& role) {
  const std::array<NameWord, 1> words = {
      NameWord("stage_module", fmt::format("stage{}", role.count("stage").value_or(0) + 2))};
  std::optional<std::string> name = table.find(role, words);
  if (!name) return std::nullopt;
  return TensorName{*std::move(name)};
}

NameRow trainers_layer(const std::string& part, const std::string& layer) {
  return conv_layer("shuffle." + part, "backbone.{stage_module}.{block}." + layer);
}

std::optional<TensorName> netspresso(const Parameter& parameter, Task) {
  static const NameTable table{conv_layer("stem", "backbone.conv1"),
                               trainers_layer("expand", "branch_main.0"),
                               trainers_layer("depthwise", "branch_main.1"),
                               trainers_layer("project", "branch_main.2"),
                               trainers_layer("projection_depthwise", "branch_proj.0"),
                               trainers_layer("projection_project", "branch_proj.1")};
  return find(table, parameter.role);
}

/// Convolutions, norms and activations stand one behind the other in the Sequential of a branch.
std::optional<TensorName> torchvision(const Parameter& parameter, Task) {
  static const std::string block = "{stage_module}.{block}.";
  static const NameTable table{{"stem", "conv1.0", "conv1.1"},
                               {"shuffle.projection_depthwise", block + "branch1.0", block + "branch1.1"},
                               {"shuffle.projection_project", block + "branch1.2", block + "branch1.3"},
                               {"shuffle.expand", block + "branch2.0", block + "branch2.1"},
                               {"shuffle.depthwise", block + "branch2.3", block + "branch2.4"},
                               {"shuffle.project", block + "branch2.5", block + "branch2.6"},
                               {"last_conv", "conv5.0", "conv5.1"}};
  return find(table, parameter.role);
}

/// One linear layer, without the Dropout before it that torchvision's MobileNets have.
std::optional<TensorName> torchvision_head(const Parameter& parameter, Task) {
  static const NameTable table{{"fc.classifier", "fc"}};
  if (parameter.role.count("layers") != 1) return std::nullopt;
  return find(table, parameter.role);
}

}  // namespace

FamilyNaming shufflenetv2_netspresso() { return netspresso_family(netspresso); }

FamilyNaming shufflenetv2_torchvision() {
  return {.backbone = torchvision, .head = torchvision_head, .sections = {{"fc.", Section::kHead}}};
}

FamilyNames shufflenetv2_names() {
  return {{Ecosystem::kNetsPresso, shufflenetv2_netspresso()}, {Ecosystem::kTorchvision, shufflenetv2_torchvision()}};
}

}  // namespace zoo::backbones
