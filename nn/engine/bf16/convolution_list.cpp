#include "nn/engine/bf16/convolution_list.h"

#include <utility>

namespace zoo::engine {

ConvolutionKernels bf16_convolution_kernels(const ConvolutionProblem& problem, const kernels::KernelTable& table) {
  ConvolutionKernels all;
  const auto add = [&](std::unique_ptr<ConvolutionKernel> kernel) {
    if (kernel != nullptr && kernel->lanes() == table.lanes) all.push_back(std::move(kernel));
  };
  if (!problem.expansions.empty()) {
    add(make_bf16_expand_depthwise_convolution(problem));
    add(make_bf16_rows_convolution(problem));
    return all;
  }
  add(make_bf16_depthwise_convolution(problem));
  add(make_bf16_unfolded_convolution(problem));
  add(make_bf16_dense_convolution(problem));
  return all;
}

}  // namespace zoo::engine
