// NetsPresso Trainer 1.4.1: `backbone.*`, `neck.*`, `head.*`. Most layers are its ConvLayer, a Sequential called
// `block` with the entries conv, norm and act; layers of a block are numbered as the block really has them.
#include <string>
#include <vector>

#include "backbones/names/mobilenet_names.h"
#include "backbones/names/netspresso.h"
#include "nn/core/name_table.h"

namespace zoo::backbones {
namespace {

constexpr const char* kLayer = "backbone.stages.{stage}.{block}.block.{position}";

std::vector<NameRow> common_rows() {
  const std::string block = "backbone.stages.{stage}.{block}";
  std::vector<NameRow> rows = {conv_layer("last_conv", block), conv_layer("depthwise_separable.depthwise", kLayer),
                               conv_layer("depthwise_separable.project", kLayer)};
  for (const std::string kind : {"inverted_residual", "depthwise_separable"}) {
    rows.push_back({kind + ".se_reduce", std::string(kLayer) + ".fc1"});
    rows.push_back({kind + ".se_expand", std::string(kLayer) + ".fc2"});
  }
  for (const char* part : {"expand", "depthwise", "project"}) {
    rows.push_back(conv_layer(std::string("inverted_residual.") + part, kLayer));
  }
  return rows;
}

std::vector<NameRow> attention_rows() {
  const std::string block = "backbone.stages.{stage}.{block}";
  const auto branch = [&](const char* name) { return block + ".attention." + name + ".{position}"; };
  return {{"attention.norm", {}, block + ".norm_layer"},
          {"attention.query_norm", {}, branch("query")},
          {"attention.query", branch("query")},
          {"attention.key_down", branch("key"), branch("key")},
          {"attention.key", branch("key")},
          {"attention.value_down", branch("value"), branch("value")},
          {"attention.value", branch("value")},
          {"attention.output", branch("linear")},
          {"attention.layer_scale", block + ".layer_scale"}};
}

}  // namespace

FamilyNaming mobilenetv3_netspresso() {
  std::vector<NameRow> rows = common_rows();
  rows.push_back(conv_layer("stem", "backbone.conv_first"));
  return netspresso_family(NameTable(std::move(rows)));
}

FamilyNaming mobilenetv4_netspresso() {
  std::vector<NameRow> rows = common_rows();
  rows.push_back(conv_layer("stem", "backbone.conv_stem"));
  rows.push_back(conv_layer("conv.conv", "backbone.stages.{stage}.{block}"));
  rows.push_back(conv_layer("fused_inverted_residual.expand", kLayer));
  rows.push_back(conv_layer("fused_inverted_residual.project", kLayer));
  for (const char* part : {"start", "expand", "middle", "project"}) {
    rows.push_back(conv_layer(std::string("universal_bottleneck.") + part, kLayer));
  }
  rows.push_back({"universal_bottleneck.layer_scale", "backbone.stages.{stage}.{block}.layer_scale"});
  for (NameRow& row : attention_rows()) rows.push_back(std::move(row));
  return netspresso_family(NameTable(std::move(rows)));
}

FamilyNaming netspresso_heads_only() { return netspresso_family(nullptr); }

}  // namespace zoo::backbones
