// Where dense convolutions of int8 networks read and write, and what they are multiplied with. Internal to nn/engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "nn/engine/choice/convolution.h"
#include "nn/engine/int8/int8_layer.h"
#include "nn/engine/kernels/int8/int8.h"
#include "nn/engine/plan/row_chain.h"

namespace zoo::engine {

/// Whether kernels for dense convolutions can do the problem: formats, sizes, sums.
bool is_int8_dense(const ConvolutionProblem& problem);

/// A source with its padding around it: [N, H', W', pixel].
struct Int8PaddedSource {
  int64_t images = 1;
  int64_t src_h = 0, src_w = 0;
  graph::ResolvedPadding pad;
  int64_t pixel = 0;  ///< bytes

  int64_t height() const { return pad.begin.h + src_h + pad.end.h; }
  int64_t width() const { return pad.begin.w + src_w + pad.end.w; }
  int64_t row_bytes() const { return width() * pixel; }
  int64_t bytes() const;
  bool has_padding() const { return height() != src_h || width() != src_w; }

  /// Rows [begin, end) of all images' rows of the padded source, the first of which goes to `dst`.
  void fill(const uint8_t* src, uint8_t zero, uint8_t* dst, int64_t begin, int64_t end) const;
};

/// One problem. Sources are padded in scratch where they have padding; the image is quantised there.
class Int8DenseGeometry {
 public:
  /// Precondition: is_int8_dense(problem).
  explicit Int8DenseGeometry(const ConvolutionProblem& problem);

  const Int8PaddedSource& source() const { return padded_; }
  /// Whether tiles read a copy of the source.
  bool copies_source() const { return image_ || padded_.has_padding(); }
  /// Copies rows [begin, end) of all images' rows of the padded source to `dst`; row `begin` goes to its start.
  RowFunction fill_function(const kernels::Int8Table& table) const;
  uint8_t padding_value() const;
  /// Of one image of the source as it comes.
  size_t source_image_bytes() const;

  /// Packed as the table's kernel wants it. The table must stay.
  Int8Layer layer(const kernels::Int8Table& table) const;
  /// Everything but pointers, for the tiles of the whole map.
  kernels::Int8Conv conv() const;
  std::vector<kernels::Int8Tile> tiles() const;
  /// The same for tiles that lie alike in every row, which is `dst_row_bytes` apart from the next.
  kernels::Int8Conv row_conv() const;
  std::vector<kernels::Int8Tile> row_tiles(int64_t dst_row_bytes) const;

  /// What one run takes, roughly, to share out the fetching of weights.
  double cycles(kernels::Int8Isa isa) const;

 private:
  bool to_u8() const { return problem_.dst_format == kChannelsLastU8; }
  bool is_pointwise() const;
  int64_t kernel_row_bytes() const { return problem_.op.kernel.w * padded_.pixel; }
  /// Positions that follow each other evenly in source and result.
  int64_t run_length() const;

  ConvolutionProblem problem_;
  bool image_;
  Int8PaddedSource padded_;
};

/// Where work is cut between threads instead of before tile `at`, which may share positions with the one before: no two
/// threads write the same bytes.
int64_t int8_cut_near(const kernels::Int8Conv& conv, int64_t tiles, int64_t at);

}  // namespace zoo::engine
