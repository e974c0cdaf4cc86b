#include "heads/ssdlite.h"

#include <array>
#include <string>

#include <fmt/format.h>

#include "heads/level_choice.h"
#include "nn/core/config_number.h"
#include "nn/core/counted.h"

namespace zoo::heads {

using graph::GraphBuilder;
using graph::NodeId;

namespace {

constexpr int64_t kMaxChannels = 16384;
constexpr int64_t kMaxStride = 1024;
constexpr double kMaxAspectRatio = 100.0;
constexpr double kMaxScale = 10.0;
// torchvision's ssdlite320_mobilenet_v3_large.
constexpr std::array<int64_t, 2> kInStrides = {16, 32};
constexpr double kMinRatio = 0.2;
constexpr double kMaxRatio = 0.95;
constexpr std::array<double, 2> kAspectRatios = {2.0, 3.0};
constexpr BoxCoding kCoding = {.x = 10.0, .y = 10.0, .w = 5.0, .h = 5.0};
constexpr Postprocess kPostprocess = {
    .topk_candidates = 300, .score_thresh = 0.001, .nms_thresh = 0.55, .class_agnostic = false, .max_detections = 300};

// As many values as the head has levels, and `more`.
void check_count(const ConfigNode& node, size_t count, size_t levels, size_t more) {
  if (!node.is_list() || count == levels + more) return;
  node.problem(fmt::format("{}, but the head has {}{}", counted(static_cast<int64_t>(count), "value"),
                           counted(static_cast<int64_t>(levels), "level"),
                           more > 0 ? fmt::format(" and needs {}", levels + more) : ""));
}

std::vector<size_t> decode_levels(const ConfigNode& head, const HeadContext& context) {
  std::vector<size_t> levels;
  const ConfigNode strides = head.find("params").find("in_strides");
  if (!strides) {
    for (const int64_t stride : kInStrides) levels.push_back(level_of_stride(head, context, stride).value_or(0));
    return levels;
  }
  const std::vector<ConfigNode> items = strides.items();
  if (strides.is_list() && items.empty()) strides.problem("empty: the head reads at least one level");
  int64_t before = 0;
  for (const ConfigNode& item : items) {
    const int64_t stride = item.as_int_in(1, kMaxStride, 0);
    if (stride != 0 && stride <= before) item.problem(fmt::format("{} does not come after {}", stride, before));
    levels.push_back(stride == 0 ? 0 : level_of_stride(item, context, stride).value_or(0));
    before = stride;
  }
  return levels;
}

// One list for all levels, or a list of one list per level.
std::vector<std::vector<double>> decode_aspect_ratios(const ConfigNode& node, size_t levels) {
  if (!node) return {levels, std::vector<double>(kAspectRatios.begin(), kAspectRatios.end())};
  const std::vector<ConfigNode> items = node.items();
  if (items.empty() || !items.front().is_list()) return {levels, read_positives(items, kMaxAspectRatio)};
  std::vector<std::vector<double>> ratios;
  ratios.reserve(items.size());
  for (const ConfigNode& item : items) ratios.push_back(read_positives(item.items(), kMaxAspectRatio));
  check_count(node, ratios.size(), levels, 0);
  ratios.resize(levels);
  return ratios;
}

std::vector<double> decode_scales(const ConfigNode& params, size_t levels) {
  const ConfigNode min_ratio = params.find("min_ratio");
  const ConfigNode max_ratio = params.find("max_ratio");
  if (const ConfigNode scales = params.find("scales")) {
    for (const ConfigNode& ratio : {min_ratio, max_ratio}) {
      if (ratio) ratio.problem("given beside scales, which say the same");
    }
    std::vector<double> values = read_positives(scales.items(), kMaxScale);
    check_count(scales, values.size(), levels, 1);
    return values;
  }
  const double smallest = min_ratio ? read_positive(min_ratio, 1.0, kMinRatio) : kMinRatio;
  const double largest = max_ratio ? read_positive(max_ratio, 1.0, kMaxRatio) : kMaxRatio;
  if (smallest > largest) {
    (min_ratio ? min_ratio : max_ratio).problem(fmt::format("min_ratio {} is over max_ratio {}", smallest, largest));
  }
  return even_scales(levels, smallest, largest);
}

DefaultBoxOptions decode_boxes(const ConfigNode& params, size_t levels) {
  DefaultBoxOptions boxes;
  boxes.aspect_ratios = decode_aspect_ratios(params.find("aspect_ratios"), levels);
  boxes.scales = decode_scales(params, levels);
  if (const ConfigNode steps = params.find("steps"); given(steps)) {
    boxes.steps = read_positives(steps.items(), kMaxStride);
    check_count(steps, boxes.steps.size(), levels, 0);
  }
  if (const ConfigNode clip = params.find("clip")) boxes.clip = clip.as_bool(true);
  return boxes;
}

ParameterRole role_of(Section section, std::string part, size_t level) {
  return {
      .section = section, .block = "ssdlite", .part = std::move(part), .counts = {{"level", static_cast<int>(level)}}};
}

// Adds the head's layers; they differ in what they are a part of and in their convolution.
class SsdLiteBuilder {
 public:
  SsdLiteBuilder(GraphBuilder& builder, const SsdLiteConfig& config) : builder_(builder), config_(config) {}

  // 1x1 to half the width, depthwise 3x3 with stride 2, 1x1.
  NodeId extra_level(NodeId src, size_t index, int64_t channels) const {
    const GraphBuilder::Scope scope(builder_, fmt::format("extra{}", index));
    const int64_t narrow = channels / 2;
    enter_extra(index, 0);
    NodeId value = layer(src, "reduce", {.out_channels = narrow});
    enter_extra(index, 1);
    value = layer(value, "depthwise", {.out_channels = narrow, .kernel = 3, .stride = 2, .groups = narrow});
    enter_extra(index, 2);
    return layer(value, "project", {.out_channels = channels});
  }

  // Depthwise 3x3, then a plain 1x1.
  NodeId predictor(NodeId src, std::string_view name, size_t level, int rows_per_class, int64_t channels) const {
    const GraphBuilder::Scope scope(builder_, fmt::format("{}{}", name, level));
    const int64_t width = builder_.channels(src);
    ParameterRole role = role_of(Section::kHead, fmt::format("{}_depthwise", name), level);
    role.rows_per_class = rows_per_class;
    builder_.set_role(role);
    const NodeId value = layer(src, "depthwise", {.out_channels = width, .kernel = 3, .groups = width});
    role.part = fmt::format("{}_predict", name);
    builder_.set_role(role);
    return builder_.conv(value, "predict", {.out_channels = channels, .bias = true});
  }

 private:
  void enter_extra(size_t index, int position) const {
    ParameterRole role = role_of(Section::kNeck, "extra", index);
    role.set_count("position", position);
    builder_.set_role(role);
  }

  NodeId layer(NodeId src, std::string_view name, const graph::ConvOptions& conv) const {
    return conv_norm_act(builder_, src, name, conv, config_.norm_act);
  }

  GraphBuilder& builder_;
  const SsdLiteConfig& config_;
};

}  // namespace

SsdLiteConfig decode_ssdlite(const ConfigNode& head, const HeadContext& context) {
  SsdLiteConfig config;
  config.num_classes = context.num_classes;
  config.levels = decode_levels(head, context);
  const ConfigNode params = head.find("params");
  if (const ConfigNode extra = params.find("extra_channels")) {
    config.extra_channels.clear();
    for (const ConfigNode& item : extra.items()) config.extra_channels.push_back(item.as_int_in(2, kMaxChannels, 2));
  }
  decode_norm_act(params, config.norm_act);
  config.boxes = decode_boxes(params, config.levels.size() + config.extra_channels.size());
  return config;
}

void build_ssdlite(GraphBuilder& builder, const std::vector<FeatureLevel>& features, const SsdLiteConfig& config) {
  const SsdLiteBuilder parts(builder, config);
  std::vector<NodeId> levels;
  for (const size_t level : config.levels) levels.push_back(features[level].value);
  for (size_t i = 0; i < config.extra_channels.size(); ++i) {
    levels.push_back(parts.extra_level(levels.back(), i, config.extra_channels[i]));
    builder.output(fmt::format("extra.{}", i), levels.back());
  }
  const std::vector<int64_t> boxes = boxes_per_position(config.boxes);
  for (size_t i = 0; i < levels.size(); ++i) {
    const auto rows = static_cast<int>(boxes[i]);
    builder.output(class_output_name(i), parts.predictor(levels[i], "class", i, rows, boxes[i] * config.num_classes));
    builder.output(box_output_name(i), parts.predictor(levels[i], "box", i, 0, boxes[i] * 4));
  }
}

DetectionDecoding ssdlite_decoding(const SsdLiteConfig& config) {
  DetectionDecoding decoding;
  decoding.classes = config.num_classes;
  decoding.joins_levels = true;
  decoding.anchors_per_position = boxes_per_position(config.boxes);
  for (size_t i = 0; i < decoding.anchors_per_position.size(); ++i) {
    decoding.class_outputs.push_back(class_output_name(i));
    decoding.box_outputs.push_back(box_output_name(i));
  }
  decoding.anchors = [boxes = config.boxes](std::span<const graph::Size2d> maps, graph::Size2d input) {
    return default_boxes(boxes, maps, input);
  };
  decoding.score = ScoreFunction::kSoftmax;
  decoding.selection = CandidateSelection::kPerClass;
  decoding.coding = kCoding;
  decoding.postprocess = kPostprocess;
  return decoding;
}

HeadDefinition define_ssdlite(const ConfigNode& head, const HeadContext& context) {
  const SsdLiteConfig config = decode_ssdlite(head, context);
  return {.build = [config](GraphBuilder& builder,
                            const std::vector<FeatureLevel>& features) { build_ssdlite(builder, features, config); },
          .detection = ssdlite_decoding(config)};
}

}  // namespace zoo::heads
