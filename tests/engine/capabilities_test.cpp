// What may be used follows from what is there and what is forbidden; sets made by hand allow what they hold and no
// more.
#include "nn/engine/machine/capabilities.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/engine/bf16/convolution_list.h"
#include "nn/engine/instruction_set.h"
#include "tests/engine/convolution_fixture.h"

namespace zoo::engine {
namespace {

using kernels::Bf16Isa;
using kernels::Int8Isa;
using kernels::Isa;

constexpr ProcessorFeatures kEverything{.avx2 = true,
                                        .avx_vnni = true,
                                        .avx512 = true,
                                        .avx512_vnni = true,
                                        .avx512_bf16 = true,
                                        .amx_bf16 = true,
                                        .amx_int8 = true};

/// Every combination of flags, also those that no processor has.
std::vector<Capabilities> all_combinations() {
  std::vector<Capabilities> all;
  for (unsigned features = 0; features < 1U << 7U; ++features) {
    for (unsigned onednn = 0; onednn < 1U << 6U; ++onednn) {
      const auto has = [](unsigned set, unsigned bit) { return (set >> bit & 1U) != 0; };
      all.push_back(capabilities_of({.avx2 = has(features, 0),
                                     .avx_vnni = has(features, 1),
                                     .avx512 = has(features, 2),
                                     .avx512_vnni = has(features, 3),
                                     .avx512_bf16 = has(features, 4),
                                     .amx_bf16 = has(features, 5),
                                     .amx_int8 = has(features, 6)},
                                    {.avx2 = has(onednn, 0),
                                     .avx2_vnni = has(onednn, 1),
                                     .avx512_core = has(onednn, 2),
                                     .avx512_core_vnni = has(onednn, 3),
                                     .avx512_core_bf16 = has(onednn, 4),
                                     .avx512_core_amx = has(onednn, 5)},
                                    {}));
    }
  }
  return all;
}

TEST(Capabilities, AreWhatProcessorAndOneDnnBothHave) {
  const Capabilities all = capabilities_of(kEverything, kUnboundOneDnn, {.l2 = 7});
  EXPECT_EQ(all.isa, Isa::kAvx512);
  EXPECT_TRUE(all.avx_vnni && all.avx512_vnni && all.avx512_bf16 && all.amx_bf16 && all.amx_int8);
  EXPECT_EQ(all.caches.l2, 7U);
  EXPECT_EQ(all.bf16(), Bf16Isa::kAmx);
  EXPECT_EQ(all.int8(), Int8Isa::kAmx);

  OneDnnSets held = kUnboundOneDnn;
  held.avx512_core_amx = false;
  EXPECT_FALSE(capabilities_of(kEverything, held, {}).amx_bf16);
  EXPECT_EQ(capabilities_of(kEverything, held, {}).bf16(), Bf16Isa::kDot);
  EXPECT_EQ(capabilities_of(kEverything, held, {}).int8(), Int8Isa::kVnni);
  held.avx512_core_bf16 = false;
  EXPECT_EQ(capabilities_of(kEverything, held, {}).bf16(), std::nullopt);
  held.avx512_core = false;
  EXPECT_EQ(capabilities_of(kEverything, held, {}).isa, Isa::kAvx2);
  EXPECT_EQ(capabilities_of(kEverything, held, {}).int8(), Int8Isa::kAvxVnni);
  EXPECT_FALSE(capabilities_of(kEverything, held, {}).avx512_vnni);
  held.avx2 = false;
  EXPECT_EQ(capabilities_of(kEverything, held, {}).isa, Isa::kSse);
  EXPECT_FALSE(capabilities_of(kEverything, held, {}).avx_vnni);
}

TEST(Capabilities, NoSetComesWithoutThoseBelowIt) {
  for (const Capabilities& some : all_combinations()) {
    EXPECT_TRUE(!some.avx_vnni || some.has(Isa::kAvx2));
    EXPECT_TRUE(!(some.avx512_vnni || some.avx512_bf16) || some.has(Isa::kAvx512));
    EXPECT_TRUE(!some.amx_bf16 || some.avx512_bf16);
    EXPECT_TRUE(!some.amx_int8 || some.avx512_vnni);
    EXPECT_TRUE(!some.bf16() || some.has(*some.bf16()));
    EXPECT_EQ(some.bf16().has_value(), some.avx512_bf16);
    EXPECT_EQ(some.bf16() == Bf16Isa::kAmx, some.amx_bf16);
    EXPECT_TRUE(!some.int8() || some.has(*some.int8()));
    EXPECT_TRUE(!some.int8() || kernels::lanes_of(*some.int8()) == some.lanes());
    EXPECT_EQ(some.int8().has_value(), some.isa == Isa::kAvx2 || some.avx512_vnni);
  }
}

TEST(Capabilities, HeldToASetLeavesNothingBeyondIt) {
  const Capabilities all = capabilities_of(kEverything, kUnboundOneDnn, {.l1 = 1, .l2 = 2, .l3 = 3});
  const Capabilities avx512 = held_to(all, Isa::kAvx512);
  EXPECT_TRUE(avx512.avx512_vnni && avx512.avx512_bf16);
  EXPECT_FALSE(avx512.amx_bf16 || avx512.amx_int8);
  EXPECT_EQ(avx512.bf16(), Bf16Isa::kDot);
  for (const Isa isa : {Isa::kSse, Isa::kAvx2}) {
    const Capabilities held = held_to(all, isa);
    EXPECT_EQ(held.isa, isa);
    EXPECT_FALSE(held.avx_vnni || held.avx512_vnni || held.avx512_bf16 || held.amx_bf16 || held.amx_int8);
    EXPECT_EQ(held.caches.l3, 3U);
    EXPECT_EQ(held.int8(), isa == Isa::kAvx2 ? std::optional(Int8Isa::kAvx2) : std::nullopt);
  }
}

// A kernel for other blocks than the network's reads garbage.
TEST(Capabilities, NoCombinationGivesAKernelOfOtherBlocks) {
  ConvolutionProblem problem;
  problem.op = {.in_channels = 128, .out_channels = 128};
  problem.src = {1, 128, 14, 14};
  problem.dst = problem.src;
  problem.pad = {{0, 0}, {0, 0}};
  problem.activation = {ActivationKind::kRelu};
  for (const Capabilities& some : all_combinations()) {
    if (!machine_capabilities().has(some.isa)) continue;  // oneDNN's primitives would not be made
    problem.machine = some;
    const kernels::KernelTable& table = kernels::kernel_table(some.isa);
    ASSERT_EQ(table.lanes, some.lanes());
    const auto split = make_split_convolution(problem, table);
    EXPECT_EQ(split != nullptr, some.amx_bf16);
    EXPECT_EQ(split == nullptr ? some.lanes() : split->lanes(), some.lanes());
  }
  for (const Isa isa : {Isa::kSse, Isa::kAvx2, Isa::kAvx512}) {
    if (!machine_capabilities().has(isa)) continue;
    problem.machine = held_to(machine_capabilities(), isa);
    const ConvolutionKernels all = f32_convolution_kernels(problem, kernels::kernel_table(isa));
    EXPECT_FALSE(all.empty());
    for (const auto& kernel : all) EXPECT_EQ(kernel->lanes(), problem.machine.lanes()) << kernel->name();
  }
}

// Zen 4, Zen 5 and Cooper Lake have dot products of bf16 and no tiles.
TEST(Capabilities, DecideWhichKernelsComputeInBf16) {
  ConvolutionProblem problem;
  problem.op = {.in_channels = 128, .out_channels = 128};
  problem.src = {1, 128, 14, 14};
  problem.dst = problem.src;
  problem.pad = {{0, 0}, {0, 0}};
  problem.src_format = problem.dst_format = kChannelsLastBf16;
  for (const Capabilities& some : all_combinations()) {
    problem.machine = some;
    std::vector<std::string> names;
    for (const auto& kernel : bf16_convolution_kernels(problem, kernels::kernel_table(some.isa))) {
      names.push_back(kernel->name());
    }
    std::vector<std::string> expected;
    if (some.amx_bf16) expected.emplace_back("own:amx_pointwise");
    if (some.avx512_bf16) expected.emplace_back("own:dot_pointwise");
    EXPECT_EQ(names, expected);
  }
}

TEST(Capabilities, OfAnOptionAreThoseOfTheMachineHeldToIt) {
  const Capabilities& all = machine_capabilities();
  EXPECT_EQ(capabilities_for(InstructionSet::kAuto).isa, all.isa);
  EXPECT_EQ(capabilities_for(InstructionSet::kSse).isa, Isa::kSse);
  EXPECT_FALSE(capabilities_for(InstructionSet::kSse).int8().has_value());
  if (all.has(Isa::kAvx512)) {
    EXPECT_FALSE(capabilities_for(InstructionSet::kAvx512).amx_bf16);
  } else {
    EXPECT_THROW(capabilities_for(InstructionSet::kAvx512), EngineError);
  }
}

}  // namespace
}  // namespace zoo::engine
