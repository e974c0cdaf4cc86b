// The ecosystems by name, and the tensors of one ecosystem's checkpoint. The names themselves stand beside the families
// and heads (nn/core/network_names.h).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/core/network_names.h"
#include "nn/core/parameter.h"

namespace zoo::weights {

using zoo::Ecosystem;

std::string_view to_string(Ecosystem ecosystem);
std::vector<std::string> ecosystem_names();
std::optional<Ecosystem> ecosystem_from_name(std::string_view name);
std::span<const Ecosystem> all_ecosystems();

/// The tensor that holds a parameter in a checkpoint.
struct ExpectedTensor {
  std::string name;
  Shape shape;  ///< as that ecosystem stores it; same elements in the same order as Parameter::shape
};

/// The tensor of `parameter`, or nothing if this ecosystem has no such structure.
std::optional<ExpectedTensor> expected_tensor(Ecosystem ecosystem, const Parameter& parameter);

/// Which third of a network a tensor of this ecosystem belongs to, judged by the beginning of its name; a name that
/// says nothing counts as backbone. For tensors that no parameter of the network asks for. `names`: those of the
/// network; nullptr: no ecosystem knows it.
Section section_of_tensor(Ecosystem ecosystem, std::string_view name, const NetworkNames* names);

/// Whether a tensor of this name acts in training only and may be left over: torchvision's auxiliary classifier.
bool is_training_only(Ecosystem ecosystem, std::string_view name, const NetworkNames* names);

}  // namespace zoo::weights
