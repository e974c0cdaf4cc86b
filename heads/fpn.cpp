#include "heads/fpn.h"

#include <array>
#include <string>

#include <fmt/format.h>

namespace zoo::heads {

using graph::GraphBuilder;
using graph::NodeId;

namespace {

constexpr int64_t kMaxLevels = 16;
constexpr std::array kConvolvedLevels = {ExtraLevels::kOnInput, ExtraLevels::kOnLateral, ExtraLevels::kOnOutput};

// A bool or the name of what the first extra convolution reads; True is on_input.
ExtraLevels read_extra_levels(const ConfigNode& node) {
  if (!node) return ExtraLevels::kMaxPool;
  const std::array<std::string, 3> names = {"on_input", "on_lateral", "on_output"};  // as kConvolvedLevels
  if (node.is_scalar() && node.as_string().starts_with("on_")) {
    const auto choice = node.as_choice(names, "source of extra convolutions");
    return choice ? kConvolvedLevels[*choice] : ExtraLevels::kMaxPool;
  }
  return node.as_bool() ? ExtraLevels::kOnInput : ExtraLevels::kMaxPool;
}

// Index of a level; `last` where the node is absent or, for the end, -1.
int64_t read_level(const ConfigNode& node, int64_t levels, int64_t fallback) {
  if (!node) return fallback;
  const int64_t level = node.as_int(fallback);
  if (levels > 0 && (level < 0 || level >= levels)) {
    node.problem(fmt::format("{} is not a level; the neck reads {}, counted from 0", level, levels));
    return fallback;
  }
  return level;
}

void decode_levels(const ConfigNode& params, int64_t levels, FpnConfig& config) {
  const int64_t last = levels - 1;
  const ConfigNode start_node = params.find("start_level");
  const ConfigNode end_node = params.find("end_level");
  const bool ends_at_last = !end_node || end_node.as_int(-1) == -1;
  const int64_t start = read_level(start_node, levels, 0);
  const int64_t end = ends_at_last ? last : read_level(end_node, levels, last);
  const ConfigNode outs = params.at("num_outs");
  config.num_outs = outs.as_int_in(1, kMaxLevels, 1);
  if (levels == 0) return;
  if (start > end) {
    start_node.problem(fmt::format("{} is behind end_level {}", start, end));
    return;
  }
  const int64_t read = end - start + 1;
  if (config.num_outs < read) {
    outs.problem(fmt::format("{}, but levels {} to {} are {}; start_level and end_level leave some out",
                             config.num_outs, start, end, read));
    return;
  }
  if (config.num_outs > read && end != last) {
    outs.problem(fmt::format("{}, but levels {} to {} are {}; there are extra ones only behind the last, {}",
                             config.num_outs, start, end, read, last));
    return;
  }
  config.start_level = static_cast<size_t>(start);
  config.levels_read = static_cast<size_t>(read);
}

// What the neck yields, values kNone.
std::vector<FeatureLevel> output_levels(const std::vector<FeatureLevel>& features, const FpnConfig& config) {
  std::vector<FeatureLevel> levels;
  for (size_t i = 0; i < config.levels_read; ++i) {
    levels.push_back({graph::kNone, config.channels, features[config.start_level + i].stride});
  }
  while (!levels.empty() && levels.size() < static_cast<size_t>(config.num_outs)) {
    levels.push_back({graph::kNone, config.channels, 2 * levels.back().stride});
  }
  return levels;
}

ParameterRole role_of(std::string_view part, size_t level) {
  return {.section = Section::kNeck,
          .block = "fpn",
          .part = std::string(part),
          .counts = {{"level", static_cast<int>(level)}}};
}

// The levels' 1x1 convolutions, each plus the coarser one enlarged.
std::vector<NodeId> add_laterals(GraphBuilder& builder, const std::vector<FeatureLevel>& features,
                                 const FpnConfig& config) {
  std::vector<NodeId> laterals;
  for (size_t i = 0; i < config.levels_read; ++i) {
    builder.set_role(role_of("lateral", i));
    laterals.push_back(builder.conv(features[config.start_level + i].value, fmt::format("lateral{}", i),
                                    {.out_channels = config.channels, .bias = true}));
  }
  for (size_t i = laterals.size() - 1; i > 0; --i) {
    const NodeId enlarged =
        builder.resize_like(laterals[i], laterals[i - 1], fmt::format("enlarge{}", i), graph::ResizeMode::kNearest);
    laterals[i - 1] = builder.add(laterals[i - 1], enlarged, fmt::format("add{}", i - 1));
  }
  return laterals;
}

NodeId add_output(GraphBuilder& builder, NodeId src, size_t index, int64_t stride, const FpnConfig& config) {
  builder.set_role(role_of("output", index));
  return builder.conv(src, fmt::format("output{}", index),
                      {.out_channels = config.channels, .kernel = 3, .stride = stride, .bias = true});
}

// What the convolution of an extra level reads.
NodeId extra_source(GraphBuilder& builder, const std::vector<NodeId>& outputs, NodeId first_source,
                    const FpnConfig& config) {
  if (outputs.size() == config.levels_read) return first_source;
  if (!config.relu_before_extra_convs) return outputs.back();
  return builder.activation(outputs.back(), fmt::format("relu{}", outputs.size()), ActivationKind::kRelu);
}

}  // namespace

FpnConfig decode_fpn(const ConfigNode& neck, const NeckContext& context) {
  FpnConfig config;
  const ConfigNode params = neck.at("params");
  decode_levels(params, static_cast<int64_t>(context.features.size()), config);
  config.extra = read_extra_levels(params.find("add_extra_convs"));
  const ConfigNode relu = params.find("relu_before_extra_convs");
  config.relu_before_extra_convs = relu && relu.as_bool();
  if (!context.features.empty()) config.channels = context.features.back().channels;
  return config;
}

std::vector<FeatureLevel> build_fpn(GraphBuilder& builder, const std::vector<FeatureLevel>& features,
                                    const FpnConfig& config) {
  const std::vector<NodeId> laterals = add_laterals(builder, features, config);
  std::vector<NodeId> outputs;
  for (size_t i = 0; i < laterals.size(); ++i) outputs.push_back(add_output(builder, laterals[i], i, 1, config));

  const size_t last = config.start_level + config.levels_read - 1;
  NodeId first_source = features[last].value;
  if (config.extra == ExtraLevels::kOnLateral) first_source = laterals.back();
  if (config.extra == ExtraLevels::kOnOutput) first_source = outputs.back();
  for (size_t i = outputs.size(); i < static_cast<size_t>(config.num_outs); ++i) {
    if (config.extra == ExtraLevels::kMaxPool) {
      outputs.push_back(builder.max_pool(outputs.back(), fmt::format("output{}", i), {.kernel = 1, .stride = 2}));
    } else {
      const NodeId source = extra_source(builder, outputs, first_source, config);
      outputs.push_back(add_output(builder, source, i, 2, config));
    }
  }

  std::vector<FeatureLevel> levels = output_levels(features, config);
  for (size_t i = 0; i < outputs.size(); ++i) levels[i].value = outputs[i];
  return levels;
}

NeckDefinition define_fpn(const ConfigNode& neck, const NeckContext& context) {
  const FpnConfig config = decode_fpn(neck, context);
  return {.build = [config](GraphBuilder& builder,
                            const std::vector<FeatureLevel>& features) { return build_fpn(builder, features, config); },
          .levels = output_levels(context.features, config)};
}

}  // namespace zoo::heads
