#include "nn/engine/kernels/bf16/bf16.h"

namespace zoo::engine::kernels {

const Bf16Table& bf16_table(Bf16Isa isa) {
  static constexpr Bf16Table kDot = {.isa = Bf16Isa::kDot,
                                     .prefix = "dot",
                                     .conv_items = dot_conv_items,
                                     .conv = dot_conv,
                                     .expand_depthwise_scratch = dot_expand_depthwise_scratch,
                                     .expand_depthwise = dot_expand_depthwise};
  static constexpr Bf16Table kAmx = {.isa = Bf16Isa::kAmx,
                                     .prefix = "amx",
                                     .conv_items = tile_conv_items,
                                     .conv = tile_conv,
                                     .expand_depthwise_scratch = kernels::expand_depthwise_scratch,
                                     .expand_depthwise = kernels::expand_depthwise};
  return isa == Bf16Isa::kAmx ? kAmx : kDot;
}

}  // namespace zoo::engine::kernels
