// Dense convolutions of int8 networks that read each other, some rows at a time: what lies between them never leaves
// the second-level cache.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nn/engine/int8/convolution_list.h"
#include "nn/engine/int8/dense_geometry.h"
#include "nn/engine/plan/int8_values.h"
#include "nn/engine/plan/row_chain.h"

namespace zoo::engine {
namespace {

/// One of the convolutions.
struct RowConv {
  kernels::Int8Conv conv;  ///< but for the pointers
  Int8Layer layer;
  std::vector<kernels::Int8Tile> tiles;  ///< of all rows of the result
  int64_t tiles_per_row = 1;
  size_t weights = 0;  ///< as ConvolutionKernel::pack gets them
  size_t outputs = 0;
  double cycles = 0.0;

  size_t packed_bytes() const { return static_cast<size_t>(whole_lines(static_cast<int64_t>(layer.packed_bytes()))); }
};

/// `dst_row_bytes`: from one row of the result to the next.
RowConv row_conv(const ConvolutionProblem& problem, const kernels::Int8Table& table, int64_t dst_row_bytes) {
  const Int8DenseGeometry geometry(problem);
  RowConv row = {.conv = geometry.row_conv(),
                 .layer = geometry.layer(table),
                 .tiles = geometry.row_tiles(dst_row_bytes),
                 .weights = static_cast<size_t>(problem.weight_count()),
                 .outputs = static_cast<size_t>(problem.op.out_channels),
                 .cycles = geometry.cycles(table.isa)};
  row.tiles_per_row = static_cast<int64_t>(row.tiles.size()) / problem.dst[2];
  return row;
}

RowStage row_stage(const ConvolutionProblem& problem) {
  const Int8DenseGeometry geometry(problem);
  const Int8PaddedSource& source = geometry.source();
  return {.kernel = problem.op.kernel.h,
          .stride = problem.op.stride.h,
          .src_h = source.src_h,
          .pad_top = source.pad.begin.h,
          .row_bytes = static_cast<size_t>(source.row_bytes()),
          .left_bytes = static_cast<size_t>(source.pad.begin.w * source.pixel),
          .map_bytes = static_cast<size_t>(source.src_w * source.pixel),
          .padding = std::byte{geometry.padding_value()}};
}

/// Fetches its share of `ahead` with every row. `row` must stay.
RowFunction row_function(const kernels::Int8Table& table, const RowConv& row, const std::byte* packed,
                         std::span<const std::byte> ahead) {
  kernels::Int8Conv conv = row.conv;
  conv.weights = row.layer.weights(packed);
  conv.tiles = row.tiles.data();
  conv.epilogue = row.layer.epilogue(packed);
  const int64_t per_row = row.tiles_per_row;
  const int64_t count = static_cast<int64_t>(row.tiles.size()) / per_row;
  const auto bytes = static_cast<int64_t>(ahead.size());
  return [=, &table](const std::byte* src, std::byte* dst, int64_t begin, int64_t end) {
    kernels::Int8Conv bound = conv;
    const int64_t fetched = bytes * begin / count;
    bound.ahead = {ahead.data() + fetched, bytes * end / count - fetched};
    // Tiles of all rows lie alike in their row.
    table.conv(bound, reinterpret_cast<const uint8_t*>(src), nullptr, dst, 0, (end - begin) * per_row);
  };
}

class Int8RowsConvolution : public ConvolutionKernel {
 public:
  Int8RowsConvolution(const ConvolutionProblem& problem, const kernels::Int8Table& table)
      : table_(table), lanes_(problem.machine.lanes()) {
    const std::vector<ConvolutionProblem> members = members_of(problem);
    for (const ConvolutionProblem& member : members) stages_.push_back(row_stage(member));
    const int64_t last_row_bytes = problem.dst[3] * kernels::int8_padded(problem.dst[1]);
    for (size_t i = 0; i < members.size(); ++i) {
      const bool is_last = i + 1 == members.size();
      rows_.push_back(
          row_conv(members[i], table, is_last ? last_row_bytes : static_cast<int64_t>(stages_[i + 1].row_bytes)));
    }
    // The rows of the first one come with their padding.
    stages_.front().left_bytes = 0;
    stages_.front().map_bytes = stages_.front().row_bytes;
    const Int8DenseGeometry first(members.front());
    fill_ = first.fill_function(table);
    maps_ = {.images = problem.dst[0],
             .dst_h = problem.dst[2],
             .dst_row_bytes = static_cast<size_t>(last_row_bytes),
             .src_image_bytes = first.source_image_bytes(),
             .dst_image_bytes = static_cast<size_t>(problem.dst[2] * last_row_bytes)};
  }

  std::string name() const override { return fmt::format("own:rows_int8:{}", to_string(table_.isa)); }
  int64_t lanes() const override { return lanes_; }
  bool is_last_resort() const override { return table_.isa == kernels::Int8Isa::kReference; }
  double fetching_cycles() const override {
    double cycles = 0.0;
    for (const RowConv& row : rows_) cycles += row.cycles;
    return cycles;
  }
  size_t packed_bytes() const override {
    size_t bytes = 0;
    for (const RowConv& row : rows_) bytes += row.packed_bytes();
    return bytes;
  }
  size_t scratch_bytes(int threads) const override { return RowChain(stages_, {}, maps_, threads).scratch_bytes(); }

  /// Packed in the order of computing.
  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const override {
    const RowConv& last = rows_.back();
    const std::span<const float> last_weights = weights.first(last.weights);
    const std::span<const float> last_bias = bias.first(last.outputs);
    weights = weights.subspan(last.weights);
    bias = bias.subspan(last.outputs);
    for (const RowConv& row : std::span(rows_).first(rows_.size() - 1)) {
      row.layer.pack(weights.first(row.weights), bias.first(row.outputs), dst);
      weights = weights.subspan(row.weights);
      bias = bias.subspan(row.outputs);
      dst += row.packed_bytes();
    }
    last.layer.pack(last_weights, last_bias, dst);
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    const auto longest = std::ranges::max_element(rows_, {}, &RowConv::cycles) - rows_.begin();
    std::vector<RowStage> bound = stages_;
    const std::byte* packed = memory.packed;
    for (size_t i = 0; i < bound.size(); ++i) {
      const bool fetches = static_cast<std::ptrdiff_t>(i) == longest;
      bound[i].compute = row_function(table_, rows_[i], packed, fetches ? memory.ahead : std::span<const std::byte>{});
      packed += rows_[i].packed_bytes();
    }
    return make_bound_step([=, chain = RowChain(std::move(bound), fill_, maps_, memory.threads)] {
      chain.run(static_cast<const std::byte*>(memory.src), static_cast<std::byte*>(memory.dst), memory.scratch);
    });
  }

 private:
  const kernels::Int8Table& table_;
  int64_t lanes_;
  std::vector<RowConv> rows_;
  std::vector<RowStage> stages_;
  RowFunction fill_;
  RowChain::Maps maps_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_int8_rows_convolution(const ConvolutionProblem& problem,
                                                              const kernels::Int8Table& table) {
  if (problem.expansions.empty() || problem.expansions.size() >= RowChain::kMaxStages) return nullptr;
  if (problem.has_residual || problem.dst_format != kChannelsLastU8) return nullptr;
  if (!std::ranges::all_of(members_of(problem), is_int8_dense)) return nullptr;
  return std::make_unique<Int8RowsConvolution>(problem, table);
}

}  // namespace zoo::engine
