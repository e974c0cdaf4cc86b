#include "nn/engine/f32/onednn/onednn_errors.h"

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.hpp>

namespace zoo::engine {

std::optional<std::string> onednn_problem(const std::exception& error) {
  const auto* own = dynamic_cast<const dnnl::error*>(&error);
  if (own == nullptr) return std::nullopt;
  return fmt::format("oneDNN: {} (status {})", own->message, static_cast<int>(own->status));
}

}  // namespace zoo::engine
