#include "models/bench.h"

#include <algorithm>
#include <barrier>
#include <fstream>
#include <malloc.h>
#include <unistd.h>

#include <fmt/format.h>

#include "models/results.h"
#include "nn/core/error.h"
#include "nn/core/statistics.h"
#include "nn/core/stopwatch.h"
#include "nn/weights/synthetic.h"

namespace zoo::models {
namespace {

/// Resident memory of the process, without what the heap holds back for later. From /proc/self/statm, second column.
double resident_mb() {
  malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  statm >> total >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) * 1e-6;
}

/// Throws for an option out of range.
size_t checked_streams(const BenchOptions& options) {
  if (options.streams < 1 || options.streams > engine::kMaxThreads) {
    throw EngineError(
        fmt::format("BenchOptions::streams: expected 1 to {}, found {}", engine::kMaxThreads, options.streams));
  }
  if (options.batch < 1) {
    throw EngineError(fmt::format("BenchOptions::batch: expected at least 1 image, found {}", options.batch));
  }
  return static_cast<size_t>(options.streams);
}

}  // namespace

Bench::Bench(const std::filesystem::path& file, const LoadModelOptions& load, const BenchOptions& options)
    : streams_(checked_streams(options)) {
  const double before_mb = resident_mb();
  const Stopwatch loading;
  model_ = std::make_unique<const Model>(Model::load(file, load));
  const ModelConfig& config = model_->config();
  const auto [height, width] = options.input_size.value_or(usual_input_size(config));
  engine::CompileOptions compile = options.compile;
  threads_ = options.threads != 0 ? options.threads : config.runtime.threads;
  compile.tuned_threads = threads_;
  if (compile.outputs.empty()) compile.outputs = result_outputs(config);
  if (!compile.precision) compile.precision = engine::precision_from(config.runtime.precision);
  executable_ = model_->compile({options.batch, model_->network().graph.in_channels(), height, width}, compile);
  precision_ = engine::to_string(executable_->precision());
  for (Stream& stream : streams_) stream.runner = executable_->new_runner(threads_);
  load_ms_ = loading.elapsed_ms();

  const Tensor image = weights::formula_input(executable_->input_shape(), "bench");
  for (Stream& stream : streams_) std::ranges::copy(image.data, stream.runner->input().begin());
  const Stopwatch first;
  streams_.front().runner->run();
  first_ms_ = first.elapsed_ms();
  pool_ = std::make_unique<engine::ThreadPool>(options.streams);
  warm_up(std::chrono::duration<double>(0.0));
  memory_mb_ = resident_mb() - before_mb;
}

void Bench::warm_up(std::chrono::duration<double> duration) {
  measure(duration);
  for (Stream& stream : streams_) {
    stream.run_ms.clear();
    stream.busy_ms = 0.0;
  }
}

void Bench::measure(std::chrono::duration<double> duration) {
  const double duration_ms = duration.count() * 1e3;
  std::barrier together(static_cast<std::ptrdiff_t>(streams_.size()));
  pool_->share(static_cast<int64_t>(streams_.size()), [&](int64_t number, int) {
    together.arrive_and_wait();  // none is left over for a thread that is done with another
    Stream& stream = streams_[static_cast<size_t>(number)];
    const Stopwatch watch;
    double before_ms = 0.0;
    do {
      stream.runner->run();
      const double now_ms = watch.elapsed_ms();
      stream.run_ms.push_back(now_ms - before_ms);
      before_ms = now_ms;
    } while (before_ms < duration_ms);
    stream.busy_ms += before_ms;
  });
}

BenchFigures Bench::figures() const {
  BenchFigures figures;
  figures.input = executable_->input_shape();
  figures.precision = precision_;
  figures.threads = threads_;
  figures.load_ms = load_ms_;
  figures.first_ms = first_ms_;
  figures.memory_mb = memory_mb_;
  std::vector<double> run_ms;
  for (const Stream& stream : streams_) {
    run_ms.insert(run_ms.end(), stream.run_ms.begin(), stream.run_ms.end());
    const auto images = static_cast<double>(figures.input[0]) * static_cast<double>(stream.run_ms.size());
    if (stream.busy_ms > 0.0) figures.images_per_s += images / stream.busy_ms * 1e3;
  }
  figures.runs = static_cast<int64_t>(run_ms.size());
  figures.median_ms = quantile(run_ms, 0.5);
  figures.p90_ms = quantile(run_ms, 0.9);
  figures.min_ms = quantile(run_ms, 0.0);
  return figures;
}

}  // namespace zoo::models
