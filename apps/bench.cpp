#include "models/bench.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/model_flags.h"
#include "apps/output.h"
#include "apps/progress.h"
#include "apps/signals.h"
#include "nn/core/stopwatch.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

using Json = nlohmann::ordered_json;

/// Models take turns of this length, so that what else the machine does hits all of them alike.
constexpr std::chrono::duration<double> kTurn{0.05};
/// Caches, clocks and the memory of the first turns.
constexpr int kWarmUpTurns = 4;

struct BenchFlags {
  std::vector<std::string> files;
  std::vector<std::string> overrides;
  WeightFlags weights;
  SizeFlag size;
  KernelFlags kernels;
  models::BenchOptions options;
  double seconds = 3.0;
  bool remeasure = false;
  bool json = false;
};

struct Measured {
  std::string file;
  models::BenchFigures figures;
};

/// Nothing when a signal has ended it.
std::vector<Measured> measure(const BenchFlags& flags) {
  models::BenchOptions options = flags.options;
  options.input_size = flags.size.value();
  options.compile.kernels = flags.kernels.options();
  if (flags.remeasure) options.compile.kernels.timing = engine::KernelTiming::kMeasureAgain;
  const models::LoadModelOptions load = load_options(flags.weights, flags.overrides);

  catch_stop_signals();
  const auto report_note = note_reporter();
  std::vector<std::unique_ptr<models::Bench>> benches;
  for (const std::string& file : flags.files) {
    benches.push_back(std::make_unique<models::Bench>(file, load, options));
    report_note(benches.back()->executable().note());
    if (stop_requested()) return {};
  }
  for (int turn = 0; turn < kWarmUpTurns; ++turn) {
    for (const auto& bench : benches) {
      if (stop_requested()) return {};
      bench->warm_up(kTurn);
    }
  }
  // By the clock, not by turns: one inference of a large batch may take longer than a turn.
  const double total_ms = flags.seconds * 1e3 * static_cast<double>(benches.size());
  const Stopwatch watch;
  Progress progress(static_cast<int64_t>(total_ms));
  double elapsed_ms = 0.0;
  do {
    for (const auto& bench : benches) {
      if (stop_requested()) return {};
      bench->measure(kTurn);
      elapsed_ms = watch.elapsed_ms();
      progress.update(static_cast<int64_t>(elapsed_ms));
    }
  } while (elapsed_ms < total_ms);
  std::vector<Measured> measured;
  for (size_t i = 0; i < benches.size(); ++i) measured.push_back({flags.files[i], benches[i]->figures()});
  return measured;
}

Json to_json(const BenchFlags& flags, const std::vector<Measured>& measured) {
  Json rows = Json::array();
  for (const auto& [file, figures] : measured) {
    rows.push_back({{"model", file},
                    {"precision", figures.precision},
                    {"batch", flags.options.batch},
                    {"threads", figures.threads},
                    {"streams", flags.options.streams},
                    {"input", figures.input.dims},
                    {"runs", figures.runs},
                    {"median_ms", figures.median_ms},
                    {"p90_ms", figures.p90_ms},
                    {"min_ms", figures.min_ms},
                    {"images_per_s", figures.images_per_s},
                    {"load_ms", figures.load_ms},
                    {"first_ms", figures.first_ms},
                    {"memory_mb", figures.memory_mb}});
  }
  return rows;
}

/// A median far above the least time measures what else the machine did.
std::string remarks_on_noise(const std::vector<Measured>& measured) {
  constexpr double kNoisy = 2.0;
  std::string text;
  for (const auto& [file, figures] : measured) {
    if (figures.median_ms <= kNoisy * figures.min_ms) continue;
    text += fmt::format("{}: the median is {:.1f} times the least time: other work has used the cores meanwhile\n",
                        file, figures.median_ms / figures.min_ms);
  }
  return text;
}

std::string to_text(const BenchFlags& flags, const std::vector<Measured>& measured) {
  size_t width = 5;
  for (const Measured& row : measured) width = std::max(width, row.file.size());
  std::string text =
      fmt::format("{:<{}}  {:>14}  {:>9}  {:>9}  {:>9}  {:>9}  {:>8}  {:>8}  {:>9}\n", "model", width, "input",
                  "median ms", "p90 ms", "min ms", "images/s", "load ms", "first ms", "memory MB");
  for (const auto& [file, figures] : measured) {
    text += fmt::format("{:<{}}  {:>14}  {:>9.3f}  {:>9.3f}  {:>9.3f}  {:>9.1f}  {:>8.1f}  {:>8.2f}  {:>9.1f}\n", file,
                        width, figures.input.to_string(), figures.median_ms, figures.p90_ms, figures.min_ms,
                        figures.images_per_s, figures.load_ms, figures.first_ms, figures.memory_mb);
  }
  const models::BenchFigures& first = measured.front().figures;
  text += fmt::format("\n{}, batch {}, threads {}, streams {}\n", first.precision, flags.options.batch, first.threads,
                      flags.options.streams);
  return text + remarks_on_noise(measured);
}

int bench(const BenchFlags& flags) {
  const std::vector<Measured> measured = measure(flags);
  if (stop_signal() != 0) {
    report("stopped before the figures were complete");
    return kExitSignalBase + stop_signal();
  }
  sinks::TextOutput().write(flags.json
                                ? to_json(flags, measured).dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                                : to_text(flags, measured));
  return kExitDone;
}

}  // namespace

Action setup_bench(CLI::App& app) {
  auto flags = std::make_shared<BenchFlags>();
  app.add_option("MODEL", flags->files, "Model files (YAML), or names that `list` shows; several are measured in turns")
      ->required();
  add_set_flag(app, flags->overrides);
  flags->weights.add_to(app);
  flags->weights.add_calibration_to(app);
  flags->size.add_to(app);
  add_batch_flag(app, flags->options.batch);
  add_cores_flag(app, "--streams", flags->options.streams,
                 "Inferences at the same time, each on its own core with shared weights (default: 1)");
  add_precision_flag(app, flags->options.compile.precision);
  add_threads_flag(app, flags->options.threads);
  flags->kernels.add_to(app);
  app.add_flag(
      "--remeasure", flags->remeasure,
      "Measure again which kernels (and, with --precision auto, which precision) are the fastest here, in place "
      "of what was remembered");
  add_seconds_flag(app, flags->seconds);
  add_json_flag(app, flags->json);
  app.footer(
      "Times are those of one inference of a batch: the network alone, on made-up input. load: model file, weights and "
      "compiling; first: the first inference after that; memory: resident memory that both have added, in 10^6 bytes "
      "(the first model of a run brings in the code of the libraries, too). Ctrl-C ends without figures.\n\n" +
      app.get_footer());
  return [flags] { return bench(*flags); };
}

}  // namespace zoo::apps
