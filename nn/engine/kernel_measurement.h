// How long the kernels of a convolution take on this machine.
#pragma once

#include <vector>

#include "nn/engine/aligned_buffer.h"
#include "nn/engine/convolution.h"

namespace zoo::engine {

/// Time of one run of each kernel in microseconds, weights in the L3 cache as at batch 1 (a kernel that fetches weights
/// early gains nothing while they are in L2), activations wherever the previous run left them: of the best kernel the
/// smallest of several, of the others that times the median of how many times as long they took in the same rounds. One
/// that is hopeless at first sight keeps the time of its first run. Of a large map a part is computed, and its time
/// multiplied. `kernels` are the first of convolution_kernels(problem). `arena` is memory to work in; it grows as
/// needed.
std::vector<double> measure_kernels(const ConvolutionProblem& problem, KernelSpan kernels,
                                    const kernels::KernelTable& table, AlignedBuffer& arena);

}  // namespace zoo::engine
