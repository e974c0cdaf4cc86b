// What the oneDNN files share.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

namespace zoo::engine {

/// The process-wide CPU engine.
const dnnl::engine& onednn_engine();

/// The in-order stream of the calling thread.
dnnl::stream& onednn_stream();

}  // namespace zoo::engine
