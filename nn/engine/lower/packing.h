// What of a network's parameters is to be packed, and which steps fetch what of it early. Internal to nn/engine.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/engine/plan/compiled_steps.h"

namespace zoo::engine {

/// Blocks lie in memory in the order in which they are added.
class Packing {
 public:
  /// Each of these is filled once, after zeroing, by `pack`.
  std::shared_ptr<PackedBlock> add(size_t bytes, std::function<void(std::byte*)> pack);
  /// One block for all that have the same key.
  std::shared_ptr<PackedBlock> add_shared(const std::string& key, size_t bytes, std::function<void(std::byte*)> pack);
  /// Packed copy of floats.
  std::shared_ptr<PackedBlock> add(std::vector<float> values);
  /// A bias with zeros up to a multiple of `step`; all zeros if it is empty.
  std::shared_ptr<PackedBlock> add_bias(std::span<const float> bias, int64_t outputs, int64_t step);

  /// Lets a step that takes about `cycles` fetch weights of later steps; to be called once its own are packed. Filled
  /// in by take().
  std::shared_ptr<const WeightsAhead> add_weights_ahead(double cycles);

  size_t size() const { return blocks_.size(); }
  /// Bytes of the blocks from `first` on.
  size_t bytes_from(size_t first) const;
  /// All of them; nothing may be added any more.
  PackedBlocks take();

 private:
  /// A step that fetches weights of later ones.
  struct Fetcher {
    double cycles = 0.0;
    size_t packed = 0;  ///< blocks that were packed for it and those before it
    std::shared_ptr<WeightsAhead> ahead;
  };

  void share_out_fetching();

  PackedBlocks blocks_;
  std::map<std::string, std::shared_ptr<PackedBlock>> shared_;
  std::vector<Fetcher> fetchers_;
};

}  // namespace zoo::engine
