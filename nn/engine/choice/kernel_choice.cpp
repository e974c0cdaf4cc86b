#include "nn/engine/choice/kernel_choice.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/engine/choice/kernel_environment.h"
#include "nn/engine/choice/kernel_measurement.h"

namespace zoo::engine {
namespace {

/// Last resorts come last.
KernelSpan without_last_resorts(KernelSpan kernels) {
  const auto first = std::ranges::find_if(kernels, [](const auto& kernel) { return kernel->is_last_resort(); });
  return {kernels.begin(), first};
}

std::vector<std::string> names_of(KernelSpan kernels) {
  std::vector<std::string> names;
  for (const auto& kernel : kernels) names.push_back(kernel->name());
  return names;
}

/// What a measurement cannot tell apart: of such the first is taken, since candidates come in the order of what usually
/// wins.
constexpr double kAlike = 1.02;

size_t first_of_the_fastest(const std::vector<double>& times) {
  const double limit = kAlike * std::ranges::min(times);
  return static_cast<size_t>(std::ranges::find_if(times, [&](double time) { return time <= limit; }) - times.begin());
}

}  // namespace

KernelChooser::KernelChooser(const KernelOptions& options, const kernels::KernelTable& table)
    : wanted_(options.wanted),
      timing_(options.timing),
      table_(table),
      times_(KernelTimes::shared(kernel_environment(table.isa), options.cache.value_or(default_kernel_cache()))) {
  if (timing_ == KernelTiming::kKnownOnly) times_->reread();
}

bool is_wanted(std::string_view wanted, const ConvolutionKernel& kernel) {
  const std::string name = kernel.name();
  // Either family means its fast kernels; a name means what it says.
  if (wanted == "own") return name.starts_with("own:") && !kernel.is_last_resort();
  if (wanted == "onednn") return !name.starts_with("own:");
  return name.find(wanted) != std::string::npos;
}

size_t KernelChooser::choose(const Candidates& candidates) {
  const KernelSpan kernels = candidates.kernels;
  for (const auto& kernel : kernels) seen_.insert(kernel->name());
  if (wanted_ != "auto") {
    for (size_t k = 0; k < kernels.size(); ++k) {
      if (!is_wanted(wanted_, *kernels[k])) continue;
      found_ = true;
      return k;
    }
  }
  return fastest(candidates);
}

bool KernelChooser::wants(KernelSpan kernels) {
  for (const auto& kernel : kernels) seen_.insert(kernel->name());
  return wanted_ != "auto" &&
         std::ranges::any_of(kernels, [&](const auto& kernel) { return is_wanted(wanted_, *kernel); });
}

bool KernelChooser::prefers(const Candidates& fused, const std::vector<Candidates>& steps, Prospect prospect) {
  const bool fused_wanted = wants(fused.kernels);
  const bool steps_wanted = std::ranges::any_of(steps, [&](const Candidates& step) { return wants(step.kernels); });
  found_ = found_ || fused_wanted;
  if (fused_wanted || steps_wanted) return fused_wanted && (prospect == Prospect::kGood || !steps_wanted);
  const KernelSpan kernels = without_last_resorts(fused.kernels);
  if (prospect == Prospect::kNone || kernels.empty()) return false;
  std::vector<ConvolutionChoice> apart;
  std::string apart_name;
  for (const Candidates& step : steps) {
    if (without_last_resorts(step.kernels).empty()) return true;
    apart.push_back({step.problem, *step.kernels[fastest(step)]});
    apart_name += (apart_name.empty() ? "" : " + ") + apart.back().kernel.name();
  }
  std::vector<std::string> names = names_of(kernels);
  names.push_back(apart_name);
  const bool steps_first = prospect == Prospect::kPoor;
  const auto ordered = [&](auto list) {
    if (steps_first) std::rotate(list.begin(), list.end() - 1, list.end());
    return list;
  };
  const std::vector<double> measured = times(fused.problem, ordered(names), [&] {
    return ordered(measure_kernels({fused.problem, kernels, fused.list}, apart, table_, arena_));
  });
  const size_t best = first_of_the_fastest(measured);
  return steps_first ? best > 0 : best < kernels.size();
}

size_t KernelChooser::fastest(const Candidates& candidates) {
  const Candidates fast = {candidates.problem, without_last_resorts(candidates.kernels), candidates.list};
  if (fast.kernels.size() <= 1) return 0;
  return first_of_the_fastest(
      times(fast.problem, names_of(fast.kernels), [&] { return measure_kernels(fast, table_, arena_); }));
}

std::optional<std::vector<double>> KernelChooser::known_times(const std::string& key,
                                                              const std::vector<std::string>& names) const {
  if (timing_ == KernelTiming::kMeasureAgain && !times_->was_measured_here(key)) return std::nullopt;
  std::vector<double> times;
  for (const std::string& name : names) {
    const auto known = times_->find(key, name);
    if (!known) return std::nullopt;
    times.push_back(*known);
  }
  return times;
}

template <typename Measure>
std::vector<double> KernelChooser::times(const ConvolutionProblem& problem, const std::vector<std::string>& names,
                                         Measure measure) {
  const std::string key = to_string(problem);
  if (const auto known = known_times(key, names)) return *known;
  if (timing_ == KernelTiming::kKnownOnly) {
    unmeasured_.insert(key);
    std::vector<double> first_is_fastest(names.size(), 2.0);
    first_is_fastest.front() = 1.0;
    return first_is_fastest;
  }
  if (!took_turn_) {
    took_turn_ = true;
    turn_ = times_->take_turn();
    times_->reread();  // who had the turn before may have measured the same network
    if (const auto known = known_times(key, names)) return *known;
  }
  const std::vector<double> times = measure();
  for (size_t k = 0; k < names.size(); ++k) times_->add(key, names[k], times[k]);
  return times;
}

void KernelChooser::finish() {
  if (timing_ != KernelTiming::kKnownOnly) times_->save();
  turn_.reset();
  took_turn_ = false;
  if (!names_a_kernel() || found_) return;
  const std::string others = seen_.empty() ? "none to choose from" : fmt::format("{}", fmt::join(seen_, ", "));
  throw UnknownKernelError(
      fmt::format("no convolution of this network has a kernel \"{}\"; there are {}", wanted_, others));
}

std::string KernelChooser::note() const {
  std::string note = times_->note();
  if (unmeasured_.empty()) return note;
  if (!note.empty()) note += "; ";
  return note +
         fmt::format(
             "{} been measured on this machine, and nothing is measured beside other work: the first kernel that "
             "can run was taken; `backbone-zoo bench` with this model file measures them",
             unmeasured_.size() == 1 ? "1 convolution has never"
                                     : fmt::format("{} convolutions have never", unmeasured_.size()));
}

}  // namespace zoo::engine
