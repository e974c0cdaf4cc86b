#include "my_backbone.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <backbone_zoo/backbones/backbone_place.h>
#include <backbone_zoo/backbones/blocks.h>
#include <backbone_zoo/backbones/registry.h>
#include <backbone_zoo/nn/core/activation_config.h>
#include <backbone_zoo/nn/core/name_table.h>

namespace {

using zoo::ConfigNode;
using zoo::backbones::BackboneDefinition;
using zoo::backbones::FeaturePyramid;
using zoo::graph::GraphBuilder;
using zoo::graph::NodeId;

struct ResidualStage {
  int64_t channels = 0;
  int64_t blocks = 1;
  int64_t stride = 1;  // of the first block
};

struct ResidualConfig {
  int64_t in_channels = 3;
  int64_t stem_channels = 64;
  zoo::ActivationKind activation = zoo::ActivationKind::kRelu;
  std::vector<ResidualStage> stages;
};

constexpr int64_t kMaxChannels = 4096;
constexpr int64_t kStemStride = 2;

// Wrong values are recorded in the node, with their place in the file; reading goes on, so that all of them are
// reported.
ResidualConfig decode(const ConfigNode& backbone) {
  ResidualConfig config;
  const ConfigNode params = backbone.find("params");
  config.in_channels = params.find("in_channels").as_int_in(1, kMaxChannels, config.in_channels);
  config.stem_channels = params.find("stem_channels").as_int_in(1, kMaxChannels, config.stem_channels);
  config.activation = zoo::decode_activation(params.find("act_type"), config.activation);
  const ConfigNode stages = backbone.at("stage_params");
  for (const ConfigNode& stage : stages.items()) {
    config.stages.push_back({.channels = stage.at("channels").as_int_in(1, kMaxChannels, 1),
                             .blocks = stage.at("blocks").as_int_in(1, 100, 1),
                             .stride = stage.at("stride").as_int_in(1, 2, 1)});
  }
  if (config.stages.empty()) stages.problem("expected at least one stage");
  return config;
}

// The levels that `build` will yield.
FeaturePyramid features(const ResidualConfig& config) {
  FeaturePyramid pyramid;
  int64_t stride = kStemStride;
  for (const ResidualStage& stage : config.stages) {
    stride *= stage.stride;
    pyramid.push_back({.channels = stage.channels, .stride = stride});
  }
  return pyramid;
}

struct BlockOptions {
  int64_t channels = 0;
  int64_t stride = 1;
  zoo::ActivationKind activation = zoo::ActivationKind::kRelu;
};

// Two 3x3 convolutions beside a skip, which is a 1x1 convolution where the shape changes.
NodeId residual_block(GraphBuilder& builder, NodeId src, const BlockOptions& options) {
  using zoo::backbones::conv_norm_act;
  zoo::backbones::begin_block(builder, "residual");
  const int64_t channels = options.channels;
  NodeId value = conv_norm_act(
      builder, src, "conv0",
      {.conv = {.out_channels = channels, .kernel = 3, .stride = options.stride}, .activation = options.activation});
  value = conv_norm_act(builder, value, "conv1", {.conv = {.out_channels = channels, .kernel = 3}});
  NodeId skip = src;
  if (options.stride != 1 || builder.channels(src) != channels) {
    skip = conv_norm_act(builder, src, "shortcut", {.conv = {.out_channels = channels, .stride = options.stride}});
  }
  return builder.activation(builder.add(value, skip, "add"), "act", options.activation);
}

FeaturePyramid build(GraphBuilder& builder, const ResidualConfig& config) {
  FeaturePyramid pyramid = features(config);
  zoo::backbones::BackbonePlace place(builder);
  place.enter_stem();
  NodeId value =
      zoo::backbones::conv_norm_act(builder, builder.input(), "stem",
                                    {.conv = {.out_channels = config.stem_channels, .kernel = 3, .stride = kStemStride},
                                     .activation = config.activation});
  for (size_t i = 0; i < config.stages.size(); ++i) {
    const ResidualStage& stage = config.stages[i];
    for (int64_t k = 0; k < stage.blocks; ++k) {
      const GraphBuilder::Scope scope(builder, "stage" + std::to_string(i) + ".block" + std::to_string(k));
      place.enter_block(i, static_cast<size_t>(k));
      value = residual_block(
          builder, value,
          {.channels = stage.channels, .stride = k == 0 ? stage.stride : 1, .activation = config.activation});
    }
    pyramid[i].value = value;
  }
  return pyramid;
}

BackboneDefinition define_residual(const ConfigNode& backbone) {
  ResidualConfig config = decode(backbone);
  BackboneDefinition definition;
  definition.in_channels = config.in_channels;
  definition.features = features(config);
  definition.build = [config = std::move(config)](GraphBuilder& builder) { return build(builder, config); };
  return definition;
}

// How a trainer of ours, which follows timm's manner, saves the parameters.
zoo::FamilyNames names() {
  const zoo::NameTable backbone = {
      {"stem", "conv_stem", "bn1"},
      {"residual.conv0", "blocks.{stage}.{block}.conv1", "blocks.{stage}.{block}.bn1"},
      {"residual.conv1", "blocks.{stage}.{block}.conv2", "blocks.{stage}.{block}.bn2"},
      {"residual.shortcut", "blocks.{stage}.{block}.downsample.0", "blocks.{stage}.{block}.downsample.1"},
  };
  return {{zoo::Ecosystem::kTimm, {.backbone = backbone, .sections = {{"classifier.", zoo::Section::kHead}}}}};
}

}  // namespace

void register_residual_backbone() {
  zoo::backbones::BackboneRegistry::global().add("residual", define_residual, names());
}
