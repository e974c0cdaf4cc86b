// The fast engine: oneDNN primitives in one blocked layout, own kernels where oneDNN is slow, planned memory.
#pragma once

#include <memory>
#include <vector>

#include "nn/engine/executable.h"
#include "nn/engine/kernels/int8.h"

namespace zoo::engine {

/// `network` must be optimised (batch norms folded, activations and residuals fused).
std::shared_ptr<const Executable> compile_onednn(const graph::BoundGraph& network, const Shape& input,
                                                 const CompileOptions& options);

/// A runner that reads what lies elsewhere.
class PartRunner : public Runner {
 public:
  /// The next run reads `inputs[part]`.
  virtual void select(size_t part) = 0;
};

/// For what compile_onednn has made. `inputs`: every place that the runner is to read from, each as large as the
/// executable's input. They outlive the runner.
std::unique_ptr<PartRunner> new_part_runner(const Executable& executable, std::vector<float*> inputs, int threads = 1);

/// Whether bf16 networks may run here: AMX, unless ONEDNN_MAX_CPU_ISA rules it out.
bool engine_has_amx_bf16();
/// The fastest set that int8 networks may use here; kReference if there is none, which nothing is compiled for.
kernels::Int8Isa engine_int8_isa();

}  // namespace zoo::engine
