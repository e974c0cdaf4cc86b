#include "nn/engine/kernel_choice.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/engine/kernel_measurement.h"
#include "nn/engine/processor.h"

namespace zoo::engine {
namespace {

/// Last resorts come last.
KernelSpan without_last_resorts(KernelSpan kernels) {
  const auto first = std::ranges::find_if(kernels, [](const auto& kernel) { return kernel->is_last_resort(); });
  return {kernels.begin(), first};
}

}  // namespace

KernelChooser::KernelChooser(std::string wanted, const std::filesystem::path& cache_folder,
                             const kernels::KernelTable& table)
    : wanted_(std::move(wanted)),
      table_(table),
      times_(KernelTimes::shared(kernel_environment(table.isa), cache_folder)) {}

bool is_wanted(std::string_view wanted, const ConvolutionKernel& kernel) {
  const std::string name = kernel.name();
  // Either family means its fast kernels; a name means what it says.
  if (wanted == "own") return name.starts_with("own:") && !kernel.is_last_resort();
  if (wanted == "onednn") return !name.starts_with("own:");
  return name.find(wanted) != std::string::npos;
}

size_t KernelChooser::choose(const ConvolutionProblem& problem, KernelSpan kernels) {
  for (const auto& kernel : kernels) seen_.insert(kernel->name());
  if (wanted_ != "auto") {
    for (size_t k = 0; k < kernels.size(); ++k) {
      if (!is_wanted(wanted_, *kernels[k])) continue;
      found_ = true;
      return k;
    }
  }
  return fastest(problem, kernels);
}

bool KernelChooser::prefers(const Candidates& fused, std::initializer_list<Candidates> steps) {
  for (const auto& kernel : fused.kernels) seen_.insert(kernel->name());
  if (wanted_ != "auto") {
    const bool wanted = is_wanted(wanted_, *fused.kernels.front());
    found_ = found_ || wanted;
    return wanted;
  }
  double together = 0.0;
  for (const Candidates& step : steps) {
    const KernelSpan fast = without_last_resorts(step.kernels);
    if (fast.empty()) return true;
    together += std::ranges::min(times(step.problem, fast));
  }
  return std::ranges::min(times(fused.problem, fused.kernels)) < together;
}

size_t KernelChooser::fastest(const ConvolutionProblem& problem, KernelSpan kernels) {
  const KernelSpan fast = without_last_resorts(kernels);
  if (fast.size() <= 1) return 0;
  const std::vector<double> measured = times(problem, fast);
  return static_cast<size_t>(std::ranges::min_element(measured) - measured.begin());
}

std::vector<double> KernelChooser::times(const ConvolutionProblem& problem, KernelSpan kernels) {
  const std::string key = to_string(problem);
  std::vector<double> times;
  times.reserve(kernels.size());
  for (size_t k = 0; k < kernels.size(); ++k) {
    const auto known = times_->find(key, kernels[k]->name());
    if (!known) break;
    times.push_back(*known);
  }
  if (times.size() < kernels.size()) {
    times = measure_kernels(problem, kernels, table_, arena_);
    for (size_t k = 0; k < kernels.size(); ++k) times_->add(key, kernels[k]->name(), times[k]);
  }
  return times;
}

void KernelChooser::finish() {
  times_->save();
  const bool named = wanted_ != "auto" && wanted_ != "own" && wanted_ != "onednn";
  if (!named || found_) return;
  const std::string others = seen_.empty() ? "none to choose from" : fmt::format("{}", fmt::join(seen_, ", "));
  throw UnknownKernelError(
      fmt::format("no convolution of this network has a kernel \"{}\"; there are {}", wanted_, others));
}

}  // namespace zoo::engine
