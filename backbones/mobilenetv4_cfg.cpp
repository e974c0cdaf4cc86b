#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "backbones/mobilenetv4_rows.h"
#include "nn/core/config_number.h"
#include "nn/core/counted.h"

namespace zoo::backbones {
namespace {

constexpr double kMaxExpandRatio = 64.0;
constexpr int64_t kFusedKernel = 3;
// lucid rounds the width inside a uib to multiples of this.
constexpr int64_t kWidthDivisor = 8;
constexpr int64_t kImageStride = 1;
constexpr std::string_view kConvRow = "[in, out, kernel, stride]";
constexpr std::string_view kFusedRow = "[in, out, stride, expand_ratio, act]";
constexpr std::string_view kUniversalRow =
    "[in, out, start_dw_kernel, middle_dw_kernel, middle_dw_downsample, stride, expand_ratio] with an optional "
    "attention at the end";
constexpr std::string_view kAttentionRow =
    "[heads, key_dim, value_dim, query_h_stride, query_w_stride, kv_stride, layer_scale, multi_query, residual]";
constexpr size_t kUniversalLength = 7;
constexpr size_t kAttentionLength = 9;

// A kernel, or 0 where there is no convolution.
int64_t read_kernel_or_none(const ConfigNode& node) {
  return node.is_scalar() && node.as_string() == "0" ? node.as_int() : read_kernel(node);
}

int64_t expanded(const ConfigNode& node, int64_t channels, double ratio, int64_t divisor) {
  const int64_t width = make_divisible(static_cast<int64_t>(static_cast<double>(channels) * ratio), divisor);
  if (width <= kMaxChannels) return width;
  node.problem(fmt::format("{} channels times {} is {}, more than {}", channels, ratio, width, kMaxChannels));
  return kMaxChannels;
}

// One layer of the map.
class LayerReader {
 public:
  LayerReader(BlockChain& chain, bool residual, ActivationKind activation)
      : chain_(chain), residual_(residual), activation_(activation) {}

  std::vector<MobileNetV4Block> read(const ConfigNode& layer) {
    const std::array<std::string, 3> names = {"convbn", "fused_ib", "uib"};
    const auto kind = layer.at("block_name").as_choice(names, "block_name");
    const ConfigNode specs = layer.at("block_specs");
    const ConfigNode count = layer.at("num_blocks");
    if (!kind) {
      layer.skip();
      chain_.advance(0);
      return {};
    }
    const std::vector<ConfigNode> rows = specs.items();
    const int64_t blocks_wanted = count.as_int_in(1, kMaxChannels, 1);
    if (specs.is_list() && static_cast<int64_t>(rows.size()) != blocks_wanted) {
      count.problem(fmt::format("{}, but block_specs has {}", blocks_wanted, counted(std::ssize(rows), "row")));
    }
    blocks_.clear();
    for (const ConfigNode& row : rows) read_row(*kind, row);
    return blocks_;
  }

 private:
  void read_row(size_t kind, const ConfigNode& row) {
    const std::vector<ConfigNode> values = row.items();
    constexpr std::array<size_t, 3> kLengths = {4, 5, kUniversalLength};
    constexpr std::array<std::string_view, 3> kLegends = {kConvRow, kFusedRow, kUniversalRow};
    const bool has_attention = kind == 2 && values.size() == kUniversalLength + 1;
    if (values.size() != kLengths[kind] && !has_attention) {
      if (row.is_list()) {
        row.problem(fmt::format("{}; a row is {}", counted(std::ssize(values), "value"), kLegends[kind]));
      }
      row.skip();
      chain_.advance(0);
      return;
    }
    const int64_t in_channels = read_channels(values[0]);
    chain_.check_in_channels(values[0], in_channels);
    const int64_t out_channels = read_channels(values[1]);
    if (kind == 0) {
      add_conv(values, out_channels);
    } else if (kind == 1) {
      add_fused(values, in_channels, out_channels);
    } else {
      add_universal(values, in_channels, out_channels);
    }
    chain_.advance(out_channels);
    if (has_attention) add_attention(values.back(), out_channels);
  }

  void add_conv(const std::vector<ConfigNode>& values, int64_t out_channels) {
    blocks_.emplace_back(MobileNetV4Conv{.out_channels = out_channels,
                                         .kernel = read_kernel(values[2]),
                                         .stride = chain_.check_stride(values[3], read_stride(values[3]))});
  }

  void add_fused(const std::vector<ConfigNode>& values, int64_t in_channels, int64_t out_channels) {
    FusedInvertedResidualOptions block = {
        .expanded_channels = expanded(values[3], in_channels, read_positive(values[3], kMaxExpandRatio, 1.0), 1),
        .out_channels = out_channels,
        .kernel = kFusedKernel,
        .stride = chain_.check_stride(values[2], read_stride(values[2]))};
    if (read_flag(values[4])) block.project_activation = activation_;
    block.skip = residual_ && block.stride == 1 && in_channels == out_channels;
    blocks_.emplace_back(block);
  }

  void add_universal(const std::vector<ConfigNode>& values, int64_t in_channels, int64_t out_channels) {
    UniversalBottleneckOptions block = {
        .expanded_channels =
            expanded(values[6], in_channels, read_positive(values[6], kMaxExpandRatio, 1.0), kWidthDivisor),
        .out_channels = out_channels,
        .start_kernel = read_kernel_or_none(values[2]),
        .middle_kernel = read_kernel_or_none(values[3])};
    const bool on_middle = read_flag(values[4]);
    const int64_t stride = read_stride(values[5]);
    if (on_middle && block.middle_kernel > 0) block.middle_stride = chain_.check_stride(values[5], stride);
    if (!on_middle && block.start_kernel > 0) block.start_stride = chain_.check_stride(values[5], stride);
    block.skip = residual_ && stride == 1 && in_channels == out_channels;
    blocks_.emplace_back(block);
  }

  void add_attention(const ConfigNode& row, int64_t channels) {
    const std::vector<ConfigNode> values = row.items();
    if (values.size() != kAttentionLength) {
      if (row.is_list()) {
        row.problem(fmt::format("{}; an attention is {}", counted(std::ssize(values), "value"), kAttentionRow));
      }
      row.skip();
      return;
    }
    AttentionOptions block = {.out_channels = channels, .heads = values[0].as_int_in(1, kMaxChannels, 1)};
    const int64_t key_dim = read_channels(values[1]);
    block.attention_channels = block.heads * key_dim;
    if (block.attention_channels > kMaxChannels) {
      values[1].problem(fmt::format("{} heads of {} channels are {}, more than {}", block.heads, key_dim,
                                    block.attention_channels, kMaxChannels));
    }
    if (const int64_t value_dim = read_channels(values[2]); value_dim != key_dim && value_dim * key_dim != 0) {
      values[2].problem(fmt::format("{}, but key_dim is {}; they have to be equal", value_dim, key_dim));
    }
    const int64_t query_h_stride = read_stride(values[3]);
    if (const int64_t query_w_stride = read_stride(values[4]); query_w_stride != query_h_stride) {
      values[4].problem(
          fmt::format("{}, but query_h_stride is {}; they have to be equal", query_w_stride, query_h_stride));
    }
    if (query_h_stride > 1) block.query_stride = query_h_stride;
    block.kv_stride = read_stride(values[5]);
    if (block.kv_stride > 1) block.kv_kernel = kFusedKernel;
    block.layer_scale = read_flag(values[6]);
    if (!read_flag(values[7])) values[7].problem("only multi-query attention is available; write True");
    block.skip = read_flag(values[8]);
    blocks_.emplace_back(block);
  }

  BlockChain& chain_;
  bool residual_;
  ActivationKind activation_;
  std::vector<MobileNetV4Block> blocks_;
};

// The one row of conv0.
MobileNetV4Conv read_stem(const ConfigNode& layer, LayerReader& reader) {
  const std::vector<MobileNetV4Block> blocks = reader.read(layer);
  const auto* conv = blocks.empty() ? nullptr : std::get_if<MobileNetV4Conv>(&blocks.front());
  if (conv != nullptr && blocks.size() == 1) return *conv;
  if (!blocks.empty()) layer.problem("conv0 is one convbn block, the stem");
  return {};
}

}  // namespace

void decode_mobilenetv4_cfg(const ConfigNode& cfg, bool residual, MobileNetV4Config& config) {
  BlockChain chain(config.in_channels, kImageStride, "image");
  LayerReader reader(chain, residual, config.activation);
  config.stem = read_stem(cfg.at("conv0"), reader);
  for (int layer = 1;; ++layer) {
    const std::string key = fmt::format("layer{}", layer);
    const ConfigNode node = layer == 1 ? cfg.at(key) : cfg.find(key);
    if (!node) break;
    config.stages.push_back(reader.read(node));
  }
}

}  // namespace zoo::backbones
