#include <array>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "backbones/mobilenetv3.h"
#include "backbones/mobilenetv3_stages.h"
#include "nn/core/activation_config.h"

namespace zoo::backbones {
namespace {

constexpr int64_t kMaxChannels = kMaxMobileNetV3Channels;
// lucid's MobileNetV3 has this stem whatever its rows say.
constexpr int64_t kLucidStemChannels = 16;
constexpr std::array kFeatureLevels = {FeatureLevels::kStages, FeatureLevels::kStrides, FeatureLevels::kBlocks};

bool given(const ConfigNode& node) { return node.exists() && !node.is_null(); }

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

// Channels that the first block says it reads; 0 if that cannot be told.
int64_t first_in_channels(const ConfigNode& stage_params) {
  if (!stage_params.is_list()) return 0;
  const std::vector<ConfigNode> stages = stage_params.items();
  if (stages.empty() || !stages.front().is_map()) return 0;
  const ConfigNode column = stages.front().find("in_channels");
  if (!column.is_list()) return 0;
  const std::vector<ConfigNode> values = column.items();
  return values.empty() ? 0 : values.front().as_int_in(1, kMaxChannels, 0);
}

void decode_params(const ConfigNode& params, MobileNetV3Config& config) {
  if (const ConfigNode node = params.find("in_channels")) config.in_channels = node.as_int_in(1, kMaxChannels, 3);
  config.stem_activation = decode_activation(params.find("stem_act_type"), config.stem_activation);
  config.last_conv_activation = decode_activation(params.find("last_conv_act_type"), config.last_conv_activation);
  if (const ConfigNode node = params.find("se_divisor")) {
    config.se_divisor = node.as_int_in(1, kMaxChannels, config.se_divisor);
  }
  if (const ConfigNode node = params.find("se_act_type")) config.se_activation = read_se_activation(node);
  config.norm.kind = decode_norm(params.find("norm_type"), config.norm.kind);
  if (const ConfigNode node = params.find("norm_eps")) {
    config.norm.eps = node.as_double(config.norm.eps);
    if (config.norm.eps <= 0.0 || config.norm.eps >= 1.0) {
      node.problem(fmt::format("must be greater than 0 and less than 1, found {}", config.norm.eps));
    }
  }
  if (const ConfigNode node = params.find("padding")) {
    const std::array<std::string, 2> choices = {"symmetric", "same"};
    config.same_padding = node.as_choice(choices, "padding") == size_t{1};
  }
  if (const ConfigNode node = params.find("feature_levels")) {
    const std::array<std::string, 3> choices = {"stages", "strides", "blocks"};  // as kFeatureLevels
    if (const auto choice = node.as_choice(choices, "feature levels")) config.feature_levels = kFeatureLevels[*choice];
  }
}

int64_t channels_or(const ConfigNode& node, int64_t fallback) {
  return given(node) ? node.as_int_in(1, kMaxChannels, fallback) : fallback;
}

}  // namespace

MobileNetV3Config decode_mobilenetv3(const ConfigNode& backbone) {
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

  MobileNetV3Config config;
  // lucid: squeeze width mid // reduction without rounding.
  if (is_lucid) config.se_divisor = 1;
  decode_params(params, config);

  const int64_t stem_default = is_lucid ? kLucidStemChannels : first_in_channels(stage_params);
  config.stem_channels = channels_or(params.find("stem_channels"), stem_default);
  StageContext context = {.stem_channels = config.stem_channels};
  if (const ConfigNode node = params.find("se_reduction")) context.se_reduction = node.as_int_in(1, kMaxChannels, 1);
  if (is_lucid) {
    config.stages = decode_bottleneck_rows(rows, context);
    config.head_channels = channels_or(params.find("last_channels"), 0);
  } else {
    config.stages = decode_stage_params(stage_params ? stage_params : backbone.at("stage_params"), context);
    if (const ConfigNode node = params.find("last_channels")) {
      node.problem("belongs to bottleneck_cfg; with stage_params give the head's intermediate_channels");
    }
  }

  const ConfigNode last_conv = params.find("last_conv_channels");
  config.last_conv_channels = given(last_conv) ? last_conv.as_int_in(0, kMaxChannels, 0) : 0;
  const bool has_blocks = !config.stages.empty() && !config.stages.back().empty();
  if (config.last_conv_channels == 0 && has_blocks) {
    const MobileNetV3Block& last = config.stages.back().back();
    config.last_conv_channels = is_lucid ? last.expanded_channels : 6 * last.out_channels;
  }
  return config;
}

}  // namespace zoo::backbones
