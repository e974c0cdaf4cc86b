// Small networks with formula weights, and running them.
#pragma once

#include <algorithm>
#include <bit>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/engine/executable.h"
#include "nn/graph/graph_builder.h"
#include "nn/weights/synthetic.h"
#include "tests/support/compare.h"

namespace zoo::engine {

inline graph::BoundGraph bind_formula(graph::Graph network) {
  ParameterValues values = weights::formula_values(network.parameters, {});
  return {std::move(network), std::move(values)};
}

/// To the nearest number of 8 significant bits.
inline float rounded(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return std::bit_cast<float>((bits + 0x7FFFU + (bits >> 16 & 1U)) & 0xFFFF0000U);
}

/// Formula weights that bf16 holds exactly.
inline graph::BoundGraph rounded_weights(graph::Graph network) {
  graph::BoundGraph bound = bind_formula(std::move(network));
  for (std::span<const float>& view : bound.values.views) {
    ValueVector values;
    for (const float v : view) values.push_back(rounded(v));
    const auto owner = std::make_shared<const OwnedValues>(std::move(values));
    view = owner->values;
    bound.values.owners.push_back(owner);
  }
  return bound;
}

/// Values of all outputs for the formula's input image, of a runner with so many threads.
inline std::vector<std::vector<float>> run_executable(const Executable& executable, int threads) {
  const auto runner = executable.new_runner(threads);
  const Tensor image = weights::formula_input(executable.input_shape(), "test");
  std::copy(image.data.begin(), image.data.end(), runner->input().begin());
  runner->run();
  std::vector<std::vector<float>> outputs;
  for (size_t i = 0; i < executable.outputs().size(); ++i) {
    outputs.emplace_back(runner->output(i).begin(), runner->output(i).end());
  }
  return outputs;
}

/// With the threads that it is compiled for.
inline std::vector<std::vector<float>> run_network(const graph::BoundGraph& network, const Shape& shape,
                                                   const CompileOptions& options) {
  return run_executable(*Executable::compile(network, shape, options), options.tuned_threads);
}

/// `kernels` as KernelOptions::wanted.
inline CompileOptions options_for(InstructionSet isa, int threads, const std::string& kernels) {
  CompileOptions options;
  options.tuned_threads = threads;
  options.kernels.isa = isa;
  options.kernels.wanted = kernels;
  return options;
}

/// "node implementation" of every step.
inline std::vector<std::string> implementations(const graph::BoundGraph& network, const Shape& shape,
                                                const CompileOptions& options) {
  std::vector<std::string> names;
  for (const StepInfo& step : Executable::compile(network, shape, options)->steps()) {
    names.push_back(step.node + " " + step.implementation);
  }
  return names;
}

/// Two convolutions as one step, on several images and threads; `step` is what implementations() must have.
inline void expect_fused_equals_reference(const graph::BoundGraph& network, Shape shape, InstructionSet isa,
                                          const std::string& kernel, const std::string& step) {
  CompileOptions reference;
  reference.engine = EngineKind::kReference;
  for (const auto& [images, threads] : {std::pair{1, 1}, std::pair{2, 1}, std::pair{1, 3}}) {
    shape[0] = images;
    const CompileOptions options = options_for(isa, threads, kernel);
    EXPECT_THAT(implementations(network, shape, options), ::testing::Contains(::testing::HasSubstr(step)));
    const auto expected = run_network(network, shape, reference);
    const auto executable = Executable::compile(network, shape, options);
    const auto actual = run_executable(*executable, threads);
    EXPECT_TRUE(test::close_to_max(actual.front(), expected.front(), 2e-5))
        << images << " images, " << threads << " threads";
    EXPECT_EQ(run_executable(*executable, threads == 1 ? 3 : 2), actual) << images << " images, tuned for " << threads;
  }
}

/// Of all steps, measured kernels chosen anew.
inline int64_t measured_macs(const graph::BoundGraph& network, const Shape& shape) {
  CompileOptions options = options_for(InstructionSet::kAuto, 1, "auto");
  options.kernels.cache = "";
  int64_t macs = 0;
  for (const StepInfo& step : Executable::compile(network, shape, options)->steps()) macs += step.macs;
  return macs;
}

/// Runs the network on both engines; `kernels` as KernelOptions::wanted.
inline void expect_engines_agree(const graph::BoundGraph& network, const Shape& shape, int threads = 1,
                                 const std::string& kernels = "auto") {
  CompileOptions fast;
  fast.tuned_threads = threads;
  fast.kernels.wanted = kernels;
  CompileOptions slow;
  slow.engine = EngineKind::kReference;
  const auto actual = run_network(network, shape, fast);
  const auto expected = run_network(network, shape, slow);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_TRUE(test::close_to_max(actual[i], expected[i], 2e-5)) << network.graph.outputs[i].name;
  }
}

}  // namespace zoo::engine
