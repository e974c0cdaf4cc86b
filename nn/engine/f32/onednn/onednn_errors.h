// What the exceptions of oneDNN say. Internal to nn/engine.
#pragma once

#include <exception>
#include <optional>
#include <string>

namespace zoo::engine {

/// "oneDNN: ... (status 2)"; nothing if the exception is none of oneDNN's.
std::optional<std::string> onednn_problem(const std::exception& error);

}  // namespace zoo::engine
