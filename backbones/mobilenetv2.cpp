#include "backbones/mobilenetv2.h"

#include <vector>

#include "backbones/block_chain.h"
#include "backbones/stage_columns.h"
#include "nn/core/activation_config.h"

namespace zoo::backbones {
namespace {

constexpr int64_t kStemStride = 2;
// Table 2 of the paper: the 1x1 convolution after the last block.
constexpr int64_t kLastConvChannels = 1280;

std::vector<InvertedResidualBlock> decode_stage(const ConfigNode& stage, ActivationKind default_activation,
                                                BlockChain& chain) {
  StageColumns columns(stage);
  const auto in_channels = columns.required(kInChannels, read_channels);
  const auto kernels = columns.required(kKernelSizes, read_kernel);
  const auto expanded = columns.required(kExpandedChannels, read_channels);
  const auto out_channels = columns.required(kOutChannels, read_channels);
  const auto strides = columns.required(kStride, read_stride);
  const auto activations =
      columns.optional(kActType, [&](const ConfigNode& node) { return decode_activation(node, default_activation); });
  const auto dilations = columns.optional(kDilation, read_dilation);
  const auto use_skip = columns.optional(kUseSkip, read_bool);

  const size_t length = columns.length();
  if (length == 0) chain.advance(0);
  std::vector<InvertedResidualBlock> blocks;
  for (size_t i = 0; i < length; ++i) {
    InvertedResidualBlock block = {.in_channels = in_channels.values[i],
                                   .kernel = kernels.values[i],
                                   .expanded_channels = expanded.values[i],
                                   .out_channels = out_channels.values[i],
                                   .activation = activations.at(i, default_activation),
                                   .stride = strides.values[i],
                                   .dilation = dilations.at(i, 1),
                                   .use_skip = use_skip.at(i, true)};
    chain.check_in_channels(in_channels.items[i], block.in_channels);
    chain.check_expanded(expanded.items[i], block.expanded_channels, block.in_channels);
    block.stride = chain.check_stride(strides.items[i], block.stride, block.dilation);
    chain.advance(block.out_channels);
    blocks.push_back(block);
  }
  return blocks;
}

}  // namespace

InvertedResidualNetConfig decode_mobilenetv2(const ConfigNode& backbone) {
  const ConfigNode params = backbone.find("params");
  const ConfigNode stage_params = backbone.at("stage_params");
  InvertedResidualNetConfig config;
  config.norm.eps = 1e-5;  // torch's default, which timm and torchvision keep
  if (const ConfigNode node = params.find("in_channels")) config.in_channels = node.as_int_in(1, kMaxChannels, 3);
  config.stem_channels = channels_or(params.find("stem_channels"), first_in_channels(stage_params));
  const ActivationKind activation = decode_activation(params.find_any(kActType), ActivationKind::kRelu6);
  config.stem_activation = activation;
  config.last_conv_activation = activation;
  const ConfigNode last_conv = params.find("last_conv_channels");
  config.last_conv_channels = given(last_conv) ? last_conv.as_int_in(0, kMaxChannels, 0) : kLastConvChannels;
  decode_norm_options(params, config.norm);
  config.same_padding = decode_same_padding(params);

  BlockChain chain(config.stem_channels, kStemStride);
  for (const ConfigNode& stage : stage_items(stage_params)) {
    config.stages.push_back(decode_stage(stage, activation, chain));
  }
  config.feature_levels = decode_feature_levels(params.find("feature_levels"), inverted_residual_net_values(config));
  return config;
}

BackboneDefinition define_mobilenetv2(const ConfigNode& backbone) {
  return define_inverted_residual_net(decode_mobilenetv2(backbone));
}

}  // namespace zoo::backbones
