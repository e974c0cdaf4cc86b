#include "nn/engine/f32/convolution_list.h"

#include <algorithm>

#include "nn/engine/f32/onednn/onednn_convolution.h"

namespace zoo::engine {

ConvolutionKernels f32_convolution_kernels(const ConvolutionProblem& problem, const kernels::KernelTable& table) {
  ConvolutionKernels all;
  const auto add = [&](std::unique_ptr<ConvolutionKernel> kernel) {
    if (kernel != nullptr && kernel->lanes() == table.lanes) all.push_back(std::move(kernel));
  };
  if (!problem.expansions.empty()) {
    add(make_expand_depthwise_convolution(problem, table));
    add(make_winograd_pointwise_convolution(problem, table));
    return all;
  }
  add(make_depthwise_convolution(problem, table));
  add(make_stem_convolution(problem, table));
  add(make_mat_vec_convolution(problem, table));
  add(make_pointwise_convolution(problem, table));
  add(make_narrow_pointwise_convolution(problem, table));
  add(make_winograd_convolution(problem, table));
  add(make_split_convolution(problem, table));
  add(make_onednn_convolution(problem, table));
  add(make_direct_convolution(problem, table));
  std::stable_partition(all.begin(), all.end(), [](const auto& kernel) { return !kernel->is_last_resort(); });
  return all;
}

}  // namespace zoo::engine
