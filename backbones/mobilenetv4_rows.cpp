#include "backbones/mobilenetv4_rows.h"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "nn/core/counted.h"

namespace zoo::backbones {
namespace {

// A row of a stage: a list that begins with its type.
struct RowKind {
  std::string_view name;
  size_t length;
  std::string_view legend;
};

constexpr std::array<RowKind, 4> kRowKinds = {
    {{"conv", 4, "[conv, out, kernel, stride]"},
     {"fi", 5, "[fi, out, hidden, kernel, stride]"},
     {"uir", 8, "[uir, out, hidden, extra_dw, extra_dw_kernel, middle_dw, middle_dw_kernel, stride]"},
     {"mmqa", 9,
      "[mmqa, out, attention_channels, heads, query_pooling_stride, kv_downsample, kv_kernel, kv_stride, stride]"}}};

std::optional<size_t> row_kind(const ConfigNode& row, const std::vector<ConfigNode>& values) {
  if (values.empty()) {
    if (row.is_list()) row.problem("empty: a row begins with conv, fi, uir or mmqa");
    return std::nullopt;
  }
  std::vector<std::string> names;
  names.reserve(kRowKinds.size());
  for (const RowKind& kind : kRowKinds) names.emplace_back(kind.name);
  const auto choice = values.front().as_choice(names, "block type");
  if (choice && values.size() != kRowKinds[*choice].length) {
    row.problem(fmt::format("{}; a row is {}", counted(std::ssize(values), "value"), kRowKinds[*choice].legend));
    check_row_values(std::span(values).subspan(1));
    return std::nullopt;
  }
  return choice;
}

// Kernel of a convolution that may be switched off, with its switch before it; 0 where it is.
int64_t optional_kernel(const ConfigNode& use, const ConfigNode& kernel) {
  if (use.as_bool()) return read_kernel(kernel);
  if (given(kernel)) read_kernel(kernel);
  return 0;
}

class RowReader {
 public:
  RowReader(const MobileNetV4RowRules& rules, BlockChain& chain) : rules_(rules), chain_(chain) {}

  std::optional<MobileNetV4Block> read(const ConfigNode& row) {
    const std::vector<ConfigNode> values = row.items();
    const std::optional<size_t> kind = row_kind(row, values);
    if (!kind) {
      row.skip();
      chain_.advance(0);
      return std::nullopt;
    }
    const MobileNetV4Block block = read_as(*kind, values);
    chain_.advance(out_channels_of(block));
    return block;
  }

 private:
  MobileNetV4Block read_as(size_t kind, const std::vector<ConfigNode>& values) {
    switch (kind) {
      case 0:
        return read_conv(values);
      case 1:
        return read_fused(values);
      case 2:
        return read_universal(values);
      default:
        return read_attention(values);
    }
  }

  bool same_channels(int64_t out_channels) const { return chain_.channels() == out_channels; }

  MobileNetV4Block read_conv(const std::vector<ConfigNode>& values) {
    return MobileNetV4Conv{.out_channels = read_channels(values[1]),
                           .kernel = read_kernel(values[2]),
                           .stride = chain_.check_stride(values[3], read_stride(values[3]))};
  }

  MobileNetV4Block read_fused(const std::vector<ConfigNode>& values) {
    FusedInvertedResidualOptions block = {.expanded_channels = read_channels(values[2]),
                                          .out_channels = read_channels(values[1]),
                                          .kernel = read_kernel(values[3]),
                                          .stride = chain_.check_stride(values[4], read_stride(values[4]))};
    block.skip = rules_.fused_skip && block.stride == 1 && same_channels(block.out_channels);
    return block;
  }

  MobileNetV4Block read_universal(const std::vector<ConfigNode>& values) {
    UniversalBottleneckOptions block = {.expanded_channels = read_channels(values[2]),
                                        .out_channels = read_channels(values[1]),
                                        .start_kernel = optional_kernel(values[3], values[4]),
                                        .middle_kernel = optional_kernel(values[5], values[6]),
                                        .layer_scale = rules_.layer_scale};
    const int64_t stride = read_stride(values[7]);
    if (block.middle_kernel > 0) {
      block.middle_stride = chain_.check_stride(values[7], stride);
    } else if (block.start_kernel > 0 && rules_.stride_on_start) {
      block.start_stride = chain_.check_stride(values[7], stride);
    }
    block.expand = rules_.always_expand || !same_channels(block.expanded_channels);
    block.skip = stride == 1 && same_channels(block.out_channels);
    return block;
  }

  MobileNetV4Block read_attention(const std::vector<ConfigNode>& values) {
    AttentionOptions block = {.out_channels = read_channels(values[1]),
                              .attention_channels = read_channels(values[2]),
                              .heads = values[3].as_int_in(1, kMaxChannels, 1),
                              .query_stride = given(values[4]) ? read_stride(values[4]) : 0,
                              .kv_kernel = optional_kernel(values[5], values[6]),
                              .layer_scale = rules_.layer_scale};
    if (block.kv_kernel > 0) block.kv_stride = read_stride(values[7]);
    if (block.kv_kernel == 0 && given(values[7])) read_stride(values[7]);
    if (block.attention_channels % block.heads != 0) {
      values[2].problem(fmt::format("{} is not a multiple of the {} heads", block.attention_channels, block.heads));
    }
    if (const int64_t stride = read_stride(values[8]); stride != 1) {
      values[8].problem(fmt::format("{}, but attention keeps the resolution: write stride 1", stride));
    }
    block.skip = same_channels(block.out_channels);
    return block;
  }

  const MobileNetV4RowRules& rules_;
  BlockChain& chain_;
};

}  // namespace

MobileNetV4Stages decode_mobilenetv4_stages(const ConfigNode& stage_params, const MobileNetV4RowRules& rules,
                                            BlockChain& chain) {
  RowReader reader(rules, chain);
  MobileNetV4Stages stages;
  if (stage_params.is_list() && stage_params.items().empty()) {
    stage_params.problem("empty: a backbone has at least one stage");
  }
  for (const ConfigNode& stage : stage_params.items()) {
    if (stage.is_list() && stage.items().empty()) stage.problem("empty: a stage has at least one block");
    std::vector<MobileNetV4Block>& blocks = stages.emplace_back();
    for (const ConfigNode& row : stage.items()) {
      if (const auto block = reader.read(row)) blocks.push_back(*block);
    }
  }
  return stages;
}

}  // namespace zoo::backbones
