#include "backbones/shufflenetv2.h"

#include <array>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "backbones/backbone_place.h"
#include "backbones/block_chain.h"
#include "backbones/stage_columns.h"
#include "nn/core/activation_config.h"

namespace zoo::backbones {
namespace {

// Stem and pooling halve the resolution once each.
constexpr int64_t kStrideBeforeStages = 4;

/// Table 5 of the paper: channels of the stages, which have 4, 8 and 4 blocks.
struct ModelSize {
  const char* name;
  std::array<int64_t, 3> channels;
};
constexpr std::array<ModelSize, 4> kModelSizes = {
    {{"0.5x", {48, 96, 192}}, {"1.0x", {116, 232, 464}}, {"1.5x", {176, 352, 704}}, {"2.0x", {244, 488, 976}}}};
constexpr std::array<size_t, 3> kBlocksOfStages = {4, 8, 4};

std::vector<std::vector<ShuffleBlock>> stages_of(const ModelSize& size, int64_t channels) {
  std::vector<std::vector<ShuffleBlock>> stages;
  for (size_t s = 0; s < size.channels.size(); ++s) {
    auto& stage = stages.emplace_back();
    for (size_t b = 0; b < kBlocksOfStages[s]; ++b) {
      stage.push_back({.in_channels = channels, .out_channels = size.channels[s], .stride = b == 0 ? 2 : 1});
      channels = size.channels[s];
    }
  }
  return stages;
}

void check_out_channels(const ConfigNode& node, const ShuffleBlock& block, ShuffleForm form) {
  if (block.out_channels == 0 || block.in_channels == 0) return;
  if (block.out_channels % 2 != 0) {
    node.problem(fmt::format("must be even, found {}", block.out_channels));
  } else if (block.stride == 1 && block.out_channels != block.in_channels) {
    node.problem(fmt::format("{}, but a block of stride 1 keeps the {} channels that it reads", block.out_channels,
                             block.in_channels));
  } else if (block.stride > 1 && form == ShuffleForm::kTrainer && block.out_channels <= block.in_channels) {
    node.problem(fmt::format("{}, but the projection alone yields {}: write more, or form: torchvision",
                             block.out_channels, block.in_channels));
  }
}

std::vector<ShuffleBlock> decode_stage(const ConfigNode& stage, ShuffleForm form, BlockChain& chain) {
  StageColumns columns(stage);
  const auto out_channels = columns.required(kOutChannels, read_channels);
  const auto strides = columns.required(kStride, read_stride);
  const auto kernels = columns.optional(kKernelSizes, read_kernel);
  const size_t length = columns.length();
  if (length == 0) chain.advance(0);
  std::vector<ShuffleBlock> blocks;
  for (size_t i = 0; i < length; ++i) {
    ShuffleBlock block = {.in_channels = chain.channels(),
                          .out_channels = out_channels.values[i],
                          .kernel = kernels.at(i, 3),
                          .stride = strides.values[i]};
    check_out_channels(out_channels.items[i], block, form);
    block.stride = chain.check_stride(strides.items[i], block.stride);
    chain.advance(block.out_channels);
    blocks.push_back(block);
  }
  return blocks;
}

/// The stages of a published size, or those that the file lists.
void decode_stages(const ConfigNode& backbone, ShuffleNetV2Config& config) {
  const ConfigNode params = backbone.find("params");
  const ConfigNode model_size = params.find("model_size");
  const ConfigNode stage_params = backbone.find("stage_params");
  if (given(model_size) && given(stage_params)) {
    stage_params.problem("stands beside params.model_size, which says the same; give one of them");
    stage_params.skip();
  }
  if (given(model_size)) {
    std::vector<std::string> names;
    for (const ModelSize& size : kModelSizes) names.emplace_back(size.name);
    if (const auto choice = model_size.as_choice(names, "model size")) {
      config.stages = stages_of(kModelSizes[*choice], config.stem_channels);
    }
    return;
  }
  BlockChain chain(config.stem_channels, kStrideBeforeStages);
  for (const ConfigNode& stage : stage_items(backbone.at("stage_params"))) {
    config.stages.push_back(decode_stage(stage, config.form, chain));
  }
}

/// What can be a level: stem, pooling, every block, last convolution. Empty if a stage has no blocks.
std::vector<FeatureValue> values_of(const ShuffleNetV2Config& config) {
  std::vector<FeatureValue> values = {{.name = "stem", .level = {graph::kNone, config.stem_channels, 2}},
                                      {.name = "pool", .level = {graph::kNone, config.stem_channels, 4}}};
  int64_t stride = kStrideBeforeStages;
  int flat_block = 0;
  for (size_t s = 0; s < config.stages.size(); ++s) {
    const auto& stage = config.stages[s];
    if (stage.empty()) return {};
    for (size_t b = 0; b < stage.size(); ++b) {
      stride *= stage[b].stride;
      values.push_back({.name = fmt::format("stage{}.block{}", s, b),
                        .level = {graph::kNone, stage[b].out_channels, stride},
                        .flat_block = flat_block++,
                        .ends_stage = b + 1 == stage.size()});
    }
  }
  if (config.last_conv_channels > 0) {
    values.push_back({.name = "last_conv", .level = {graph::kNone, config.last_conv_channels, stride}});
  }
  return values;
}

/// Of its stages the trainer hands the last two to heads that read several levels; empty: all.
std::vector<size_t> trainers_levels(const ShuffleNetV2Config& config) {
  const size_t stages = config.stages.size();
  const bool reads_stages =
      config.form == ShuffleForm::kTrainer && config.feature_levels.kind == FeatureLevels::kStages;
  return reads_stages && stages > 2 ? std::vector<size_t>{stages - 2, stages - 1} : std::vector<size_t>();
}

}  // namespace

ShuffleNetV2Config decode_shufflenetv2(const ConfigNode& backbone) {
  const ConfigNode params = backbone.find("params");
  ShuffleNetV2Config config;
  if (const ConfigNode form = params.find("form")) {
    const std::array<std::string, 2> forms = {"trainer", "torchvision"};
    if (form.as_choice(forms, "form") == size_t{1}) config.form = ShuffleForm::kTorchvision;
  }
  if (const ConfigNode node = params.find("in_channels")) config.in_channels = node.as_int_in(1, kMaxChannels, 3);
  config.stem_channels = channels_or(params.find("stem_channels"), config.stem_channels);
  config.activation = decode_activation(params.find_any(kActType), config.activation);
  if (const ConfigNode node = params.find("last_conv_channels"); given(node)) {
    config.last_conv_channels = node.as_int_in(0, kMaxChannels, 0);
  }
  decode_norm_options(params, config.norm);
  decode_stages(backbone, config);
  config.feature_levels = decode_feature_levels(params.find("feature_levels"), values_of(config));
  config.returned_levels = trainers_levels(config);
  return config;
}

namespace {

using graph::GraphBuilder;
using graph::NodeId;

/// Adds the blocks of a network.
class ShuffleBlocks {
 public:
  ShuffleBlocks(GraphBuilder& builder, const ShuffleNetV2Config& config) : builder_(builder), config_(config) {}

  NodeId add(NodeId src, const ShuffleBlock& block) const {
    begin_block(builder_, "shuffle");
    return block.stride == 1 ? add_unit(src, block) : add_downsampling(src, block);
  }

 private:
  bool is_trainers() const { return config_.form == ShuffleForm::kTrainer; }

  /// One half of the channels goes past the convolutions.
  NodeId add_unit(NodeId src, const ShuffleBlock& block) const {
    const int64_t half = block.out_channels / 2;
    // The trainer parts even channels from odd ones.
    if (is_trainers()) src = builder_.shuffle_channels(src, "shuffle", half);
    const NodeId kept = builder_.slice_channels(src, "kept", 0, half);
    const NodeId worked = builder_.slice_channels(src, "worked", half, half);
    return join(kept, main_branch(worked, block, half));
  }

  NodeId add_downsampling(NodeId src, const ShuffleBlock& block) const {
    const int64_t half = block.out_channels / 2;
    const int64_t projected = is_trainers() ? block.in_channels : half;
    const NodeId projection = projection_branch(src, block, projected);
    return join(projection, main_branch(src, block, block.out_channels - projected));
  }

  NodeId join(NodeId first, NodeId second) const {
    const NodeId joined = builder_.concat({first, second}, "join");
    return is_trainers() ? joined : builder_.shuffle_channels(joined, "shuffle", 2);
  }

  NodeId main_branch(NodeId src, const ShuffleBlock& block, int64_t out_channels) const {
    const GraphBuilder::Scope scope(builder_, "main");
    const int64_t inner = block.out_channels / 2;
    src = pointwise(src, "expand", "expand", inner);
    src = depthwise(src, "depthwise", block);
    return pointwise(src, "project", "project", out_channels);
  }

  NodeId projection_branch(NodeId src, const ShuffleBlock& block, int64_t out_channels) const {
    const GraphBuilder::Scope scope(builder_, "projection");
    src = depthwise(src, "projection_depthwise", block);
    return pointwise(src, "project", "projection_project", out_channels);
  }

  NodeId pointwise(NodeId src, std::string_view name, std::string_view part, int64_t channels) const {
    return conv_norm_act(
        builder_, src, name,
        {.conv = {.out_channels = channels}, .norm = config_.norm, .activation = config_.activation, .part = part});
  }

  NodeId depthwise(NodeId src, std::string_view part, const ShuffleBlock& block) const {
    const int64_t channels = builder_.channels(src);
    return conv_norm_act(
        builder_, src, "depthwise",
        {.conv = {.out_channels = channels, .kernel = block.kernel, .stride = block.stride, .groups = channels},
         .norm = config_.norm,
         .part = part});
  }

  GraphBuilder& builder_;
  const ShuffleNetV2Config& config_;
};

}  // namespace

FeaturePyramid build_shufflenetv2(GraphBuilder& builder, const ShuffleNetV2Config& config) {
  const std::vector<FeatureValue> values = values_of(config);
  PyramidBuilder pyramid(values, config.feature_levels);
  BackbonePlace place(builder);
  const auto yields = [&](std::string_view name, NodeId node) { pyramid.add(name, node, builder.channels(node)); };

  place.enter_stem();
  NodeId value = conv_norm_act(builder, builder.input(), "stem",
                               {.conv = {.out_channels = config.stem_channels, .kernel = 3, .stride = 2},
                                .norm = config.norm,
                                .activation = config.activation});
  yields("stem", value);
  if (!pyramid.complete()) {
    value = builder.max_pool(value, "pool", {.kernel = 3, .stride = 2, .pad = 1});
    yields("pool", value);
  }

  const ShuffleBlocks blocks(builder, config);
  for (size_t s = 0; s < config.stages.size(); ++s) {
    for (size_t b = 0; b < config.stages[s].size() && !pyramid.complete(); ++b) {
      const std::string name = fmt::format("stage{}.block{}", s, b);
      const GraphBuilder::Scope scope(builder, name);
      place.enter_block(s, b);
      value = blocks.add(value, config.stages[s][b]);
      yields(name, value);
    }
  }

  if (config.last_conv_channels > 0 && !pyramid.complete()) {
    place.enter_last_conv();
    value = conv_norm_act(
        builder, value, "last_conv",
        {.conv = {.out_channels = config.last_conv_channels}, .norm = config.norm, .activation = config.activation});
    yields("last_conv", value);
  }
  return pyramid.levels();
}

BackboneDefinition define_shufflenetv2(const ConfigNode& backbone) {
  const auto config = std::make_shared<const ShuffleNetV2Config>(decode_shufflenetv2(backbone));
  BackboneDefinition definition;
  definition.in_channels = config->in_channels;
  definition.build = [config](GraphBuilder& builder) { return build_shufflenetv2(builder, *config); };
  definition.features = select_levels(values_of(*config), config->feature_levels);
  definition.returned_levels = config->returned_levels;
  return definition;
}

}  // namespace zoo::backbones
