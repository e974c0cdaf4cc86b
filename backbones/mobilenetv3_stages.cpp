#include "backbones/mobilenetv3_stages.h"

#include <vector>

#include <fmt/format.h>

#include "backbones/block_chain.h"
#include "backbones/stage_columns.h"
#include "nn/core/activation_config.h"
#include "nn/core/counted.h"

namespace zoo::backbones {
namespace {

constexpr int64_t kStemStride = 2;

ActivationKind read_activation(const ConfigNode& node) { return decode_activation(node, ActivationKind::kRelu); }

// One entry of `stage_params`: a map of equally long lists.
std::vector<InvertedResidualBlock> decode_stage(const ConfigNode& stage, int64_t default_reduction, BlockChain& chain) {
  StageColumns columns(stage);
  const auto in_channels = columns.required(kInChannels, read_channels);
  const auto kernels = columns.required(kKernelSizes, read_kernel);
  const auto expanded = columns.required(kExpandedChannels, read_channels);
  const auto out_channels = columns.required(kOutChannels, read_channels);
  const auto use_se = columns.required(kUseSe, read_bool);
  const auto activations = columns.required(kActType, read_activation);
  const auto strides = columns.required(kStride, read_stride);
  const auto dilations = columns.optional(kDilation, read_dilation);
  const auto use_skip = columns.optional(kUseSkip, read_bool);
  const auto reductions = columns.optional(kSeReduction, read_divisor);

  const size_t length = columns.length();
  if (length == 0) chain.advance(0);
  std::vector<InvertedResidualBlock> blocks;
  for (size_t i = 0; i < length; ++i) {
    InvertedResidualBlock block = {.in_channels = in_channels.values[i],
                                   .kernel = kernels.values[i],
                                   .expanded_channels = expanded.values[i],
                                   .out_channels = out_channels.values[i],
                                   .use_se = use_se.values[i],
                                   .activation = activations.values[i],
                                   .stride = strides.values[i],
                                   .dilation = dilations.at(i, 1),
                                   .use_skip = use_skip.at(i, true),
                                   .se_reduction = reductions.at(i, default_reduction)};
    chain.check_in_channels(in_channels.items[i], block.in_channels);
    chain.check_expanded(expanded.items[i], block.expanded_channels, block.in_channels);
    block.stride = chain.check_stride(strides.items[i], block.stride, block.dilation);
    chain.advance(block.out_channels);
    blocks.push_back(block);
  }
  return blocks;
}

}  // namespace

InvertedResidualStages decode_bottleneck_rows(const ConfigNode& rows, const MobileNetV3StageContext& context) {
  BlockChain chain(context.stem_channels, kStemStride);
  InvertedResidualStages stages;
  if (rows.is_list() && rows.items().empty()) rows.problem("empty: a backbone has at least one block");
  for (const ConfigNode& row : rows.items()) {
    const std::vector<ConfigNode> values = row.items();
    if (values.size() != 6 && values.size() != 7) {
      if (row.is_list()) {
        row.problem(fmt::format(
            "{}; a row is [kernel, mid, out, use_se, use_hs, stride] with an optional se_reduction at the end",
            counted(std::ssize(values), "value")));
        check_row_values(values);
      }
      row.skip();
      chain.advance(0);
      continue;
    }
    InvertedResidualBlock block = {
        .in_channels = chain.channels(),
        .kernel = read_kernel(values[0]),
        .expanded_channels = read_channels(values[1]),
        .out_channels = read_channels(values[2]),
        .use_se = read_flag(values[3]),
        .activation = read_flag(values[4]) ? ActivationKind::kHardSwish : ActivationKind::kRelu,
        .stride = read_stride(values[5]),
        .se_reduction = values.size() == 7 ? read_divisor(values[6]) : context.se_reduction};
    chain.check_expanded(values[1], block.expanded_channels, block.in_channels);
    block.stride = chain.check_stride(values[5], block.stride);
    chain.advance(block.out_channels);
    if (stages.empty() || block.stride > 1) stages.emplace_back();
    stages.back().push_back(block);
  }
  return stages;
}

InvertedResidualStages decode_mobilenetv3_stages(const ConfigNode& stage_params,
                                                 const MobileNetV3StageContext& context) {
  BlockChain chain(context.stem_channels, kStemStride);
  InvertedResidualStages stages;
  for (const ConfigNode& stage : stage_items(stage_params)) {
    stages.push_back(decode_stage(stage, context.se_reduction, chain));
  }
  return stages;
}

}  // namespace zoo::backbones
