// The kernels of f32 convolutions. Internal to nn/engine.
#pragma once

#include <memory>

#include "nn/engine/choice/convolution.h"
#include "nn/engine/f32/onednn/onednn_convolution.h"

namespace zoo::engine {

/// See KernelList. Sources are blocked or planar.
ConvolutionKernels f32_convolution_kernels(const ConvolutionProblem& problem, const kernels::KernelTable& table);

/// Whether there is an own kernel of that family for the sizes of a convolution.
bool has_pointwise_kernel(const graph::Conv2d& op, const kernels::KernelTable& table);
bool has_winograd_kernel(const graph::Conv2d& op, const kernels::KernelTable& table);

/// Null if it cannot do the problem. Each in the source file of its family.
using F32Provider = std::unique_ptr<ConvolutionKernel>(const ConvolutionProblem& problem,
                                                       const kernels::KernelTable& table);
F32Provider make_depthwise_convolution;
F32Provider make_stem_convolution;
F32Provider make_mat_vec_convolution;
F32Provider make_pointwise_convolution;
/// One block of output channels at a time: the most positions per tile, so that weights are read least often.
F32Provider make_narrow_pointwise_convolution;
/// 3x3 with fewer multiplications.
F32Provider make_winograd_convolution;
/// On AMX's tiles, every value as a sum of three of bf16.
F32Provider make_split_convolution;
F32Provider make_direct_convolution;
F32Provider make_expand_depthwise_convolution;
/// 3x3 with fewer multiplications and the pointwise convolution that reads it.
F32Provider make_winograd_pointwise_convolution;

/// The list: own kernels first, each before what it is usually faster than.
inline constexpr F32Provider* kF32Convolutions[] = {
    make_depthwise_convolution,        make_stem_convolution,     make_mat_vec_convolution, make_pointwise_convolution,
    make_narrow_pointwise_convolution, make_winograd_convolution, make_split_convolution,   make_onednn_convolution,
    make_direct_convolution,
};
/// The same of a convolution with its expansion.
inline constexpr F32Provider* kF32Expansions[] = {
    make_expand_depthwise_convolution,
    make_winograd_pointwise_convolution,
};

}  // namespace zoo::engine
