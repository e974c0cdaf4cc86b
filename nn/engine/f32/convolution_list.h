// The kernels of f32 convolutions. Internal to nn/engine.
#pragma once

#include <memory>

#include "nn/engine/choice/convolution.h"

namespace zoo::engine {

/// See KernelList. Sources are blocked or planar.
ConvolutionKernels f32_convolution_kernels(const ConvolutionProblem& problem, const kernels::KernelTable& table);

/// Whether there is an own kernel of that family for the sizes of a convolution.
bool has_pointwise_kernel(const graph::Conv2d& op, const kernels::KernelTable& table);
bool has_winograd_kernel(const graph::Conv2d& op, const kernels::KernelTable& table);

/// The providers: null if they cannot do the problem. Each in the source file of its family.
std::unique_ptr<ConvolutionKernel> make_depthwise_convolution(const ConvolutionProblem& problem,
                                                              const kernels::KernelTable& table);
std::unique_ptr<ConvolutionKernel> make_stem_convolution(const ConvolutionProblem& problem,
                                                         const kernels::KernelTable& table);
std::unique_ptr<ConvolutionKernel> make_mat_vec_convolution(const ConvolutionProblem& problem,
                                                            const kernels::KernelTable& table);
std::unique_ptr<ConvolutionKernel> make_pointwise_convolution(const ConvolutionProblem& problem,
                                                              const kernels::KernelTable& table);
/// One block of output channels at a time: the most positions per tile, so that weights are read least often.
std::unique_ptr<ConvolutionKernel> make_narrow_pointwise_convolution(const ConvolutionProblem& problem,
                                                                     const kernels::KernelTable& table);
/// 3x3 with fewer multiplications.
std::unique_ptr<ConvolutionKernel> make_winograd_convolution(const ConvolutionProblem& problem,
                                                             const kernels::KernelTable& table);
/// On AMX's tiles, every value as a sum of three of bf16.
std::unique_ptr<ConvolutionKernel> make_split_convolution(const ConvolutionProblem& problem,
                                                          const kernels::KernelTable& table);
std::unique_ptr<ConvolutionKernel> make_expand_depthwise_convolution(const ConvolutionProblem& problem,
                                                                     const kernels::KernelTable& table);
/// 3x3 with fewer multiplications and the pointwise convolution that reads it.
std::unique_ptr<ConvolutionKernel> make_winograd_pointwise_convolution(const ConvolutionProblem& problem,
                                                                       const kernels::KernelTable& table);
std::unique_ptr<ConvolutionKernel> make_direct_convolution(const ConvolutionProblem& problem,
                                                           const kernels::KernelTable& table);

}  // namespace zoo::engine
