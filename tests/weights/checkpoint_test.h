// A test that saves checkpoints of a tiny network, spoils them and loads them.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/weights/load.h"
#include "nn/weights/synthetic.h"
#include "tests/weights/mobilenetv3_parameters.h"
#include "tests/weights/test_files.h"

namespace zoo::weights {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

class CheckpointTest : public FileTest {
 protected:
  /// The checkpoint of a network as an ecosystem would save it.
  static NamedTensors checkpoint(Ecosystem ecosystem, const std::vector<Parameter>& parameters) {
    NamedTensors tensors;
    for (const Parameter& parameter : parameters) {
      const ExpectedTensor tensor = expected_tensor(ecosystem, parameter).value();
      tensors.emplace_back(tensor.name, formula_tensor(tensor.name, tensor.shape, {}));
    }
    return tensors;
  }

  SafetensorsFile save(const NamedTensors& tensors) const {
    write_safetensors(path("model.safetensors"), tensors);
    return SafetensorsFile::open(path("model.safetensors"));
  }

  static Tensor& tensor_of(NamedTensors& tensors, const std::string& name) {
    return std::find_if(tensors.begin(), tensors.end(), [&](const auto& entry) { return entry.first == name; })->second;
  }
  static void remove(NamedTensors& tensors, const std::string& name) {
    std::erase_if(tensors, [&](const auto& entry) { return entry.first == name; });
  }

  /// "loaded", or the first line of the error after the file's name.
  std::string loading_error(const SafetensorsFile& file, const LoadOptions& options = {}) const {
    try {
      load_checkpoint(parameters_, file, options);
    } catch (const WeightError& error) {
      const std::string message = error.what();
      const std::string prefix = file.path().string() + ": ";
      EXPECT_TRUE(message.starts_with(prefix)) << message;
      return message.substr(prefix.size(), message.find('\n') - prefix.size());
    }
    return "loaded";
  }

  const std::vector<Parameter> parameters_ = list_parameters(tiny_network());
};

}  // namespace zoo::weights
