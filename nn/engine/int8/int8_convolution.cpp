// Convolutions of int8 networks but for the depthwise ones.
#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "nn/engine/int8/int8_layer.h"
#include "nn/engine/int8/int8_steps.h"
#include "nn/engine/lower/own_step.h"
#include "nn/engine/lower/row_stages.h"
#include "nn/engine/machine/parallel.h"
#include "nn/engine/plan/row_chain.h"

namespace zoo::engine {
namespace {

constexpr int64_t kLanes = kernels::kInt8Lanes;
constexpr int64_t kMaxRows = 16;
/// Bytes of one pixel of the quantised image.
constexpr int64_t kImagePixel = 4;

/// Rough figures of one core, to share out the fetching of weights: multiply-accumulates per cycle, and cycles for 16
/// results.
constexpr double macs_per_cycle(kernels::Int8Isa isa) {
  constexpr double kTiles = 700.0;
  constexpr double kVectors = 64.0;  // one dot product of 64 bytes per cycle
  return isa == kernels::Int8Isa::kAmx ? kTiles : kVectors;
}
constexpr double kCycles = 5.0;

/// Whether a node reads its input as u8.
bool reads_int8(const StepCompiler& compiler, graph::NodeId reader) {
  const graph::Op& op = compiler.node(reader).op;
  if (const auto* conv = std::get_if<graph::Conv2d>(&op)) {
    return int8_sums_fit(*conv) && !is_int8_layer(compiler, reader, *conv);
  }
  const bool is_map_op = std::visit([]<typename Typed>(const Typed&) { return kReadsInt8Maps<Typed>; }, op);
  return is_map_op && StepCompiler::area(compiler.shape(compiler.node(reader).inputs[0])) > 1;
}

/// Where work is cut between threads instead of before tile `at`, which may share positions with the one before: no two
/// threads write the same bytes.
int64_t cut_near(const kernels::Int8Conv& conv, int64_t tiles, int64_t at) {
  if (at == 0 || at == tiles) return at;
  return conv.tiles[at].dst - conv.tiles[at - 1].dst < conv.rows * conv.dst_pitch ? at + 1 : at;
}

/// A source with its padding around it: [N, H', W', pixel].
struct PaddedSource {
  int64_t images = 1;
  int64_t src_h = 0, src_w = 0;
  graph::ResolvedPadding pad;
  int64_t pixel = 0;  ///< bytes

  int64_t height() const { return pad.begin.h + src_h + pad.end.h; }
  int64_t width() const { return pad.begin.w + src_w + pad.end.w; }
  int64_t bytes() const { return whole_lines(images * height() * width() * pixel + kernels::kInt8Slack); }
  bool has_padding() const { return height() != src_h || width() != src_w; }

  /// Rows [begin, end) of all images' rows of the padded source, the first of which goes to `dst`.
  void fill(const uint8_t* src, uint8_t zero, uint8_t* dst, int64_t begin, int64_t end) const {
    const int64_t row_bytes = width() * pixel;
    for (int64_t row = begin; row < end; ++row) {
      uint8_t* out = dst + (row - begin) * row_bytes;
      const int64_t y = row % height() - pad.begin.h;
      if (y < 0 || y >= src_h) {
        std::memset(out, zero, static_cast<size_t>(row_bytes));
        continue;
      }
      const int64_t left = pad.begin.w * pixel;
      const int64_t inner = src_w * pixel;
      std::memset(out, zero, static_cast<size_t>(left));
      std::memcpy(out + left, src + (row / height() * src_h + y) * inner, static_cast<size_t>(inner));
      std::memset(out + left + inner, zero, static_cast<size_t>(row_bytes - left - inner));
    }
  }
};

/// How positions of the result are cut into tiles.
class Tiling {
 public:
  /// `run`: positions that follow each other evenly in source and result.
  explicit Tiling(int64_t run) : run_(run) {
    const int64_t count = (run + kMaxRows - 1) / kMaxRows;
    rows_ = (run + count - 1) / count;
  }

  int64_t rows() const { return rows_; }

  /// Adds the tiles of one run; the last one overlaps the one before if it has to.
  void add(const kernels::Int8Tile& first, int64_t src_pitch, int64_t dst_pitch, int64_t residual_pitch,
           std::vector<kernels::Int8Tile>& tiles) const {
    for (int64_t at = 0; at < run_; at += rows_) {
      const int64_t position = std::min(at, run_ - rows_);
      tiles.push_back({first.src + position * src_pitch, first.dst + position * dst_pitch,
                       first.residual + position * residual_pitch});
    }
  }

 private:
  int64_t run_;
  int64_t rows_;
};

class DenseConvolution {
 public:
  DenseConvolution(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op)
      : compiler_(compiler),
        id_(id),
        op_(op),
        src_node_(compiler.node(id).inputs[0]),
        image_(reads_image(compiler, id)) {
    const Shape& in = compiler.shape(src_node_);
    padded_ = {.images = in[0],
               .src_h = in[2],
               .src_w = in[3],
               .pad = graph::resolve_padding(op, {in[2], in[3]}),
               .pixel = image_ ? kImagePixel : kernels::int8_padded(in[1])};
  }

  void compile() {
    if (feeds_rows()) {
      compiler_.leave_to_reader(id_);
    } else if (ends_rows()) {
      compile_rows();
    } else {
      compile_alone();
    }
  }

 private:
  /// Whether this convolution may be one of those that are computed some rows at a time, each time with all its
  /// weights.
  bool is_row_stage() const {
    constexpr int64_t kMostWeights = 128 * 1024;
    return int8_sums_fit(op_) && op_.groups == 1 && op_.dilation == graph::Size2d{1, 1} && !has_residual() &&
           wants_int8(compiler_, id_) && !is_int8_layer(compiler_, id_, op_) &&
           op_.out_channels * op_.in_channels * op_.kernel.h * op_.kernel.w <= kMostWeights;
  }

  /// Whether the convolutions before this one are left to it.
  bool ends_rows() const { return compiler_.is_left_to_reader(src_node_); }

  /// Whether the dense convolution behind this one can take it over, some rows at a time.
  bool feeds_rows() const {
    constexpr size_t kLeastBytes = 64 * 1024;
    const Shape& out = compiler_.shape(id_);
    const int64_t bytes = StepCompiler::area(out) * kernels::int8_padded(out[1]);
    return is_row_stage() && feeds_row_stage(compiler_, id_, static_cast<size_t>(bytes), kLeastBytes,
                                             [&](graph::NodeId reader, const graph::Conv2d& op) {
                                               return DenseConvolution(compiler_, reader, op).is_row_stage();
                                             });
  }

  /// The rows of the source with their padding, of all images.
  auto source_rows() const {
    const std::shared_ptr<const ImageKernel> quantise = image_kernel();
    return [=, &table = compiler_.int8_table(), padded = padded_, zero = padding_value()](
               const std::byte* src, std::byte* rows, int64_t begin, int64_t end) {
      auto* to = reinterpret_cast<uint8_t*>(rows);
      if (quantise) {
        table.quantize_image(quantise->op(), reinterpret_cast<const float*>(src), to, begin, end);
      } else {
        padded.fill(reinterpret_cast<const uint8_t*>(src), zero, to, begin, end);
      }
    };
  }

  void compile_alone() {
    const bool to_int8 = wants_int8(compiler_, id_);
    const ValueId src = source_value();
    const ValueId residual = has_residual() ? compiler_.int8_value_of(compiler_.node(id_).inputs[1]) : -1;
    const ValueId dst =
        to_int8 ? compiler_.add_int8_value(id_) : compiler_.add_value(compiler_.shape(id_), kBlockedF32);
    const Int8Layer layer = pack(to_int8);

    kernels::Int8Conv conv = geometry(to_int8);
    const auto tiles = std::make_shared<const std::vector<kernels::Int8Tile>>(make_tiles(conv));
    const bool copies = image_ || padded_.has_padding();
    const auto ahead = compiler_.add_weights_ahead(cycles());
    const auto bind = [=, &table = compiler_.int8_table(), padded = padded_,
                       fill = source_rows()](const RunnerMemory& memory) {
      kernels::Int8Conv bound = conv;
      bound.weights = layer.weights();
      bound.tiles = tiles->data();
      bound.epilogue = layer.epilogue();
      if (memory.threads == 1) bound.ahead = ahead->range();
      return [=, &table, threads = memory.threads, copy = memory.scratch, count = static_cast<int64_t>(tiles->size()),
              x = memory.as<const std::byte>(src), r = residual < 0 ? nullptr : memory.as<const uint8_t>(residual),
              y = memory.as<std::byte>(dst)] {
        if (copies) {
          parallel_for(threads, padded.images * padded.height(), [&](int64_t begin, int64_t end) {
            fill(x, copy + begin * padded.width() * padded.pixel, begin, end);
          });
        }
        parallel_for(threads, count, [&](int64_t begin, int64_t end) {
          begin = cut_near(bound, count, begin);
          end = cut_near(bound, count, end);
          if (begin < end) table.conv(bound, reinterpret_cast<const uint8_t*>(copies ? copy : x), r, y, begin, end);
        });
      };
    };
    std::vector<ValueId> reads = {src};
    if (residual >= 0) reads.push_back(residual);
    auto step = make_int8_step(compiler_, "conv_int8", reads, dst, bind);
    if (copies) step->scratch_bytes = static_cast<size_t>(padded_.bytes());
    compiler_.add_step(std::move(step));
    compiler_.set_value(id_, dst);
  }

  /// One of several convolutions that are computed some rows at a time.
  struct RowConv {
    kernels::Int8Conv conv;  ///< but for the pointers
    Int8Layer layer;
    std::vector<kernels::Int8Tile> tiles = {};  ///< of all rows of the result
    int64_t tiles_per_row = 1;
    RowStage stage = {};
    double cycles = 0.0;
  };

  /// `dst_row_bytes`: from one row of the result to the next.
  RowConv row_conv(int64_t dst_row_bytes) {
    const Shape& out = compiler_.shape(id_);
    RowConv row = {.conv = geometry(true), .layer = pack(true), .cycles = cycles()};
    const Tiling tiling(out[3]);
    row.conv.rows = tiling.rows();
    for (int64_t y = 0; y < out[2]; ++y) {
      tiling.add({y * op_.stride.h * row.conv.row_pitch, y * dst_row_bytes, 0}, row.conv.position_pitch,
                 row.conv.dst_pitch, row.conv.residual_pitch, row.tiles);
    }
    row.tiles_per_row = static_cast<int64_t>(row.tiles.size()) / out[2];
    row.stage = {.kernel = op_.kernel.h,
                 .stride = op_.stride.h,
                 .src_h = padded_.src_h,
                 .pad_top = padded_.pad.begin.h,
                 .row_bytes = static_cast<size_t>(padded_.width() * padded_.pixel),
                 .left_bytes = static_cast<size_t>(padded_.pad.begin.w * padded_.pixel),
                 .map_bytes = static_cast<size_t>(padded_.src_w * padded_.pixel),
                 .padding = std::byte{padding_value()}};
    return row;
  }

  /// This convolution and those that were left to it.
  void compile_rows() {
    const std::vector<graph::NodeId> ids = compiler_.with_left(id_);
    std::vector<DenseConvolution> convolutions;
    convolutions.reserve(ids.size());
    for (const graph::NodeId id : ids) {
      convolutions.emplace_back(compiler_, id, std::get<graph::Conv2d>(compiler_.node(id).op));
    }
    const Shape& out = compiler_.shape(id_);
    std::vector<RowConv> rows;
    for (size_t i = 0; i < ids.size(); ++i) {
      const bool is_last = i + 1 == ids.size();
      rows.push_back(
          convolutions[i].row_conv(is_last ? out[3] * kernels::int8_padded(out[1]) : convolutions[i + 1].row_bytes()));
    }
    // The rows of the first one come with their padding.
    rows.front().stage.left_bytes = 0;
    rows.front().stage.map_bytes = rows.front().stage.row_bytes;

    double cycles = 0.0;
    for (const RowConv& row : rows) cycles += row.cycles;
    const auto longest = static_cast<size_t>(std::ranges::max_element(rows, {}, &RowConv::cycles) - rows.begin());
    const auto ahead = compiler_.add_weights_ahead(cycles);
    const ValueId src = convolutions.front().source_value();
    const ValueId dst = compiler_.add_int8_value(id_);
    const int64_t images = out[0];
    const RowChain::Maps maps = {
        .images = images,
        .dst_h = out[2],
        .dst_row_bytes = static_cast<size_t>(out[3] * kernels::int8_padded(out[1])),
        .src_image_bytes = convolutions.front().source_image_bytes(),
        .dst_image_bytes = static_cast<size_t>(StepCompiler::area(out) * kernels::int8_padded(out[1]))};
    std::vector<RowStage> stages(rows.size());
    std::ranges::transform(rows, stages.begin(), &RowConv::stage);
    // The step owns the rows and outlives what it binds.
    auto bind = [=, &table = compiler_.int8_table(), fill = convolutions.front().source_rows(),
                 rows = std::move(rows)](const RunnerMemory& memory) {
      std::vector<RowStage> bound = stages;
      for (size_t i = 0; i < bound.size(); ++i) {
        const bool fetches = memory.threads == 1 && i == longest;
        bound[i].compute = row_function(table, rows[i], fetches ? ahead->range() : kernels::Int8Ahead{});
      }
      return [chain = RowChain(std::move(bound), fill, maps, memory.threads), x = memory.as<const std::byte>(src),
              y = memory.as<std::byte>(dst), scratch = memory.scratch] { chain.run(x, y, scratch); };
    };
    auto step = make_int8_step(compiler_, "rows_int8", {src}, dst, std::move(bind));
    step->thread_scratch_bytes = [stages, maps](int threads) {
      return RowChain(stages, {}, maps, threads).scratch_bytes();
    };
    compiler_.add_step(std::move(step));
    compiler_.set_value(id_, dst);
  }

  /// Fetches its share of `ahead` with every row.
  static RowFunction row_function(const kernels::Int8Table& table, const RowConv& row,
                                  const kernels::Int8Ahead& ahead) {
    kernels::Int8Conv conv = row.conv;
    conv.weights = row.layer.weights();
    conv.tiles = row.tiles.data();
    conv.epilogue = row.layer.epilogue();
    const int64_t per_row = row.tiles_per_row;
    const int64_t count = static_cast<int64_t>(row.tiles.size()) / per_row;
    return [=, &table](const std::byte* src, std::byte* dst, int64_t begin, int64_t end) {
      kernels::Int8Conv bound = conv;
      const int64_t fetched = ahead.bytes * begin / count;
      bound.ahead = {ahead.begin + fetched, ahead.bytes * end / count - fetched};
      // Tiles of all rows lie alike in their row.
      table.conv(bound, reinterpret_cast<const uint8_t*>(src), nullptr, dst, 0, (end - begin) * per_row);
    };
  }

  bool has_residual() const { return compiler_.node(id_).inputs.size() > 1; }
  ValueId source_value() { return image_ ? compiler_.value_of(0) : compiler_.int8_value_of(src_node_); }
  size_t source_image_bytes() const {
    if (image_) return static_cast<size_t>(op_.in_channels * padded_.src_h * padded_.src_w) * sizeof(float);
    return static_cast<size_t>(padded_.src_h * padded_.src_w * padded_.pixel);
  }
  /// Of the source with its padding.
  int64_t row_bytes() const { return padded_.width() * padded_.pixel; }

  /// What it takes, roughly.
  double cycles() const {
    const auto results = static_cast<double>(compiler_.shape(id_).elements());
    const auto macs = results * static_cast<double>(op_.kernel.h * op_.kernel.w * op_.in_channels);
    return macs / macs_per_cycle(compiler_.int8_table().isa) + results / kLanes * kCycles;
  }

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

  std::shared_ptr<const ImageKernel> image_kernel() const {
    if (!image_) return nullptr;
    const Quantization& quantization = *compiler_.quantization(0);
    auto kernel = std::make_shared<ImageKernel>();
    kernel->inverse_step = quantization.inverse_step;
    kernel->zero = quantization.zero;
    kernel->image = {.channels = op_.in_channels,
                     .src_h = padded_.src_h,
                     .src_w = padded_.src_w,
                     .dst_h = padded_.height(),
                     .dst_w = padded_.width(),
                     .pad_top = padded_.pad.begin.h,
                     .pad_left = padded_.pad.begin.w};
    return kernel;
  }

  uint8_t padding_value() const {
    return image_ ? uint8_t{0} : static_cast<uint8_t>(compiler_.quantization(src_node_)->zero[0]);
  }

  int64_t kernel_row_bytes() const { return op_.kernel.w * padded_.pixel; }

  Int8Layer pack(bool to_int8) const {
    const Int8LayerSpec spec = {
        .weights = compiler_.parameter(op_.weight),
        .bias = compiler_.parameter(op_.bias),
        .outputs = op_.out_channels,
        .inputs = op_.in_channels,
        .taps = op_.kernel.h * op_.kernel.w,
        .src = compiler_.quantization(src_node_),
        .dst = to_int8 ? compiler_.quantization(id_) : nullptr,
        .residual = has_residual() ? compiler_.quantization(compiler_.node(id_).inputs[1]) : nullptr,
        .activation = compiler_.resolve(op_.activation)};
    const auto arrange = [op = op_, pixel = padded_.pixel](const int8_t* rounded, int8_t* packed) {
      // [out, in, kh, kw] -> [out, kh, kw, pixel].
      std::vector<int8_t> rows(static_cast<size_t>(op.out_channels * op.kernel.h * op.kernel.w * pixel));
      const int64_t taps_per_channel = op.kernel.h * op.kernel.w;
      for (int64_t o = 0; o < op.out_channels; ++o) {
        if (taps_per_channel == 1) {
          std::copy_n(rounded + o * op.in_channels, op.in_channels, rows.data() + o * pixel);
          continue;
        }
        for (int64_t c = 0; c < op.in_channels; ++c) {
          const int8_t* taps = rounded + (o * op.in_channels + c) * op.kernel.h * op.kernel.w;
          for (int64_t t = 0; t < op.kernel.h * op.kernel.w; ++t) {
            rows[static_cast<size_t>((o * op.kernel.h * op.kernel.w + t) * pixel + c)] = taps[t];
          }
        }
      }
      kernels::pack_int8_conv(rows.data(), op.out_channels, op.kernel.h, op.kernel.w * pixel, packed);
    };
    return {compiler_, spec, kernels::packed_int8_conv_size(op_.out_channels, op_.kernel.h, kernel_row_bytes()),
            arrange};
  }

  /// Everything but pointers.
  kernels::Int8Conv geometry(bool to_int8) const {
    const Shape& out = compiler_.shape(id_);
    const int64_t channels = kernels::int8_padded(out[1]);
    constexpr auto kFloat = static_cast<int64_t>(sizeof(float));
    return {.rows = tiling(to_int8).rows(),
            .kernel_rows = op_.kernel.h,
            .row_bytes = kernel_row_bytes(),
            .row_pitch = padded_.width() * padded_.pixel,
            .position_pitch = op_.stride.w * padded_.pixel,
            .out_blocks = channels / kLanes,
            .dst_pitch = to_int8 ? channels : kLanes * kFloat,
            .dst_block_pitch = to_int8 ? kLanes : StepCompiler::area(out) * kLanes * kFloat,
            .residual_pitch = channels,
            .epilogue = {}};
  }

  bool is_pointwise() const {
    return op_.kernel == graph::Size2d{1, 1} && op_.stride == graph::Size2d{1, 1} && !padded_.has_padding();
  }

  /// Positions follow each other evenly along a row of the result; without kernel and stride along the whole map, and
  /// where the result is channels-last, too, along all images.
  Tiling tiling(bool to_int8) const {
    const Shape& out = compiler_.shape(id_);
    if (!is_pointwise()) return Tiling(out[3]);
    return Tiling(StepCompiler::area(out) * (to_int8 ? out[0] : 1));
  }

  std::vector<kernels::Int8Tile> make_tiles(const kernels::Int8Conv& conv) const {
    const Shape& out = compiler_.shape(id_);
    const bool to_int8 = conv.dst_block_pitch == kLanes;
    const int64_t area = StepCompiler::area(out);
    const int64_t channels = conv.residual_pitch;
    const int64_t image_bytes = to_int8 ? area * conv.dst_pitch : conv.out_blocks * conv.dst_block_pitch;
    const Tiling tiles_of_run = tiling(to_int8);
    std::vector<kernels::Int8Tile> tiles;
    const auto add = [&](int64_t src, int64_t dst, int64_t position) {
      tiles_of_run.add({src, dst, position * channels}, conv.position_pitch, conv.dst_pitch, channels, tiles);
    };
    const int64_t src_image = padded_.height() * padded_.width() * padded_.pixel;
    if (is_pointwise()) {
      for (int64_t n = 0; n < (to_int8 ? 1 : out[0]); ++n) add(n * src_image, n * image_bytes, n * area);
      return tiles;
    }
    for (int64_t n = 0; n < out[0]; ++n) {
      for (int64_t y = 0; y < out[2]; ++y) {
        add(n * src_image + y * op_.stride.h * conv.row_pitch, n * image_bytes + y * out[3] * conv.dst_pitch,
            n * area + y * out[3]);
      }
    }
    return tiles;
  }

  StepCompiler& compiler_;
  graph::NodeId id_;
  const graph::Conv2d& op_;
  graph::NodeId src_node_;
  bool image_;
  PaddedSource padded_;
};

/// As many groups as channels.
bool is_depthwise(const graph::Conv2d& op) {
  return op.groups > 1 && op.groups == op.in_channels && op.groups == op.out_channels;
}

}  // namespace

bool reads_image(const StepCompiler& compiler, graph::NodeId id) { return compiler.node(id).inputs[0] == 0; }

bool wants_int8(const StepCompiler& compiler, graph::NodeId id) {
  const auto& readers = compiler.readers(id);
  return std::ranges::any_of(readers, [&](graph::NodeId reader) { return reads_int8(compiler, reader); });
}

bool is_int8_layer(const StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op) {
  const bool explicit_padding = op.padding == graph::PaddingMode::kExplicit && op.pad != graph::Size2d{0, 0};
  return op.kernel == graph::Size2d{1, 1} && op.groups == 1 && !explicit_padding &&
         compiler.node(id).inputs.size() == 1 && StepCompiler::area(compiler.shape(compiler.node(id).inputs[0])) == 1;
}

bool compile_int8_convolution(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op) {
  if (is_int8_layer(compiler, id, op)) {
    return compile_int8_layer(compiler, id, {op.weight, op.bias, op.in_channels, op.out_channels, op.activation});
  }
  if (!int8_sums_fit(op)) return false;
  if (is_depthwise(op)) return compile_int8_depthwise(compiler, id, op);
  if (op.groups != 1 || op.dilation != graph::Size2d{1, 1}) return false;
  if (reads_image(compiler, id) && op.in_channels > kImagePixel) return false;
  DenseConvolution(compiler, id, op).compile();
  return true;
}

}  // namespace zoo::engine
