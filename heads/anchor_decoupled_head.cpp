#include "heads/anchor_decoupled_head.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "heads/anchors.h"
#include "nn/core/activation_config.h"
#include "nn/core/config_number.h"
#include "nn/core/counted.h"

namespace zoo::heads {

using graph::GraphBuilder;
using graph::NodeId;

namespace {

constexpr int64_t kMaxLayers = 16;
constexpr double kMaxAnchorSize = 1e6;
constexpr double kMaxAspectRatio = 1e3;
constexpr int64_t kBoxOffsets = 4;
// Defaults of the trainer's DetectionPostprocessor.
constexpr Postprocess kTrainerPostprocess = {
    .topk_candidates = 1000, .score_thresh = 0.05, .nms_thresh = 0.45, .class_agnostic = false, .max_detections = 0};

// One list per level; the trainer also takes one number per level.
std::vector<std::vector<double>> read_sizes(const ConfigNode& node, const HeadContext& context) {
  std::vector<std::vector<double>> sizes;
  for (const ConfigNode& level : node.items()) {
    sizes.push_back(read_positives(level.is_list() ? level.items() : std::vector{level}, kMaxAnchorSize));
    if (sizes.back().empty()) level.problem("empty; a level needs a size");
    if (sizes.back().size() != sizes.front().size()) {
      level.problem(fmt::format("{}, but the first level has {}; the levels share their convolutions",
                                counted(std::ssize(sizes.back()), "size"), sizes.front().size()));
    }
  }
  if (!context.features.empty() && sizes.size() != context.features.size()) {
    node.problem(fmt::format("sizes for {}, but the head reads {}", counted(std::ssize(sizes), "level"),
                             context.features.size()));
  }
  return sizes;
}

void check_channels(const ConfigNode& head, const HeadContext& context) {
  std::vector<int64_t> channels;
  for (const FeatureLevel& level : context.features) channels.push_back(level.channels);
  if (std::adjacent_find(channels.begin(), channels.end(), std::not_equal_to()) == channels.end()) return;
  head.at("name").problem(
      fmt::format("its convolutions are shared by levels of equal width, but these have {} channels; a neck makes them "
                  "equal (model.architecture.neck: fpn)",
                  fmt::join(channels, ", ")));
}

constexpr std::string_view kBlock = "anchor_decoupled_head";

// One of the two branches: built on the first level, repeated on the others.
class Branch {
 public:
  Branch(std::string_view name, std::string_view hidden, const ParameterRole& last, int64_t outputs)
      : name_(name), hidden_(hidden), last_(last), outputs_(outputs) {}

  NodeId apply(GraphBuilder& builder, NodeId src, const AnchorDecoupledHeadConfig& config) {
    const GraphBuilder::Scope scope(builder, name_);
    const int64_t channels = builder.channels(src);
    next_ = 0;
    for (int64_t i = 0; i < config.num_layers; ++i) {
      const GraphBuilder::Scope layer_scope(builder, fmt::format("conv{}", i));
      builder.set_role({.section = Section::kHead,
                        .block = std::string(kBlock),
                        .part = std::string(hidden_),
                        .counts = {{"layer", static_cast<int>(i)}}});
      src = layer(builder, src, "conv", [&](std::string_view name) {
        return builder.conv(src, name, {.out_channels = channels, .kernel = 3});
      });
      src = layer(builder, src, "norm", [&](std::string_view name) {
        return config.norm == NormKind::kBatchNorm ? builder.batch_norm(src, name, config.norm_eps)
                                                   : builder.instance_norm(src, name, config.norm_eps);
      });
      src = layer(builder, src, "act",
                  [&](std::string_view name) { return builder.activation(src, name, ActivationKind::kRelu); });
    }
    builder.set_role(last_);
    return layer(builder, src, "predict", [&](std::string_view name) {
      return builder.conv(src, name, {.out_channels = outputs_, .kernel = 3, .bias = true});
    });
  }

 private:
  template <typename Make>
  NodeId layer(GraphBuilder& builder, NodeId src, std::string_view name, Make make) {
    if (next_ == layers_.size()) {
      layers_.push_back(make(name));
      return layers_[next_++];
    }
    return builder.repeat(layers_[next_++], src, name);
  }

  std::string_view name_;
  std::string_view hidden_;
  ParameterRole last_;
  int64_t outputs_;
  std::vector<NodeId> layers_;  ///< of the first level
  size_t next_ = 0;
};

}  // namespace

AnchorDecoupledHeadConfig decode_anchor_decoupled_head(const ConfigNode& head, const HeadContext& context) {
  AnchorDecoupledHeadConfig config;
  config.num_classes = context.num_classes;
  const ConfigNode params = head.at("params");
  config.anchor_sizes = read_sizes(params.at("anchor_sizes"), context);
  const ConfigNode ratios = params.at("aspect_ratios");
  config.aspect_ratios = read_positives(ratios.items(), kMaxAspectRatio);
  if (ratios.is_list() && config.aspect_ratios.empty()) ratios.problem("empty; anchors need an aspect ratio");
  config.num_layers = params.at("num_layers").as_int_in(0, kMaxLayers, 0);
  config.norm = decode_norm(params.find("norm_type"), config.norm);
  check_channels(head, context);
  return config;
}

void build_anchor_decoupled_head(GraphBuilder& builder, const std::vector<FeatureLevel>& features,
                                 const AnchorDecoupledHeadConfig& config) {
  const int64_t anchors = config.anchors_per_position();
  ParameterRole scores = {.section = Section::kHead, .block = std::string(kBlock), .part = "class_scores"};
  scores.rows_per_class = static_cast<int>(anchors);
  ParameterRole offsets = scores;
  offsets.part = "box_offsets";
  offsets.rows_per_class = 0;
  Branch classes("classes", "class_conv", scores, anchors * config.num_classes);
  Branch boxes("boxes", "box_conv", offsets, anchors * kBoxOffsets);
  for (size_t i = 0; i < features.size(); ++i) {
    const GraphBuilder::Scope scope(builder, fmt::format("level{}", i));
    builder.output(class_output_name(i), classes.apply(builder, features[i].value, config));
    builder.output(box_output_name(i), boxes.apply(builder, features[i].value, config));
  }
}

HeadDefinition define_anchor_decoupled_head(const ConfigNode& head, const HeadContext& context) {
  const AnchorDecoupledHeadConfig config = decode_anchor_decoupled_head(head, context);
  DetectionDecoding decoding;
  decoding.classes = config.num_classes;
  decoding.anchors_per_position.assign(context.features.size(), config.anchors_per_position());
  decoding.anchors = netspresso_anchors(config.anchor_sizes, config.aspect_ratios);
  decoding.score = ScoreFunction::kSigmoid;
  decoding.selection = CandidateSelection::kPerLevel;
  decoding.postprocess = kTrainerPostprocess;
  for (size_t i = 0; i < context.features.size(); ++i) {
    decoding.class_outputs.push_back(class_output_name(i));
    decoding.box_outputs.push_back(box_output_name(i));
  }
  return {.build =
              [config](GraphBuilder& builder, const std::vector<FeatureLevel>& features) {
                build_anchor_decoupled_head(builder, features, config);
              },
          .detection = std::move(decoding)};
}

}  // namespace zoo::heads
