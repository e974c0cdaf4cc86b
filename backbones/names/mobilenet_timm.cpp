// timm 1.0.12 (EfficientNet and MobileNetV3 classes): `conv_stem`, `bn1`, `blocks.STAGE.BLOCK.*`, `conv_head`,
// `classifier`. The names inside a block depend on its type.
#include <string>
#include <vector>

#include "backbones/names/mobilenet_names.h"
#include "nn/core/name_table.h"

namespace zoo::backbones {
namespace {

/// Modules within `blocks.STAGE.BLOCK`.
const std::vector<NameRow>& block_rows() {
  static const std::vector<NameRow> rows = {{"depthwise_separable.depthwise", "conv_dw", "bn1"},
                                            {"depthwise_separable.se_reduce", "se.conv_reduce"},
                                            {"depthwise_separable.se_expand", "se.conv_expand"},
                                            {"depthwise_separable.project", "conv_pw", "bn2"},
                                            {"inverted_residual.expand", "conv_pw", "bn1"},
                                            {"inverted_residual.depthwise", "conv_dw", "bn2"},
                                            {"inverted_residual.se_reduce", "se.conv_reduce"},
                                            {"inverted_residual.se_expand", "se.conv_expand"},
                                            {"inverted_residual.project", "conv_pwl", "bn3"},
                                            {"conv.conv", "conv", "bn1"},
                                            {"fused_inverted_residual.expand", "conv_exp", "bn1"},
                                            {"fused_inverted_residual.project", "conv_pwl", "bn2"},
                                            {"universal_bottleneck.start", "dw_start.conv", "dw_start.bn"},
                                            {"universal_bottleneck.expand", "pw_exp.conv", "pw_exp.bn"},
                                            {"universal_bottleneck.middle", "dw_mid.conv", "dw_mid.bn"},
                                            {"universal_bottleneck.project", "pw_proj.conv", "pw_proj.bn"},
                                            {"universal_bottleneck.layer_scale", "layer_scale"},
                                            {"attention.norm", {}, "norm"},
                                            {"attention.query_norm", {}, "attn.query.norm"},
                                            {"attention.query", "attn.query.proj"},
                                            {"attention.key_down", "attn.key.down_conv", "attn.key.norm"},
                                            {"attention.key", "attn.key.proj"},
                                            {"attention.value_down", "attn.value.down_conv", "attn.value.norm"},
                                            {"attention.value", "attn.value.proj"},
                                            {"attention.output", "attn.output.proj"},
                                            {"attention.layer_scale", "layer_scale"}};
  return rows;
}

FamilyNaming timm_family(NameRow last_conv) {
  const auto in_block = [](const std::string& module) {
    return module.empty() ? std::string() : "blocks.{stage}.{block}." + module;
  };
  std::vector<NameRow> rows = {{"stem", "conv_stem", "bn1"}, std::move(last_conv)};
  for (const NameRow& row : block_rows()) rows.push_back({row.part, in_block(row.weighted), in_block(row.norm)});
  return {.backbone = NameTable(std::move(rows)),
          .sections = {{"classifier.", Section::kHead},
                       {"conv_head.", Section::kHead},
                       {"norm_head.", Section::kHead},
                       {"bn2.", Section::kHead}}};
}

}  // namespace

FamilyNaming mobilenetv1_timm() { return timm_family({"last_conv", "conv_head", "bn2"}); }

// The last convolution is a stage of its own, after those of the model file.
FamilyNaming mobilenetv3_timm() {
  return timm_family({"last_conv", "blocks.{stages}.{layer}.conv", "blocks.{stages}.{layer}.bn1"});
}

}  // namespace zoo::backbones
