#include "nn/engine/bf16/convolution_list.h"

#include <array>
#include <utility>

namespace zoo::engine {

ConvolutionKernels bf16_convolution_kernels(const ConvolutionProblem& problem, const kernels::KernelTable& table) {
  using kernels::Bf16Isa;
  constexpr std::array kBestFirst = {Bf16Isa::kAmx, Bf16Isa::kDot};
  ConvolutionKernels all;
  const auto add = [&](std::unique_ptr<ConvolutionKernel> kernel) {
    if (kernel != nullptr && kernel->lanes() == table.lanes) all.push_back(std::move(kernel));
  };
  const bool is_alone = problem.expansions.empty();
  if (is_alone) add(make_bf16_depthwise_convolution(problem));
  for (const Bf16Isa isa : kBestFirst) {
    if (!problem.machine.has(isa)) continue;
    const kernels::Bf16Table& functions = kernels::bf16_table(isa);
    if (is_alone) {
      add(make_bf16_unfolded_convolution(problem, functions));
      add(make_bf16_dense_convolution(problem, functions));
    } else {
      add(make_bf16_expand_depthwise_convolution(problem, functions));
      add(make_bf16_rows_convolution(problem, functions));
    }
  }
  return all;
}

}  // namespace zoo::engine
