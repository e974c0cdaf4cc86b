#include "nn/engine/compile/fastest_precision.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/stopwatch.h"
#include "nn/engine/choice/kernel_choice.h"
#include "nn/engine/choice/kernel_environment.h"
#include "nn/engine/choice/kernel_times.h"
#include "nn/engine/instruction_set.h"

namespace zoo::engine {
namespace {

using Clock = std::chrono::steady_clock;

/// By turns, so that what slows the machine down meets all alike.
constexpr int kRounds = 15;
/// Large networks get fewer rounds.
constexpr std::chrono::milliseconds kBudget{1000};

/// An executable and why it was chosen.
class ChosenExecutable : public Executable {
 public:
  ChosenExecutable(std::shared_ptr<const Executable> chosen, std::string note)
      : chosen_(std::move(chosen)), note_(std::move(note)) {}

  const Shape& input_shape() const override { return chosen_->input_shape(); }
  const std::vector<IoInfo>& outputs() const override { return chosen_->outputs(); }
  Precision precision() const override { return chosen_->precision(); }
  std::vector<StepInfo> steps() const override { return chosen_->steps(); }
  std::string note() const override { return note_; }
  size_t weight_bytes() const override { return chosen_->weight_bytes(); }
  size_t activation_bytes(int threads) const override { return chosen_->activation_bytes(threads); }

 private:
  std::unique_ptr<Runner> make_runner(int threads) const override { return chosen_->new_runner(threads); }

  std::shared_ptr<const Executable> chosen_;
  std::string note_;
};

struct Candidate {
  std::shared_ptr<const Executable> executable;
  std::unique_ptr<Runner> runner;
  std::vector<double> times_ms;

  double median_ms() {
    const auto middle = times_ms.begin() + static_cast<std::ptrdiff_t>(times_ms.size() / 2);
    std::nth_element(times_ms.begin(), middle, times_ms.end());
    return *middle;
  }
};

struct PrecisionTime {
  Precision precision;
  double ms;
};
using PrecisionTimes = std::vector<PrecisionTime>;

PrecisionTimes measure(std::vector<Candidate>& candidates) {
  for (Candidate& candidate : candidates) {
    std::ranges::fill(candidate.runner->input(), 0.0F);
    candidate.runner->run();
  }
  const Clock::time_point start = Clock::now();
  for (int round = 0; round < kRounds && (round == 0 || Clock::now() - start < kBudget); ++round) {
    for (Candidate& candidate : candidates) {
      const Stopwatch watch;
      candidate.runner->run();
      candidate.times_ms.push_back(watch.elapsed_ms());
    }
  }
  PrecisionTimes times;
  times.reserve(candidates.size());
  for (Candidate& candidate : candidates) times.push_back({candidate.executable->precision(), candidate.median_ms()});
  return times;
}

Precision fastest_of(const PrecisionTimes& times) {
  return std::ranges::min_element(times, {}, &PrecisionTime::ms)->precision;
}

/// E.g. "f32 2.10 ms, bf16 1.30 ms".
std::string to_text(const PrecisionTimes& times) {
  std::vector<std::string> texts;
  texts.reserve(times.size());
  for (const auto& [precision, ms] : times) texts.push_back(fmt::format("{} {:.2f} ms", to_string(precision), ms));
  return fmt::format("{}", fmt::join(texts, ", "));
}

/// What earlier runs have measured on this machine.
class RememberedPrecisions {
 public:
  RememberedPrecisions(std::string key, const CompileOptions& options)
      : key_(std::move(key)),
        timing_(options.kernels.timing),
        machine_(capabilities_for(options.kernels.isa)),
        times_(KernelTimes::shared(kernel_environment(machine_.isa),
                                   options.kernels.cache.value_or(default_kernel_cache()))) {
    if (timing_ == KernelTiming::kKnownOnly) times_->reread();
  }

  /// Nothing if one is missing, or all are to be measured again.
  std::optional<PrecisionTimes> times_of(const std::vector<Precision>& precisions) const {
    if (timing_ == KernelTiming::kMeasureAgain && !times_->was_measured_here(key_)) return std::nullopt;
    PrecisionTimes times;
    for (const Precision precision : precisions) {
      const auto known = times_->find(key_, name_of(precision));
      if (!known) return std::nullopt;
      times.push_back({precision, *known / kMicroseconds});
    }
    return times;
  }

  /// Waits for others who measure.
  std::unique_ptr<FileLock> take_turn() {
    auto turn = times_->take_turn();
    times_->reread();
    return turn;
  }

  void keep(const PrecisionTimes& times) {
    for (const auto& [precision, ms] : times) times_->add(key_, name_of(precision), ms * kMicroseconds);
    times_->save();
  }

 private:
  static constexpr double kMicroseconds = 1000.0;  // of a millisecond

  /// bf16 and int8 on other kernels take other times.
  std::string name_of(Precision precision) const {
    const auto name = [precision](const auto& set) {
      return fmt::format("{}:{}", to_string(precision), kernels::to_string(*set));
    };
    if (precision == Precision::kBf16 && machine_.bf16()) return name(machine_.bf16());
    if (precision == Precision::kInt8 && machine_.int8()) return name(machine_.int8());
    return std::string(to_string(precision));
  }

  std::string key_;
  KernelTiming timing_;
  Capabilities machine_;
  std::shared_ptr<KernelTimes> times_;
};

}  // namespace

std::string_view why_ruled_out(Precision precision, const CompileOptions& options) {
  if (const std::string_view why = why_unavailable(precision, options.kernels.isa); !why.empty()) return why;
  if (precision == Precision::kInt8 && options.calibration == nullptr) return "the network has not been calibrated";
  return {};
}

std::string network_key(const graph::BoundGraph& network, const Shape& input, const CompileOptions& options) {
  return fmt::format("network {} {} t{} kernels {}{} outputs {}", fingerprint(network), input.to_string(),
                     options.tuned_threads, options.kernels.wanted, options.kernels.compact_layers ? " compact" : "",
                     fmt::join(options.outputs, ","));
}

std::shared_ptr<const Executable> compile_fastest(const std::string& key, const CompileOptions& options,
                                                  const CompileExactly& compile) {
  std::vector<Precision> precisions;
  std::string missing;
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
    if (const std::string_view why = why_ruled_out(precision, options); !why.empty()) {
      missing += fmt::format("; no {}: {}", to_string(precision), why);
    } else {
      precisions.push_back(precision);
    }
  }
  const auto compile_in = [&](Precision precision) {
    CompileOptions exact = options;
    exact.precision = precision;
    return compile(exact);
  };
  const auto chosen = [&](std::shared_ptr<const Executable> executable, std::string note) {
    note += missing;
    if (const std::string other = executable->note(); !other.empty()) note += "; " + other;
    return std::make_shared<const ChosenExecutable>(std::move(executable), std::move(note));
  };
  const auto was_fastest = [](const PrecisionTimes& times, std::string_view when) {
    return fmt::format("precision {} was the fastest{}: {}", to_string(fastest_of(times)), when, to_text(times));
  };

  RememberedPrecisions remembered(key, options);
  if (const auto times = remembered.times_of(precisions); precisions.size() > 1 && times) {
    return chosen(compile_in(fastest_of(*times)), was_fastest(*times, " when it was measured"));
  }
  std::vector<Candidate> candidates;
  std::exception_ptr first_unknown;
  for (const Precision precision : precisions) {
    try {
      std::shared_ptr<const Executable> executable = compile_in(precision);
      std::unique_ptr<Runner> runner = executable->new_runner(options.tuned_threads);
      candidates.push_back({std::move(executable), std::move(runner), {}});
    } catch (const UnknownKernelError&) {
      if (first_unknown == nullptr) first_unknown = std::current_exception();
      missing +=
          fmt::format("; no {}: no convolution has a kernel \"{}\"", to_string(precision), options.kernels.wanted);
    }
  }
  if (candidates.empty()) std::rethrow_exception(first_unknown);
  const std::shared_ptr<const Executable> first = candidates.front().executable;
  if (candidates.size() == 1) {
    return chosen(first, fmt::format("precision {} is the only one that can run", to_string(first->precision())));
  }
  if (options.kernels.timing == KernelTiming::kKnownOnly) {
    return chosen(first, fmt::format("precision {} was taken without measuring, as other work goes on; `backbone-zoo "
                                     "bench` with this model file measures, runtime.precision in it names another",
                                     to_string(first->precision())));
  }
  const auto turn = remembered.take_turn();
  std::optional<PrecisionTimes> times = remembered.times_of(precisions);  // of who had the turn before
  if (!times) {
    times = measure(candidates);
    remembered.keep(*times);
  }
  const auto fastest = std::ranges::find(candidates, fastest_of(*times),
                                         [](const Candidate& candidate) { return candidate.executable->precision(); });
  return chosen(fastest->executable, was_fastest(*times, ""));
}

}  // namespace zoo::engine
