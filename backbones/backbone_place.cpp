#include "backbones/backbone_place.h"

namespace zoo::backbones {

BackbonePlace::BackbonePlace(graph::GraphBuilder& builder, std::optional<int> divided_block) : builder_(builder) {
  if (divided_block) common_.set_count("divided_block", *divided_block);
}

ParameterRole BackbonePlace::next_role() {
  ParameterRole role = common_;
  role.set_count("entry", next_entry_++);
  return role;
}

void BackbonePlace::enter_stem() { builder_.set_role(next_role()); }

void BackbonePlace::enter_block(size_t stage, size_t block) {
  stage_ = static_cast<int>(stage);
  next_block_ = static_cast<int>(block) + 1;
  ParameterRole role = next_role();
  role.set_count("stage", stage_);
  role.set_count("block", static_cast<int>(block));
  builder_.set_role(role);
}

void BackbonePlace::enter_last_conv() {
  ParameterRole role = next_role();
  role.set_count("stage", stage_);
  role.set_count("block", next_block_++);
  role.set_count("layer", last_convs_++);
  role.set_count("stages", stage_ + 1);
  builder_.set_role(role);
}

}  // namespace zoo::backbones
