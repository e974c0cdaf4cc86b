// Reading activations and normalisations from model files; shared by backbones and heads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nn/core/activation.h"
#include "nn/core/config_node.h"

namespace zoo {

/// The activation a node names (case-insensitive, as in the trainer). An unknown name is recorded as a problem with a
/// did-you-mean and yields `fallback`; an absent node yields `fallback`.
inline ActivationKind decode_activation(const ConfigNode& node, ActivationKind fallback) {
  if (!node) return fallback;
  if (node.is_scalar()) {
    if (const auto kind = activation_from_name(node.as_string())) return *kind;
  }
  const std::vector<std::string> names = activation_names();
  node.as_choice(names, "activation");
  return fallback;
}

/// The normalisation a node names, with the same rules.
inline NormKind decode_norm(const ConfigNode& node, NormKind fallback) {
  const std::vector<std::string> names = norm_names();
  const std::optional<size_t> choice = node ? node.as_choice(names, "normalisation") : std::nullopt;
  return choice ? norm_from_name(names[*choice]).value_or(fallback) : fallback;
}

}  // namespace zoo
