// The fast engine on networks by chance against the reference engine, in every precision and instruction set of the
// machine, all memory of its kernels ending at a guard page.
//   ZOO_RANDOM_NETWORKS=100000 test_random_networks     how many (default 2,000; by software 400)
//   ZOO_RANDOM_SEED=5 ZOO_RANDOM_NETWORKS=1 ...         from which one on (default 0): what a failure prints
#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/engine/choice/kernel_choice.h"
#include "nn/engine/compile/calibrator.h"
#include "nn/engine/executable.h"
#include "nn/weights/synthetic.h"
#include "tests/generator/random_source.h"
#include "tests/random_networks/random_network.h"
#include "tests/support/compare.h"

namespace zoo::engine {
namespace {

using Outputs = std::vector<std::vector<float>>;

constexpr double kMostInt8Error = 0.3;

uint32_t number_from(const char* name, uint32_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
}

/// What a signal's handler can write: the network that runs.
std::array<char, 64> running{};

extern "C" void say_what_ran(int signal) {
  constexpr std::string_view kText = "\nended by a signal: ";
  [[maybe_unused]] auto written = write(STDERR_FILENO, kText.data(), kText.size());
  written = write(STDERR_FILENO, running.data(), std::find(running.begin(), running.end(), '\0') - running.begin());
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// One way to compute a network.
struct Way {
  CompileOptions options;
  int run_threads = 1;
  std::string text;
};

std::vector<InstructionSet> sets_of(Precision precision) {
  std::vector<InstructionSet> sets;
  for (const auto set : {InstructionSet::kAuto, InstructionSet::kSse, InstructionSet::kAvx2, InstructionSet::kAvx512}) {
    if (is_available(set) && why_unavailable(precision, set).empty()) sets.push_back(set);
  }
  return sets;
}

Way way_for(Precision precision, test::Random& random) {
  // Part of an implementation's name: kernels that measuring would never choose are tried, too.
  static constexpr std::array kKernels = {"auto",          "auto",         "own",           "onednn",
                                          "own:pointwise", "own:winograd", "own:depthwise", "own:direct_conv",
                                          "own:split",     "own:mat_vec",  "own:stem",      "own:expand"};
  const std::vector<InstructionSet> sets = sets_of(precision);
  Way way;
  way.options.precision = precision;
  // More threads than cores wait for each other, so that few networks are run by as many.
  way.options.tuned_threads = random.pick({1, 1, 1, 1, 2, 2, 3, 4});
  way.options.kernels.isa = sets[random.below(sets.size())];
  if (precision == Precision::kF32) way.options.kernels.wanted = kKernels[random.below(kKernels.size())];
  // Where there are tiles those would always win.
  if (precision == Precision::kBf16) way.options.kernels.wanted = random.pick({"auto", "own:dot"});
  way.options.kernels.cache = "";
  way.options.kernels.timing = KernelTiming::kKnownOnly;
  way.run_threads = random.pick({1, 1, 1, 1, 2, 2, 3, 4});
  way.text = fmt::format("{}, --isa {}, --kernels {}, compiled for {} threads, run by {}", to_string(precision),
                         to_string(way.options.kernels.isa), way.options.kernels.wanted, way.options.tuned_threads,
                         way.run_threads);
  return way;
}

Outputs run(const Executable& executable, const Tensor& image, int threads) {
  const auto runner = executable.new_runner(threads);
  std::ranges::copy(image.data, runner->input().begin());
  runner->run();
  Outputs outputs;
  for (size_t i = 0; i < executable.outputs().size(); ++i) {
    outputs.emplace_back(runner->output(i).begin(), runner->output(i).end());
  }
  return outputs;
}

std::shared_ptr<const Calibration> calibrated(const RandomNetwork& random, const Tensor& image) {
  Calibrator calibrator(random.network, {1, random.input[1], random.input[2], random.input[3]});
  const size_t pixels = calibrator.input().size();
  for (int64_t n = 0; n < random.input[0]; ++n) {
    std::copy_n(image.data.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(n) * pixels), pixels,
                calibrator.input().begin());
    calibrator.observe();
  }
  return std::make_shared<const Calibration>(calibrator.finish(RangeMethod::kMinMax));
}

/// Root of the mean squared difference over the largest expected value; infinite where a value is not finite.
double error_of(const std::vector<float>& actual, const std::vector<float>& expected) {
  double largest = 0.0;
  double squares = 0.0;
  for (size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
    squares += std::pow(static_cast<double>(actual[i]) - expected[i], 2);
  }
  if (squares == 0.0) return 0.0;
  const double error = std::sqrt(squares / static_cast<double>(expected.size())) / largest;
  return std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
}

/// Whether no step but re-layouts computes in f32: its sums depend on how threads share the work.
bool in_whole_numbers(const Executable& executable) {
  return std::ranges::all_of(executable.steps(), [](const StepInfo& step) {
    return step.op == "Relayout" || step.implementation.find("int8") != std::string::npos;
  });
}

/// What rounding explains, of the largest value: a wrong tap, lane or zero point makes errors as large as the values.
/// Of int8, whose roundings add up where the values of deep layers are nearly alike, only what is plainly wrong can be
/// told so; its kernels are compared bit by bit with plain loops, too.
double allowed(Precision precision) {
  if (precision == Precision::kF32) return 1e-4;
  return precision == Precision::kBf16 ? 0.02 : kMostInt8Error;
}

class RandomNetworks : public ::testing::Test {
 protected:
  /// The same network with kernels that are plain loops, wherever convolutions are computed in whole numbers.
  static void expect_plain_loops_agree(const RandomNetwork& random, const Tensor& image, CompileOptions options,
                                       const Executable& executable, const Outputs& actual) {
    if (!in_whole_numbers(executable)) return;
    options.kernels.wanted = "int8:reference";
    try {
      const auto plain = Executable::compile(random.network, random.input, options);
      if (!in_whole_numbers(*plain)) return;
      EXPECT_EQ(run(*plain, image, 1), actual) << "plain loops";
    } catch (const UnknownKernelError&) {
      // It has no convolution that has candidates.
    }
  }

  static void check(uint32_t seed) {
    const RandomNetwork random = random_network(seed);
    const Tensor image = weights::formula_input(random.input, "test");
    const Outputs expected =
        run(*Executable::compile(random.network, random.input, {.engine = EngineKind::kReference}), image, 1);
    test::Random choices(seed);
    for (const Precision precision : {Precision::kF32, Precision::kF32, Precision::kBf16, Precision::kInt8}) {
      if (!why_unavailable(precision).empty()) continue;
      Way way = way_for(precision, choices);
      if (precision == Precision::kInt8) way.options.calibration = calibrated(random, image);
      SCOPED_TRACE(fmt::format("ZOO_RANDOM_SEED={}: {}: {}", seed, random.text, way.text));
      std::shared_ptr<const Executable> executable;
      try {
        executable = Executable::compile(random.network, random.input, way.options);
      } catch (const UnknownKernelError&) {
        continue;
      }
      const Outputs actual = run(*executable, image, way.run_threads);
      ASSERT_EQ(actual.size(), expected.size());
      for (size_t i = 0; i < actual.size(); ++i) {
        EXPECT_LE(error_of(actual[i], expected[i]), allowed(precision)) << "output " << i;
      }
      if (precision != Precision::kInt8) continue;
      expect_plain_loops_agree(random, image, way.options, *executable, actual);
      const Outputs again = run(*executable, image, way.run_threads == 1 ? 2 : 1);
      if (in_whole_numbers(*executable)) {
        EXPECT_EQ(again, actual) << "whole numbers are those of any threads";
      }
      for (size_t i = 0; i < again.size(); ++i) EXPECT_LE(error_of(again[i], actual[i]), allowed(precision));
    }
  }
};

TEST_F(RandomNetworks, AreComputedAsTheReferenceEngineComputesThem) {
  const uint32_t first = number_from("ZOO_RANDOM_SEED", 0);
  const uint32_t count = number_from("ZOO_RANDOM_NETWORKS", ZOO_RANDOM_NETWORKS_DEFAULT);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, say_what_ran);
  for (uint32_t seed = first; seed < first + count; ++seed) {
    fmt::format_to_n(running.data(), running.size() - 1, "ZOO_RANDOM_SEED={}\n", seed);
    check(seed);
  }
}

}  // namespace
}  // namespace zoo::engine
