#include "nn/core/network_names.h"

#include <algorithm>
#include <utility>

namespace zoo {
namespace {

const FamilyNaming* find_naming(const FamilyNames& names, Ecosystem ecosystem) {
  const auto found = names.find(ecosystem);
  return found == names.end() ? nullptr : &found->second;
}

std::optional<TensorName> name_in(const HeadNames& names, Ecosystem ecosystem, const Parameter& parameter, Task task) {
  const auto found = names.find(ecosystem);
  return found == names.end() || !found->second ? std::nullopt : found->second(parameter, task);
}

/// The parameters' own names begin with the scopes that models/model_config.cpp builds backbone, neck and head under.
Section own_section(std::string_view tensor) {
  if (tensor.starts_with("head.")) return Section::kHead;
  if (tensor.starts_with("neck.")) return Section::kNeck;
  return Section::kBackbone;
}

}  // namespace

NetworkNames::NetworkNames(Task task, FamilyNames family, HeadNames neck, HeadNames head)
    : task_(task), family_(std::move(family)), neck_(std::move(neck)), head_(std::move(head)) {}

std::optional<TensorName> NetworkNames::tensor(Ecosystem ecosystem, const Parameter& parameter) const {
  if (ecosystem == Ecosystem::kOwn) return TensorName{parameter.name};
  const FamilyNaming* naming = find_naming(family_, ecosystem);
  if (naming == nullptr) return std::nullopt;
  if (parameter.role.section == Section::kBackbone) {
    return naming->backbone ? naming->backbone(parameter, task_) : std::nullopt;
  }
  if (naming->head) return naming->head(parameter, task_);
  // A head may make levels of its own, which belong to the neck.
  if (std::optional<TensorName> of_head = name_in(head_, ecosystem, parameter, task_)) return of_head;
  return name_in(neck_, ecosystem, parameter, task_);
}

Section NetworkNames::section(Ecosystem ecosystem, std::string_view tensor) const {
  if (ecosystem == Ecosystem::kOwn) return own_section(tensor);
  const FamilyNaming* naming = find_naming(family_, ecosystem);
  if (naming == nullptr) return Section::kBackbone;
  for (const auto& [beginning, section] : naming->sections) {
    if (tensor.starts_with(beginning)) return section;
  }
  return Section::kBackbone;
}

bool NetworkNames::is_training_only(Ecosystem ecosystem, std::string_view tensor) const {
  const FamilyNaming* naming = find_naming(family_, ecosystem);
  return naming != nullptr && std::ranges::any_of(naming->training_only, [tensor](const std::string& beginning) {
           return tensor.starts_with(beginning);
         });
}

std::string_view torch_field(Field field) {
  switch (field) {
    case Field::kWeight:
      return "weight";
    case Field::kBias:
      return "bias";
    case Field::kRunningMean:
      return "running_mean";
    case Field::kRunningVar:
      return "running_var";
    case Field::kGamma:
      return "gamma";
  }
  return {};
}

}  // namespace zoo
