#include "backbones/mobilenetv1.h"

#include <vector>

#include <fmt/format.h>

#include "backbones/block_chain.h"
#include "backbones/stage_columns.h"
#include "nn/core/activation_config.h"
#include "nn/core/config_number.h"

namespace zoo::backbones {
namespace {

// Table 1 of the paper.
constexpr int64_t kStemChannels = 32;
constexpr int64_t kStemStride = 2;
constexpr double kMaxWidthMultiplier = 16.0;

double read_width_multiplier(const ConfigNode& node) {
  return node ? read_positive(node, kMaxWidthMultiplier, 1.0) : 1.0;
}

// Channels of the model file times the width multiplier, rounded down as in lucid.
class Width {
 public:
  explicit Width(double multiplier) : multiplier_(multiplier) {}

  int64_t scaled(const ConfigNode& node, int64_t channels) const {
    const auto width = static_cast<int64_t>(static_cast<double>(channels) * multiplier_);
    if (channels != 0 && (width < 1 || width > kMaxChannels)) {
      node.problem(fmt::format("{} channels times width_multiplier {} is {}, not within 1 and {}", channels,
                               multiplier_, width, kMaxChannels));
      return 0;
    }
    return width;
  }

 private:
  double multiplier_;
};

std::vector<InvertedResidualBlock> decode_stage(const ConfigNode& stage, const Width& width,
                                                ActivationKind default_activation, BlockChain& chain) {
  StageColumns columns(stage);
  const auto out_channels = columns.required(kOutChannels, read_channels);
  const auto strides = columns.required(kStride, read_stride);
  const auto kernels = columns.optional(kKernelSizes, read_kernel);
  const auto activations =
      columns.optional(kActType, [&](const ConfigNode& node) { return decode_activation(node, default_activation); });
  const auto dilations = columns.optional(kDilation, read_dilation);

  const size_t length = columns.length();
  if (length == 0) chain.advance(0);
  std::vector<InvertedResidualBlock> blocks;
  for (size_t i = 0; i < length; ++i) {
    const ActivationKind activation = activations.at(i, default_activation);
    InvertedResidualBlock block = {.in_channels = chain.channels(),
                                   .kernel = kernels.at(i, 3),
                                   .expanded_channels = chain.channels(),
                                   .out_channels = width.scaled(out_channels.items[i], out_channels.values[i]),
                                   .activation = activation,
                                   .stride = strides.values[i],
                                   .dilation = dilations.at(i, 1),
                                   .use_skip = false,
                                   .project_activation = activation};
    block.stride = chain.check_stride(strides.items[i], block.stride, block.dilation);
    chain.advance(block.out_channels);
    blocks.push_back(block);
  }
  return blocks;
}

}  // namespace

InvertedResidualNetConfig decode_mobilenetv1(const ConfigNode& backbone) {
  const ConfigNode params = backbone.find("params");
  const ConfigNode stage_params = backbone.at("stage_params");
  InvertedResidualNetConfig config;
  config.norm.eps = 1e-5;  // torch's default, which timm and lucid keep
  if (const ConfigNode node = params.find("in_channels")) config.in_channels = node.as_int_in(1, kMaxChannels, 3);
  const ConfigNode multiplier = params.find("width_multiplier");
  const Width width(read_width_multiplier(multiplier));
  const ConfigNode stem = params.find("stem_channels");
  config.stem_channels = width.scaled(given(stem) ? stem : multiplier, channels_or(stem, kStemChannels));
  if (const ConfigNode node = params.find("stem_bias")) config.stem_bias = node.as_bool();
  const ActivationKind activation = decode_activation(params.find_any(kActType), ActivationKind::kRelu6);
  config.stem_activation = activation;
  config.last_conv_activation = activation;
  const ConfigNode last_conv = params.find("last_conv_channels");
  config.last_conv_channels = given(last_conv) ? last_conv.as_int_in(0, kMaxChannels, 0) : 0;
  decode_norm_options(params, config.norm);
  config.same_padding = decode_same_padding(params);

  BlockChain chain(config.stem_channels, kStemStride);
  for (const ConfigNode& stage : stage_items(stage_params)) {
    config.stages.push_back(decode_stage(stage, width, activation, chain));
  }
  config.feature_levels = decode_feature_levels(params.find("feature_levels"), inverted_residual_net_values(config));
  return config;
}

BackboneDefinition define_mobilenetv1(const ConfigNode& backbone) {
  return define_inverted_residual_net(decode_mobilenetv1(backbone));
}

}  // namespace zoo::backbones
