#include "pipeline/preprocess/preprocess.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/input_tensor.h"
#include "apps/model_flags.h"
#include "apps/output.h"
#include "apps/run_inputs.h"
#include "nn/weights/safetensors.h"
#include "pipeline/images/image_io.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

struct PreprocessFlags {
  ModelFlags model;
  SizeFlag size;
  std::string source;
  std::string output;
  std::string reference;
};

Tensor tensor_of(const PreprocessFlags& flags, const models::ModelConfig& model) {
  models::PreprocessConfig config = model.preprocess;
  if (const auto size = flags.size.value()) config = pipeline::with_input_size(config, *size);
  const cv::Mat image = pipeline::read_image(flags.source);
  pipeline::Preprocessor preprocessor(config);
  const auto [height, width] = preprocessor.output_size(image.rows, image.cols);
  Tensor tensor{{1, static_cast<int64_t>(config.mean.size()), height, width}, {}};
  tensor.data.resize(static_cast<size_t>(tensor.shape.elements()));
  preprocessor.run(image, tensor.data);
  return tensor;
}

/// Prints how far the tensor is from `input` of a file; false where the shapes differ.
bool compare(const Tensor& tensor, const std::string& path) {
  const weights::SafetensorsFile file = weights::SafetensorsFile::open(path);
  const weights::StoredTensor& stored = input_tensor(file, path);
  if (stored.shape != tensor.shape) {
    report(fmt::format("{}: tensor \"input\" is {}, the image became {}", path, stored.shape.to_string(),
                       tensor.shape.to_string()));
    return false;
  }
  const std::vector<float> expected = weights::to_float(stored);
  double sum = 0.0;
  double largest = 0.0;
  size_t worst = 0;
  size_t differing = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    double difference = std::abs(static_cast<double>(tensor.data[i]) - expected[i]);
    if (std::isnan(difference)) difference = std::numeric_limits<double>::infinity();
    sum += difference;
    differing += difference > 0.0 ? 1 : 0;
    if (difference > largest) {
      largest = difference;
      worst = i;
    }
  }
  const auto width = static_cast<size_t>(tensor.shape[3]);
  const auto plane = static_cast<size_t>(tensor.shape[2]) * width;
  sinks::TextOutput out;
  out.line(fmt::format("max_abs_difference {:.9g}", largest));
  out.line(fmt::format("mean_abs_difference {:.9g}", sum / static_cast<double>(std::max<size_t>(1, expected.size()))));
  out.line(fmt::format("differing_values {} of {}", differing, expected.size()));
  if (differing > 0) {
    out.line(fmt::format("worst_at channel {}, row {}, column {}: {:.9g}, reference {:.9g}", worst / plane,
                         worst % plane / width, worst % width, tensor.data[worst], expected[worst]));
  }
  return true;
}

int preprocess(const PreprocessFlags& flags) {
  if (flags.output.empty() && flags.reference.empty()) {
    throw UsageError("preprocess: nothing to do: give --output, --compare or both");
  }
  const models::ModelConfig model = flags.model.load_config();
  const auto run_files = files_of_run(flags.model, model);
  run_files->add_input(flags.source, "the source");
  if (!flags.reference.empty()) run_files->add_input(flags.reference, "the reference");
  if (!flags.output.empty()) run_files->claim(flags.output, "--output");
  const Tensor tensor = tensor_of(flags, model);
  if (!flags.output.empty()) {
    weights::write_safetensors(flags.output, {{"input", tensor}});
    report_written(flags.output, fmt::format("input {}", tensor.shape.to_string()));
  }
  if (!flags.reference.empty() && !compare(tensor, flags.reference)) return kExitFailure;
  return kExitDone;
}

}  // namespace

Action setup_preprocess(CLI::App& app) {
  auto flags = std::make_shared<PreprocessFlags>();
  flags->model.add_to(app);
  app.add_option("IMAGE,--source,-s", flags->source, "Image file")->required()->type_name("IMAGE");
  app.add_option("--output,-o", flags->output, "Safetensors file for the tensor `input` [1, C, H, W]")
      ->type_name("FILE");
  app.add_option("--compare", flags->reference, "Print the difference to the tensor `input` of this safetensors file")
      ->type_name("FILE");
  flags->size.add_to(app);
  return [flags] { return preprocess(*flags); };
}

}  // namespace zoo::apps
