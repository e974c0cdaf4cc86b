// How the ecosystems name the tensors of a network in their checkpoints. Families of backbones, necks and heads bring
// their names along (backbones/registry.h, heads/registry.h); a network gets those of its parts when it is built.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nn/core/parameter.h"
#include "nn/core/task.h"

namespace zoo {

/// Where a checkpoint comes from.
enum class Ecosystem {
  kNetsPresso,
  kTorchvision,
  kTimm,
  kOwn,  ///< Parameter::name as it is: for networks that no ecosystem has, e.g. backbones registered from outside
};

/// A tensor in a checkpoint.
struct TensorName {
  std::string name;
  std::optional<Shape> shape = std::nullopt;  ///< where the ecosystem stores another one than Parameter::shape
};

/// The tensor of a parameter in a network for this task, or nothing if the ecosystem has no such structure. A NameTable
/// is one.
using TensorNaming = std::function<std::optional<TensorName>(const Parameter& parameter, Task task)>;

/// How one ecosystem names the networks of a family.
struct FamilyNaming {
  TensorNaming backbone = nullptr;  ///< empty: the ecosystem knows the heads, but not this backbone
  /// Parameters of neck and head, where the ecosystem's networks of this family have others than elsewhere: then only
  /// these are known. Empty: the names that neck and head bring along.
  TensorNaming head = nullptr;
  /// Beginnings of names that belong to neck or head; any other is the backbone's. For tensors that no parameter asks
  /// for.
  std::vector<std::pair<std::string, Section>> sections = {};
  /// Beginnings of names that only training reads.
  std::vector<std::string> training_only = {};
};

/// The names of a family of backbones. An ecosystem that is not listed does not know the family: it has no name for any
/// part of such a network.
using FamilyNames = std::map<Ecosystem, FamilyNaming>;

/// The names of a neck or a head.
using HeadNames = std::map<Ecosystem, TensorNaming>;

/// The names of one network. Immutable, shared by its parameters.
class NetworkNames {
 public:
  NetworkNames(Task task, FamilyNames family, HeadNames neck, HeadNames head);

  /// The tensor that holds a parameter of this network, or nothing if the ecosystem has no such structure.
  std::optional<TensorName> tensor(Ecosystem ecosystem, const Parameter& parameter) const;

  /// The part of a network that a tensor belongs to, judged by the beginning of its name; a name that says nothing
  /// counts as backbone.
  Section section(Ecosystem ecosystem, std::string_view tensor) const;

  /// Whether a tensor of this name acts in training only and may be left over.
  bool is_training_only(Ecosystem ecosystem, std::string_view tensor) const;

 private:
  Task task_;
  FamilyNames family_;
  HeadNames neck_;
  HeadNames head_;
};

/// torch's name of the tensor within its module: "weight", "bias", "running_mean", "running_var", "gamma".
std::string_view torch_field(Field field);

}  // namespace zoo
