#include "models/executables_in_use.h"

#include <algorithm>

#include "nn/engine/compile/fastest_precision.h"

namespace zoo::models {

std::shared_ptr<const engine::Executable> ExecutablesInUse::get(const graph::BoundGraph& network, const Shape& input,
                                                                const engine::CompileOptions& options) {
  using engine::Precision;
  if (options.calibration != nullptr && options.precision != Precision::kInt8 &&
      options.precision != Precision::kAuto) {
    engine::CompileOptions without_ranges = options;
    without_ranges.calibration = nullptr;
    return get(network, input, without_ranges);
  }
  const std::shared_ptr<Slot> slot = slot_for(input, options);
  const std::scoped_lock lock(slot->compiling);
  if (auto executable = slot->executable.lock()) return executable;
  auto executable = compile(network, input, options);
  slot->executable = executable;
  return executable;
}

std::shared_ptr<const engine::Executable> ExecutablesInUse::compile(const graph::BoundGraph& network,
                                                                    const Shape& input,
                                                                    const engine::CompileOptions& options) {
  if (options.precision != engine::Precision::kAuto || options.engine == engine::EngineKind::kReference) {
    return engine::Executable::compile(network, input, options);
  }
  return engine::compile_fastest(engine::network_key(network, input, options), options,
                                 [&](const engine::CompileOptions& exact) { return get(network, input, exact); });
}

std::shared_ptr<ExecutablesInUse::Slot> ExecutablesInUse::slot_for(const Shape& input,
                                                                   const engine::CompileOptions& options) {
  const std::scoped_lock lock(mutex_);
  const auto found =
      std::ranges::find_if(slots_, [&](const auto& slot) { return slot->input == input && slot->options == options; });
  if (found != slots_.end()) return *found;
  std::erase_if(slots_, [](const auto& slot) {
    if (slot.use_count() > 1) return false;  // a call of get() needs it
    const std::scoped_lock slot_lock(slot->compiling);
    return slot->executable.expired();
  });
  slots_.push_back(std::make_shared<Slot>());
  slots_.back()->input = input;
  slots_.back()->options = options;
  return slots_.back();
}

}  // namespace zoo::models
