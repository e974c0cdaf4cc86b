#include "tests/weights/mobilenetv3_parameters.h"

#include <memory>

#include <fmt/format.h>

#include "backbones/names/mobilenet_names.h"
#include "heads/names/head_names.h"

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
    list_.push_back({std::move(name), std::move(shape), role, mobilenetv3_network()});
  }

  std::vector<Parameter>& list_;
};

void list_block(Lister& lister, const std::string& node, const BlockSpec& block, int64_t in_channels, bool learned) {
  ParameterRole& role = lister.role;
  role.block = block.expand ? "inverted_residual" : "depthwise_separable";
  int position = 0;
  const auto begin_part = [&role, &position](const char* part) {
    role.part = part;
    role.set_count("position", position++);
  };
  if (block.expand) {
    begin_part("expand");
    lister.conv_layer(node + ".expand", Shape{block.hidden, in_channels, 1, 1}, learned);
  }
  begin_part("depthwise");
  lister.conv_layer(node + ".depthwise", Shape{block.hidden, 1, block.kernel, block.kernel}, learned);
  if (block.squeezed > 0) {
    begin_part("se_reduce");
    lister.weighted(node + ".se.reduce", Shape{block.squeezed, block.hidden, 1, 1}, true);
    role.part = "se_expand";
    lister.weighted(node + ".se.expand", Shape{block.hidden, block.squeezed, 1, 1}, true);
  }
  begin_part("project");
  lister.conv_layer(node + ".project", Shape{block.out, block.hidden, 1, 1}, false);
}

void list_head(Lister& lister, const NetworkSpec& network) {
  ParameterRole& role = lister.role;
  role = {};
  role.section = Section::kHead;
  role.block = "fc";
  role.set_count("layers", network.head_layers);
  int64_t width = network.last_conv;
  for (int layer = 0; layer < network.head_layers - 1; ++layer) {
    role.part = "hidden";
    role.set_count("layer", layer);
    lister.weighted(fmt::format("head.hidden{}", layer), Shape{network.hidden, width}, network.hidden_bias);
    width = network.hidden;
  }
  role.part = "classifier";
  lister.weighted("head.classifier", Shape{network.classes, width}, true);
}

}  // namespace

std::shared_ptr<const NetworkNames> mobilenetv3_network() {
  static const auto names = std::make_shared<const NetworkNames>(Task::kClassification, backbones::mobilenetv3_names(),
                                                                 HeadNames(), heads::fc_names());
  return names;
}

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
  role.part = "stem";
  role.set_count("entry", 0);
  lister.conv_layer("backbone.stem", Shape{network.stem, 3, 3, 3}, network.learned_activations);
  int64_t channels = network.stem;
  int entry = 1;
  const auto enter = [&](size_t stage, size_t block) {
    role.set_count("entry", entry++);
    role.set_count("stage", static_cast<int>(stage));
    role.set_count("block", static_cast<int>(block));
  };
  for (size_t stage = 0; stage < network.stages.size(); ++stage) {
    for (size_t block = 0; block < network.stages[stage].size(); ++block) {
      const BlockSpec& spec = network.stages[stage][block];
      enter(stage, block);
      list_block(lister, fmt::format("backbone.stage{}.block{}", stage, block), spec, channels,
                 network.learned_activations);
      channels = spec.out;
    }
  }
  role.block.clear();
  role.part = "last_conv";
  enter(network.stages.size() - 1, network.stages.back().size());
  role.set_count("layer", 0);
  role.set_count("stages", static_cast<int>(network.stages.size()));
  lister.conv_layer("backbone.last_conv", Shape{network.last_conv, channels, 1, 1}, network.learned_activations);
  list_head(lister, network);
  return list;
}

}  // namespace zoo::weights
