// How long the kernels of a convolution take on this machine.
#pragma once

#include <span>
#include <vector>

#include "nn/engine/choice/convolution.h"
#include "nn/engine/machine/aligned_buffer.h"

namespace zoo::engine {

/// Time of one run of each kernel in microseconds, weights in the L3 cache as at batch 1 (a kernel that fetches weights
/// early gains nothing while they are in L2), activations wherever the previous run left them: of the best kernel the
/// smallest of several, of the others that times the median of how many times as long they took in the same rounds. One
/// that is hopeless at first sight, and at the second, keeps the shorter time of these runs. Of a large map a part is
/// computed, and its time multiplied; not without a list. `arena` is memory to work in; it grows as needed.
std::vector<double> measure_kernels(const Candidates& candidates, const kernels::KernelTable& table,
                                    AlignedBuffer& arena);

/// A convolution and the kernel that it gets.
struct ConvolutionChoice {
  const ConvolutionProblem& problem;
  const ConvolutionKernel& kernel;
};

/// The same of kernels that compute several convolutions at once, and, as the last time, of these one after the other.
/// The list of `fused` has the kernels of `steps`, too.
std::vector<double> measure_kernels(const Candidates& fused, std::span<const ConvolutionChoice> steps,
                                    const kernels::KernelTable& table, AlignedBuffer& arena);

}  // namespace zoo::engine
