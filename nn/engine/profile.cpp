#include "nn/engine/profile.h"

#include <algorithm>
#include <utility>

#include "nn/core/statistics.h"
#include "nn/engine/machine/step_timer.h"

namespace zoo::engine {
namespace {

double median_ms(const std::vector<int64_t>& ns) { return static_cast<double>(quantile(ns, 0.5)) * 1e-6; }

}  // namespace

Profiler::Profiler(std::shared_ptr<const Executable> executable, const CompileOptions& options, int threads,
                   std::span<const float> image)
    : executable_(std::move(executable)),
      threads_(threads),
      runner_(executable_->new_runner(threads)),
      steps_(executable_->steps()),
      lap_ns_(steps_.size()),
      step_ns_(steps_.size()) {
  std::ranges::copy(image, runner_->input().begin());
  runner_->run();
  roofline_ = measure_roofline(executable_->weight_bytes() + executable_->activation_bytes(threads_), options);
}

void Profiler::round() {
  StepTimer timer;
  runner_->run();
  run_ns_.push_back(timer.lap_ns());
  runner_->run_timed(lap_ns_);
  for (size_t i = 0; i < lap_ns_.size(); ++i) step_ns_[i].push_back(lap_ns_[i]);
}

Profile Profiler::profile() const {
  const size_t network_bytes = executable_->weight_bytes() + executable_->activation_bytes(threads_);
  Profile profile;
  profile.rounds = static_cast<int64_t>(run_ns_.size());
  profile.run_ms = median_ms(run_ns_);
  for (size_t i = 0; i < steps_.size(); ++i) {
    const StepProfile& step = profile.steps.emplace_back(
        StepProfile{steps_[i], median_ms(step_ns_[i]), roofline_.limit_of(steps_[i], network_bytes, threads_)});
    profile.sum_ms += step.ms;
    profile.limit_ms += step.limit.ms;
  }
  return profile;
}

}  // namespace zoo::engine
