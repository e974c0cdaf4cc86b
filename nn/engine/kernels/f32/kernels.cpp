#include "nn/engine/kernels/f32/kernels.h"

namespace zoo::engine::kernels {

namespace sse {
extern const KernelTable table;
}
namespace avx2 {
extern const KernelTable table;
}
namespace avx512 {
extern const KernelTable table;
}

namespace {

template <typename Weight, typename Convert>
void pack(const float* weights, int64_t outputs, int64_t inputs, int64_t lanes, Weight* packed, Convert convert) {
  for (int64_t o = 0; o < outputs; ++o) {
    Weight* column = packed + o / lanes * inputs * lanes + o % lanes;
    for (int64_t i = 0; i < inputs; ++i) column[i * lanes] = convert(weights[o * inputs + i]);
  }
}

}  // namespace

const KernelTable& kernel_table(Isa isa) {
  return *PerIsa<const KernelTable>{&sse::table, &avx2::table, &avx512::table}[isa];
}

int64_t packed_keys_size(const Attention& op, int64_t images, int64_t lanes) {
  return images * block_count(op.keys, lanes) * lanes * op.key_dim;
}

int64_t attention_scratch(const Attention& op, int64_t lanes) {
  return kAttentionTile * (op.key_dim + block_count(op.keys, lanes) * lanes);
}

int64_t attention_items(const Attention& op, int64_t images) {
  return images * op.heads * block_count(op.queries, kAttentionTile);
}

void pack_matrix(const float* weights, int64_t outputs, int64_t inputs, int64_t lanes, float* packed, float factor) {
  pack(weights, outputs, inputs, lanes, packed, [factor](float weight) { return weight * factor; });
}

void pack_matrix(const float* weights, int64_t outputs, int64_t inputs, int64_t lanes, Bf16* packed, float factor) {
  pack(weights, outputs, inputs, lanes, packed, [factor](float weight) { return round_to_bf16(weight * factor); });
}

}  // namespace zoo::engine::kernels
