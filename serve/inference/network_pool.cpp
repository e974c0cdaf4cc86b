#include "serve/inference/network_pool.h"

#include <algorithm>
#include <array>
#include <optional>

#include "models/results.h"
#include "nn/core/stopwatch.h"
#include "pipeline/tasks/runner_cache.h"

namespace zoo::serve {
namespace {

std::vector<std::string> names_of(NetworkOutputs outputs, const models::ModelConfig& config) {
  return outputs == NetworkOutputs::kAll ? std::vector<std::string>() : models::result_outputs(config);
}

}  // namespace

/// Of one thread at a time, by the outputs that they compute.
struct NetworkPool::Runners {
  std::array<std::optional<pipeline::RunnerCache>, 2> usual;
  std::array<std::optional<pipeline::RunnerCache>, 2> others;  ///< inputs of other shapes: nothing is measured
  std::array<std::unique_ptr<pipeline::NetworkRunner>, 2> pictures;
};

class NetworkPool::Loan {
 public:
  explicit Loan(const NetworkPool& pool) : pool_(pool), runners_(pool.take()) {}
  ~Loan() {
    const std::scoped_lock lock(pool_.mutex_);
    pool_.idle_.push_back(std::move(runners_));
  }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;

  Runners* operator->() const { return runners_.get(); }

 private:
  const NetworkPool& pool_;
  std::unique_ptr<Runners> runners_;
};

NetworkPool::NetworkPool(std::shared_ptr<const models::Model> model, pipeline::NetworkOptions options)
    : model_(std::move(model)), options_(std::move(options)) {}

NetworkPool::~NetworkPool() = default;

std::unique_ptr<NetworkPool::Runners> NetworkPool::take() const {
  const std::scoped_lock lock(mutex_);
  if (idle_.empty()) return std::make_unique<Runners>();
  std::unique_ptr<Runners> runners = std::move(idle_.back());
  idle_.pop_back();
  return runners;
}

NetworkPool::Results NetworkPool::run(const Shape& shape, std::span<const float> values, NetworkOutputs outputs,
                                      pipeline::StageTimes& times) const {
  const auto size = options_.input_size.value_or(models::usual_input_size(model_->config()));
  const bool is_usual = shape == Shape{1, model_->network().graph.in_channels(), size[0], size[1]};
  const Loan runners(*this);
  auto& cache = (is_usual ? runners->usual : runners->others)[static_cast<size_t>(outputs)];
  if (!cache) {
    engine::CompileOptions options{.engine = options_.engine,
                                   .precision = options_.precision,
                                   .tuned_threads = options_.tuned_threads,
                                   .outputs = names_of(outputs, model_->config()),
                                   .kernels = options_.kernels};
    if (!is_usual) options.kernels.timing = engine::KernelTiming::kKnownOnly;
    cache.emplace(model_, std::move(options), options_.threads, options_.on_note, options_.max_input_pixels);
  }
  Stopwatch watch;
  const pipeline::RunnerCache::Entry& compiled = cache->get(shape);
  times.compile_ms += watch.lap_ms();
  std::ranges::copy(values, compiled.runner->input().begin());
  times.preprocess_ms += watch.lap_ms();
  compiled.runner->run();
  Results results = models::collect_results(model_->config(), *compiled.executable, *compiled.runner);
  times.infer_ms += watch.lap_ms();
  return results;
}

NetworkPool::Results NetworkPool::run(const cv::Mat& picture, NetworkOutputs outputs,
                                      pipeline::StageTimes& times) const {
  const Loan runners(*this);
  auto& runner = runners->pictures[static_cast<size_t>(outputs)];
  if (!runner) {
    runner = std::make_unique<pipeline::NetworkRunner>(model_, *model_->config().task,
                                                       names_of(outputs, model_->config()), options_);
  }
  const pipeline::NetworkRunner::Pass pass = runner->run(picture, times);
  Stopwatch watch;
  Results results = models::collect_results(model_->config(), *pass.executable, pass.runner);
  times.infer_ms += watch.lap_ms();
  return results;
}

}  // namespace zoo::serve
