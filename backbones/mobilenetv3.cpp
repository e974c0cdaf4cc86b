#include "backbones/mobilenetv3.h"

#include <optional>
#include <string>
#include <vector>

#include "backbones/block_chain.h"
#include "backbones/mobilenetv3_stages.h"
#include "backbones/stage_columns.h"
#include "nn/core/activation_config.h"

namespace zoo::backbones {
namespace {

// lucid's MobileNetV3 has this stem whatever its rows say.
constexpr int64_t kLucidStemChannels = 16;

// An activation or `same`, which is the block's own (empty).
std::optional<ActivationKind> read_se_activation(const ConfigNode& node) {
  if (node.is_scalar()) {
    if (const auto kind = activation_from_name(node.as_string())) return kind;
  }
  std::vector<std::string> names = activation_names();
  names.emplace_back("same");
  node.as_choice(names, "activation");
  return std::nullopt;
}

void decode_params(const ConfigNode& params, InvertedResidualNetConfig& config) {
  if (const ConfigNode node = params.find("in_channels")) config.in_channels = node.as_int_in(1, kMaxChannels, 3);
  config.stem_activation = decode_activation(params.find("stem_act_type"), config.stem_activation);
  config.last_conv_activation = decode_activation(params.find("last_conv_act_type"), config.last_conv_activation);
  if (const ConfigNode node = params.find("se_divisor")) {
    config.se_divisor = node.as_int_in(1, kMaxChannels, config.se_divisor);
  }
  if (const ConfigNode node = params.find("se_act_type")) config.se_activation = read_se_activation(node);
  decode_norm_options(params, config.norm);
  config.same_padding = decode_same_padding(params);
}

}  // namespace

InvertedResidualNetConfig decode_mobilenetv3(const ConfigNode& backbone) {
  const ConfigNode params = backbone.find("params");
  const ConfigNode stage_params = backbone.find("stage_params");
  ConfigNode rows = backbone.find("bottleneck_cfg");
  if (!given(rows)) rows = params.find("bottleneck_cfg");
  const bool is_lucid = given(rows);
  if (is_lucid && given(stage_params)) {
    rows.problem("given beside stage_params; a backbone has one of the two");
    rows.skip();
    stage_params.skip();
    params.skip();
    return {};
  }

  InvertedResidualNetConfig config;
  // lucid: squeeze width mid // reduction without rounding.
  if (is_lucid) config.se_divisor = 1;
  decode_params(params, config);

  const int64_t stem_default = is_lucid ? kLucidStemChannels : first_in_channels(stage_params);
  config.stem_channels = channels_or(params.find("stem_channels"), stem_default);
  MobileNetV3StageContext context = {.stem_channels = config.stem_channels};
  if (const ConfigNode node = params.find("se_reduction")) context.se_reduction = read_divisor(node);
  if (is_lucid) {
    config.stages = decode_bottleneck_rows(rows, context);
    config.head_channels = channels_or(params.find("last_channels"), 0);
  } else {
    config.stages = decode_mobilenetv3_stages(stage_params ? stage_params : backbone.at("stage_params"), context);
    if (const ConfigNode node = params.find("last_channels")) {
      node.problem("belongs to bottleneck_cfg; with stage_params give the head's intermediate_channels");
    }
  }

  const ConfigNode last_conv = params.find("last_conv_channels");
  config.last_conv_channels = given(last_conv) ? last_conv.as_int_in(0, kMaxChannels, 0) : 0;
  const bool has_blocks = !config.stages.empty() && !config.stages.back().empty();
  if (config.last_conv_channels == 0 && has_blocks) {
    const InvertedResidualBlock& last = config.stages.back().back();
    config.last_conv_channels = is_lucid ? last.expanded_channels : 6 * last.out_channels;
  }
  config.feature_levels = decode_feature_levels(params.find("feature_levels"), inverted_residual_net_values(config));
  return config;
}

BackboneDefinition define_mobilenetv3(const ConfigNode& backbone) {
  return define_inverted_residual_net(decode_mobilenetv3(backbone));
}

}  // namespace zoo::backbones
