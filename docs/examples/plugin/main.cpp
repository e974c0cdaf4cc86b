// Classifies a picture with a network that is partly this program's own.
//
// Usage: plugin MODEL.yaml PICTURE [CHECKPOINT | --random-weights [SAVE_TO]]
#include <cstddef>
#include <exception>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <backbone_zoo/nn/weights/safetensors.h>
#include <backbone_zoo/zoo.h>

#include "my_backbone.h"
#include "my_head.h"

namespace {

// By the parameters' own names, which a checkpoint for such a network has.
void save_weights(const zoo::Model& model, const std::string& file) {
  const auto& [graph, values] = model.shared()->network();
  std::vector<std::pair<std::string, zoo::Tensor>> tensors;
  for (size_t i = 0; i < graph.parameters.size(); ++i) {
    const zoo::Parameter& parameter = graph.parameters[i];
    tensors.emplace_back(parameter.name,
                         zoo::Tensor{parameter.shape, {values.views[i].begin(), values.views[i].end()}});
  }
  zoo::weights::write_safetensors(file, tensors);
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 3) {
    std::cerr << "usage: plugin MODEL.yaml PICTURE [CHECKPOINT | --random-weights [SAVE_TO]]\n";
    return 2;
  }
  register_residual_backbone();
  register_pointwise_head();

  zoo::LoadOptions options;
  options.random_weights = arguments.size() > 3 && arguments[3] == "--random-weights";
  if (arguments.size() > 3 && !options.random_weights) options.checkpoint = arguments[3];
  const zoo::Model model = zoo::load_model(arguments[1], options);
  if (arguments.size() > 4) save_weights(model, arguments[4]);

  zoo::Classifier classify(model);
  for (const auto& [label, score] : classify(zoo::pipeline::read_image(arguments[2]), 5)) {
    std::cout << label << ' ' << score << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) try { return run({argv, argv + argc}); } catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
