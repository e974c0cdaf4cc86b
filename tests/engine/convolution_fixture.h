// One convolution by one kernel, against the reference engine.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nn/engine/f32/convolution_list.h"
#include "nn/engine/machine/aligned_buffer.h"
#include "nn/engine/reference/reference_ops.h"
#include "tests/engine/blocked_maps.h"
#include "tests/support/compare.h"

namespace zoo::engine {

inline constexpr ActivationKind kAllActivations[] = {
    ActivationKind::kIdentity,    ActivationKind::kRelu,   ActivationKind::kRelu6, ActivationKind::kPrelu,
    ActivationKind::kLeakyRelu,   ActivationKind::kGelu,   ActivationKind::kSilu,  ActivationKind::kHardSwish,
    ActivationKind::kHardSigmoid, ActivationKind::kSigmoid};

/// "_1_16_8_8"
inline std::string shape_name(const Shape& shape) {
  std::string name;
  for (const int64_t dim : shape.dims) name += "_" + std::to_string(dim);
  return name;
}

/// What a convolution does besides.
struct Extras {
  kernels::ResolvedActivation activation;
  bool bias = true;
  bool residual = false;
};

/// A dense convolution of a square kernel.
inline ConvolutionProblem dense_problem(const Shape& src, int64_t out_channels, int64_t kernel, int64_t stride,
                                        const graph::ResolvedPadding& pad, const Extras& extras) {
  const auto length = [&](int64_t in, int64_t before, int64_t after) {
    return (in + before + after - kernel) / stride + 1;
  };
  ConvolutionProblem problem;
  problem.op.in_channels = src[1];
  problem.op.out_channels = out_channels;
  problem.op.kernel = {kernel, kernel};
  problem.op.stride = {stride, stride};
  problem.op.pad = pad.begin;
  problem.op.weight = 0;
  problem.op.bias = extras.bias ? 1 : graph::kNone;
  problem.op.activation = {extras.activation.kind, 2};
  problem.src = src;
  problem.dst = {src[0], out_channels, length(src[2], pad.begin.h, pad.end.h), length(src[3], pad.begin.w, pad.end.w)};
  problem.pad = pad;
  problem.activation = extras.activation;
  problem.has_residual = extras.residual;
  return problem;
}

using ConvolutionProvider = std::unique_ptr<ConvolutionKernel> (*)(const ConvolutionProblem& problem,
                                                                   const kernels::KernelTable& table);

/// A kernel's result for random values, which keep sums within the range where activations bend.
inline void expect_equals_reference(ConvolutionProvider provider, const ConvolutionProblem& problem,
                                    const kernels::KernelTable& table, double tolerance) {
  const graph::Conv2d& op = problem.op;
  const int64_t inputs = op.in_channels * op.kernel.h * op.kernel.w;
  const std::vector<float> x = random_values(problem.src.elements(), 1);
  const std::vector<float> weights =
      random_values(op.out_channels * inputs, 2, 2.0F / std::sqrt(static_cast<float>(inputs)));
  const std::vector<float> bias = random_values(problem.has_bias() ? op.out_channels : 0, 3);
  const std::vector<float> residual = random_values(problem.dst.elements(), 4);

  const auto kernel = provider(problem, table);
  const AlignedBuffer packed(kernel->packed_bytes());
  const AlignedBuffer scratch(kernel->scratch_bytes(problem.threads));
  kernel->pack(weights, bias, packed.data());
  const BlockedMaps maps(table);
  const std::vector<float> src = maps.blocked(x, problem.src);
  const std::vector<float> other = maps.blocked(residual, problem.dst);
  std::vector<float> dst = maps.unwritten(problem.dst);
  kernel
      ->bind({.src = src.data(),
              .packed = packed.data(),
              .residual = problem.has_residual ? other.data() : nullptr,
              .dst = dst.data() + BlockedMaps::kGuard,
              .scratch = scratch.data(),
              .threads = problem.threads})
      ->run();
  const std::vector<float> actual = maps.planar(dst, problem.dst);

  ParameterValues values;
  const std::vector<float> slope = {problem.activation.slope};
  values.views = {weights, bias, slope};
  std::vector<reference::TensorView> srcs = {{problem.src, x}};
  if (problem.has_residual) srcs.push_back({problem.dst, residual});
  std::vector<float> expected(actual.size());
  reference::evaluate(op, srcs, values, problem.dst, expected);
  EXPECT_TRUE(test::close_to_max(actual, expected, tolerance));
}

}  // namespace zoo::engine
