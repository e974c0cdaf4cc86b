#include "tests/weights/mobilenetv3_parameters.h"

#include <fmt/format.h>

namespace zoo::weights {
namespace {

NetworkSpec cut_into_stages(const std::vector<BlockSpec>& blocks, const std::vector<size_t>& stage_lengths) {
  NetworkSpec network;
  auto next = blocks.begin();
  for (const size_t length : stage_lengths) {
    const auto end = next + static_cast<std::ptrdiff_t>(length);
    network.stages.emplace_back(next, end);
    next = end;
  }
  return network;
}

/// Appends parameters with the role that is current.
class Lister {
 public:
  explicit Lister(std::vector<Parameter>& list) : list_(list) {}

  ParameterRole role;

  void weighted(const std::string& node, const Shape& weight, bool bias) {
    add(node + ".weight", weight, Layer::kWeighted, Field::kWeight);
    if (bias) add(node + ".bias", Shape{weight[0]}, Layer::kWeighted, Field::kBias);
  }

  /// Convolution and batch norm, and a PReLU if asked for.
  void conv_layer(const std::string& node, const Shape& weight, bool learned_activation) {
    weighted(node + ".conv", weight, false);
    add(node + ".norm.weight", Shape{weight[0]}, Layer::kNorm, Field::kWeight);
    add(node + ".norm.bias", Shape{weight[0]}, Layer::kNorm, Field::kBias);
    add(node + ".norm.running_mean", Shape{weight[0]}, Layer::kNorm, Field::kRunningMean);
    add(node + ".norm.running_var", Shape{weight[0]}, Layer::kNorm, Field::kRunningVar);
    if (learned_activation) add(node + ".act.weight", Shape{1}, Layer::kActivation, Field::kWeight);
  }

 private:
  void add(std::string name, Shape shape, Layer layer, Field field) {
    role.layer = layer;
    role.field = field;
    list_.push_back({std::move(name), std::move(shape), role});
  }

  std::vector<Parameter>& list_;
};

void list_block(Lister& lister, const std::string& node, const BlockSpec& block, int64_t in_channels, bool learned) {
  ParameterRole& role = lister.role;
  role.block_kind = block.expand ? BlockKind::kInvertedResidual : BlockKind::kDepthwiseSeparable;
  role.part_index = -1;
  const auto begin_part = [&role](Part part) {
    role.part = part;
    ++role.part_index;
  };
  if (block.expand) {
    begin_part(Part::kExpand);
    lister.conv_layer(node + ".expand", Shape{block.hidden, in_channels, 1, 1}, learned);
  }
  begin_part(Part::kDepthwise);
  lister.conv_layer(node + ".depthwise", Shape{block.hidden, 1, block.kernel, block.kernel}, learned);
  if (block.squeezed > 0) {
    begin_part(Part::kSqueezeReduce);
    lister.weighted(node + ".se.reduce", Shape{block.squeezed, block.hidden, 1, 1}, true);
    role.part = Part::kSqueezeExpand;
    lister.weighted(node + ".se.expand", Shape{block.hidden, block.squeezed, 1, 1}, true);
  }
  begin_part(Part::kProject);
  lister.conv_layer(node + ".project", Shape{block.out, block.hidden, 1, 1}, false);
}

void list_head(Lister& lister, const NetworkSpec& network) {
  ParameterRole& role = lister.role;
  role = {};
  role.section = Section::kHead;
  role.head_layers = network.head_layers;
  int64_t width = network.last_conv;
  for (role.head_layer = 0; role.head_layer < network.head_layers - 1; ++role.head_layer) {
    role.part = Part::kHeadHidden;
    lister.weighted(fmt::format("head.hidden{}", role.head_layer), Shape{network.hidden, width}, network.hidden_bias);
    width = network.hidden;
  }
  role.part = Part::kClassifier;
  lister.weighted("head.classifier", Shape{network.classes, width}, true);
}

}  // namespace

NetworkSpec mobilenetv3_small(const std::vector<size_t>& stage_lengths) {
  NetworkSpec network = cut_into_stages({{3, 16, 16, 8, false},
                                         {3, 72, 24, 0},
                                         {3, 88, 24, 0},
                                         {5, 96, 40, 24},
                                         {5, 240, 40, 64},
                                         {5, 240, 40, 64},
                                         {5, 120, 48, 32},
                                         {5, 144, 48, 40},
                                         {5, 288, 96, 72},
                                         {5, 576, 96, 144},
                                         {5, 576, 96, 144}},
                                        stage_lengths);
  network.last_conv = 576;
  network.hidden = 1024;
  return network;
}

NetworkSpec mobilenetv3_large(const std::vector<size_t>& stage_lengths) {
  NetworkSpec network = cut_into_stages({{3, 16, 16, 0, false},
                                         {3, 64, 24, 0},
                                         {3, 72, 24, 0},
                                         {5, 72, 40, 24},
                                         {5, 120, 40, 32},
                                         {5, 120, 40, 32},
                                         {3, 240, 80, 0},
                                         {3, 200, 80, 0},
                                         {3, 184, 80, 0},
                                         {3, 184, 80, 0},
                                         {3, 480, 112, 120},
                                         {3, 672, 112, 168},
                                         {5, 672, 160, 168},
                                         {5, 960, 160, 240},
                                         {5, 960, 160, 240}},
                                        stage_lengths);
  network.last_conv = 960;
  network.hidden = 1280;
  return network;
}

NetworkSpec tiny_network() {
  NetworkSpec network;
  network.stem = 4;
  network.stages = {{{3, 4, 4, 2, false}}, {{3, 8, 6, 0}, {5, 12, 6, 3}}};
  network.last_conv = 10;
  network.hidden = 7;
  network.classes = 5;
  return network;
}

std::vector<Parameter> list_parameters(const NetworkSpec& network) {
  std::vector<Parameter> list;
  Lister lister(list);
  ParameterRole& role = lister.role;
  role.stages = static_cast<int>(network.stages.size());
  for (const std::vector<BlockSpec>& stage : network.stages) role.total_blocks += static_cast<int>(stage.size());

  role.part = Part::kStem;
  lister.conv_layer("backbone.stem", Shape{network.stem, 3, 3, 3}, network.learned_activations);
  int64_t channels = network.stem;
  for (const std::vector<BlockSpec>& stage : network.stages) {
    ++role.stage;
    role.block = -1;
    role.blocks_in_stage = static_cast<int>(stage.size());
    for (const BlockSpec& block : stage) {
      ++role.block;
      ++role.flat_block;
      list_block(lister, fmt::format("backbone.stage{}.block{}", role.stage, role.block), block, channels,
                 network.learned_activations);
      channels = block.out;
    }
  }
  role.block_kind = BlockKind::kNone;
  role.part = Part::kLastConv;
  role.part_index = -1;
  role.block = role.blocks_in_stage;
  role.flat_block = role.total_blocks;
  lister.conv_layer("backbone.last_conv", Shape{network.last_conv, channels, 1, 1}, network.learned_activations);
  list_head(lister, network);
  return list;
}

}  // namespace zoo::weights
