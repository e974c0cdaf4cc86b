#include "heads/names/head_names.h"
#include "nn/core/name_table.h"

namespace zoo::heads {

/// ConvLayers and a plain convolution at the end.
HeadNames all_mlp_decoder_names() {
  const NameTable netspresso{
      {"all_mlp_decoder.level", "head.linear_c.{level}.block.conv", "head.linear_c.{level}.block.norm"},
      {"all_mlp_decoder.fuse", "head.linear_fuse.block.conv", "head.linear_fuse.block.norm"},
      {"all_mlp_decoder.classifier", "head.classifier"}};
  return {{Ecosystem::kNetsPresso, netspresso}};
}

}  // namespace zoo::heads
