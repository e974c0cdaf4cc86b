#include "nn/engine/int8/convolution_list.h"

#include <array>
#include <utility>

namespace zoo::engine {

ConvolutionKernels int8_convolution_kernels(const ConvolutionProblem& problem, const kernels::KernelTable& table) {
  using kernels::Int8Isa;
  constexpr std::array kBestFirst = {Int8Isa::kAmx, Int8Isa::kVnni, Int8Isa::kAvxVnni, Int8Isa::kAvx2,
                                     Int8Isa::kReference};
  const bool is_group = !problem.expansions.empty();
  ConvolutionKernels all;
  const kernels::Int8Table* better = nullptr;
  for (const Int8Isa isa : kBestFirst) {
    if (!problem.machine.has(isa)) continue;
    if (isa != Int8Isa::kReference && kernels::lanes_of(isa) != table.lanes) continue;
    const kernels::Int8Table& functions = kernels::int8_table(isa);
    const auto add = [&](std::unique_ptr<ConvolutionKernel> kernel) {
      if (kernel != nullptr && kernel->lanes() == table.lanes) all.push_back(std::move(kernel));
    };
    // Sets share functions.
    const bool has_own_conv = better == nullptr || better->conv != functions.conv;
    const bool has_own_depthwise = better == nullptr || better->depthwise != functions.depthwise;
    if (has_own_conv && is_group) add(make_int8_rows_convolution(problem, functions));
    if (has_own_conv && !is_group) add(make_int8_dense_convolution(problem, functions));
    if (has_own_depthwise && !is_group) add(make_int8_depthwise_convolution(problem, functions));
    better = &functions;
  }
  return all;
}

}  // namespace zoo::engine
