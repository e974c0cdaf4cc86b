// Convolutions of bf16 networks: dense ones on AMX tiles, depthwise ones on vectors.
#include <algorithm>
#include <utility>
#include <vector>

#include "nn/engine/bf16_steps.h"
#include "nn/engine/kernels/bf16.h"
#include "nn/engine/own_step.h"
#include "nn/engine/parallel.h"

namespace zoo::engine {
namespace {

using kernels::Bf16;

constexpr int64_t kPair = 2 * kernels::kChannelStep;

class Bf16Convolution {
 public:
  Bf16Convolution(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op)
      : compiler_(compiler),
        id_(id),
        op_(op),
        input_(compiler.node(id).inputs[0]),
        residual_(compiler.node(id).inputs.size() > 1 ? compiler.node(id).inputs[1] : graph::kNone),
        in_(compiler.shape(input_)),
        out_(compiler.shape(id)),
        pad_(graph::resolve_padding(op, {in_[2], in_[3]})),
        activation_(compiler.resolve(op.activation)) {}

  bool compile() {
    if (op_.groups == 1) {
      if (is_layer()) {
        compile_bf16_layer(compiler_, id_, {op_.weight, op_.bias, op_.in_channels, op_.out_channels, op_.activation});
        return true;
      }
      if (reads_image()) {
        compile_first();
      } else {
        compile_dense();
      }
      return true;
    }
    if (!is_plain_depthwise()) return false;
    compile_depthwise();
    return true;
  }

 private:
  /// A 1x1 convolution of vectors.
  bool is_layer() const {
    return StepCompiler::area(in_) == 1 && StepCompiler::area(out_) == 1 && op_.kernel == graph::Size2d{1, 1} &&
           residual_ == graph::kNone;
  }

  bool reads_image() const {
    return compiler_.value(compiler_.value_of(input_)).layout == Layout::kPlanar &&
           op_.in_channels <= kernels::kPixelChannels && op_.dilation == graph::Size2d{1, 1} &&
           op_.kernel.w * kernels::kPixelChannels <= kernels::kTileDepth;
  }

  bool is_plain_depthwise() const {
    const int64_t kernel = op_.kernel.h;
    const int64_t stride = op_.stride.h;
    return op_.groups == op_.in_channels && op_.groups == op_.out_channels && op_.kernel.w == kernel &&
           op_.stride.w == stride && (kernel == 3 || kernel == 5 || kernel == 7) && (stride == 1 || stride == 2) &&
           op_.dilation == graph::Size2d{1, 1};
  }

  /// Rows and columns of the padded source that the result needs.
  int64_t padded_h() const { return (out_[2] - 1) * op_.stride.h + (op_.kernel.h - 1) * op_.dilation.h + 1; }
  int64_t padded_w() const { return (out_[3] - 1) * op_.stride.w + (op_.kernel.w - 1) * op_.dilation.w + 1; }

  kernels::PadImage padding(int64_t channels) const {
    return {.channels = channels,
            .h = in_[2],
            .w = in_[3],
            .padded_h = padded_h(),
            .padded_w = padded_w(),
            .pad_top = pad_.begin.h,
            .pad_left = pad_.begin.w};
  }

  kernels::TileConv tiles(int64_t width, int64_t pixel) const {
    return {.out_channels = op_.out_channels,
            .dst_row = kernels::padded_channels(op_.out_channels),
            .position_stride = op_.stride.w * pixel,
            .run_length = out_[3],
            .runs = out_[2],
            .run_stride = op_.stride.h * width * pixel,
            .images = in_[0],
            .activation = activation_};
  }

  /// `weights` [out, taps, values].
  std::shared_ptr<PackedBlock> pack(std::vector<float> weights, int64_t taps, int64_t values, int64_t blocks) {
    const auto count = static_cast<size_t>(kernels::packed_tile_weights(op_.out_channels, taps, blocks));
    return compiler_.add_packed(
        count * sizeof(Bf16), [=, out = op_.out_channels, source = std::move(weights)](std::byte* dst) {
          kernels::pack_tile_weights(source.data(), out, taps, values, blocks, reinterpret_cast<Bf16*>(dst));
        });
  }

  /// [out, in, kh, kw] -> [out, kh, kw, in] with `pixel` values per tap of which the first are the channels.
  std::vector<float> channels_last_weights(int64_t pixel) const {
    const std::span<const float> source = compiler_.parameter(op_.weight);
    const int64_t taps = op_.kernel.h * op_.kernel.w;
    std::vector<float> weights(static_cast<size_t>(op_.out_channels * taps * pixel));
    for (int64_t o = 0; o < op_.out_channels; ++o) {
      for (int64_t c = 0; c < op_.in_channels; ++c) {
        for (int64_t t = 0; t < taps; ++t) {
          weights[static_cast<size_t>((o * taps + t) * pixel + c)] =
              source[static_cast<size_t>((o * op_.in_channels + c) * taps + t)];
        }
      }
    }
    return weights;
  }

  /// From a planar image. The values of one row of the kernel lie next to each other: one tap per row.
  void compile_first() {
    constexpr int64_t kPixel = kernels::kPixelChannels;
    const kernels::PadImage pad = padding(op_.in_channels);
    kernels::TileConv conv = tiles(pad.padded_w, kPixel);
    conv.taps = op_.kernel.h;
    conv.depth = op_.kernel.w * kPixel;
    conv.image_stride = pad.padded_h * pad.padded_w * kPixel;
    std::vector<int64_t> offsets;
    for (int64_t y = 0; y < op_.kernel.h; ++y) offsets.push_back(y * pad.padded_w * kPixel);
    const auto weights = pack(channels_last_weights(kPixel), op_.kernel.h, conv.depth, 1);
    const ValueId src = compiler_.value_of(input_);
    const auto prepare = [=](const float* image, Bf16* rows, int64_t begin, int64_t end) {
      kernels::pad_image(pad, image, rows, begin, end);
    };
    emit("amx_first", src, conv, std::move(offsets), weights, in_[0] * pad.padded_h, conv.image_stride, prepare);
  }

  void compile_dense() {
    const int64_t pixel = kernels::padded_channels(op_.in_channels);
    const kernels::PadImage pad = padding(pixel);
    const bool padded = pad_.begin != graph::Size2d{0, 0} || padded_h() > in_[2] || padded_w() > in_[3];
    const int64_t width = padded ? pad.padded_w : in_[3];
    kernels::TileConv conv = tiles(width, pixel);
    conv.taps = op_.kernel.h * op_.kernel.w;
    conv.depth = std::min(pixel, kernels::kTileDepth);
    conv.depth_blocks = pixel / conv.depth;
    conv.image_stride = (padded ? pad.padded_h : in_[2]) * width * pixel;
    if (conv.taps == 1 && op_.stride == graph::Size2d{1, 1} && !padded) {
      // All positions of all images are one run.
      conv.run_length = in_[0] * in_[2] * in_[3];
      conv.runs = 1;
      conv.images = 1;
    }
    std::vector<int64_t> offsets;
    for (int64_t y = 0; y < op_.kernel.h; ++y) {
      for (int64_t x = 0; x < op_.kernel.w; ++x) {
        offsets.push_back((y * op_.dilation.h * width + x * op_.dilation.w) * pixel);
      }
    }
    const auto weights = pack(channels_last_weights(pixel), conv.taps, pixel, conv.depth_blocks);
    const ValueId src = compiler_.value_in(input_, kChannelsLastBf16);
    const auto prepare = [=](const float* map, Bf16* rows, int64_t begin, int64_t end) {
      kernels::pad_rows(pad, reinterpret_cast<const Bf16*>(map), rows, begin, end);
    };
    emit(conv.taps == 1 ? "amx_pointwise" : "amx_conv", src, conv, std::move(offsets), weights,
         padded ? in_[0] * pad.padded_h : 0, conv.image_stride, prepare);
  }

  /// `prepared_rows` rows of the source are put into scratch first; 0: the source is read as it is.
  template <typename Prepare>
  void emit(std::string_view name, ValueId src, const kernels::TileConv& conv, std::vector<int64_t> offsets,
            const std::shared_ptr<PackedBlock>& weights, int64_t prepared_rows, int64_t image_values, Prepare prepare) {
    const ValueId residual = residual_ == graph::kNone ? -1 : compiler_.value_in(residual_, kChannelsLastBf16);
    const ValueId dst = compiler_.add_value(out_, kChannelsLastBf16);
    const auto bias = pack_padded_bias(compiler_, op_.bias, op_.out_channels, kPair);
    // The step owns the offsets and outlives what it binds.
    auto bind = [=, threads = compiler_.threads(), taps = std::move(offsets)](const RunnerMemory& memory) {
      kernels::TileConv bound = conv;
      bound.weights = reinterpret_cast<const Bf16*>(weights->data);
      bound.bias = reinterpret_cast<const float*>(bias->data);
      bound.tap_offsets = taps.data();
      const Bf16* from = prepared_rows > 0 ? reinterpret_cast<const Bf16*>(memory.scratch) : memory.as<const Bf16>(src);
      const Bf16* addend = residual < 0 ? nullptr : memory.as<const Bf16>(residual);
      return [=, image = memory[src], rows = reinterpret_cast<Bf16*>(memory.scratch), y = memory.as<Bf16>(dst)] {
        if (prepared_rows > 0) {
          parallel_for(threads, prepared_rows, [&](int64_t begin, int64_t end) { prepare(image, rows, begin, end); });
        }
        parallel_for(threads, kernels::tile_conv_items(bound),
                     [&](int64_t begin, int64_t end) { kernels::tile_conv(bound, from, addend, y, begin, end); });
      };
    };
    std::vector<ValueId> reads = {src};
    if (residual >= 0) reads.push_back(residual);
    auto step = make_step(name, reads, dst, std::move(bind));
    if (prepared_rows > 0) step->scratch_bytes = static_cast<size_t>(in_[0] * image_values) * sizeof(Bf16);
    compiler_.add_step(std::move(step));
    compiler_.set_value(id_, dst);
  }

  void compile_depthwise() {
    const bool fused = residual_ == graph::kNone && kernels::depthwise_computes(activation_.kind);
    const kernels::DepthwiseConv conv = {.channels = op_.in_channels,
                                         .kernel = op_.kernel.h,
                                         .stride = op_.stride.h,
                                         .src_h = in_[2],
                                         .src_w = in_[3],
                                         .dst_h = out_[2],
                                         .dst_w = out_[3],
                                         .pad_top = pad_.begin.h,
                                         .pad_left = pad_.begin.w,
                                         .activation = fused ? activation_.kind : ActivationKind::kIdentity};
    const ValueId src = compiler_.value_in(input_, kChannelsLastBf16);
    const ValueId dst = compiler_.add_value(out_, kChannelsLastBf16);
    const auto weights = pack_depthwise();
    const auto bias = pack_padded_bias(compiler_, op_.bias, op_.out_channels, kPair);
    const int64_t items = in_[0] * kernels::channel_pairs(op_.in_channels);
    const int64_t scratch = kernels::depthwise_scratch(conv);
    const auto bind = [=, threads = int64_t{compiler_.threads()}](const RunnerMemory& memory) {
      kernels::DepthwiseConv bound = conv;
      bound.weights = reinterpret_cast<const float*>(weights->data);
      bound.bias = reinterpret_cast<const float*>(bias->data);
      auto* parts = reinterpret_cast<float*>(memory.scratch);
      return [=, x = memory.as<const Bf16>(src), y = memory.as<Bf16>(dst)] {
        parallel_for(static_cast<int>(threads), threads, [&](int64_t first, int64_t last) {
          for (int64_t part = first; part < last; ++part) {
            kernels::depthwise_conv(bound, x, y, parts + part * scratch, items * part / threads,
                                    items * (part + 1) / threads);
          }
        });
      };
    };
    auto step = make_step("depthwise_bf16", {src}, dst, bind);
    step->scratch_bytes = static_cast<size_t>(compiler_.threads() * scratch) * sizeof(float);
    compiler_.add_step(std::move(step));
    compiler_.set_value(id_, dst);
    if (fused) return;
    const ValueId residual = residual_ == graph::kNone ? -1 : compiler_.value_in(residual_, kChannelsLastBf16);
    compile_bf16_map(compiler_, id_, dst, residual, activation_);
  }

  /// [C, 1, k, k] -> [C / kChannelStep, k * k, kChannelStep], whole pairs of blocks.
  std::shared_ptr<PackedBlock> pack_depthwise() {
    const int64_t taps = op_.kernel.h * op_.kernel.w;
    const std::span<const float> source = compiler_.parameter(op_.weight);
    std::vector<float> packed(static_cast<size_t>(kernels::channel_pairs(op_.in_channels) * kPair * taps));
    for (int64_t c = 0; c < op_.in_channels; ++c) {
      for (int64_t t = 0; t < taps; ++t) {
        constexpr int64_t kStep = kernels::kChannelStep;
        packed[static_cast<size_t>((c / kStep * taps + t) * kStep + c % kStep)] =
            source[static_cast<size_t>(c * taps + t)];
      }
    }
    return compiler_.add_packed(std::move(packed));
  }

  StepCompiler& compiler_;
  graph::NodeId id_;
  const graph::Conv2d& op_;
  graph::NodeId input_;
  graph::NodeId residual_;
  const Shape& in_;
  const Shape& out_;
  graph::ResolvedPadding pad_;
  kernels::ResolvedActivation activation_;
};

}  // namespace

bool compile_bf16_convolution(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op) {
  return Bf16Convolution(compiler, id, op).compile();
}

}  // namespace zoo::engine
