#include "nn/weights/name_scheme.h"

#include <array>
#include <utility>

namespace zoo::weights {
namespace {

struct EcosystemRow {
  Ecosystem ecosystem;
  std::string_view name;
};

constexpr std::array<EcosystemRow, 4> kRows = {{{Ecosystem::kNetsPresso, "netspresso"},
                                                {Ecosystem::kTorchvision, "torchvision"},
                                                {Ecosystem::kTimm, "timm"},
                                                {Ecosystem::kOwn, "own"}}};

constexpr std::array<Ecosystem, 4> kEcosystems = {Ecosystem::kNetsPresso, Ecosystem::kTorchvision, Ecosystem::kTimm,
                                                  Ecosystem::kOwn};

constexpr bool rows_match_enumerators() {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<size_t>(kRows[i].ecosystem) != i || kEcosystems[i] != kRows[i].ecosystem) return false;
  }
  return true;
}
static_assert(rows_match_enumerators(), "to_string indexes the table by enumerator");

/// Those of a network that no ecosystem knows.
const NetworkNames& unknown_network() {
  static const NetworkNames names({}, {}, {}, {});
  return names;
}

const NetworkNames& or_unknown(const NetworkNames* names) { return names == nullptr ? unknown_network() : *names; }

}  // namespace

std::string_view to_string(Ecosystem ecosystem) { return kRows[static_cast<size_t>(ecosystem)].name; }

std::vector<std::string> ecosystem_names() {
  std::vector<std::string> names;
  names.reserve(kRows.size());
  for (const EcosystemRow& row : kRows) names.emplace_back(row.name);
  return names;
}

std::optional<Ecosystem> ecosystem_from_name(std::string_view name) {
  for (const EcosystemRow& row : kRows) {
    if (row.name == name) return row.ecosystem;
  }
  return std::nullopt;
}

std::span<const Ecosystem> all_ecosystems() { return kEcosystems; }

std::optional<ExpectedTensor> expected_tensor(Ecosystem ecosystem, const Parameter& parameter) {
  std::optional<TensorName> tensor = or_unknown(parameter.names.get()).tensor(ecosystem, parameter);
  if (!tensor) return std::nullopt;
  return ExpectedTensor{std::move(tensor->name), tensor->shape ? *std::move(tensor->shape) : parameter.shape};
}

Section section_of_tensor(Ecosystem ecosystem, std::string_view name, const NetworkNames* names) {
  return or_unknown(names).section(ecosystem, name);
}

bool is_training_only(Ecosystem ecosystem, std::string_view name, const NetworkNames* names) {
  return or_unknown(names).is_training_only(ecosystem, name);
}

}  // namespace zoo::weights
