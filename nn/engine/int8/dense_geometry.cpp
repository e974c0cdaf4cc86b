#include "nn/engine/int8/dense_geometry.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "nn/engine/int8/convolution_list.h"
#include "nn/engine/plan/int8_values.h"

namespace zoo::engine {
namespace {

constexpr int64_t kLanes = kernels::kInt8Lanes;
constexpr int64_t kMaxRows = 16;
/// Bytes of one pixel of the quantised image.
constexpr int64_t kImagePixel = 4;

/// Rough figures of one core: multiply-accumulates per cycle, and cycles for 16 results.
constexpr double macs_per_cycle(kernels::Int8Isa isa) {
  constexpr double kTiles = 700.0;
  constexpr double kVectors = 64.0;  // one dot product of 64 bytes per cycle, or two of 32
  constexpr double kPairs = 24.0;    // less than two dot products of 32 bytes in pairs of 16 bits
  if (isa == kernels::Int8Isa::kAmx) return kTiles;
  return isa == kernels::Int8Isa::kAvx2 ? kPairs : kVectors;
}
constexpr double kCycles = 5.0;

/// How runs of positions of the result are cut into tiles.
class Tiling {
 public:
  /// `run`: positions that follow each other evenly in source and result.
  explicit Tiling(int64_t run) : run_(run) {
    const int64_t count = (run + kMaxRows - 1) / kMaxRows;
    rows_ = (run + count - 1) / count;
  }

  int64_t rows() const { return rows_; }

  /// Adds the tiles of one run; the last one overlaps the one before if it has to.
  void add(const kernels::Int8Tile& first, const kernels::Int8Conv& conv, std::vector<kernels::Int8Tile>& tiles) const {
    for (int64_t at = 0; at < run_; at += rows_) {
      const int64_t position = std::min(at, run_ - rows_);
      tiles.push_back({first.src + position * conv.position_pitch, first.dst + position * conv.dst_pitch,
                       first.residual + position * conv.residual_pitch});
    }
  }

 private:
  int64_t run_;
  int64_t rows_;
};

/// The factors that turn the image into bytes.
struct ImageKernel {
  std::vector<float> inverse_step;
  std::vector<float> zero;
  kernels::Int8Image image;

  kernels::Int8Image op() const {
    kernels::Int8Image bound = image;
    bound.inverse_step = inverse_step.data();
    bound.zero = zero.data();
    return bound;
  }
};

}  // namespace

bool is_int8_dense(const ConvolutionProblem& problem) {
  const graph::Conv2d& op = problem.op;
  if (op.groups != 1 || op.dilation != graph::Size2d{1, 1} || !int8_sums_fit(op)) return false;
  if (problem.src_format == kPlanarF32) return op.in_channels <= kImagePixel;
  return problem.src_format == kChannelsLastU8;
}

int64_t Int8PaddedSource::bytes() const { return whole_lines(images * height() * row_bytes() + kernels::kInt8Slack); }

void Int8PaddedSource::fill(const uint8_t* src, uint8_t zero, uint8_t* dst, int64_t begin, int64_t end) const {
  for (int64_t row = begin; row < end; ++row) {
    uint8_t* out = dst + (row - begin) * row_bytes();
    const int64_t y = row % height() - pad.begin.h;
    if (y < 0 || y >= src_h) {
      std::memset(out, zero, static_cast<size_t>(row_bytes()));
      continue;
    }
    const int64_t left = pad.begin.w * pixel;
    const int64_t inner = src_w * pixel;
    std::memset(out, zero, static_cast<size_t>(left));
    std::memcpy(out + left, src + (row / height() * src_h + y) * inner, static_cast<size_t>(inner));
    std::memset(out + left + inner, zero, static_cast<size_t>(row_bytes() - left - inner));
  }
}

Int8DenseGeometry::Int8DenseGeometry(const ConvolutionProblem& problem)
    : problem_(problem),
      image_(problem.src_format == kPlanarF32),
      padded_{.images = problem.src[0],
              .src_h = problem.src[2],
              .src_w = problem.src[3],
              .pad = problem.pad,
              .pixel = image_ ? kImagePixel : kernels::int8_padded(problem.src[1])} {}

uint8_t Int8DenseGeometry::padding_value() const {
  return image_ ? uint8_t{0} : static_cast<uint8_t>(problem_.quantization.src->zero[0]);
}

size_t Int8DenseGeometry::source_image_bytes() const {
  if (image_) return static_cast<size_t>(problem_.op.in_channels * padded_.src_h * padded_.src_w) * sizeof(float);
  return static_cast<size_t>(padded_.src_h * padded_.src_w * padded_.pixel);
}

RowFunction Int8DenseGeometry::fill_function(const kernels::Int8Table& table) const {
  if (!image_) {
    return
        [padded = padded_, zero = padding_value()](const std::byte* src, std::byte* rows, int64_t begin, int64_t end) {
          padded.fill(reinterpret_cast<const uint8_t*>(src), zero, reinterpret_cast<uint8_t*>(rows), begin, end);
        };
  }
  auto image = std::make_shared<ImageKernel>();
  image->inverse_step = problem_.quantization.src->inverse_step;
  image->zero = problem_.quantization.src->zero;
  image->image = {.channels = problem_.op.in_channels,
                  .src_h = padded_.src_h,
                  .src_w = padded_.src_w,
                  .dst_h = padded_.height(),
                  .dst_w = padded_.width(),
                  .pad_top = padded_.pad.begin.h,
                  .pad_left = padded_.pad.begin.w};
  return [&table, image = std::shared_ptr<const ImageKernel>(std::move(image))](const std::byte* src, std::byte* rows,
                                                                                int64_t begin, int64_t end) {
    table.quantize_image(image->op(), reinterpret_cast<const float*>(src), reinterpret_cast<uint8_t*>(rows), begin,
                         end);
  };
}

Int8Layer Int8DenseGeometry::layer(const kernels::Int8Table& table) const {
  const graph::Conv2d& op = problem_.op;
  const kernels::Int8ConvWeights shape = {op.out_channels, op.kernel.h, kernel_row_bytes()};
  const auto arrange = [op, pixel = padded_.pixel, shape, &table](const int8_t* rounded, int8_t* packed) {
    // [out, in, kh, kw] -> [out, kh, kw, pixel].
    const int64_t taps = op.kernel.h * op.kernel.w;
    std::vector<int8_t> rows(static_cast<size_t>(op.out_channels * taps * pixel));
    for (int64_t o = 0; o < op.out_channels; ++o) {
      if (taps == 1) {
        std::copy_n(rounded + o * op.in_channels, op.in_channels, rows.data() + o * pixel);
        continue;
      }
      for (int64_t c = 0; c < op.in_channels; ++c) {
        const int8_t* source = rounded + (o * op.in_channels + c) * taps;
        for (int64_t t = 0; t < taps; ++t) rows[static_cast<size_t>((o * taps + t) * pixel + c)] = source[t];
      }
    }
    table.pack_conv(shape, rows.data(), packed);
  };
  return {{.outputs = op.out_channels,
           .inputs = op.in_channels,
           .taps = op.kernel.h * op.kernel.w,
           .src = problem_.quantization.src,
           .dst = to_u8() ? problem_.quantization.dst : nullptr,
           .residual = problem_.has_residual ? problem_.quantization.residual : nullptr,
           .activation = problem_.activation},
          table.packed_conv_size(shape),
          arrange};
}

bool Int8DenseGeometry::is_pointwise() const {
  return problem_.op.kernel == graph::Size2d{1, 1} && problem_.op.stride == graph::Size2d{1, 1} &&
         !padded_.has_padding();
}

/// Along a row of the result; without kernel and stride along the whole map, and where the result is channels-last,
/// too, along all images.
int64_t Int8DenseGeometry::run_length() const {
  const Shape& dst = problem_.dst;
  if (!is_pointwise()) return dst[3];
  return dst[2] * dst[3] * (to_u8() ? dst[0] : 1);
}

kernels::Int8Conv Int8DenseGeometry::conv() const {
  const Shape& dst = problem_.dst;
  const int64_t channels = kernels::int8_padded(dst[1]);
  constexpr auto kFloat = static_cast<int64_t>(sizeof(float));
  const int64_t lanes = problem_.machine.lanes();
  return {.rows = Tiling(run_length()).rows(),
          .kernel_rows = problem_.op.kernel.h,
          .row_bytes = kernel_row_bytes(),
          .row_pitch = padded_.row_bytes(),
          .position_pitch = problem_.op.stride.w * padded_.pixel,
          .out_blocks = channels / kLanes,
          .dst_pitch = to_u8() ? channels : lanes * kFloat,
          .dst_block_pitch = to_u8() ? kLanes : dst[2] * dst[3] * lanes * kFloat,
          .residual_pitch = channels,
          .lanes = lanes,
          .f32_blocks = kernels::block_count(dst[1], lanes),
          .epilogue = {}};
}

std::vector<kernels::Int8Tile> Int8DenseGeometry::tiles() const {
  const kernels::Int8Conv conv = this->conv();
  const Shape& dst = problem_.dst;
  const int64_t area = dst[2] * dst[3];
  const int64_t image_bytes = to_u8() ? area * conv.dst_pitch : conv.f32_blocks * conv.dst_block_pitch;
  const int64_t src_image = padded_.height() * padded_.row_bytes();
  const Tiling tiling(run_length());
  std::vector<kernels::Int8Tile> tiles;
  const auto add = [&](int64_t src, int64_t first, int64_t position) {
    tiling.add({src, first, position * conv.residual_pitch}, conv, tiles);
  };
  if (is_pointwise()) {
    for (int64_t n = 0; n < (to_u8() ? 1 : dst[0]); ++n) add(n * src_image, n * image_bytes, n * area);
    return tiles;
  }
  for (int64_t n = 0; n < dst[0]; ++n) {
    for (int64_t y = 0; y < dst[2]; ++y) {
      add(n * src_image + y * problem_.op.stride.h * conv.row_pitch, n * image_bytes + y * dst[3] * conv.dst_pitch,
          n * area + y * dst[3]);
    }
  }
  return tiles;
}

kernels::Int8Conv Int8DenseGeometry::row_conv() const {
  kernels::Int8Conv result = conv();
  result.rows = Tiling(problem_.dst[3]).rows();
  return result;
}

std::vector<kernels::Int8Tile> Int8DenseGeometry::row_tiles(int64_t dst_row_bytes) const {
  const kernels::Int8Conv conv = row_conv();
  std::vector<kernels::Int8Tile> tiles;
  for (int64_t y = 0; y < problem_.dst[2]; ++y) {
    Tiling(problem_.dst[3]).add({y * problem_.op.stride.h * conv.row_pitch, y * dst_row_bytes, 0}, conv, tiles);
  }
  return tiles;
}

double Int8DenseGeometry::cycles(kernels::Int8Isa isa) const {
  const graph::Conv2d& op = problem_.op;
  const auto results = static_cast<double>(problem_.dst.elements());
  const auto macs = results * static_cast<double>(op.kernel.h * op.kernel.w * op.in_channels);
  return macs / macs_per_cycle(isa) + results / kLanes * kCycles;
}

int64_t int8_cut_near(const kernels::Int8Conv& conv, int64_t tiles, int64_t at) {
  if (at == 0 || at == tiles) return at;
  return conv.tiles[at].dst - conv.tiles[at - 1].dst < conv.rows * conv.dst_pitch ? at + 1 : at;
}

}  // namespace zoo::engine
