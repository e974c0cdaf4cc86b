#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/number_check.h"
#include "apps/output.h"
#include "apps/predict_flags.h"
#include "apps/run_inputs.h"
#include "pipeline/batch/part_files.h"
#include "pipeline/tasks/task_result.h"
#include "pipeline/text/label_check.h"
#include "sinks/source_outputs.h"
#include "streams/predictor_pool.h"

namespace zoo::apps {
namespace {

std::vector<TaskFlag> task_flags(const PredictFlags& flags) {
  return {{"--masks", !flags.options.masks_folder.empty(), {Task::kSegmentation}},
          {"--coco", !flags.options.coco.empty(), {Task::kDetection, Task::kSegmentation}}};
}

/// Pictures and the frames of files go one to a core; of a live source only the newest counts, so all cores work on it.
bool is_live(const pipeline::SourceSpec& source) {
  return source.kind == pipeline::SourceKind::kCamera || source.kind == pipeline::SourceKind::kStream ||
         source.kind == pipeline::SourceKind::kGStreamer;
}

/// Once, instead of a puzzle in every picture.
void report_labels(const std::vector<std::string>& labels) {
  const std::string problem = pipeline::label_problem(labels);
  if (!problem.empty()) report(fmt::format("pictures: {}", problem));
}

/// Throws UsageError where a job has written the file: its receipt would say of these results what is not so.
void check_no_job(const std::string& file, std::string_view flag) {
  if (file.empty() || file == "-") return;
  const auto note = batch::job_beside(batch::names_beside(file));
  if (!note) return;
  throw UsageError(
      fmt::format("{} {}: is the result of a job, says {}: --resume goes on with it; write elsewhere, or "
                  "remove both to begin anew",
                  flag, file, note->string()));
}

int predict(PredictFlags& flags) {
  StartupClock clock;
  pipeline::PredictorOptions options = flags.predictor_options();
  flags.options.read.open_timeout = flags.timeouts.open();
  flags.options.read.stall_timeout = flags.timeouts.stall();
  flags.options.video = flags.video.options;
  flags.options.video.on_note = options.network.on_note;
  const std::vector<pipeline::SourceSpec> sources =
      pipeline::resolve_sources(flags.sources, flags.recursive ? WalkDepth::kSubfolders : WalkDepth::kThisFolder);
  clock.lap("configuration");
  const auto model = load_model(flags.model, flags.weights, flags.options.timing ? &clock : nullptr);
  flags.answers.check(model->config(), task_flags(flags));
  flags.options.columns = sinks::CsvColumns(model->config());
  const auto files = files_with_calibration(flags.model, *model);
  sinks::add_sources(sources, *files);
  claim_output(*files, flags.options.json.value_or(""), "--json");
  claim_output(*files, flags.options.coco, "--coco");
  claim_output(*files, flags.options.csv, "--csv");
  check_no_job(flags.options.json.value_or(""), "--json");
  check_no_job(flags.options.csv, "--csv");
  if (flags.options.show || !flags.options.save_folder.empty()) report_labels(model->config().labels);
  if (std::ranges::any_of(sources, is_live)) {
    options.network.threads = flags.threads;
  } else {
    options.network.threads = 1;
    flags.options.predict_threads = flags.threads > 0 ? flags.threads : all_cores();
  }
  const models::ResolvedPrecision chosen = pipeline::resolve_precision(*model, options.network);
  options.network.precision = chosen.precision;
  const auto predictor = streams::make_parallel_predictor(model, options, flags.options.predict_threads);
  clock.lap("compile");
  return PredictSession(predictor, sources, files, flags.options, clock).run();
}

/// Flags that a job in parts has no place for.
const std::vector<std::string> kRunFlags = {"--save", "--codec", "--fps",        "--masks",
                                            "--coco", "--show",  "--max-frames", "--timing"};

/// Throws UsageError where flags of a job and of a run are mixed.
void check_job(const CLI::App& app, const PredictFlags& flags) {
  flags.batch.check();
  if (!flags.is_job()) {
    if (!flags.format.empty()) {
      throw UsageError("--format: belongs to --manifest; --json FILE and --csv FILE say what is written");
    }
    return;
  }
  const std::string run_flag = given_flag(app, kRunFlags);
  const std::string job_flag = flags.batch.has_manifest() ? "--manifest" : "--resume";
  if (!run_flag.empty()) {
    throw UsageError(fmt::format("{}: does not go with {}, which writes results only", run_flag, job_flag));
  }
  if (flags.batch.has_manifest()) {
    if (!flags.sources.empty()) {
      throw UsageError(fmt::format("--manifest: says what to work on; leave {} out, or list it with `manifest`",
                                   flags.sources.front()));
    }
    const std::string output = given_flag(app, {"--json", "--csv"});
    if (!output.empty()) throw UsageError(output + ": does not go with --manifest; --out DIR and --format say where");
    return;
  }
  const bool has_json = flags.options.json && flags.options.json != "-";
  const bool has_csv = !flags.options.csv.empty() && flags.options.csv != "-";
  if (has_json == has_csv || flags.options.json == "-" || flags.options.csv == "-") {
    throw UsageError("--resume: goes on in a file: give --json FILE or --csv FILE, or --manifest and --out");
  }
  if (has_csv && !flags.format.empty() && flags.format != "csv") {
    throw UsageError(fmt::format("--format {}: goes to --json FILE", flags.format));
  }
  if (has_json && flags.format == "csv") throw UsageError("--format csv: goes to --csv FILE");
}

}  // namespace

pipeline::PredictorOptions PredictFlags::predictor_options() const {
  pipeline::PredictorOptions predictor;
  answers.set(predictor);
  predictor.network.kernels = kernels.options();
  predictor.network.input_size = size.value();
  predictor.network.precision = precision;
  predictor.network.on_note = note_reporter();
  return predictor;
}

Action setup_predict(CLI::App& app) {
  auto flags = std::make_shared<PredictFlags>();
  flags->model.add_to(app);
  app.add_option("SOURCE,--source,-s", flags->sources,
                 "Image, folder, pattern, video file, camera index, address, gst:PIPELINE, or - for standard input; "
                 "several are worked on "
                 "one after the other")
      ->type_name("SOURCE");
  app.add_flag("--recursive", flags->recursive, "Look for pictures in the subfolders of folders, too");
  flags->weights.add_to(app);
  flags->size.add_to(app);
  flags->answers.add_to(app);
  const CLI::Option* save =
      app.add_option("--save", flags->options.save_folder, "Write annotated images or videos into this folder")
          ->type_name("DIR");
  flags->video.add_to(app, save);
  app.add_option("--masks", flags->options.masks_folder,
                 "Write label maps as palette PNGs into this folder (segmentation)")
      ->type_name("DIR");
  app.add_option("--coco", flags->options.coco,
                 "Write boxes or run-length encoded masks as COCO results to a file (detection, segmentation)")
      ->type_name("FILE");
  CLI::Option* json = app.add_option("--json", flags->json,
                                     "Write one JSON object per frame to a file, or to standard "
                                     "output instead of text (-, or no value)")
                          ->type_name("FILE")
                          ->expected(0, 1);
  app.add_option("--csv", flags->options.csv,
                 "Write a table, one row per guess, box or class, to a file, or to standard output instead of text (-)")
      ->type_name("FILE");
  app.add_flag("--quiet,-q", flags->options.quiet, "No text on standard output");
  app.add_flag("--show", flags->options.show,
               "Show annotated frames in a window; a picture waits for a key (q or Esc ends)");
  app.add_option("--max-frames", flags->options.max_frames, "Stop each source after this many frames")
      ->check(count_check())
      ->type_name("N");
  flags->timeouts.add_to(app, "Seconds to wait for an address, camera, pipe or GStreamer pipeline to begin",
                         "Seconds without a frame after which a live source counts as lost");
  add_cores_flag(app, "--threads", flags->threads,
                 "Cores to use: of pictures and video files one for each at a time (default: all), of live sources all "
                 "for one frame (default: the model file's runtime.threads)");
  add_precision_flag(app, flags->precision);
  flags->kernels.add_to(app);
  flags->weights.add_calibration_to(app);
  app.add_flag("--timing", flags->options.timing, "Say on standard error where the time to the first result went");
  flags->batch.add_to(app);
  app.add_option("--format", flags->format,
                 "Results of a job: jsonl, a line per picture or frame; flat, a line per guess, box or class without "
                 "lists, as Parquet and tables take it; csv, the same as a table (default: jsonl)")
      ->check(CLI::IsMember({"jsonl", "flat", "csv"}))
      ->type_name("FORMAT");
  return [flags, json, &app] {
    if (json->count() > 0) flags->options.json = flags->json.empty() ? "-" : flags->json;
    check_job(app, *flags);
    if (flags->sources.empty() && !flags->batch.has_manifest()) {
      throw UsageError(
          "predict: nothing to work on: name pictures, folders, videos, cameras or addresses after MODEL, or a list "
          "with --manifest");
    }
    flags->video.check();
    if (flags->is_job()) return predict_job(*flags);
    if (flags->options.json == "-" && flags->options.csv == "-") {
      throw UsageError("predict: --json and --csv both go to standard output: give one of them a FILE");
    }
    return predict(*flags);
  };
}

}  // namespace zoo::apps
