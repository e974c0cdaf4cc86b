// NetsPresso Trainer's `fpn` neck, a feature pyramid network (Lin et al. 2017, arXiv:1612.03144; RetinaNet's extra
// levels: Lin et al. 2017, arXiv:1708.02002).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "heads/neck_registry.h"

namespace zoo::heads {

/// Where the levels beyond those of the backbone come from; every one halves the resolution.
enum class ExtraLevels {
  kMaxPool,    ///< every second value of the level before
  kOnInput,    ///< a convolution on the last backbone level that is read, then one on each level before
  kOnLateral,  ///< the first of these convolutions on that level's lateral convolution instead
  kOnOutput,   ///< the first of these convolutions on that level's result instead
};

/// A decoded neck.
struct FpnConfig {
  int64_t channels = 0;    ///< width of all levels: as many channels as the last level has, whether it is read or not
  size_t start_level = 0;  ///< first level that is read
  size_t levels_read = 0;
  int64_t num_outs = 0;  ///< levels it yields; at least `levels_read`
  ExtraLevels extra = ExtraLevels::kMaxPool;
  bool relu_before_extra_convs = false;  ///< on what the second and later extra convolutions read
};

/// Reads `model.architecture.neck` (keys: docs/configuration.md). Every problem is recorded in the node.
FpnConfig decode_fpn(const ConfigNode& neck, const NeckContext& context);

/// [N, C_i, H_i, W_i] per level -> [N, channels, H_i, W_i] per level: 1x1 convolutions, each level added to by the
/// coarser one (nearest neighbours), 3x3 convolutions, extra levels. Throws GraphError.
std::vector<FeatureLevel> build_fpn(graph::GraphBuilder& builder, const std::vector<FeatureLevel>& features,
                                    const FpnConfig& config);

/// Decoder for the registry.
NeckDefinition define_fpn(const ConfigNode& neck, const NeckContext& context);

}  // namespace zoo::heads
