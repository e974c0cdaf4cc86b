// Small networks with formula weights, and running them.
#pragma once

#include <string>
#include <vector>

#include "nn/engine/executable.h"
#include "nn/graph/graph_builder.h"
#include "nn/weights/synthetic.h"

namespace zoo::engine {

inline graph::BoundGraph bind_formula(graph::Graph network) {
  ParameterValues values = weights::formula_values(network.parameters, {});
  return {std::move(network), std::move(values)};
}

/// Values of all outputs for the formula's input image.
inline std::vector<std::vector<float>> run_network(const graph::BoundGraph& network, const Shape& shape,
                                                   const CompileOptions& options) {
  const auto executable = Executable::compile(network, shape, options);
  const auto runner = executable->new_runner();
  const Tensor image = weights::formula_input(shape, "test");
  std::copy(image.data.begin(), image.data.end(), runner->input().begin());
  runner->run();
  std::vector<std::vector<float>> outputs;
  for (size_t i = 0; i < executable->outputs().size(); ++i) {
    outputs.emplace_back(runner->output(i).begin(), runner->output(i).end());
  }
  return outputs;
}

}  // namespace zoo::engine
