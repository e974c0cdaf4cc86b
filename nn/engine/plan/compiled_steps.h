// What the nodes of a network have become: values, steps and what is to be packed, before memory is planned. Internal
// to nn/engine.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nn/engine/kernels/int8/int8.h"
#include "nn/engine/plan/step.h"

namespace zoo::engine {

/// Packed weights of one step: where they are once the arena exists, and how they get there. Steps share ownership.
struct PackedBlock {
  size_t bytes = 0;
  std::function<void(std::byte* dst)> pack;  ///< cleared after packing
  std::byte* data = nullptr;
};

/// Packed weights that a step fetches into the cache for later ones, by their offsets among all packed weights.
struct WeightsAhead {
  std::shared_ptr<const PackedBlock> first;  ///< of all
  size_t begin = 0;
  size_t end = 0;

  kernels::Int8Ahead range() const;
};

using Steps = std::vector<std::unique_ptr<Step>>;
using PackedBlocks = std::vector<std::shared_ptr<PackedBlock>>;

/// The steps of a network before memory is planned.
struct CompiledSteps {
  std::vector<Value> values;
  Steps steps;
  PackedBlocks packed;
  ValueId input = 0;             ///< planar
  std::vector<ValueId> outputs;  ///< planar, in the order of the graph's outputs
  std::string note;              ///< see Executable::note()
};

}  // namespace zoo::engine
