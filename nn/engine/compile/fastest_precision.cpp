#include "nn/engine/compile/fastest_precision.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/stopwatch.h"
#include "nn/engine/choice/kernel_choice.h"

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

void measure(std::vector<Candidate>& candidates) {
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
}

/// E.g. "f32 2.10 ms, bf16 1.30 ms".
std::string times_of(std::vector<Candidate>& candidates) {
  std::vector<std::string> times;
  times.reserve(candidates.size());
  for (Candidate& candidate : candidates) {
    times.push_back(fmt::format("{} {:.2f} ms", to_string(candidate.executable->precision()), candidate.median_ms()));
  }
  return fmt::format("{}", fmt::join(times, ", "));
}

}  // namespace

std::string_view why_ruled_out(Precision precision, const CompileOptions& options) {
  if (const std::string_view why = why_unavailable(precision, options.kernels.isa); !why.empty()) return why;
  if (precision == Precision::kInt8 && options.calibration == nullptr) return "the network has not been calibrated";
  return {};
}

std::shared_ptr<const Executable> compile_fastest(const CompileOptions& options, const CompileExactly& compile) {
  std::vector<Candidate> candidates;
  std::string missing;
  std::exception_ptr first_unknown;
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
    if (const std::string_view why = why_ruled_out(precision, options); !why.empty()) {
      missing += fmt::format("; no {}: {}", to_string(precision), why);
      continue;
    }
    CompileOptions exact = options;
    exact.precision = precision;
    try {
      std::shared_ptr<const Executable> executable = compile(exact);
      std::unique_ptr<Runner> runner = executable->new_runner(options.tuned_threads);
      candidates.push_back({std::move(executable), std::move(runner), {}});
    } catch (const UnknownKernelError&) {
      if (first_unknown == nullptr) first_unknown = std::current_exception();
      missing +=
          fmt::format("; no {}: no convolution has a kernel \"{}\"", to_string(precision), options.kernels.wanted);
    }
  }
  if (candidates.empty()) std::rethrow_exception(first_unknown);
  std::shared_ptr<const Executable> chosen = candidates.front().executable;
  std::string note = fmt::format("precision {} is the only one that can run", to_string(chosen->precision()));
  if (candidates.size() > 1 && options.kernels.timing == KernelTiming::kKnownOnly) {
    note = fmt::format(
        "precision {} was taken without measuring, as other work goes on; runtime.precision in the model file names "
        "another",
        to_string(chosen->precision()));
  } else if (candidates.size() > 1) {
    measure(candidates);
    const auto fastest = std::ranges::min_element(candidates, {}, [](Candidate& c) { return c.median_ms(); });
    chosen = fastest->executable;
    note = fmt::format("precision {} was the fastest: {}", to_string(chosen->precision()), times_of(candidates));
  }
  note += missing;
  if (const std::string other = chosen->note(); !other.empty()) note += "; " + other;
  return std::make_shared<const ChosenExecutable>(std::move(chosen), std::move(note));
}

}  // namespace zoo::engine
