// y = f(W x + bias) of vectors, in f32. Internal to nn/engine.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "nn/engine/lower/lowering.h"

namespace zoo::engine {

/// A fully connected layer whose weights are packed as the network's options say.
class VectorLayer {
 public:
  /// `factor` is multiplied into the weights.
  VectorLayer(const LoweringContext& context, const VectorLayerSpec& spec, float factor = 1.0F);

  /// Its product as a callable, KernelTable::mat_vec without the first argument; valid once weights are packed.
  std::function<void(const float* src, int64_t src_stride, float* dst, int64_t dst_stride, int64_t rows, int64_t begin,
                     int64_t end)>
  bind() const;

 private:
  template <typename Weight>
  kernels::MatVecOf<Weight> op() const;

  const kernels::KernelTable& table_;
  bool compact_;
  int64_t inputs_;
  int64_t outputs_;
  kernels::ResolvedActivation activation_;
  std::shared_ptr<PackedBlock> weights_;
  std::shared_ptr<PackedBlock> bias_;
};

/// The kernel that a network's fully connected layers run on.
std::string_view vector_kernel(const NetworkFacts& network);

}  // namespace zoo::engine
