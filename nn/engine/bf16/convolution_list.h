// The kernels of bf16 convolutions. Internal to nn/engine.
#pragma once

#include <memory>

#include "nn/engine/choice/convolution.h"
#include "nn/engine/kernels/bf16/bf16.h"

namespace zoo::engine {

/// See KernelList. Sources are bf16, channels-last, or the image as it comes; results and residuals are bf16.
ConvolutionKernels bf16_convolution_kernels(const ConvolutionProblem& problem, const kernels::KernelTable& table);

/// The providers, those of dense convolutions for one instruction set: null if they cannot do the problem. Each in the
/// source file of its family.
/// An image of three channels, of which each position of the result gets all that it reads as one row of a tile.
std::unique_ptr<ConvolutionKernel> make_bf16_unfolded_convolution(const ConvolutionProblem& problem,
                                                                  const kernels::Bf16Table& table);
/// Any kernel.
std::unique_ptr<ConvolutionKernel> make_bf16_dense_convolution(const ConvolutionProblem& problem,
                                                               const kernels::Bf16Table& table);
std::unique_ptr<ConvolutionKernel> make_bf16_depthwise_convolution(const ConvolutionProblem& problem);
/// A dense convolution and the depthwise one that reads it.
std::unique_ptr<ConvolutionKernel> make_bf16_expand_depthwise_convolution(const ConvolutionProblem& problem,
                                                                          const kernels::Bf16Table& table);
/// Dense convolutions that read each other, some rows at a time.
std::unique_ptr<ConvolutionKernel> make_bf16_rows_convolution(const ConvolutionProblem& problem,
                                                              const kernels::Bf16Table& table);

}  // namespace zoo::engine
