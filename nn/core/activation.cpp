#include "nn/core/activation.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace zoo {
namespace {

template <typename Kind>
struct Named {
  Kind kind;
  std::string_view name;
};

// The first name of a kind is the canonical one.
constexpr std::array kActivations = {
    Named<ActivationKind>{ActivationKind::kIdentity, "identity"},
    Named<ActivationKind>{ActivationKind::kRelu, "relu"},
    Named<ActivationKind>{ActivationKind::kRelu6, "relu6"},
    Named<ActivationKind>{ActivationKind::kPrelu, "prelu"},
    Named<ActivationKind>{ActivationKind::kLeakyRelu, "leaky_relu"},
    Named<ActivationKind>{ActivationKind::kGelu, "gelu"},
    Named<ActivationKind>{ActivationKind::kSilu, "silu"},
    Named<ActivationKind>{ActivationKind::kSilu, "swish"},
    Named<ActivationKind>{ActivationKind::kHardSwish, "hard_swish"},
    Named<ActivationKind>{ActivationKind::kHardSigmoid, "hard_sigmoid"},
    Named<ActivationKind>{ActivationKind::kSigmoid, "sigmoid"},
};

constexpr std::array kNorms = {
    Named<NormKind>{NormKind::kBatchNorm, "batch_norm"},
    Named<NormKind>{NormKind::kInstanceNorm, "instance_norm"},
};

template <typename Table, typename Kind>
std::string_view name_of(const Table& table, Kind kind) {
  return std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.kind == kind; })->name;
}

template <typename Kind, size_t size>
std::optional<Kind> kind_of(const std::array<Named<Kind>, size>& table, std::string_view name) {
  const auto same = [&](const Named<Kind>& entry) {
    return std::equal(entry.name.begin(), entry.name.end(), name.begin(), name.end(),
                      [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
  };
  const auto found = std::find_if(table.begin(), table.end(), same);
  return found == table.end() ? std::nullopt : std::optional(found->kind);
}

template <typename Table>
std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  names.reserve(table.size());
  for (const auto& entry : table) names.emplace_back(entry.name);
  return names;
}

}  // namespace

std::string_view to_string(ActivationKind kind) { return name_of(kActivations, kind); }
std::optional<ActivationKind> activation_from_name(std::string_view name) { return kind_of(kActivations, name); }
std::vector<std::string> activation_names() { return names_of(kActivations); }

std::string_view to_string(NormKind kind) { return name_of(kNorms, kind); }
std::optional<NormKind> norm_from_name(std::string_view name) { return kind_of(kNorms, name); }
std::vector<std::string> norm_names() { return names_of(kNorms); }

}  // namespace zoo
