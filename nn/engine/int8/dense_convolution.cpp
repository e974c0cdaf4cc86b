// Dense convolutions of int8 networks.
#include <fmt/format.h>

#include "nn/engine/int8/convolution_list.h"
#include "nn/engine/int8/dense_geometry.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

class Int8DenseConvolution : public ConvolutionKernel {
 public:
  Int8DenseConvolution(const ConvolutionProblem& problem, const kernels::Int8Table& table)
      : table_(table),
        lanes_(problem.machine.lanes()),
        geometry_(problem),
        layer_(geometry_.layer(table)),
        conv_(geometry_.conv()),
        tiles_(geometry_.tiles()),
        fill_(geometry_.fill_function(table)) {}

  std::string name() const override { return fmt::format("own:conv_int8:{}", to_string(table_.isa)); }
  int64_t lanes() const override { return lanes_; }
  bool is_last_resort() const override { return table_.isa == kernels::Int8Isa::kReference; }
  double fetching_cycles() const override { return geometry_.cycles(table_.isa); }
  size_t packed_bytes() const override { return layer_.packed_bytes(); }
  size_t scratch_bytes(int /*threads*/) const override {
    return geometry_.copies_source() ? static_cast<size_t>(geometry_.source().bytes()) : 0;
  }
  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const override {
    layer_.pack(weights, bias, dst);
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    kernels::Int8Conv conv = conv_;
    conv.weights = layer_.weights(memory.packed);
    conv.tiles = tiles_.data();
    conv.epilogue = layer_.epilogue(memory.packed);
    conv.ahead = {memory.ahead.data(), static_cast<int64_t>(memory.ahead.size())};
    return make_bound_step([=, this, count = static_cast<int64_t>(tiles_.size())] {
      const auto* src = static_cast<const std::byte*>(memory.src);
      if (geometry_.copies_source()) {
        const Int8PaddedSource& padded = geometry_.source();
        parallel_for(memory.threads, padded.images * padded.height(), [&](int64_t begin, int64_t end) {
          fill_(src, memory.scratch + begin * padded.row_bytes(), begin, end);
        });
        src = memory.scratch;
      }
      parallel_for(memory.threads, count, [&](int64_t begin, int64_t end) {
        begin = int8_cut_near(conv, count, begin);
        end = int8_cut_near(conv, count, end);
        if (begin >= end) return;
        table_.conv(conv, reinterpret_cast<const uint8_t*>(src), static_cast<const uint8_t*>(memory.residual),
                    static_cast<std::byte*>(memory.dst), begin, end);
      });
    });
  }

 private:
  const kernels::Int8Table& table_;
  int64_t lanes_;
  Int8DenseGeometry geometry_;
  Int8Layer layer_;
  kernels::Int8Conv conv_;  ///< but for the pointers
  std::vector<kernels::Int8Tile> tiles_;
  RowFunction fill_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_int8_dense_convolution(const ConvolutionProblem& problem,
                                                               const kernels::Int8Table& table) {
  if (!is_int8_dense(problem)) return nullptr;
  return std::make_unique<Int8DenseConvolution>(problem, table);
}

}  // namespace zoo::engine
