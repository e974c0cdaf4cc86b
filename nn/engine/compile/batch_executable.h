// A batch spread over cores.
#pragma once

#include <cstdint>
#include <memory>

#include "nn/engine/executable.h"

namespace zoo::engine {

/// How a batch of `images` is split: equal parts, as few images wasted as possible.
struct BatchSplit {
  int64_t part_images = 1;
  int64_t parts = 1;
};

/// Parts of up to four images, the same number of parts for every thread. Four: a part shares what it reads of the
/// weights; of more, the caches no longer hold the maps (measured: MobileNetV3 and V4, 2 MB L2).
BatchSplit split_batch(int64_t images, int threads);

/// Runs `part`, which compile_network has made for one thread and inputs [split.part_images, C, H, W], on as many cores
/// as a runner has threads: the weights are shared, each part that runs at the same time has activations of its own,
/// and several threads where there are more threads than parts. Parts read the batch where it lies.
std::shared_ptr<const Executable> spread_batch(std::shared_ptr<const Executable> part, int64_t images);

}  // namespace zoo::engine
