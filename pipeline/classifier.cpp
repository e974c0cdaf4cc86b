#include "pipeline/classifier.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::pipeline {
namespace {

double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

models::PreprocessConfig effective_preprocess(const models::Model& model, const ClassifierOptions& options) {
  const models::PreprocessConfig& config = model.config().preprocess;
  return options.input_size ? with_input_size(config, *options.input_size) : config;
}

int64_t scaled(int64_t value, int64_t to, int64_t from) {
  return std::llround(static_cast<double>(value) * static_cast<double>(to) / static_cast<double>(from));
}

}  // namespace

models::PreprocessConfig with_input_size(const models::PreprocessConfig& config, std::array<int64_t, 2> size) {
  models::PreprocessConfig result = config;
  if (config.crop.empty()) {
    result.resize = {size[0], size[1]};
    return result;
  }
  const std::array<int64_t, 2> crop = {config.crop.front(), config.crop.back()};
  result.crop = {size[0], size[1]};
  if (config.resize.size() == 2) {
    result.resize = {scaled(config.resize[0], size[0], crop[0]), scaled(config.resize[1], size[1], crop[1])};
  } else if (config.resize.size() == 1) {
    result.resize = {std::max(scaled(config.resize[0], size[0], crop[0]), scaled(config.resize[0], size[1], crop[1]))};
  }
  return result;
}

std::vector<ClassScore> top_classes(std::span<const float> logits, const std::vector<std::string>& labels,
                                    int64_t count) {
  double highest = -HUGE_VAL;
  for (const float logit : logits) {
    if (!std::isfinite(logit)) throw EngineError("the network's class scores are not finite numbers");
    highest = std::max(highest, static_cast<double>(logit));
  }
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - highest);

  std::vector<size_t> order(logits.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t kept = std::min(order.size(), static_cast<size_t>(std::max<int64_t>(count, 0)));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
                    [&](size_t a, size_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });

  std::vector<ClassScore> top(kept);
  for (size_t i = 0; i < kept; ++i) {
    const size_t index = order[i];
    top[i].index = static_cast<int64_t>(index);
    top[i].label = index < labels.size() ? labels[index] : fmt::format("class {}", index);
    top[i].logit = logits[index];
    top[i].score = std::exp(static_cast<double>(logits[index]) - highest) / sum;
  }
  return top;
}

Classifier::Classifier(std::shared_ptr<const models::Model> model, const ClassifierOptions& options)
    : model_(std::move(model)),
      options_(options),
      preprocess_(effective_preprocess(*model_, options)),
      preprocessor_(preprocess_),
      runners_(model_, {.engine = options.engine, .threads = options.threads, .outputs = {"logits"}}) {
  const models::ModelConfig& config = model_->config();
  if (config.task != "classification") {
    throw Error(fmt::format("{}: the model's task is {}, expected classification", config.file.string(), config.task));
  }
  if (const auto size = preprocess_.output_size()) runner_for(*size);
}

Classifier::Classifier(models::Model model, const ClassifierOptions& options)
    : Classifier(std::make_shared<const models::Model>(std::move(model)), options) {}

Classification Classifier::classify(const cv::Mat& frame, int64_t top_k) {
  Classification result;
  const auto compile_start = std::chrono::steady_clock::now();
  engine::Runner& runner = runner_for(preprocessor_.output_size(frame.rows, frame.cols));
  result.compile_ms = ms_since(compile_start);
  const auto start = std::chrono::steady_clock::now();
  preprocessor_.run(frame, runner.input());
  result.preprocess_ms = ms_since(start);

  const auto infer_start = std::chrono::steady_clock::now();
  runner.run();
  result.top = top_classes(runner.output(0), model_->config().labels, top_k);
  result.infer_ms = ms_since(infer_start);
  return result;
}

engine::Runner& Classifier::runner_for(std::array<int64_t, 2> size) {
  return *runners_.get({1, model_->network().graph.in_channels(), size[0], size[1]}).runner;
}

}  // namespace zoo::pipeline
