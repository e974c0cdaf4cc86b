// The kernels of int8 convolutions. Internal to nn/engine.
#pragma once

#include <memory>

#include "nn/engine/choice/convolution.h"
#include "nn/engine/kernels/int8/int8.h"

namespace zoo::engine {

/// See KernelList. Sources are u8, channels-last, or the image as it comes; results are u8 or blocked f32, residuals
/// u8. All kernels of a problem yield the same bytes.
ConvolutionKernels int8_convolution_kernels(const ConvolutionProblem& problem, const kernels::KernelTable& table);

/// The providers, for one instruction set: null if they cannot do the problem. Each in the source file of its family.
std::unique_ptr<ConvolutionKernel> make_int8_dense_convolution(const ConvolutionProblem& problem,
                                                               const kernels::Int8Table& table);
std::unique_ptr<ConvolutionKernel> make_int8_depthwise_convolution(const ConvolutionProblem& problem,
                                                                   const kernels::Int8Table& table);

/// Dense convolutions that read each other, some rows at a time.
std::unique_ptr<ConvolutionKernel> make_int8_rows_convolution(const ConvolutionProblem& problem,
                                                              const kernels::Int8Table& table);

/// Whether 32 bits hold every sum of a convolution; others are left to f32.
constexpr bool int8_sums_fit(const graph::Conv2d& op) {
  return op.in_channels / op.groups * op.kernel.h * op.kernel.w <= kernels::kInt8MostProducts;
}

}  // namespace zoo::engine
