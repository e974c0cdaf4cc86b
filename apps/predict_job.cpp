#include <algorithm>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/batch_session.h"
#include "apps/commands.h"
#include "apps/job_fingerprint.h"
#include "apps/output.h"
#include "apps/predict_flags.h"
#include "apps/run_inputs.h"
#include "apps/signals.h"
#include "nn/core/counted.h"
#include "nn/core/files.h"
#include "nn/core/run_files.h"
#include "pipeline/batch/manifest_writer.h"
#include "sinks/source_outputs.h"
#include "streams/predictor_pool.h"

namespace zoo::apps {
namespace fs = std::filesystem;
namespace {

sinks::RowFormat format_of(const PredictFlags& flags) {
  if (flags.format == "csv" || (flags.format.empty() && !flags.options.csv.empty())) return sinks::RowFormat::kCsv;
  return flags.format == "flat" ? sinks::RowFormat::kFlat : sinks::RowFormat::kJsonLines;
}

/// What changes answers and is neither in the model file nor in a field of the fingerprint of its own.
std::vector<std::string> settings_of(const PredictFlags& flags) {
  std::vector<std::string> settings;
  if (!flags.size.text.empty()) settings.push_back("--size " + flags.size.text);
  if (flags.answers.top_k) settings.push_back(fmt::format("--topk {}", *flags.answers.top_k));
  if (flags.answers.score_thresh) settings.push_back(fmt::format("--score-thresh {}", *flags.answers.score_thresh));
  return settings;
}

/// The flag that says where the results go.
std::string_view output_flag(const PredictFlags& flags) {
  if (flags.batch.has_manifest()) return "--out";
  return flags.options.json ? "--json" : "--csv";
}

/// What to work on and where the results go.
struct Plan {
  BatchJob job;
  batch::PartNames names;
  batch::JobKey key;          ///< all but the fingerprint
  std::string other_setting;  ///< joins the flags of the fingerprint; else empty
  std::vector<fs::path> inputs;
};

void take_manifest(Plan& plan, const fs::path& file, const batch::ShardId& shard) {
  batch::Manifest manifest = batch::read_manifest(file, shard);
  plan.job.place.root = manifest.root;
  plan.job.rows = std::move(manifest.part);
  plan.key.manifest = std::move(manifest.digest);
  plan.key.rows = manifest.rows;
  plan.key.shard = shard;
  plan.inputs.push_back(file);
}

/// A shard of a manifest that was given.
Plan plan_shard(const PredictFlags& flags) {
  Plan plan;
  plan.job.format = format_of(flags);
  const batch::ShardId shard = flags.batch.choose();
  take_manifest(plan, flags.batch.manifest, shard);
  if (!flags.batch.root.empty()) plan.job.place.root = flags.batch.root;
  std::error_code error;
  if (!fs::is_directory(plan.job.place.root, error)) {
    throw IoError(fmt::format("{}: its root {} is no folder here; --root DIR says where its files are",
                              flags.batch.manifest, plan.job.place.root.string()));
  }
  create_folders(flags.batch.out);
  batch::check_shard_count(flags.batch.out, shard);
  plan.names = batch::part_names(flags.batch.out, shard, std::string(extension_of(plan.job.format)));
  return plan;
}

struct SourceFiles {
  fs::path root;
  std::vector<batch::ManifestFile> files;
};

/// The files of `sources`, as paths that lie in one folder. Throws UsageError for what is no file.
SourceFiles files_of(const std::vector<pipeline::SourceSpec>& sources, std::string& prefix) {
  std::vector<fs::path> paths;
  for (const pipeline::SourceSpec& source : sources) {
    if (source.kind == pipeline::SourceKind::kImages) {
      for (const fs::path& image : source.images) paths.push_back(image.lexically_normal());
    } else if (source.kind == pipeline::SourceKind::kVideoFile) {
      paths.push_back(fs::path(source.text).lexically_normal());
    } else {
      throw UsageError(
          fmt::format("--resume: {} cannot be read again from its beginning: only pictures and video "
                      "files can",
                      pipeline::name_of(source)));
    }
  }
  const bool below_here =
      std::ranges::all_of(paths, [](const fs::path& path) { return path.is_relative() && *path.begin() != ".."; });
  SourceFiles list;
  std::error_code error;
  list.root = below_here ? fs::current_path(error) : fs::path("/");
  if (error) throw IoError(fmt::format("the working folder cannot be told: {}", error.message()));
  prefix = below_here ? "" : "/";
  for (const fs::path& path : paths) {
    const fs::path full = fs::absolute(path, error).lexically_normal();
    const fs::path below = below_here ? path : full.lexically_relative("/");
    list.files.push_back({below.native(), batch::listed_bytes(full)});
  }
  return list;
}

/// Says it where files have come since the job began: they are no part of it.
void report_new_files(const Plan& plan, const std::vector<batch::ManifestFile>& files) {
  const auto is_new = [&](const batch::ManifestFile& file) {
    return !std::ranges::binary_search(plan.job.rows, file.path, {}, &batch::ManifestRow::path);
  };
  const auto count = std::ranges::count_if(files, is_new);
  if (count == 0) return;
  std::error_code error;
  const std::string notes = fs::exists(plan.names.receipt, error)
                                ? fmt::format("{} and {}", plan.names.receipt.string(), plan.names.results.string())
                                : plan.names.journal.string();
  report(fmt::format(
      "{}: {} that came after this job began are not of it, e.g. {}: name another file for a job of their own, or "
      "remove {} to begin anew with all",
      plan.names.results.string(), counted(count, "file"),
      plan.job.place.prefix + std::ranges::find_if(files, is_new)->path, notes));
}

/// Sources on one machine: what they are is written down beside the results when the job begins.
Plan plan_sources(const PredictFlags& flags) {
  Plan plan;
  plan.job.format = format_of(flags);
  const fs::path results = flags.options.json.value_or(flags.options.csv);
  plan.names = batch::names_beside(results);
  const fs::path manifest = fs::path(plan.names.journal).replace_extension(".manifest.tsv");
  const auto sources =
      pipeline::resolve_sources(flags.sources, flags.recursive ? WalkDepth::kSubfolders : WalkDepth::kThisFolder);
  RunFiles run;
  sinks::add_sources(sources, run);
  for (const fs::path& file : plan.names.all()) run.claim(file, output_flag(flags));
  run.claim(manifest, output_flag(flags));
  SourceFiles list = files_of(sources, plan.job.place.prefix);
  std::error_code error;
  if (!batch::job_beside(plan.names)) {
    if (fs::exists(results, error) && fs::file_size(results, error) > 0) {
      throw UsageError(
          fmt::format("--resume: {} was not written with --resume (there is no {}): write elsewhere, or "
                      "remove it to begin anew",
                      results.string(), plan.names.receipt.filename().string()));
    }
    batch::ManifestWriter writer(manifest);
    for (const batch::ManifestFile& file : list.files) writer.add(file);
    writer.write(list.root);
  }
  take_manifest(plan, manifest, {});
  report_new_files(plan, list.files);
  plan.other_setting = fmt::format("{} of {}", flags.recursive ? "all" : "pictures", fmt::join(flags.sources, ", "));
  return plan;
}

}  // namespace

int predict_job(const PredictFlags& flags) {
  catch_stop_signals();
  catch_preemption_signal();
  Plan plan = flags.batch.has_manifest() ? plan_shard(flags) : plan_sources(flags);
  const auto model = load_model(flags.model, flags.weights);
  flags.answers.check(model->config());
  const auto files = files_with_calibration(flags.model, *model);
  for (const fs::path& input : plan.inputs) files->add_input(input, "the manifest");
  for (const fs::path& file : plan.names.all()) files->claim(file, output_flag(flags));
  pipeline::PredictorOptions options = flags.predictor_options();
  options.network.threads = 1;
  options.network.precision = pipeline::resolve_precision(*model, options.network).precision;
  plan.job.columns = sinks::CsvColumns(model->config());
  plan.job.predict_threads = flags.threads > 0 ? flags.threads : all_cores();
  plan.job.read = flags.options.read;
  plan.job.read.open_timeout = flags.timeouts.open();
  plan.job.read.stall_timeout = flags.timeouts.stall();
  plan.job.place.root_id = file_id(plan.job.place.root);
  if (flags.batch.retry_failed) plan.job.place.mended = std::make_shared<batch::MendedRows>();
  std::vector<std::string> settings = settings_of(flags);
  if (!plan.other_setting.empty()) settings.push_back(plan.other_setting);
  plan.key.work = "predict";
  plan.key.format = to_string(plan.job.format);
  plan.key.fingerprint = job_fingerprint(flags.model, *model, *options.network.precision, flags.kernels, settings);
  const auto predictor = streams::make_parallel_predictor(model, options, plan.job.predict_threads);
  return run_job(predictor, plan.job, plan.names, plan.key, flags.batch.when_there(), flags.options.quiet);
}

}  // namespace zoo::apps
