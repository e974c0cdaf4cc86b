// The parameters' own names. models/model_config.cpp builds backbone, neck and head each under a scope of that name.
#include "nn/weights/name_scheme_detail.h"

namespace zoo::weights {

std::optional<SchemeTensor> own_tensor(const Parameter& parameter) {
  return SchemeTensor{parameter.name, std::nullopt};
}

Section own_section(std::string_view name) {
  if (name.starts_with("head.")) return Section::kHead;
  if (name.starts_with("neck.")) return Section::kNeck;
  return Section::kBackbone;
}

}  // namespace zoo::weights
