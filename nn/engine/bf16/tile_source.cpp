#include "nn/engine/bf16/tile_source.h"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace zoo::engine {
namespace {

using kernels::Bf16;

constexpr int64_t kPair = 2 * kernels::kChannelStep;

/// [out, in, kh, kw] -> [out, kh, kw, in] with `pixel` values per tap of which the first are the channels.
std::vector<float> channels_last(const graph::Conv2d& op, std::span<const float> source, int64_t pixel) {
  const int64_t taps = op.kernel.h * op.kernel.w;
  std::vector<float> weights(static_cast<size_t>(op.out_channels * taps * pixel));
  for (int64_t o = 0; o < op.out_channels; ++o) {
    for (int64_t c = 0; c < op.in_channels; ++c) {
      for (int64_t t = 0; t < taps; ++t) {
        weights[static_cast<size_t>((o * taps + t) * pixel + c)] =
            source[static_cast<size_t>((o * op.in_channels + c) * taps + t)];
      }
    }
  }
  return weights;
}

}  // namespace

std::string TileSource::name() const { return fmt::format("{}_{}", table->prefix, kind); }

size_t TileSource::weight_bytes() const {
  const int64_t count = kernels::packed_tile_weights(conv.out_channels, conv.taps, conv.depth_blocks);
  return (static_cast<size_t>(count) * sizeof(Bf16) + 63) / 64 * 64;
}

size_t TileSource::packed_bytes() const {
  const int64_t outputs = (conv.out_channels + kPair - 1) / kPair * kPair;
  return weight_bytes() + static_cast<size_t>(outputs) * sizeof(float);
}

void TileSource::pack(std::span<const float> weights, std::span<const float> biases, std::byte* packed) const {
  const int64_t values = op.kernel.h * op.kernel.w * pixel / conv.taps;
  kernels::pack_tile_weights(channels_last(op, weights, pixel).data(), conv.out_channels, conv.taps, values,
                             conv.depth_blocks, reinterpret_cast<Bf16*>(packed));
  std::ranges::copy(biases, reinterpret_cast<float*>(packed + weight_bytes()));
}

kernels::TileConv TileSource::bound(const std::byte* packed) const {
  kernels::TileConv result = conv;
  result.weights = reinterpret_cast<const Bf16*>(packed);
  result.bias = reinterpret_cast<const float*>(packed + weight_bytes());
  result.tap_offsets = offsets.data();
  return result;
}

bool is_bf16_dense(const ConvolutionProblem& problem) {
  const graph::Conv2d& op = problem.op;
  if (!problem.machine.bf16() || op.groups != 1 || problem.dst_format != kChannelsLastBf16) return false;
  if (problem.src_format == kChannelsLastBf16) return true;
  return problem.src_format == kPlanarF32 && op.in_channels <= kernels::kPixelChannels &&
         op.dilation == graph::Size2d{1, 1} && op.kernel.w * kernels::kPixelChannels <= kernels::kTileDepth;
}

bool TileSources::unfolds_image() const {
  constexpr int64_t kKernel = kernels::UnfoldImage::kKernel;
  return reads_image() && !problem_.has_residual && op_.in_channels == kernels::UnfoldImage::kChannels &&
         op_.kernel == graph::Size2d{kKernel, kKernel};
}

int64_t TileSources::padded_h() const {
  return (problem_.dst[2] - 1) * op_.stride.h + (op_.kernel.h - 1) * op_.dilation.h + 1;
}
int64_t TileSources::padded_w() const {
  return (problem_.dst[3] - 1) * op_.stride.w + (op_.kernel.w - 1) * op_.dilation.w + 1;
}

kernels::PadImage TileSources::padding(int64_t channels) const {
  return {.channels = channels,
          .h = problem_.src[2],
          .w = problem_.src[3],
          .padded_h = padded_h(),
          .padded_w = padded_w(),
          .pad_top = problem_.pad.begin.h,
          .pad_left = problem_.pad.begin.w};
}

kernels::TileConv TileSources::tiles(int64_t width, int64_t pixel) const {
  return {.out_channels = op_.out_channels,
          .dst_row = kernels::channel_pitch(op_.out_channels),
          .position_stride = op_.stride.w * pixel,
          .run_length = problem_.dst[3],
          .runs = problem_.dst[2],
          .run_stride = op_.stride.h * width * pixel,
          .dst_run = problem_.dst[3],
          .images = problem_.src[0],
          .activation = problem_.activation};
}

/// From a planar image, of which a row for every position of the result is made.
TileSource TileSources::unfolded_image() const {
  const kernels::UnfoldImage unfold = {.h = problem_.src[2],
                                       .w = problem_.src[3],
                                       .dst_h = problem_.dst[2],
                                       .dst_w = problem_.dst[3],
                                       .stride_h = op_.stride.h,
                                       .stride_w = op_.stride.w,
                                       .pad_top = problem_.pad.begin.h,
                                       .pad_left = problem_.pad.begin.w};
  kernels::TileConv conv = tiles(problem_.dst[3], kernels::kTileDepth);
  conv.position_stride = kernels::kTileDepth;
  conv.run_stride = problem_.dst[3] * kernels::kTileDepth;
  // Vectors need not multiply the zeros at the end of a row; for tiles they cost nothing.
  constexpr int64_t kValues =
      kernels::UnfoldImage::kKernel * kernels::UnfoldImage::kKernel * kernels::UnfoldImage::kChannels;
  if (table_.isa == kernels::Bf16Isa::kDot) conv.depth = (kValues + 3) / 4 * 4;
  return {.table = &table_,
          .kind = "first",
          .op = op_,
          .conv = conv,
          .offsets = {0},
          .pixel = op_.in_channels,
          .prepare = [unfold](const void* image, Bf16* rows, int64_t begin, int64_t end) {
            kernels::unfold_image(unfold, static_cast<const float*>(image), rows, begin, end);
          }};
}

/// From a planar image. The values of one row of the kernel lie next to each other: one tap per row.
TileSource TileSources::padded_image() const {
  constexpr int64_t kPixel = kernels::kPixelChannels;
  const kernels::PadImage pad = padding(op_.in_channels);
  kernels::TileConv conv = tiles(pad.padded_w, kPixel);
  conv.taps = op_.kernel.h;
  conv.depth = op_.kernel.w * kPixel;
  conv.image_stride = pad.padded_h * pad.padded_w * kPixel;
  std::vector<int64_t> offsets;
  for (int64_t y = 0; y < op_.kernel.h; ++y) offsets.push_back(y * pad.padded_w * kPixel);
  return {.table = &table_,
          .kind = "padded_first",
          .op = op_,
          .conv = conv,
          .offsets = std::move(offsets),
          .pixel = kPixel,
          .prepared_rows = problem_.src[0] * pad.padded_h,
          .prepared_values = problem_.src[0] * conv.image_stride,
          .prepare = [pad](const void* image, Bf16* rows, int64_t begin, int64_t end) {
            kernels::pad_image(pad, static_cast<const float*>(image), rows, begin, end);
          }};
}

/// From a map whose rows are `width` positions apart.
TileSource TileSources::map(int64_t width) const {
  const int64_t values = kernels::padded_channels(op_.in_channels);
  kernels::TileConv conv = tiles(width, pixel());
  conv.taps = op_.kernel.h * op_.kernel.w;
  conv.depth = std::min(values, kernels::kTileDepth);
  conv.depth_blocks = values / conv.depth;
  std::vector<int64_t> offsets;
  for (int64_t y = 0; y < op_.kernel.h; ++y) {
    for (int64_t x = 0; x < op_.kernel.w; ++x) {
      offsets.push_back((y * op_.dilation.h * width + x * op_.dilation.w) * pixel());
    }
  }
  return {.table = &table_,
          .kind = conv.taps == 1 ? "pointwise" : "conv",
          .op = op_,
          .conv = conv,
          .offsets = std::move(offsets),
          .pixel = values};
}

bool TileSources::reads_map() const {
  return problem_.pad.begin == graph::Size2d{0, 0} && padded_h() <= problem_.src[2] && padded_w() <= problem_.src[3];
}

TileSource TileSources::padded_map() const {
  const kernels::PadImage pad = padding(pixel());
  TileSource source = map(pad.padded_w);
  source.conv.image_stride = pad.padded_h * pad.padded_w * pad.channels;
  source.prepared_rows = problem_.src[0] * pad.padded_h;
  source.prepared_values = problem_.src[0] * source.conv.image_stride;
  source.prepare = [pad](const void* map, Bf16* rows, int64_t begin, int64_t end) {
    kernels::pad_rows(pad, static_cast<const Bf16*>(map), rows, begin, end);
  };
  return source;
}

TileSource TileSources::whole() const {
  if (reads_image()) return padded_image();
  if (!reads_map()) return padded_map();
  TileSource source = map(problem_.src[3]);
  source.conv.image_stride = problem_.src[2] * problem_.src[3] * pixel();
  return source;
}

int64_t TileSources::row_width() const { return std::max(padded_w(), problem_.pad.begin.w + problem_.src[3]); }

RowStage TileSources::stage(int64_t width, int64_t pixel) const {
  constexpr auto kBytes = static_cast<int64_t>(sizeof(Bf16));
  return {.kernel = (op_.kernel.h - 1) * op_.dilation.h + 1,
          .stride = op_.stride.h,
          .src_h = problem_.src[2],
          .pad_top = problem_.pad.begin.h,
          .row_bytes = static_cast<size_t>(width * pixel * kBytes),
          .left_bytes = static_cast<size_t>(problem_.pad.begin.w * pixel * kBytes),
          .map_bytes = static_cast<size_t>(problem_.src[3] * pixel * kBytes)};
}

TileSource TileSources::first_of_rows() const {
  if (unfolds_image()) return unfolded_image();
  return reads_image() ? padded_image() : padded_map();
}

RowStage TileSources::first_stage() const {
  if (unfolds_image()) {
    const size_t bytes = static_cast<size_t>(problem_.dst[3] * kernels::kTileDepth) * sizeof(Bf16);
    return {.src_h = problem_.dst[2], .row_bytes = bytes, .map_bytes = bytes};
  }
  RowStage first = stage(padded_w(), reads_image() ? kernels::kPixelChannels : pixel());
  // Its rows come with their padding.
  first.left_bytes = 0;
  first.map_bytes = first.row_bytes;
  return first;
}

TileSource TileSources::next_of_rows() const { return map(row_width()); }
RowStage TileSources::next_stage() const { return stage(row_width(), pixel()); }

void join_runs(kernels::TileConv& conv) {
  if (conv.taps > 1 || conv.run_stride != conv.run_length * conv.position_stride) return;
  if (conv.dst_run != conv.run_length) return;
  if (conv.images > 1 && conv.image_stride != conv.runs * conv.run_stride) return;
  conv.run_length *= conv.runs * conv.images;
  conv.dst_run = conv.run_length;
  conv.runs = 1;
  conv.images = 1;
}

RowFunction TileSource::row_function(const std::byte* packed) const {
  return [table = table, conv = bound(packed)](const std::byte* src, std::byte* dst, int64_t begin, int64_t end) {
    kernels::TileConv rows = conv;
    rows.runs = end - begin;
    rows.images = 1;
    join_runs(rows);
    table->conv(rows, reinterpret_cast<const Bf16*>(src), nullptr, reinterpret_cast<Bf16*>(dst), 0,
                table->conv_items(rows));
  };
}

RowFunction fill_function(const TileSource& source) {
  return [prepare = &source.prepare](const std::byte* src, std::byte* rows, int64_t begin, int64_t end) {
    (*prepare)(src, reinterpret_cast<Bf16*>(rows), begin, end);
  };
}

}  // namespace zoo::engine
