#include "heads/conv_norm_act.h"

#include <array>

#include "nn/core/activation_config.h"
#include "nn/core/config_number.h"

namespace zoo::heads {
namespace {

constexpr std::array<std::string_view, 2> kActType = {"act_type", "activation"};

}  // namespace

graph::NodeId conv_norm_act(graph::GraphBuilder& builder, graph::NodeId src, std::string_view name,
                            const graph::ConvOptions& conv, const NormActOptions& options) {
  const graph::GraphBuilder::Scope scope(builder, name);
  graph::NodeId value = builder.conv(src, "conv", conv);
  value = builder.batch_norm(value, "norm", options.norm_eps);
  return builder.activation(value, "act", options.activation);
}

void decode_norm_act(const ConfigNode& params, NormActOptions& options) {
  options.activation = decode_activation(params.find_any(kActType), options.activation);
  options.norm_eps = read_norm_eps(params.find("norm_eps"), options.norm_eps);
}

}  // namespace zoo::heads
