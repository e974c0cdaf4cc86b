#include "heads/conv_norm_act.h"

#include <array>

#include <fmt/format.h>

#include "nn/core/activation_config.h"

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
  const ConfigNode eps = params.find("norm_eps");
  if (!eps) return;
  options.norm_eps = eps.as_double(options.norm_eps);
  if (options.norm_eps <= 0.0 || options.norm_eps >= 1.0) {
    eps.problem(fmt::format("must be greater than 0 and less than 1, found {}", options.norm_eps));
  }
}

}  // namespace zoo::heads
