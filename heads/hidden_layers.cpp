#include "heads/hidden_layers.h"

#include <array>

#include <fmt/format.h>

#include "nn/core/activation_config.h"

namespace zoo::heads {
namespace {

constexpr int64_t kMaxLayers = 16;
constexpr int64_t kMaxChannels = 16384;
constexpr std::array<std::string_view, 2> kActType = {"act_type", "activation"};
constexpr const char* kNoHiddenLayer = "a head with num_layers 1 has no hidden layer";

}  // namespace

HiddenLayers decode_hidden_layers(const ConfigNode& params, const HeadContext& context,
                                  std::initializer_list<std::string_view> own_keys) {
  HiddenLayers layers;
  if (const ConfigNode node = params.find("num_layers")) layers.num_layers = node.as_int_in(1, kMaxLayers, 1);
  params.ignore("dropout_prob", "dropout acts in training only");
  if (layers.num_layers == 1) {
    for (const std::string_view key : {"intermediate_channels", "act_type", "activation"}) {
      params.ignore(key, kNoHiddenLayer);
    }
    for (const std::string_view key : own_keys) params.ignore(key, kNoHiddenLayer);
    return layers;
  }

  const ConfigNode channels = params.find("intermediate_channels");
  if (channels || context.head_channels == 0) {
    layers.intermediate_channels =
        (channels ? channels : params.at("intermediate_channels")).as_int_in(1, kMaxChannels, 1);
    if (channels && context.head_channels != 0 && layers.intermediate_channels != context.head_channels) {
      channels.problem(fmt::format("{}, but last_channels of the backbone is {}", layers.intermediate_channels,
                                   context.head_channels));
    }
  } else {
    layers.intermediate_channels = context.head_channels;
  }
  const ConfigNode activation = params.find_any(kActType);
  layers.activation = decode_activation(activation ? activation : params.at("act_type"), layers.activation);
  return layers;
}

}  // namespace zoo::heads
