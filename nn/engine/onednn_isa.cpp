#include "nn/engine/onednn_isa.h"

#include <oneapi/dnnl/dnnl.hpp>

namespace zoo::engine {

unsigned onednn_isa() { return static_cast<unsigned>(dnnl::get_effective_cpu_isa()); }

}  // namespace zoo::engine
