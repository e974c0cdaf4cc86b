#include <optional>
#include <string>

#include "heads/names/head_names.h"
#include "nn/core/name_table.h"

namespace zoo::heads {
namespace {

/// One Sequential: a ConvLayer for every hidden layer, then Dropout and a ConvLayer. Only where the pooling is first.
std::optional<TensorName> netspresso(const Parameter& parameter, Task) {
  static const NameTable table{{"fc_conv.hidden", "head.classifier.{layer}.block.conv",
                                "head.classifier.{layer}.block.norm", "head.classifier.{layer}.block.act"},
                               {"fc_conv.classifier", "head.classifier.{layers}.block.conv"}};
  std::optional<std::string> name = table.find(parameter.role);
  if (!name) return std::nullopt;
  TensorName tensor = {*std::move(name)};
  if (parameter.role.part == "classifier" && parameter.shape.rank() == 2) {
    tensor.shape = Shape{parameter.shape[0], parameter.shape[1], 1, 1};
  }
  return tensor;
}

/// MobileNetV4 (MobileNetV3 class) normalises with norm_head, MobileNetV1 and V2 (EfficientNet class), whose pooling
/// comes last, with bn2. No network of timm has more layers.
std::optional<TensorName> timm(const Parameter& parameter, Task) {
  static const NameTable table{{"fc_conv.hidden", "conv_head", "norm_head"},
                               {"fc_conv.hidden_before_pool", "conv_head", "bn2"},
                               {"fc_conv.classifier", "classifier"}};
  if (parameter.role.count("layers").value_or(0) > 2) return std::nullopt;
  std::optional<std::string> name = table.find(parameter.role);
  if (!name) return std::nullopt;
  return TensorName{*std::move(name)};
}

}  // namespace

HeadNames fc_conv_names() { return {{Ecosystem::kNetsPresso, netspresso}, {Ecosystem::kTimm, timm}}; }

}  // namespace zoo::heads
