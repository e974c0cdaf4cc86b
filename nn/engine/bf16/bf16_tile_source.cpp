#include "nn/engine/bf16/bf16_tile_source.h"

#include <algorithm>
#include <span>
#include <utility>

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

TileSources::TileSources(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op)
    : compiler_(compiler),
      op_(op),
      input_(compiler.node(id).inputs[0]),
      in_(compiler.shape(input_)),
      out_(compiler.shape(id)),
      pad_(graph::resolve_padding(op, {in_[2], in_[3]})),
      activation_(compiler.resolve(op.activation)) {}

bool TileSources::reads_image() const {
  return compiler_.value(compiler_.value_of(input_)).layout == Layout::kPlanar &&
         op_.in_channels <= kernels::kPixelChannels && op_.dilation == graph::Size2d{1, 1} &&
         op_.kernel.w * kernels::kPixelChannels <= kernels::kTileDepth;
}

bool TileSources::unfolds_image() const {
  constexpr int64_t kKernel = kernels::UnfoldImage::kKernel;
  return reads_image() && op_.in_channels == kernels::UnfoldImage::kChannels &&
         op_.kernel == graph::Size2d{kKernel, kKernel};
}

int64_t TileSources::padded_h() const { return (out_[2] - 1) * op_.stride.h + (op_.kernel.h - 1) * op_.dilation.h + 1; }
int64_t TileSources::padded_w() const { return (out_[3] - 1) * op_.stride.w + (op_.kernel.w - 1) * op_.dilation.w + 1; }

kernels::PadImage TileSources::padding(int64_t channels) const {
  return {.channels = channels,
          .h = in_[2],
          .w = in_[3],
          .padded_h = padded_h(),
          .padded_w = padded_w(),
          .pad_top = pad_.begin.h,
          .pad_left = pad_.begin.w};
}

kernels::TileConv TileSources::tiles(int64_t width, int64_t pixel) const {
  return {.out_channels = op_.out_channels,
          .dst_row = kernels::channel_pitch(op_.out_channels),
          .position_stride = op_.stride.w * pixel,
          .run_length = out_[3],
          .runs = out_[2],
          .run_stride = op_.stride.h * width * pixel,
          .dst_run = out_[3],
          .images = in_[0],
          .activation = activation_};
}

std::shared_ptr<PackedBlock> TileSources::pack(const kernels::TileConv& conv, int64_t pixel) {
  const auto count = static_cast<size_t>(kernels::packed_tile_weights(conv.out_channels, conv.taps, conv.depth_blocks));
  return compiler_.add_packed(
      count * sizeof(Bf16), [=, op = op_, source = compiler_.parameter(op_.weight)](std::byte* dst) {
        const int64_t values = op.kernel.h * op.kernel.w * pixel / conv.taps;
        kernels::pack_tile_weights(channels_last(op, source, pixel).data(), conv.out_channels, conv.taps, values,
                                   conv.depth_blocks, reinterpret_cast<Bf16*>(dst));
      });
}

/// From a planar image, of which a row for every position of the result is made.
TileSource TileSources::unfolded_image() {
  const kernels::UnfoldImage unfold = {.h = in_[2],
                                       .w = in_[3],
                                       .dst_h = out_[2],
                                       .dst_w = out_[3],
                                       .stride_h = op_.stride.h,
                                       .stride_w = op_.stride.w,
                                       .pad_top = pad_.begin.h,
                                       .pad_left = pad_.begin.w};
  kernels::TileConv conv = tiles(out_[3], kernels::kTileDepth);
  conv.position_stride = kernels::kTileDepth;
  conv.run_stride = out_[3] * kernels::kTileDepth;
  return {.name = "amx_first",
          .src = compiler_.value_of(input_),
          .conv = conv,
          .offsets = {0},
          .weights = pack(conv, op_.in_channels),
          .bias = compiler_.add_packed_bias(op_.bias, op_.out_channels, kPair),
          .prepare = [unfold](const float* image, Bf16* rows, int64_t begin, int64_t end) {
            kernels::unfold_image(unfold, image, rows, begin, end);
          }};
}

/// From a planar image. The values of one row of the kernel lie next to each other: one tap per row.
TileSource TileSources::padded_image() {
  constexpr int64_t kPixel = kernels::kPixelChannels;
  const kernels::PadImage pad = padding(op_.in_channels);
  kernels::TileConv conv = tiles(pad.padded_w, kPixel);
  conv.taps = op_.kernel.h;
  conv.depth = op_.kernel.w * kPixel;
  conv.image_stride = pad.padded_h * pad.padded_w * kPixel;
  std::vector<int64_t> offsets;
  for (int64_t y = 0; y < op_.kernel.h; ++y) offsets.push_back(y * pad.padded_w * kPixel);
  return {.name = "amx_first",
          .src = compiler_.value_of(input_),
          .conv = conv,
          .offsets = std::move(offsets),
          .weights = pack(conv, kPixel),
          .bias = compiler_.add_packed_bias(op_.bias, op_.out_channels, kPair),
          .prepared_rows = in_[0] * pad.padded_h,
          .prepared_values = in_[0] * conv.image_stride,
          .prepare = [pad](const float* image, Bf16* rows, int64_t begin, int64_t end) {
            kernels::pad_image(pad, image, rows, begin, end);
          }};
}

/// From a map whose rows are `width` positions apart.
TileSource TileSources::map(int64_t width) {
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
  return {.name = conv.taps == 1 ? "amx_pointwise" : "amx_conv",
          .conv = conv,
          .offsets = std::move(offsets),
          .weights = pack(conv, values),
          .bias = compiler_.add_packed_bias(op_.bias, op_.out_channels, kPair)};
}

bool TileSources::reads_map() const {
  return pad_.begin == graph::Size2d{0, 0} && padded_h() <= in_[2] && padded_w() <= in_[3];
}

TileSource TileSources::padded_map() {
  const kernels::PadImage pad = padding(pixel());
  const ValueId src = compiler_.value_in(input_, kChannelsLastBf16);
  TileSource source = map(pad.padded_w);
  source.src = src;
  source.conv.image_stride = pad.padded_h * pad.padded_w * pad.channels;
  source.prepared_rows = in_[0] * pad.padded_h;
  source.prepared_values = in_[0] * source.conv.image_stride;
  source.prepare = [pad](const float* map, Bf16* rows, int64_t begin, int64_t end) {
    kernels::pad_rows(pad, reinterpret_cast<const Bf16*>(map), rows, begin, end);
  };
  return source;
}

TileSource TileSources::whole() {
  if (reads_image()) return padded_image();
  if (!reads_map()) return padded_map();
  const ValueId src = compiler_.value_in(input_, kChannelsLastBf16);
  TileSource source = map(in_[3]);
  source.src = src;
  source.conv.image_stride = in_[2] * in_[3] * pixel();
  return source;
}

int64_t TileSources::row_width() const { return std::max(padded_w(), pad_.begin.w + in_[3]); }

RowStage TileSources::stage(int64_t width, int64_t pixel) const {
  constexpr auto kBytes = static_cast<int64_t>(sizeof(Bf16));
  return {.kernel = (op_.kernel.h - 1) * op_.dilation.h + 1,
          .stride = op_.stride.h,
          .src_h = in_[2],
          .pad_top = pad_.begin.h,
          .row_bytes = static_cast<size_t>(width * pixel * kBytes),
          .left_bytes = static_cast<size_t>(pad_.begin.w * pixel * kBytes),
          .map_bytes = static_cast<size_t>(in_[3] * pixel * kBytes)};
}

TileSource TileSources::first_of_rows() {
  if (unfolds_image()) return unfolded_image();
  return reads_image() ? padded_image() : padded_map();
}

RowStage TileSources::first_stage() const {
  if (unfolds_image()) {
    const size_t bytes = static_cast<size_t>(out_[3] * kernels::kTileDepth) * sizeof(Bf16);
    return {.src_h = out_[2], .row_bytes = bytes, .map_bytes = bytes};
  }
  RowStage first = stage(padded_w(), reads_image() ? kernels::kPixelChannels : pixel());
  // Its rows come with their padding.
  first.left_bytes = 0;
  first.map_bytes = first.row_bytes;
  return first;
}

TileSource TileSources::next_of_rows() { return map(row_width()); }
RowStage TileSources::next_stage() const { return stage(row_width(), pixel()); }

}  // namespace zoo::engine
