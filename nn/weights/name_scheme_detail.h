// One function per ecosystem, each in a file of its own, and what they share. Internal to nn/weights.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "nn/core/parameter.h"

namespace zoo::weights {

/// Name and, where it differs from the parameter's own, shape of a tensor.
struct SchemeTensor {
  std::string name;
  std::optional<Shape> shape;
};

std::optional<SchemeTensor> netspresso_tensor(const Parameter& parameter);
std::optional<SchemeTensor> torchvision_tensor(const Parameter& parameter);
std::optional<SchemeTensor> timm_tensor(const Parameter& parameter);

Section netspresso_section(std::string_view name);
Section torchvision_section(std::string_view name);
Section timm_section(std::string_view name);

/// Whether the parameter sits in a head for detection or segmentation.
inline bool is_level_head(const ParameterRole& role) {
  return role.block_kind != BlockKind::kNone && role.block_kind != BlockKind::kConvHead;
}

/// Tensors of torchvision's segmenters that only training reads.
bool torchvision_training_only(std::string_view name);

/// torch's name of the tensor within its module: "weight", "bias", "running_mean", "running_var".
std::string_view torch_field(Field field);

}  // namespace zoo::weights
