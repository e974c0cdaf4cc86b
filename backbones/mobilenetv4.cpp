#include "backbones/mobilenetv4.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "backbones/block_chain.h"
#include "backbones/mobilenetv4_rows.h"
#include "backbones/stage_columns.h"
#include "nn/core/activation_config.h"

namespace zoo::backbones {
namespace {

// Params of the trainer's form that lucid's says in its rows.
constexpr std::array<std::string_view, 12> kRowFormKeys = {"stem_out_channel",
                                                           "stem_kernel_size",
                                                           "stem_stride",
                                                           "final_conv_out_channel",
                                                           "final_conv_kernel_size",
                                                           "final_conv_stride",
                                                           "return_stage_idx",
                                                           "layer_scale",
                                                           "uir_stride",
                                                           "uir_expand",
                                                           "fi_skip",
                                                           "antialias"};

Antialias read_antialias(const ConfigNode& node) {
  if (!node) return Antialias::kNone;
  constexpr std::array kKinds = {Antialias::kNone, Antialias::kAverage, Antialias::kBlur};
  const std::array<std::string, 3> names = {"none", "average", "blur"};  // as kKinds
  const auto choice = node.as_choice(names, "antialias");
  return choice ? kKinds[*choice] : Antialias::kNone;
}

// Whether `node` is the second of two choices; absent is the first.
bool is_second(const ConfigNode& node, std::string_view first, std::string_view second, std::string_view what) {
  const std::array<std::string, 2> names = {std::string(first), std::string(second)};
  return node && node.as_choice(names, what) == size_t{1};
}

// The factor that training starts with does not matter here, only that there is one.
bool read_layer_scale(const ConfigNode& node) {
  if (!given(node)) return false;
  const double start = node.as_double(1.0);
  if (start <= 0.0) node.problem(fmt::format("must be greater than 0, or null for none; found {}", start));
  return true;
}

void decode_common(const ConfigNode& params, MobileNetV4Config& config) {
  if (const ConfigNode node = params.find("in_channels")) config.in_channels = node.as_int_in(1, kMaxChannels, 3);
  decode_norm_options(params, config.norm);
  config.same_padding = decode_same_padding(params);
}

void decode_stem(const ConfigNode& params, MobileNetV4Config& config) {
  config.stem.out_channels = read_channels(params.at("stem_out_channel"));
  if (const ConfigNode node = params.find("stem_kernel_size")) config.stem.kernel = read_kernel(node);
  if (const ConfigNode node = params.find("stem_stride")) config.stem.stride = read_stride(node);
}

void decode_final_conv(const ConfigNode& params, BlockChain& chain, MobileNetV4Config& config) {
  const ConfigNode channels = params.find("final_conv_out_channel");
  if (!channels) params.at("final_conv_out_channel");
  config.final_conv.out_channels = given(channels) ? channels.as_int_in(0, kMaxChannels, 0) : 0;
  if (const ConfigNode node = params.find("final_conv_kernel_size")) config.final_conv.kernel = read_kernel(node);
  const ConfigNode stride = params.find("final_conv_stride");
  if (!stride) return;
  config.final_conv.stride = read_stride(stride);
  if (config.final_conv.out_channels > 0) {
    config.final_conv.stride = chain.check_stride(stride, config.final_conv.stride);
  }
}

void decode_returned_stages(const ConfigNode& node, MobileNetV4Config& config) {
  const size_t stages = config.stages.size();
  if (!given(node)) {
    if (stages > 0 && config.feature_levels.kind == FeatureLevels::kStages) {
      config.returned_stages = {stages - 1};
      config.returned_by_default = true;
    }
    return;
  }
  if (config.feature_levels.kind != FeatureLevels::kStages) node.problem("counts stages; needs feature_levels: stages");
  if (node.is_list() && node.items().empty()) node.problem("empty: null returns the last stage");
  for (const ConfigNode& item : node.items()) {
    const int64_t index = item.as_int(0);
    if (index < 0 || index >= static_cast<int64_t>(stages)) {
      item.problem(fmt::format("{} is not a stage; there are {}, counted from 0", index, stages));
      continue;
    }
    const auto stage = static_cast<size_t>(index);
    if (std::find(config.returned_stages.begin(), config.returned_stages.end(), stage) !=
        config.returned_stages.end()) {
      item.problem(fmt::format("{} is given twice", index));
      continue;
    }
    config.returned_stages.push_back(stage);
  }
  std::sort(config.returned_stages.begin(), config.returned_stages.end());
}

void decode_trainer_form(const ConfigNode& params, const ConfigNode& stage_params, MobileNetV4Config& config) {
  const ConfigNode activation = params.find_any(kActType);
  config.activation = decode_activation(activation ? activation : params.at("act_type"), config.activation);
  config.antialias = read_antialias(params.find("antialias"));
  decode_stem(params, config);
  MobileNetV4RowRules rules;
  rules.layer_scale = read_layer_scale(params.find("layer_scale"));
  rules.stride_on_start = is_second(params.find("uir_stride"), "middle", "middle_or_start", "uir_stride");
  rules.always_expand = is_second(params.find("uir_expand"), "where_needed", "always", "uir_expand");
  if (const ConfigNode node = params.find("fi_skip")) rules.fused_skip = node.as_bool();
  if (const ConfigNode node = params.find("residual")) {
    node.problem("belongs to cfg; with stage_params every uir has a skip where the shapes allow it");
  }

  BlockChain chain(config.stem.out_channels, config.stem.stride);
  config.stages = decode_mobilenetv4_stages(stage_params, rules, chain);
  decode_final_conv(params, chain, config);
  config.feature_levels = decode_feature_levels(params.find("feature_levels"), mobilenetv4_values(config));
  decode_returned_stages(params.find("return_stage_idx"), config);
}

void decode_lucid_form(const ConfigNode& params, const ConfigNode& cfg, MobileNetV4Config& config) {
  for (const std::string_view key : kRowFormKeys) {
    if (const ConfigNode node = params.find(key)) node.problem("belongs to stage_params; cfg says it in its rows");
  }
  config.activation = decode_activation(params.find_any(kActType), ActivationKind::kRelu6);
  const ConfigNode residual = params.find("residual");
  decode_mobilenetv4_cfg(cfg, residual && residual.as_bool(), config);
  config.feature_levels = decode_feature_levels(params.find("feature_levels"), mobilenetv4_values(config));
}

}  // namespace

MobileNetV4Config decode_mobilenetv4(const ConfigNode& backbone) {
  const ConfigNode params = backbone.find("params");
  const ConfigNode stage_params = backbone.find("stage_params");
  ConfigNode cfg = backbone.find("cfg");
  if (!given(cfg)) cfg = params.find("cfg");
  if (given(cfg) && given(stage_params)) {
    cfg.problem("given beside stage_params; a backbone has one of the two");
    cfg.skip();
    stage_params.skip();
    params.skip();
    return {};
  }

  MobileNetV4Config config;
  decode_common(params, config);
  if (given(cfg)) {
    decode_lucid_form(params, cfg, config);
  } else {
    decode_trainer_form(params ? params : backbone.at("params"),
                        stage_params ? stage_params : backbone.at("stage_params"), config);
  }
  return config;
}

}  // namespace zoo::backbones
