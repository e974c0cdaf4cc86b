// Which precisions can run, and what kAuto makes of those.
#include <algorithm>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/engine/compile/calibrator.h"
#include "nn/engine/machine/capabilities.h"
#include "tests/engine/network_fixture.h"
#include "tests/support/temp_folder.h"

namespace zoo::engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const Shape kInput = {1, 3, 16, 16};

graph::BoundGraph network() {
  graph::GraphBuilder b(3);
  const graph::NodeId first = b.conv(b.input(), "first", {.out_channels = 16});
  b.output("y", b.conv(first, "second", {.out_channels = 16}));
  return bind_formula(b.take());
}

std::shared_ptr<const Executable> compile_auto(const CompileOptions& options) {
  CompileOptions automatic = options;
  automatic.precision = Precision::kAuto;
  return Executable::compile(network(), kInput, automatic);
}

CompileOptions held_to(InstructionSet isa) {
  CompileOptions options;
  options.kernels.isa = isa;
  return options;
}

std::shared_ptr<const Calibration> calibration() {
  Calibrator calibrator(network(), kInput);
  std::ranges::copy(weights::formula_input(kInput, "test").data, calibrator.input().begin());
  calibrator.observe();
  return std::make_shared<const Calibration>(calibrator.finish(RangeMethod::kMinMax));
}

TEST(Precision, HasAName) {
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8, Precision::kAuto}) {
    EXPECT_EQ(precision_from(to_string(precision)), precision);
  }
  EXPECT_EQ(precision_from("f64"), std::nullopt);
}

TEST(Precision, NeedsAnInstructionSetUnlessItIsF32) {
  for (const InstructionSet isa : {InstructionSet::kSse, InstructionSet::kAvx2}) {
    EXPECT_EQ(why_unavailable(Precision::kF32, isa), "");
    EXPECT_EQ(why_unavailable(Precision::kAuto, isa), "");
    EXPECT_THAT(why_unavailable(Precision::kBf16, isa), Not(IsEmpty()));
  }
  EXPECT_THAT(why_unavailable(Precision::kInt8, InstructionSet::kSse), Not(IsEmpty()));
  EXPECT_EQ(why_unavailable(Precision::kInt8, InstructionSet::kAvx2).empty(), is_available(InstructionSet::kAvx2));
  EXPECT_EQ(why_unavailable(Precision::kF32, InstructionSet::kAvx512), "");
  EXPECT_EQ(why_unavailable(Precision::kInt8, InstructionSet::kAvx512).empty(),
            is_available(InstructionSet::kAvx512) && why_unavailable(Precision::kInt8).empty());
  EXPECT_EQ(why_unavailable(Precision::kBf16, InstructionSet::kAvx512).empty(), machine_capabilities().avx512_bf16)
      << "dot products are AVX-512's";
  EXPECT_EQ(why_unavailable(Precision::kBf16).empty(), machine_capabilities().avx512_bf16);
}

TEST(Precision, IsRefusedWithTheReason) {
  for (const Precision precision : {Precision::kBf16, Precision::kInt8}) {
    CompileOptions options = held_to(InstructionSet::kSse);
    options.precision = precision;
    try {
      Executable::compile(network(), kInput, options);
      FAIL() << "compiled";
    } catch (const EngineError& error) {
      EXPECT_EQ(error.what(),
                fmt::format("precision {}: {}; f32 runs everywhere, auto chooses the fastest that runs here",
                            to_string(precision), why_unavailable(precision, InstructionSet::kSse)));
    }
  }
}

TEST(Precision, Int8IsRefusedWithoutACalibration) {
  if (!why_unavailable(Precision::kInt8).empty()) GTEST_SKIP() << why_unavailable(Precision::kInt8);
  try {
    Executable::compile(network(), kInput, {.precision = Precision::kInt8});
    FAIL() << "compiled";
  } catch (const EngineError& error) {
    EXPECT_STREQ(error.what(),
                 "precision int8: the network has not been calibrated; f32 runs everywhere, auto chooses the fastest "
                 "that runs here");
  }
}

TEST(AutoPrecision, HeldToASetSaysWhatThatLeavesOut) {
  const auto executable = compile_auto(held_to(InstructionSet::kSse));
  EXPECT_EQ(executable->precision(), Precision::kF32);
  EXPECT_THAT(executable->note(),
              AllOf(StartsWith("precision f32 is the only one that can run; no bf16: "), HasSubstr("; no int8: ")));
}

TEST(AutoPrecision, SaysTheTimesOfThoseThatCanRunAndWhyTheOthersCannot) {
  CompileOptions options;
  options.calibration = calibration();
  const std::string note = compile_auto(options)->note();
  for (const Precision precision : {Precision::kBf16, Precision::kInt8}) {
    const std::string name(to_string(precision));
    const std::string why(why_unavailable(precision));
    EXPECT_THAT(note, why.empty() ? HasSubstr(", " + name + " ") : HasSubstr("; no " + name + ": " + why));
  }
}

TEST(AutoPrecision, LeavesOutThoseWithoutTheKernelAskedFor) {
  CompileOptions options;
  options.calibration = calibration();
  options.kernels.wanted = "own:direct_conv";
  const auto executable = compile_auto(options);
  EXPECT_EQ(executable->precision(), Precision::kF32);
  EXPECT_THAT(executable->note(), StartsWith("precision f32 is the only one that can run; no bf16: "));
  for (const Precision precision : {Precision::kBf16, Precision::kInt8}) {
    if (!why_unavailable(precision).empty()) continue;
    EXPECT_THAT(executable->note(), HasSubstr(fmt::format("; no {}: no convolution has a kernel \"own:direct_conv\"",
                                                          to_string(precision))));
  }
}

TEST(AutoPrecision, RefusesAKernelThatNoneHas) {
  CompileOptions options;
  options.kernels.wanted = "none_such";
  try {
    compile_auto(options);
    FAIL() << "compiled";
  } catch (const EngineError& error) {
    EXPECT_THAT(error.what(), AllOf(StartsWith("no convolution of this network has a kernel \"none_such\"; there are "),
                                    HasSubstr("own:direct_conv")));
  }
}

TEST(Precision, ListsTheKernelsItHas) {
  if (!why_unavailable(Precision::kBf16).empty()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  CompileOptions options;
  options.precision = Precision::kBf16;
  options.kernels.isa = InstructionSet::kAvx512;
  options.kernels.wanted = "own:direct_conv";
  try {
    Executable::compile(network(), kInput, options);
    FAIL() << "compiled";
  } catch (const EngineError& error) {
    EXPECT_STREQ(error.what(),
                 "no convolution of this network has a kernel \"own:direct_conv\"; there are own:dot_padded_first, "
                 "own:dot_pointwise, own:dot_rows");
  }
}

// The same command gives the same answer tomorrow.
TEST(AutoPrecision, TakesWhatWasMeasuredBefore) {
  if (!why_unavailable(Precision::kInt8).empty()) GTEST_SKIP() << why_unavailable(Precision::kInt8);
  const test::TempFolder folder;
  CompileOptions options;
  options.calibration = calibration();
  options.kernels.cache = folder.path();
  const auto first = compile_auto(options);
  EXPECT_THAT(first->note(), HasSubstr(" was the fastest: f32 "));
  const auto later = compile_auto(options);
  EXPECT_EQ(later->precision(), first->precision());
  EXPECT_THAT(later->note(), HasSubstr(" was the fastest when it was measured: f32 "));
  options.kernels.timing = KernelTiming::kKnownOnly;
  EXPECT_EQ(compile_auto(options)->precision(), first->precision());
  options.tuned_threads = 2;
  EXPECT_THAT(compile_auto(options)->note(), HasSubstr("precision f32 was taken without measuring"));
}

TEST(AutoPrecision, IsOneThatWasMeasured) {
  if (!why_unavailable(Precision::kInt8).empty()) GTEST_SKIP() << why_unavailable(Precision::kInt8);
  CompileOptions options;
  options.calibration = calibration();
  const auto executable = compile_auto(options);
  EXPECT_THAT(executable->note(),
              StartsWith(fmt::format("precision {} was the fastest", to_string(executable->precision()))));
}

}  // namespace
}  // namespace zoo::engine
