#include "pipeline/eval/calibrate.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/choose_threshold.h"
#include "apps/commands.h"
#include "apps/model_flags.h"
#include "apps/number_check.h"
#include "apps/output.h"
#include "apps/progress.h"
#include "apps/run_inputs.h"
#include "apps/signals.h"
#include "nn/core/counted.h"
#include "nn/core/shown_text.h"
#include "pipeline/eval/evaluate.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

using Json = nlohmann::ordered_json;

struct CalibrateFlags {
  ModelFlags model;
  WeightFlags weights;
  SizeFlag size;
  std::string data;
  std::string output;
  std::string method;  ///< empty: percentile
  std::optional<int64_t> images;
  int threads = 0;
  bool json = false;
  ThresholdFlags threshold;
};

constexpr int64_t kUsualImages = 256;

engine::RangeMethod method_of(const std::string& name) {
  if (name.empty()) return engine::RangeMethod::kPercentile;
  for (const auto method : {engine::RangeMethod::kMinMax, engine::RangeMethod::kPercentile}) {
    if (engine::to_string(method) == name) return method;
  }
  return engine::RangeMethod::kMse;
}

/// `--output`, else beside the checkpoint.
std::string output_of(const CalibrateFlags& flags, const models::Model& model) {
  if (!flags.output.empty()) return flags.output;
  if (!model.report())
    throw UsageError("calibrate: random weights have no file for the table to lie beside: give --output");
  return models::calibration_path(model.report()->file).string();
}

int calibrate_model(const CalibrateFlags& flags) {
  const auto model = load_model(flags.model, flags.weights);
  const std::string output = output_of(flags, *model);
  auto found = eval::find_pictures(flags.data);
  const auto run_files = files_of_run(flags.model, *model);
  for (const auto& picture : found) run_files->add_input(picture, "a picture");
  const auto pictures = eval::evenly_chosen(std::move(found), flags.images.value_or(kUsualImages));
  claim_output(*run_files, output, "--output");
  sinks::DocumentOutput file(output);
  catch_stop_signals();
  Progress progress(static_cast<int64_t>(pictures.size()));
  eval::CalibrateOptions options;
  options.method = method_of(flags.method);
  options.input_size = flags.size.value_or_default(model->config());
  options.threads = flags.threads > 0 ? flags.threads : model->config().runtime.threads;
  options.stop = &stop_requested();
  options.progress = [&progress](int64_t done) { progress.update(done); };
  const eval::CalibrationRun run = eval::calibrate(*model, pictures, options);
  progress.clear();
  for (const std::string& failure : run.failures) report(failure);
  if (stop_signal() != 0) {
    report(fmt::format("stopped after {} of {}; nothing was written", run.file.images,
                       counted(std::ssize(pictures), "picture")));
    return kExitSignalBase + stop_signal();
  }
  file.write(models::to_yaml(run.file));
  file.finish();

  const auto values = run.file.calibration.ranges.size();
  if (flags.json) {
    const Json document = {{"model", model->config().file.string()},
                           {"output", output},
                           {"pictures", run.file.images},
                           {"failed", run.failures.size()},
                           {"values", values},
                           {"method", std::string(engine::to_string(options.method))},
                           {"fingerprint", run.file.calibration.fingerprint}};
    sinks::TextOutput().write(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
    sinks::TextOutput().line(fmt::format("wrote {}: ranges of {} from {}", printable(output),
                                         counted(static_cast<int64_t>(values), "value"),
                                         counted(run.file.images, "picture")));
  }
  if (run.failures.empty()) return kExitDone;
  report(fmt::format("{} of {} could not be read and count in no range", run.failures.size(),
                     counted(std::ssize(pictures), "picture")));
  return kExitSomeUnread;
}

int calibrate(const CalibrateFlags& flags) {
  if (!flags.threshold.wanted()) return calibrate_model(flags);
  const char* of_tables = !flags.output.empty() ? "--output" : !flags.method.empty() ? "--method" : nullptr;
  if (of_tables != nullptr) {
    throw UsageError(fmt::format(
        "calibrate: {} is for the table of ranges, --unknown and --keep choose a threshold: give one or the other",
        of_tables));
  }
  return choose_threshold(flags.threshold, {.model = flags.model,
                                            .weights = flags.weights,
                                            .size = flags.size,
                                            .data = flags.data,
                                            .images = flags.images,
                                            .threads = flags.threads,
                                            .json = flags.json});
}

}  // namespace

Action setup_calibrate(CLI::App& app) {
  auto flags = std::make_shared<CalibrateFlags>();
  flags->model.add_to(app);
  app.add_option("DIR,--data,-d", flags->data, "Folder of pictures like those the model will see, subfolders included")
      ->required()
      ->type_name("DIR");
  app.add_option("--images,-n", flags->images,
                 "So many of the pictures, evenly spread (default: 256; for a threshold all)")
      ->check(count_check())
      ->type_name("N");
  app.add_option("--output,-o", flags->output, "Table to write (default: CHECKPOINT.calibration.yaml)")
      ->type_name("FILE");
  app.add_option("--method", flags->method,
                 "How a range is chosen: percentile (99.99 %, the default), mse (least squared error), minmax")
      ->check(CLI::IsMember({"mse", "percentile", "minmax"}));
  flags->weights.add_to(app);
  flags->size.add_to(app);
  add_threads_flag(app, flags->threads);
  add_json_flag(app, flags->json);
  flags->threshold.add_to(app);
  return [flags] { return calibrate(*flags); };
}

}  // namespace zoo::apps
