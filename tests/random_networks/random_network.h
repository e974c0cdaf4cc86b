// Networks that nobody would draw: every operation, size and option of the engine by chance, the same from the same
// seed.
#pragma once

#include <cstdint>
#include <string>

#include "nn/core/shape.h"
#include "nn/graph/passes.h"

namespace zoo::engine {

struct RandomNetwork {
  graph::BoundGraph network;  ///< weights by formula
  Shape input;                ///< [N, C, H, W]: maps of 1x1 to 60x60, 1 to 6 images
  std::string text;           ///< what it is, for messages
};

/// At most some ten million multiply-adds, so that the reference engine computes it in a moment.
RandomNetwork random_network(uint32_t seed);

}  // namespace zoo::engine
