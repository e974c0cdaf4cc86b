#include "nn/weights/name_scheme.h"

#include <array>

#include "nn/weights/name_scheme_detail.h"

namespace zoo::weights {
namespace {

struct SchemeRow {
  Ecosystem ecosystem;
  std::string_view name;
  std::optional<SchemeTensor> (*tensor)(const Parameter&);
  Section (*section)(std::string_view);
};

constexpr std::array<SchemeRow, 3> kSchemes = {
    {{Ecosystem::kNetsPresso, "netspresso", netspresso_tensor, netspresso_section},
     {Ecosystem::kTorchvision, "torchvision", torchvision_tensor, torchvision_section},
     {Ecosystem::kTimm, "timm", timm_tensor, timm_section}}};

constexpr std::array<Ecosystem, 3> kEcosystems = {Ecosystem::kNetsPresso, Ecosystem::kTorchvision, Ecosystem::kTimm};

constexpr bool rows_match_enumerators() {
  for (size_t i = 0; i < kSchemes.size(); ++i) {
    if (static_cast<size_t>(kSchemes[i].ecosystem) != i || kEcosystems[i] != kSchemes[i].ecosystem) return false;
  }
  return true;
}
static_assert(rows_match_enumerators(), "scheme_of indexes the table by enumerator");

const SchemeRow& scheme_of(Ecosystem ecosystem) { return kSchemes[static_cast<size_t>(ecosystem)]; }

}  // namespace

std::string_view to_string(Ecosystem ecosystem) { return scheme_of(ecosystem).name; }

std::vector<std::string> ecosystem_names() {
  std::vector<std::string> names;
  names.reserve(kSchemes.size());
  for (const SchemeRow& row : kSchemes) names.emplace_back(row.name);
  return names;
}

std::optional<Ecosystem> ecosystem_from_name(std::string_view name) {
  for (const SchemeRow& row : kSchemes) {
    if (row.name == name) return row.ecosystem;
  }
  return std::nullopt;
}

std::span<const Ecosystem> all_ecosystems() { return kEcosystems; }

std::optional<ExpectedTensor> expected_tensor(Ecosystem ecosystem, const Parameter& parameter) {
  std::optional<SchemeTensor> tensor = scheme_of(ecosystem).tensor(parameter);
  if (!tensor) return std::nullopt;
  return ExpectedTensor{std::move(tensor->name), tensor->shape ? *std::move(tensor->shape) : parameter.shape};
}

Section section_of_tensor(Ecosystem ecosystem, std::string_view name) { return scheme_of(ecosystem).section(name); }

bool is_training_only(Ecosystem ecosystem, std::string_view name) {
  return ecosystem == Ecosystem::kTorchvision && torchvision_training_only(name);
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

}  // namespace zoo::weights
