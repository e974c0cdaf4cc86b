// How steps on the project's own kernels are made from callables. Internal to nn/engine.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/engine/lower/network_facts.h"
#include "nn/engine/plan/step.h"

namespace zoo::engine {

/// `Bind`: RunnerMemory -> callable without arguments.
template <typename Bind>
class OwnStep : public Step {
 public:
  explicit OwnStep(Bind bind) : bind_(std::move(bind)) {}

  std::unique_ptr<BoundStep> bind(const RunnerMemory& memory) const override { return make_bound_step(bind_(memory)); }

 private:
  Bind bind_;
};

/// A step that runs `own:KERNEL`.
template <typename Bind>
std::unique_ptr<Step> make_step(std::string_view kernel, const std::vector<ValueId>& reads, ValueId writes, Bind bind) {
  auto step = std::make_unique<OwnStep<Bind>>(std::move(bind));
  step->info.implementation = "own:";
  step->info.implementation += kernel;
  step->reads = reads;
  step->writes = writes;
  return step;
}

/// A step that runs `own:KERNEL:SET`.
template <typename Bind>
std::unique_ptr<Step> make_step(const NetworkFacts& network, std::string_view kernel, const std::vector<ValueId>& reads,
                                ValueId writes, Bind bind) {
  auto step = make_step(kernel, reads, writes, std::move(bind));
  step->info.implementation += ':';
  step->info.implementation += kernels::to_string(network.table().isa);
  return step;
}

/// A step that runs `own:KERNEL_int8:SET`.
template <typename Bind>
std::unique_ptr<Step> make_int8_step(const NetworkFacts& network, std::string_view kernel,
                                     const std::vector<ValueId>& reads, ValueId writes, Bind bind) {
  std::string name(kernel);
  name += ':';
  name += to_string(network.int8_table().isa);
  return make_step(name, reads, writes, std::move(bind));
}

}  // namespace zoo::engine
