#include "pipeline/network_runner.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "pipeline/stopwatch.h"

namespace zoo::pipeline {
namespace {

/// A folder of pictures for a network without a fixed input size may hold any number of sizes; each compiled one costs
/// as much memory as the weights.
constexpr size_t kMaxCompiledSizes = 4;

models::PreprocessConfig effective_preprocess(const models::Model& model, const NetworkOptions& options) {
  const models::PreprocessConfig& config = model.config().preprocess;
  return options.input_size ? with_input_size(config, *options.input_size) : config;
}

}  // namespace

std::string label_of(const std::vector<std::string>& labels, int64_t index) {
  const auto at = static_cast<size_t>(index);
  return at < labels.size() ? labels[at] : fmt::format("class {}", index);
}

NetworkRunner::NetworkRunner(std::shared_ptr<const models::Model> model, std::string_view task,
                             std::vector<std::string> outputs, const NetworkOptions& options)
    : model_(std::move(model)),
      outputs_(std::move(outputs)),
      options_(options),
      preprocessor_(effective_preprocess(*model_, options)) {
  const models::ModelConfig& config = model_->config();
  if (config.task != task) {
    throw Error(fmt::format("{}: the model's task is {}, expected {}", config.file.string(), config.task, task));
  }
  if (const auto size = preprocessor_.config().output_size()) compiled_for(*size);
}

NetworkRunner::Pass NetworkRunner::run(const cv::Mat& frame, StageTimes& times) {
  Stopwatch watch;
  const PreprocessGeometry placed = preprocessor_.geometry(frame.rows, frame.cols);
  Compiled& compiled = compiled_for({placed.output.height, placed.output.width});
  times.compile_ms += watch.lap_ms();
  preprocessor_.run(frame, compiled.runner->input());
  times.preprocess_ms += watch.lap_ms();
  compiled.runner->run();
  times.infer_ms += watch.lap_ms();
  return {*compiled.executable, *compiled.runner, placed};
}

NetworkRunner::Compiled& NetworkRunner::compiled_for(std::array<int64_t, 2> size) {
  const auto found = std::ranges::find(compiled_, size, &Compiled::size);
  if (found != compiled_.end()) {
    compiled_.splice(compiled_.begin(), compiled_, found);
    return compiled_.front();
  }
  engine::CompileOptions options;
  options.engine = options_.engine;
  options.threads = options_.threads > 0 ? options_.threads : model_->config().runtime.threads;
  options.outputs = outputs_;
  const Shape input = {1, model_->network().graph.in_channels(), size[0], size[1]};
  auto executable = model_->compile(input, options);
  auto runner = executable->new_runner();
  compiled_.push_front({size, std::move(executable), std::move(runner)});
  if (compiled_.size() > kMaxCompiledSizes) compiled_.pop_back();
  return compiled_.front();
}

}  // namespace zoo::pipeline
