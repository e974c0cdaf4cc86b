#include "pipeline/tasks/network_runner.h"

#include <utility>

#include <fmt/format.h>

#include "models/results.h"
#include "nn/core/error.h"
#include "nn/core/stopwatch.h"
#include "pipeline/tasks/opencv_threads.h"

namespace zoo::pipeline {
namespace {

models::PreprocessConfig effective_preprocess(const models::Model& model, const NetworkOptions& options) {
  const models::PreprocessConfig& config = model.config().preprocess;
  return options.input_size ? with_input_size(config, *options.input_size) : config;
}

int threads_of(const models::Model& model, const NetworkOptions& options) {
  return options.threads != 0 ? options.threads : model.config().runtime.threads;
}

// As RunnerCache compiles: what is measured here can then be used there.
engine::CompileOptions compile_options(const models::Model& model, const NetworkOptions& options,
                                       std::vector<std::string> outputs) {
  return {.engine = options.engine,
          .precision = options.precision,
          .tuned_threads = options.tuned_threads != 0 ? options.tuned_threads : threads_of(model, options),
          .outputs = std::move(outputs),
          .kernels = options.kernels};
}

}  // namespace

models::ResolvedPrecision resolve_precision(const models::Model& model, const NetworkOptions& options) {
  const models::ModelConfig& config = model.config();
  const auto [height, width] = options.input_size.value_or(models::usual_input_size(config));
  models::ResolvedPrecision resolved =
      model.resolve_precision({1, model.network().graph.in_channels(), height, width},
                              compile_options(model, options, models::result_outputs(config)));
  if (options.on_note && !resolved.note.empty()) options.on_note(resolved.note);
  return resolved;
}

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
      max_input_pixels_(options.max_input_pixels),
      threads_now_(options.threads_now),
      runners_(model_, compile_options(*model_, options, std::move(outputs)), threads_of(*model_, options),
               options.on_note, options.max_input_pixels) {
  limit_opencv_threads();
  const models::ModelConfig& config = model_->config();
  if (config.task != task) {
    throw Error(fmt::format("{}: the model's task is {}, expected {}", config.file.string(), models::task_name(config),
                            to_string(task)));
  }
  if (const auto size = preprocessor_.config().output_size()) {
    with_errors_of(config.file.string(), [&] { compiled_for(*size); });
  }
}

NetworkRunner::Pass NetworkRunner::run(const cv::Mat& frame, StageTimes& times) {
  return with_errors_of(model_->config().file.string(), [&]() -> Pass {
    OneThread::Use use = one_thread_.enter("predictor");
    Stopwatch watch;
    const PreprocessGeometry placed = preprocessor_.geometry(frame.rows, frame.cols);
    check_input_size(placed);
    if (threads_now_) runners_.set_threads(threads_now_());
    RunnerCache::Entry& compiled = compiled_for({placed.output.height, placed.output.width});
    times.compile_ms += watch.lap_ms();
    preprocessor_.run(frame, compiled.runner->input());
    times.preprocess_ms += watch.lap_ms();
    compiled.runner->run();
    times.infer_ms += watch.lap_ms();
    return {compiled.executable, *compiled.runner, placed, std::move(use)};
  });
}

void NetworkRunner::check_input_size(const PreprocessGeometry& placed) const {
  if (preprocessor_.config().output_size()) return;  // fixed, so it was asked for
  const int64_t pixels = int64_t{placed.output.width} * placed.output.height;
  if (pixels <= max_input_pixels_) return;
  throw Error(fmt::format(
      "the model file leaves the network's input as large as the picture makes it, here {}x{}: more than {} "
      "pixels; give a fixed size (--size, or preprocess.crop in the model file)",
      placed.output.width, placed.output.height, max_input_pixels_));
}

RunnerCache::Entry& NetworkRunner::compiled_for(std::array<int64_t, 2> size) {
  return runners_.get({1, model_->network().graph.in_channels(), size[0], size[1]});
}

}  // namespace zoo::pipeline
