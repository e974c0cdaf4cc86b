#include <optional>
#include <string>

#include "heads/names/head_names.h"
#include "nn/core/name_table.h"

namespace zoo::heads {
namespace {

std::optional<TensorName> named(std::optional<std::string> name) {
  return name ? std::optional(TensorName{*std::move(name)}) : std::nullopt;
}

int count(const ParameterRole& role, std::string_view name) { return role.count(name).value_or(0); }

/// One Sequential: Linear and activation for every hidden layer, then Dropout and Linear.
std::optional<TensorName> netspresso(const Parameter& parameter, Task) {
  static const NameTable table{{"fc.hidden", "head.classifier.{linear}", {}, "head.classifier.{activation}"},
                               {"fc.classifier", "head.classifier.{last}"}};
  const int layer = count(parameter.role, "layer");
  const std::array<NameWord, 3> words = {NameWord("linear", std::to_string(2 * layer)),
                                         NameWord("activation", std::to_string(2 * layer + 1)),
                                         NameWord("last", std::to_string(2 * count(parameter.role, "layers") - 1))};
  return named(table.find(parameter.role, words));
}

/// Linear, activation, Dropout, Linear; with one layer only Dropout, Linear. No network of it has more layers.
std::optional<TensorName> torchvision(const Parameter& parameter, Task) {
  static const NameTable one{{"fc.classifier", "classifier.1"}};
  static const NameTable two{{"fc.hidden", "classifier.0"}, {"fc.classifier", "classifier.3"}};
  const int layers = count(parameter.role, "layers");
  if (layers > 2) return std::nullopt;
  return named((layers == 1 ? one : two).find(parameter.role));
}

/// A linear hidden layer is in timm a 1x1 convolution on the pooled features; no network of it has more layers.
std::optional<TensorName> timm(const Parameter& parameter, Task) {
  static const NameTable table{{"fc.hidden", "conv_head"}, {"fc.classifier", "classifier"}};
  if (count(parameter.role, "layers") > 2) return std::nullopt;
  std::optional<TensorName> tensor = named(table.find(parameter.role));
  if (tensor && parameter.role.part == "hidden" && parameter.shape.rank() == 2) {
    tensor->shape = Shape{parameter.shape[0], parameter.shape[1], 1, 1};
  }
  return tensor;
}

}  // namespace

HeadNames fc_names() {
  return {{Ecosystem::kNetsPresso, netspresso}, {Ecosystem::kTorchvision, torchvision}, {Ecosystem::kTimm, timm}};
}

}  // namespace zoo::heads
