// Convolutions of 1x1 maps, as after global pooling: each image is a vector.
#include "nn/engine/f32/convolution_list.h"
#include "nn/engine/f32/own_convolution.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

template <typename Weight>
class MatVecConvolution : public OwnConvolution {
 public:
  MatVecConvolution(std::string_view name, const ConvolutionProblem& problem, const kernels::KernelTable& table,
                    kernels::MatVecFunction<Weight> function)
      : OwnConvolution(name, problem, table),
        function_(function),
        src_stride_(kernels::block_count(problem.op.in_channels, table.lanes) * table.lanes),
        mat_vec_{
            .inputs = problem.op.in_channels, .outputs = problem.op.out_channels, .activation = problem.activation} {}

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    const FloatMaps maps = float_maps(memory);
    return make_bound_step([=, mat_vec = with_packed(mat_vec_, memory), threads = memory.threads, rows = images(),
                            src_stride = src_stride_, blocks = blocks(), dst_stride = blocks() * table().lanes,
                            function = function_] {
      parallel_for(threads, blocks, [&](int64_t begin, int64_t end) {
        function(mat_vec, maps.src, src_stride, maps.dst, dst_stride, rows, begin, end);
      });
    });
  }

 private:
  size_t weight_bytes() const override {
    return static_cast<size_t>(blocks() * table().lanes * mat_vec_.inputs) * sizeof(Weight);
  }
  void pack_weights(const float* weights, std::byte* packed) const override {
    kernels::pack_matrix(weights, mat_vec_.outputs, mat_vec_.inputs, table().lanes, reinterpret_cast<Weight*>(packed));
  }

  kernels::MatVecFunction<Weight> function_;
  int64_t src_stride_;
  kernels::MatVecOf<Weight> mat_vec_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_mat_vec_convolution(const ConvolutionProblem& problem,
                                                            const kernels::KernelTable& table) {
  const graph::Conv2d& op = problem.op;
  constexpr graph::Size2d kOne = {1, 1};
  const auto is_vector = [](const Shape& shape) { return shape[2] == 1 && shape[3] == 1; };
  if (problem.src_format != kBlockedF32 || op.groups != 1 || op.kernel != kOne) return nullptr;
  if (!is_vector(problem.src) || !is_vector(problem.dst) || problem.pad.begin != graph::Size2d{0, 0}) return nullptr;
  if (problem.has_residual) return nullptr;
  if (problem.compact_layers) {
    return std::make_unique<MatVecConvolution<kernels::Bf16>>("compact_mat_vec", problem, table, table.compact_mat_vec);
  }
  return std::make_unique<MatVecConvolution<float>>("mat_vec", problem, table, table.mat_vec);
}

}  // namespace zoo::engine
