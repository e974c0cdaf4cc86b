// The activation functions and normalisations of the trainers' registries, by name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// Activation functions (NetsPresso Trainer's `ACTIVATION_REGISTRY` plus the gates of squeeze-and-excite).
enum class ActivationKind {
  kIdentity,
  kRelu,         ///< max(x, 0)
  kRelu6,        ///< min(max(x, 0), 6)
  kPrelu,        ///< x > 0 ? x : a * x, one learned `a` per layer (torch.nn.PReLU: num_parameters 1, 0.25 at start)
  kLeakyRelu,    ///< x > 0 ? x : 0.01 * x (torch.nn.LeakyReLU's default slope)
  kGelu,         ///< 0.5 * x * (1 + erf(x / sqrt 2)), exact, not the tanh form
  kSilu,         ///< x * sigmoid(x); also called swish
  kHardSwish,    ///< x * relu6(x + 3) / 6
  kHardSigmoid,  ///< relu6(x + 3) / 6
  kSigmoid,      ///< 1 / (1 + exp(-x))
};

/// Slope of kLeakyRelu for negative input (torch.nn.LeakyReLU).
inline constexpr float kLeakyReluSlope = 0.01F;

/// Canonical configuration name, e.g. "hard_swish".
std::string_view to_string(ActivationKind kind);

/// Activation of a configuration name; case-insensitive and `swish` = `silu`, as in the trainer. Empty if unknown.
std::optional<ActivationKind> activation_from_name(std::string_view name);

/// Names a configuration may use, for error messages.
std::vector<std::string> activation_names();

/// Normalisations (NetsPresso Trainer's `NORM_REGISTRY`).
enum class NormKind {
  kBatchNorm,     ///< running statistics, weight and bias
  kInstanceNorm,  ///< statistics of each image and channel, no parameters (torch.nn.InstanceNorm2d's default)
};

std::string_view to_string(NormKind kind);
std::optional<NormKind> norm_from_name(std::string_view name);
std::vector<std::string> norm_names();

}  // namespace zoo
