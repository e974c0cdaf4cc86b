#include "pipeline/network_runner.h"

#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "pipeline/stopwatch.h"

namespace zoo::pipeline {
namespace {

models::PreprocessConfig effective_preprocess(const models::Model& model, const NetworkOptions& options) {
  const models::PreprocessConfig& config = model.config().preprocess;
  return options.input_size ? with_input_size(config, *options.input_size) : config;
}

}  // namespace

std::string label_of(const std::vector<std::string>& labels, int64_t index) {
  const auto at = static_cast<size_t>(index);
  return at < labels.size() ? labels[at] : fmt::format("class {}", index);
}

bool is_background(int64_t index, std::string_view label) {
  return index == 0 && (label == "background" || label == "__background__" || label == label_of({}, 0));
}

NetworkRunner::NetworkRunner(std::shared_ptr<const models::Model> model, Task task, std::vector<std::string> outputs,
                             const NetworkOptions& options)
    : model_(std::move(model)),
      preprocessor_(effective_preprocess(*model_, options)),
      runners_(model_,
               {.engine = options.engine,
                .precision = options.precision,
                .threads = options.threads,
                .outputs = std::move(outputs),
                .kernels = options.kernels},
               options.on_note) {
  const models::ModelConfig& config = model_->config();
  if (config.task != task) {
    throw Error(fmt::format("{}: the model's task is {}, expected {}", config.file.string(), models::task_name(config),
                            to_string(task)));
  }
  if (const auto size = preprocessor_.config().output_size()) compiled_for(*size);
}

NetworkRunner::Pass NetworkRunner::run(const cv::Mat& frame, StageTimes& times) {
  Stopwatch watch;
  const PreprocessGeometry placed = preprocessor_.geometry(frame.rows, frame.cols);
  RunnerCache::Entry& compiled = compiled_for({placed.output.height, placed.output.width});
  times.compile_ms += watch.lap_ms();
  preprocessor_.run(frame, compiled.runner->input());
  times.preprocess_ms += watch.lap_ms();
  compiled.runner->run();
  times.infer_ms += watch.lap_ms();
  return {compiled.executable, *compiled.runner, placed};
}

RunnerCache::Entry& NetworkRunner::compiled_for(std::array<int64_t, 2> size) {
  return runners_.get({1, model_->network().graph.in_channels(), size[0], size[1]});
}

}  // namespace zoo::pipeline
