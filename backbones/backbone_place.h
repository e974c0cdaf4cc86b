// The place that the parameters of a backbone get, stem, block or last convolution, for the tables of names.
#pragma once

#include <cstddef>
#include <optional>

#include "nn/graph/graph_builder.h"

namespace zoo::backbones {

/// Sets the builder's role as one part of the backbone follows the other, from the stem on. Counts: `entry`, the place
/// in the sequence of stem, blocks and last convolutions; in blocks `stage` and `block`, as in the model file.
class BackbonePlace {
 public:
  /// `divided_block`: the block, counted over all stages, of which a head reads the inside; then every parameter has
  /// the count `divided_block`. torchvision cuts its backbone there.
  explicit BackbonePlace(graph::GraphBuilder& builder, std::optional<int> divided_block = std::nullopt);

  void enter_stem();
  void enter_block(size_t stage, size_t block);

  /// Further counts: `layer` among the last convolutions, `stages`, and `stage` and `block` as if it were one more
  /// block of the last stage, which is how the trainer counts it.
  void enter_last_conv();

 private:
  /// A role with the next `entry`.
  ParameterRole next_role();

  graph::GraphBuilder& builder_;
  ParameterRole common_ = {.section = Section::kBackbone};
  int next_entry_ = 0;
  int stage_ = 0;
  int next_block_ = 0;
  int last_convs_ = 0;
};

}  // namespace zoo::backbones
