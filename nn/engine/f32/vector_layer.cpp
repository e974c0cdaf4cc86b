#include "nn/engine/f32/vector_layer.h"

#include <functional>

namespace zoo::engine {
namespace {

template <typename Weight>
std::shared_ptr<PackedBlock> add_matrix(const LoweringContext& context, const VectorLayerSpec& spec, float factor) {
  const int64_t lanes = context.network.table().lanes;
  const auto values = static_cast<size_t>(kernels::block_count(spec.outputs, lanes) * lanes * spec.inputs);
  return context.packing.add(
      values * sizeof(Weight), [=, source = context.network.parameter(spec.weight)](std::byte* dst) {
        kernels::pack_matrix(source.data(), spec.outputs, spec.inputs, lanes, reinterpret_cast<Weight*>(dst), factor);
      });
}

}  // namespace

VectorLayer::VectorLayer(const LoweringContext& context, const VectorLayerSpec& spec, float factor)
    : table_(context.network.table()),
      compact_(context.network.compact_layers()),
      inputs_(spec.inputs),
      outputs_(spec.outputs),
      activation_(context.network.resolve(spec.activation)),
      weights_(compact_ ? add_matrix<kernels::Bf16>(context, spec, factor) : add_matrix<float>(context, spec, factor)),
      bias_(context.packing.add_bias(context.network.parameter(spec.bias), spec.outputs, table_.lanes)) {}

template <typename Weight>
kernels::MatVecOf<Weight> VectorLayer::op() const {
  return {reinterpret_cast<const Weight*>(weights_->data), reinterpret_cast<const float*>(bias_->data), inputs_,
          outputs_, activation_};
}

std::function<void(const float*, int64_t, float*, int64_t, int64_t, int64_t, int64_t)> VectorLayer::bind() const {
  if (compact_) return std::bind_front(table_.compact_mat_vec, op<kernels::Bf16>());
  return std::bind_front(table_.mat_vec, op<float>());
}

std::string_view vector_kernel(const NetworkFacts& network) {
  return network.compact_layers() ? "compact_mat_vec" : "mat_vec";
}

}  // namespace zoo::engine
