#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/model_flags.h"
#include "apps/output.h"
#include "apps/profile_report.h"
#include "apps/progress.h"
#include "apps/signals.h"
#include "models/results.h"
#include "nn/core/stopwatch.h"
#include "nn/weights/synthetic.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

struct ProfileFlags {
  ModelFlags model;
  WeightFlags weights;
  SizeFlag size;
  int64_t batch = 1;
  std::optional<engine::Precision> precision;
  int threads = 0;
  KernelFlags kernels;
  double seconds = 2.0;
  std::string sort = "order";
  bool json = false;
};

/// Rounds for as long as asked for, at least this many.
void measure(engine::Profiler& profiler, double seconds) {
  constexpr int kMinRounds = 3;
  const Stopwatch watch;
  const double duration_ms = seconds * 1e3;
  Progress progress(static_cast<int64_t>(duration_ms), ProgressUnit::kItems);
  double elapsed_ms = 0.0;
  for (int rounds = 0; (rounds < kMinRounds || elapsed_ms < duration_ms) && !stop_requested(); ++rounds) {
    profiler.round();
    elapsed_ms = watch.elapsed_ms();
    progress.update(static_cast<int64_t>(elapsed_ms));
  }
}

int profile(const ProfileFlags& flags) {
  const std::shared_ptr<const models::Model> model =
      load_model(flags.model, flags.weights, nullptr, weights::FileUse::kInPlace);
  const models::ModelConfig& config = model->config();
  const auto [height, width] = flags.size.value_or_default(config);
  engine::CompileOptions options;
  const int threads = flags.threads > 0 ? flags.threads : config.runtime.threads;
  options.tuned_threads = threads;
  options.kernels = flags.kernels.options();
  options.precision = flags.precision;
  options.outputs = models::result_outputs(config);
  const Shape input = {flags.batch, model->network().graph.in_channels(), height, width};
  const auto executable = model->compile(input, options);
  options.precision = executable->precision();  // what the model file or the measurement has chosen

  catch_stop_signals();
  note_reporter()(executable->note());
  engine::Profiler profiler(executable, options, threads, weights::formula_input(input, "profile").data);
  measure(profiler, flags.seconds);
  if (stop_signal() != 0) {
    report("stopped before the figures were complete");
    return kExitSignalBase + stop_signal();
  }
  const ProfileReport result = {.model = flags.model.file,
                                .precision = std::string(engine::to_string(*options.precision)),
                                .input = input,
                                .threads = threads,
                                .roofline = profiler.roofline(),
                                .profile = profiler.profile()};
  const StepOrder order = flags.sort == "time" ? StepOrder::kTime : StepOrder::kExecution;
  sinks::TextOutput().write(
      flags.json ? to_json(result, order).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"
                 : to_text(result, order));
  return kExitDone;
}

}  // namespace

Action setup_profile(CLI::App& app) {
  auto flags = std::make_shared<ProfileFlags>();
  flags->model.add_to(app);
  flags->weights.add_to(app);
  flags->weights.add_calibration_to(app);
  flags->size.add_to(app);
  add_batch_flag(app, flags->batch);
  add_precision_flag(app, flags->precision);
  add_threads_flag(app, flags->threads);
  flags->kernels.add_to(app);
  add_seconds_flag(app, flags->seconds);
  app.add_option("--sort", flags->sort, "Operations in the order of execution, or the longest first")
      ->check(CLI::IsMember({"order", "time"}))
      ->capture_default_str();
  add_json_flag(app, flags->json);
  app.footer(
      "Times are medians. The limit of an operation is what one core of this machine, measured at the start, needs at "
      "least: the larger of its arithmetic (a; two operations per multiply-add, at the peak rate of vectors or of "
      "AMX's "
      "tiles in the precision in use) and its reads (r; its weights from the smallest cache that holds the whole "
      "network, "
      "and the values that it reads and writes from the smallest cache that holds them). With several threads it is "
      "divided by their number. \"of limit\" is the limit over the time taken. Ctrl-C ends without figures.\n\n" +
      app.get_footer());
  return [flags] { return profile(*flags); };
}

}  // namespace zoo::apps
