#include "nn/engine/f32/convolution_list.h"

#include <algorithm>
#include <span>

namespace zoo::engine {

ConvolutionKernels f32_convolution_kernels(const ConvolutionProblem& problem, const kernels::KernelTable& table) {
  const std::span<F32Provider* const> list =
      problem.expansions.empty() ? std::span<F32Provider* const>(kF32Convolutions) : kF32Expansions;
  ConvolutionKernels all;
  for (F32Provider* const make : list) {
    auto kernel = make(problem, table);
    if (kernel != nullptr && kernel->lanes() == table.lanes) all.push_back(std::move(kernel));
  }
  std::stable_partition(all.begin(), all.end(), [](const auto& kernel) { return !kernel->is_last_resort(); });
  return all;
}

}  // namespace zoo::engine
