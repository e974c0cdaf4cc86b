// Convolutions of bf16 networks: dense ones on AMX tiles, depthwise ones on vectors.
#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "nn/engine/bf16/bf16_steps.h"
#include "nn/engine/bf16/bf16_tile_source.h"
#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/lower/own_step.h"
#include "nn/engine/lower/row_stages.h"
#include "nn/engine/machine/parallel.h"
#include "nn/engine/plan/row_chain.h"

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
      } else if (feeds_rows() || (!ends_rows() && feeds_depthwise())) {
        compiler_.leave_to_reader(id_);
      } else if (ends_rows() || (residual_ == graph::kNone && sources().unfolds_image())) {
        compile_rows();
      } else {
        compile_tiles();
      }
      return true;
    }
    if (!is_plain_depthwise()) return false;
    if (compiler_.is_left_to_reader(input_)) {
      compile_expanded();
    } else {
      compile_depthwise();
    }
    return true;
  }

 private:
  /// A 1x1 convolution of vectors.
  bool is_layer() const {
    return StepCompiler::area(in_) == 1 && StepCompiler::area(out_) == 1 && op_.kernel == graph::Size2d{1, 1} &&
           residual_ == graph::kNone;
  }

  /// Whether the depthwise convolution behind this one can take it over.
  bool feeds_depthwise() const {
    const graph::NodeId reader = compiler_.sole_reader(id_);
    if (reader == graph::kNone || residual_ != graph::kNone) return false;
    const auto* op = std::get_if<graph::Conv2d>(&compiler_.node(reader).op);
    if (op == nullptr) return false;
    // Measured: keeping the map between the two in the cache pays from this size on, and not for the smallest maps.
    constexpr int64_t kLeastBytes = 224 * 1024;
    constexpr int64_t kLeastArea = 100;
    const int64_t area = StepCompiler::area(out_);
    const int64_t bytes = area * kernels::padded_channels(op_.out_channels) * static_cast<int64_t>(sizeof(Bf16));
    if (area < kLeastArea || bytes < kLeastBytes) return false;
    const Bf16Convolution next(compiler_, reader, *op);
    return next.is_plain_depthwise() && next.is_fused();
  }

  /// Whether this convolution may be one of those that are computed some rows at a time, each time with all its
  /// weights.
  bool is_row_stage() const {
    constexpr int64_t kMostWeights = 64 * 1024;
    return op_.groups == 1 && residual_ == graph::kNone && !is_layer() &&
           op_.out_channels * op_.in_channels * op_.kernel.h * op_.kernel.w <= kMostWeights;
  }

  /// Whether the convolutions before this one are left to it.
  bool ends_rows() const { return compiler_.is_left_to_reader(input_); }

  /// Whether the dense convolution behind this one can take it over, some rows at a time.
  bool feeds_rows() const {
    constexpr size_t kLeastBytes = 128 * 1024;
    const int64_t bytes =
        StepCompiler::area(out_) * kernels::padded_channels(op_.out_channels) * static_cast<int64_t>(sizeof(Bf16));
    return is_row_stage() && feeds_row_stage(compiler_, id_, static_cast<size_t>(bytes), kLeastBytes,
                                             [&](graph::NodeId reader, const graph::Conv2d& op) {
                                               return Bf16Convolution(compiler_, reader, op).is_row_stage();
                                             });
  }

  /// Whether the depthwise kernel does all of the operation.
  bool is_fused() const { return residual_ == graph::kNone && kernels::depthwise_computes(activation_.kind); }

  bool is_plain_depthwise() const {
    const int64_t kernel = op_.kernel.h;
    const int64_t stride = op_.stride.h;
    return op_.groups == op_.in_channels && op_.groups == op_.out_channels && op_.kernel.w == kernel &&
           op_.stride.w == stride && (kernel == 3 || kernel == 5 || kernel == 7) && (stride == 1 || stride == 2) &&
           op_.dilation == graph::Size2d{1, 1};
  }

  TileSources sources() { return {compiler_, id_, op_}; }

  void compile_tiles() {
    TileSource source = sources().whole();
    join_runs(source.conv);
    const ValueId residual = residual_ == graph::kNone ? -1 : compiler_.value_in(residual_, kChannelsLastBf16);
    const ValueId dst = compiler_.add_value(out_, kChannelsLastBf16);
    std::vector<ValueId> reads = {source.src};
    if (residual >= 0) reads.push_back(residual);
    const std::string_view name = source.name;
    const size_t scratch_bytes = source.scratch_bytes();
    // The step owns the source and outlives what it binds.
    auto bind = [=, source = std::move(source)](const RunnerMemory& memory) {
      return [=, threads = memory.threads, &source, image = memory[source.src], scratch = memory.scratch,
              conv = source.bound(), from = source.address(memory),
              addend = residual < 0 ? nullptr : memory.as<const Bf16>(residual), y = memory.as<Bf16>(dst)] {
        source.prepare_rows(image, scratch, threads);
        parallel_for(threads, kernels::tile_conv_items(conv),
                     [&](int64_t begin, int64_t end) { kernels::tile_conv(conv, from, addend, y, begin, end); });
      };
    };
    auto step = make_step(name, reads, dst, std::move(bind));
    step->scratch_bytes = scratch_bytes;
    compiler_.add_step(std::move(step));
    compiler_.set_value(id_, dst);
  }

  /// This convolution and those that were left to it.
  void compile_rows() {
    std::vector<TileSource> sources;
    std::vector<RowStage> stages;
    for (const graph::NodeId id : compiler_.with_left(id_)) {
      TileSources conv(compiler_, id, std::get<graph::Conv2d>(compiler_.node(id).op));
      if (sources.empty()) {
        sources.push_back(conv.first_of_rows());
        stages.push_back(conv.first_stage());
      } else {
        sources.back().conv.dst_run = conv.row_width();
        sources.push_back(conv.next_of_rows());
        stages.push_back(conv.next_stage());
      }
    }
    const std::string_view name = sources.front().name;
    const ValueId src = sources.front().src;
    const ValueId dst = compiler_.add_value(out_, kChannelsLastBf16);
    const Value& from = compiler_.value(src);
    const Value& to = compiler_.value(dst);
    const auto images = static_cast<size_t>(out_[0]);
    const RowChain::Maps maps = {
        .images = out_[0],
        .dst_h = out_[2],
        .dst_row_bytes = static_cast<size_t>(out_[3] * sources.back().conv.dst_row) * sizeof(Bf16),
        .src_image_bytes = from.bytes / images,
        .dst_image_bytes = to.bytes / images};
    // The step owns the sources and outlives what it binds.
    auto bind = [=, sources = std::move(sources)](const RunnerMemory& memory) {
      std::vector<RowStage> bound = stages;
      for (size_t i = 0; i < bound.size(); ++i) bound[i].compute = row_function(sources[i].bound());
      const auto fill = [prepare = &sources.front().prepare](const std::byte* image, std::byte* rows, int64_t begin,
                                                             int64_t end) {
        (*prepare)(reinterpret_cast<const float*>(image), reinterpret_cast<Bf16*>(rows), begin, end);
      };
      return [chain = RowChain(std::move(bound), fill, maps, memory.threads), x = memory.as<const std::byte>(src),
              y = memory.as<std::byte>(dst), scratch = memory.scratch] { chain.run(x, y, scratch); };
    };
    auto step = make_step(stages.size() == 1 ? name : "amx_rows", {src}, dst, std::move(bind));
    step->thread_scratch_bytes = [stages, maps](int threads) {
      return RowChain(stages, {}, maps, threads).scratch_bytes();
    };
    compiler_.add_step(std::move(step));
    compiler_.set_value(id_, dst);
  }

  /// All positions as one run, where they follow each other in source and result.
  static void join_runs(kernels::TileConv& conv) {
    if (conv.taps > 1 || conv.run_stride != conv.run_length * conv.position_stride) return;
    if (conv.dst_run != conv.run_length) return;
    if (conv.images > 1 && conv.image_stride != conv.runs * conv.run_stride) return;
    conv.run_length *= conv.runs * conv.images;
    conv.dst_run = conv.run_length;
    conv.runs = 1;
    conv.images = 1;
  }

  static RowFunction row_function(const kernels::TileConv& conv) {
    return [conv](const std::byte* src, std::byte* dst, int64_t begin, int64_t end) {
      kernels::TileConv rows = conv;
      rows.runs = end - begin;
      rows.images = 1;
      join_runs(rows);
      kernels::tile_conv(rows, reinterpret_cast<const Bf16*>(src), nullptr, reinterpret_cast<Bf16*>(dst), 0,
                         kernels::tile_conv_items(rows));
    };
  }

  /// This depthwise convolution and the one before it, which was left to it.
  void compile_expanded() {
    const auto& expand = std::get<graph::Conv2d>(compiler_.node(input_).op);
    TileSource source = TileSources(compiler_, input_, expand).whole();
    const kernels::Bf16Depthwise conv = depthwise();
    const ValueId dst = compiler_.add_value(out_, kChannelsLastBf16);
    const auto weights = pack_depthwise();
    const auto bias = compiler_.add_packed_bias(op_.bias, op_.out_channels, kPair);
    const int64_t items = in_[0] * kernels::channel_pairs(op_.in_channels);
    const int64_t part_floats = kernels::expand_depthwise_scratch({source.conv, conv});
    const size_t first_part = source.scratch_bytes();
    const ValueId src = source.src;
    // The step owns the source and outlives what it binds.
    auto bind = [=, source = std::move(source)](const RunnerMemory& memory) {
      kernels::ExpandDepthwise bound = {source.bound(), conv};
      bound.depthwise.weights = reinterpret_cast<const float*>(weights->data);
      bound.depthwise.bias = reinterpret_cast<const float*>(bias->data);
      auto* parts = reinterpret_cast<float*>(memory.scratch + first_part);
      return [=, threads = int64_t{memory.threads}, &source, image = memory[src], scratch = memory.scratch,
              from = source.address(memory), y = memory.as<Bf16>(dst)] {
        const auto team = static_cast<int>(threads);
        source.prepare_rows(image, scratch, team);
        parallel_for(team, threads, [&](int64_t first, int64_t last) {
          for (int64_t part = first; part < last; ++part) {
            kernels::expand_depthwise(bound, from, y, parts + part * part_floats, items * part / threads,
                                      items * (part + 1) / threads);
          }
        });
      };
    };
    auto step = make_step("amx_expand_depthwise", {src}, dst, std::move(bind));
    step->scratch_bytes = first_part;
    step->thread_scratch_bytes = [part_floats](int threads) {
      return static_cast<size_t>(threads * part_floats) * sizeof(float);
    };
    compiler_.add_step(std::move(step));
    compiler_.set_value(id_, dst);
  }

  kernels::Bf16Depthwise depthwise() const {
    return {.channels = op_.in_channels,
            .kernel = op_.kernel.h,
            .stride = op_.stride.h,
            .src_h = in_[2],
            .src_w = in_[3],
            .dst_h = out_[2],
            .dst_w = out_[3],
            .pad_top = pad_.begin.h,
            .pad_left = pad_.begin.w,
            .activation = is_fused() ? activation_.kind : ActivationKind::kIdentity};
  }

  void compile_depthwise() {
    const kernels::Bf16Depthwise conv = depthwise();
    const ValueId src = compiler_.value_in(input_, kChannelsLastBf16);
    const ValueId dst = compiler_.add_value(out_, kChannelsLastBf16);
    const auto weights = pack_depthwise();
    const auto bias = compiler_.add_packed_bias(op_.bias, op_.out_channels, kPair);
    const int64_t items = in_[0] * kernels::channel_pairs(op_.in_channels);
    const int64_t scratch = kernels::depthwise_scratch(conv);
    const auto bind = [=](const RunnerMemory& memory) {
      kernels::Bf16Depthwise bound = conv;
      bound.weights = reinterpret_cast<const float*>(weights->data);
      bound.bias = reinterpret_cast<const float*>(bias->data);
      auto* parts = reinterpret_cast<float*>(memory.scratch);
      return [=, threads = int64_t{memory.threads}, x = memory.as<const Bf16>(src), y = memory.as<Bf16>(dst)] {
        parallel_for(static_cast<int>(threads), threads, [&](int64_t first, int64_t last) {
          for (int64_t part = first; part < last; ++part) {
            kernels::depthwise_conv(bound, x, y, parts + part * scratch, items * part / threads,
                                    items * (part + 1) / threads);
          }
        });
      };
    };
    auto step = make_step("depthwise_bf16", {src}, dst, bind);
    step->thread_scratch_bytes = [scratch](int threads) {
      return static_cast<size_t>(threads * scratch) * sizeof(float);
    };
    compiler_.add_step(std::move(step));
    compiler_.set_value(id_, dst);
    if (is_fused()) return;
    const ValueId residual = residual_ == graph::kNone ? -1 : compiler_.value_in(residual_, kChannelsLastBf16);
    compile_bf16_map(compiler_, id_, dst, residual, activation_);
  }

  /// [C, 1, k, k] -> [C / kChannelStep, k * k, kChannelStep], whole pairs of blocks.
  std::shared_ptr<PackedBlock> pack_depthwise() {
    const int64_t taps = op_.kernel.h * op_.kernel.w;
    const auto count = static_cast<size_t>(kernels::channel_pairs(op_.in_channels) * kPair * taps);
    return compiler_.add_packed(count * sizeof(float), [=, channels = op_.in_channels,
                                                        source = compiler_.parameter(op_.weight)](std::byte* dst) {
      constexpr int64_t kStep = kernels::kChannelStep;
      auto* packed = reinterpret_cast<float*>(dst);
      std::fill_n(packed, count, 0.0F);
      for (int64_t c = 0; c < channels; ++c) {
        for (int64_t t = 0; t < taps; ++t) {
          packed[(c / kStep * taps + t) * kStep + c % kStep] = source[static_cast<size_t>(c * taps + t)];
        }
      }
    });
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
