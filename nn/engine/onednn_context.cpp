#include "nn/engine/onednn_context.h"

#include "nn/engine/step_compiler.h"

namespace zoo::engine {

const dnnl::engine& onednn_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& onednn_stream() {
  thread_local dnnl::stream stream(onednn_engine());
  return stream;
}

kernels::Isa engine_isa() {
  using dnnl::cpu_isa;
  const cpu_isa isa = dnnl::get_effective_cpu_isa();
  const auto has = [&](cpu_isa set) {
    return (static_cast<int>(isa) & static_cast<int>(set)) == static_cast<int>(set);
  };
  if (has(cpu_isa::avx512_core) && kernels::is_supported(kernels::Isa::kAvx512)) return kernels::Isa::kAvx512;
  if (has(cpu_isa::avx2) && kernels::is_supported(kernels::Isa::kAvx2)) return kernels::Isa::kAvx2;
  return kernels::Isa::kSse;
}

}  // namespace zoo::engine
