// Convolutions of 1x1 maps, as after global pooling: each image is a vector.
#include <algorithm>

#include <fmt/format.h>

#include "nn/engine/convolution.h"
#include "nn/engine/parallel.h"

namespace zoo::engine {
namespace {

class MatVecConvolution : public ConvolutionKernel {
 public:
  MatVecConvolution(const ConvolutionProblem& problem, const kernels::KernelTable& table)
      : table_(table),
        threads_(problem.threads),
        images_(problem.dst[0]),
        src_stride_(kernels::block_count(problem.op.in_channels, table.lanes) * table.lanes),
        blocks_(kernels::block_count(problem.op.out_channels, table.lanes)),
        mat_vec_{
            .inputs = problem.op.in_channels, .outputs = problem.op.out_channels, .activation = problem.activation} {}

  std::string name() const override { return fmt::format("own:mat_vec:{}", kernels::to_string(table_.isa)); }
  size_t packed_bytes() const override {
    return static_cast<size_t>(weight_count() + blocks_ * table_.lanes) * sizeof(float);
  }

  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const override {
    auto* packed = reinterpret_cast<float*>(dst);
    kernels::pack_matrix(weights.data(), mat_vec_.outputs, mat_vec_.inputs, table_.lanes, packed);
    std::copy(bias.begin(), bias.end(), packed + weight_count());
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    kernels::MatVec mat_vec = mat_vec_;
    mat_vec.weights = reinterpret_cast<const float*>(memory.packed);
    mat_vec.bias = mat_vec.weights + weight_count();
    return make_bound_step([=, threads = threads_, rows = images_, src_stride = src_stride_, blocks = blocks_,
                            dst_stride = blocks_ * table_.lanes, function = table_.mat_vec] {
      parallel_for(threads, blocks, [&](int64_t begin, int64_t end) {
        function(mat_vec, memory.src, src_stride, memory.dst, dst_stride, rows, begin, end);
      });
    });
  }

 private:
  int64_t weight_count() const { return blocks_ * mat_vec_.inputs * table_.lanes; }

  const kernels::KernelTable& table_;
  int threads_;
  int64_t images_;
  int64_t src_stride_;
  int64_t blocks_;
  kernels::MatVec mat_vec_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_mat_vec_convolution(const ConvolutionProblem& problem,
                                                            const kernels::KernelTable& table) {
  const graph::Conv2d& op = problem.op;
  constexpr graph::Size2d kOne = {1, 1};
  const auto is_vector = [](const Shape& shape) { return shape[2] == 1 && shape[3] == 1; };
  if (problem.src_layout != Layout::kBlocked || op.groups != 1 || op.kernel != kOne) return nullptr;
  if (!is_vector(problem.src) || !is_vector(problem.dst) || problem.pad.begin != graph::Size2d{0, 0}) return nullptr;
  if (problem.has_residual) return nullptr;
  return std::make_unique<MatVecConvolution>(problem, table);
}

}  // namespace zoo::engine
