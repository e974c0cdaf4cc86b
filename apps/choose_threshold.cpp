#include "apps/choose_threshold.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/number_check.h"
#include "apps/output.h"
#include "apps/progress.h"
#include "apps/run_inputs.h"
#include "apps/signals.h"
#include "models/threshold_edit.h"
#include "nn/core/counted.h"
#include "nn/core/files.h"
#include "nn/core/shown_text.h"
#include "pipeline/eval/calibrate.h"
#include "pipeline/eval/evaluate.h"
#include "pipeline/eval/unknown_metric.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

using Json = nlohmann::ordered_json;
using models::CertaintyScore;
using Paths = std::vector<std::filesystem::path>;

void check_model(const models::ModelConfig& config) {
  check_task_flags({{"--unknown, --keep", true, {Task::kClassification}}}, config);
  if (!config.answers.multi_label) return;
  throw UsageError(
      "--unknown, --keep: a multi-label model has no model.unknown; its thresholds are in model.multi_label, and eval "
      "shows what they find");
}

Paths pictures_in(const std::string& folder, const ThresholdRun& run) {
  Paths found = eval::find_pictures(folder);
  return run.images ? eval::evenly_chosen(std::move(found), *run.images) : found;
}

/// Of either kind, and what could not be read.
struct Pictures {
  std::vector<pipeline::Certainty> known;
  std::vector<pipeline::Certainty> unknown;
  std::vector<eval::ItemFailure> failures;
  int64_t done = 0;
};

void add_to(std::vector<pipeline::Certainty>& certainties, eval::CertaintyRun found, Pictures& pictures) {
  certainties = std::move(found.certainties);
  std::ranges::move(found.run.failures, std::back_inserter(pictures.failures));
  pictures.done += found.run.done;
}

Pictures run_pictures(const std::shared_ptr<const models::Model>& model, const Paths& known, const Paths& unknown,
                      const ThresholdRun& run) {
  Progress progress(std::ssize(known) + std::ssize(unknown));
  int64_t before = 0;
  eval::EvalOptions options;
  options.shards = run.threads > 0 ? run.threads : all_cores();
  options.network.input_size = run.size.value();
  options.network.on_note = note_reporter();
  const models::ResolvedPrecision chosen = pipeline::resolve_precision(*model, options.network);
  options.network.precision = chosen.precision;
  options.run.stop = &stop_requested();
  options.run.progress = [&](int64_t done) { progress.update(before + done); };
  Pictures pictures;
  add_to(pictures.known, eval::find_certainties(model, known, options), pictures);
  before = std::ssize(known);
  if (!unknown.empty()) add_to(pictures.unknown, eval::find_certainties(model, unknown, options), pictures);
  progress.clear();
  return pictures;
}

/// The score that was asked for, else the model file's, else the one that tells the pictures apart best.
CertaintyScore score_for(const ThresholdFlags& flags, const models::ModelConfig& config, const Pictures& pictures) {
  if (const auto asked = models::certainty_score_from(flags.score)) return *asked;
  if (config.answers.unknown) return config.answers.unknown->score;
  const auto area = [&](CertaintyScore score) {
    return eval::separation_of(eval::scores_of(pictures.known, score), eval::scores_of(pictures.unknown, score))
        .auroc.value_or(0.0);
  };
  return *std::ranges::max_element(models::kCertaintyScores, {}, area);
}

/// With few digits, and never a higher one: what must be kept stays kept.
double shortened_threshold(double threshold) {
  constexpr double kMillionths = 1e6;
  return std::floor(threshold * kMillionths) / kMillionths;
}

struct Choice {
  models::UnknownConfig config;
  double kept = 0.0;                             ///< of the known pictures
  std::optional<double> refused = std::nullopt;  ///< of the unknown ones, where there are any
  std::optional<double> auroc = std::nullopt;
};

Choice choose(const ThresholdFlags& flags, const models::ModelConfig& config, const Pictures& pictures) {
  Choice choice;
  choice.config.score = score_for(flags, config, pictures);
  const std::vector<double> known = eval::scores_of(pictures.known, choice.config.score);
  const std::vector<double> unknown = eval::scores_of(pictures.unknown, choice.config.score);
  choice.config.threshold = shortened_threshold(flags.keep ? eval::threshold_keeping(*flags.keep, known)
                                                           : eval::threshold_between(known, unknown));
  choice.kept = eval::share_from(choice.config.threshold, known).value_or(0.0);
  if (const auto taken = eval::share_from(choice.config.threshold, unknown)) choice.refused = 1.0 - *taken;
  choice.auroc = eval::separation_of(known, unknown).auroc;
  return choice;
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) throw IoError(fmt::format("{}: cannot be read: {}", file.string(), errno_text()));
  return text;
}

std::string to_text(const Choice& choice, const Pictures& pictures, const std::filesystem::path& file, bool written) {
  std::string text = fmt::format("{} keeps {:.2f} % of {}", models::to_string(choice.config), choice.kept * 100.0,
                                 counted(std::ssize(pictures.known), "known picture"));
  if (choice.refused) {
    text += fmt::format(" and refuses {:.2f} % of {} (AUROC {:.2f} %)", *choice.refused * 100.0,
                        counted(std::ssize(pictures.unknown), "unknown one"), choice.auroc.value_or(0.0) * 100.0);
  }
  const std::string name = printable(file.string());
  return text +
         (written ? fmt::format("\nwrote {}:\n", name)
                  : fmt::format("\nfor {} (--write-threshold puts it there):\n", name)) +
         fmt::format("model:\n  {}\n", models::to_yaml(choice.config));
}

Json to_json(const Choice& choice, const Pictures& pictures, const std::filesystem::path& file, bool written) {
  Json document = {{"model", file.string()},
                   {"score", std::string(to_string(choice.config.score))},
                   {"threshold", choice.config.threshold},
                   {"known", {{"pictures", pictures.known.size()}, {"kept", choice.kept}}}};
  if (choice.refused) {
    document["unknown"] = {{"pictures", pictures.unknown.size()}, {"refused", *choice.refused}};
    document["auroc"] = choice.auroc.value_or(0.0);
  }
  document["failed"] = pictures.failures.size();
  document["written"] = written;
  return document;
}

void check_pictures(const std::vector<pipeline::Certainty>& readable, const Pictures& all, const std::string& folder) {
  if (!readable.empty()) return;
  throw IoError(fmt::format("{}: none of the pictures could be read; the first: {}", folder,
                            all.failures.empty() ? "none was tried" : all.failures.front().message));
}

/// A picture that is both says nothing about either.
void check_apart(const Paths& known, const Paths& unknown, const ThresholdFlags& flags, const ThresholdRun& run) {
  std::set<FileId> ids;
  for (const auto& picture : known) {
    if (const auto id = file_id(picture)) ids.insert(*id);
  }
  for (const auto& picture : unknown) {
    const auto id = file_id(picture);
    if (!id || !ids.contains(*id)) continue;
    throw UsageError(fmt::format("{}: lies in --data {} and in --unknown {}: name folders that share no picture",
                                 picture.string(), run.data, flags.unknown));
  }
}

}  // namespace

void ThresholdFlags::add_to(CLI::App& app) {
  app.add_option(
         "--unknown", unknown,
         "In place of a table: choose the threshold of model.unknown. Pictures of nothing that the model knows, "
         "subfolders included, which it is to tell from those of --data (classification)")
      ->type_name("DIR");
  app.add_option(
         "--keep", keep,
         "In place of a table: choose the threshold of model.unknown so that this share of --data's pictures stays "
         "known (default with --unknown: what tells both best)")
      ->check(number_in(0.0, 1.0))
      ->type_name("SHARE");
  app.add_option(
         "--unknown-score", score,
         "What the threshold is for: max_probability, margin, energy (default: the model file's; else what tells "
         "--unknown's pictures best; else max_probability)")
      ->check(CLI::IsMember({"max_probability", "margin", "energy"}))
      ->type_name("SCORE");
  app.add_flag("--write-threshold", write, "Put the threshold into the model file; nothing else in it changes");
}

bool ThresholdFlags::wanted() const {
  if (!unknown.empty() || keep) return true;
  const char* alone = write ? "--write-threshold" : !score.empty() ? "--unknown-score" : nullptr;
  if (alone == nullptr) return false;
  throw UsageError(fmt::format(
      "calibrate: {} goes with a threshold for model.unknown: give --unknown DIR or --keep SHARE, too", alone));
}

int choose_threshold(const ThresholdFlags& flags, const ThresholdRun& run) {
  if (run.weights.random) {
    throw UsageError("--unknown, --keep: a threshold belongs to trained weights: give --checkpoint or --pretrained");
  }
  check_model(run.model.load_config());
  const auto model = load_model(run.model, run.weights);
  const std::filesystem::path file = model->config().file;
  const std::string before = flags.write ? read_text(file) : "";
  if (flags.write) {  // what could not be written is no use choosing
    models::with_unknown(before, file, {});
    check_replaceable(file);
  }
  const Paths known = pictures_in(run.data, run);
  const Paths unknown = flags.unknown.empty() ? Paths() : pictures_in(flags.unknown, run);
  check_apart(known, unknown, flags, run);
  catch_stop_signals();
  const Pictures pictures = run_pictures(model, known, unknown, run);
  for (const eval::ItemFailure& failure : pictures.failures) report(failure.message);
  const auto total = std::ssize(known) + std::ssize(unknown);
  if (stop_signal() != 0) {
    report(fmt::format("stopped after {} of {}; nothing was written", pictures.done, counted(total, "picture")));
    return kExitSignalBase + stop_signal();
  }
  check_pictures(pictures.known, pictures, run.data);
  if (!unknown.empty()) check_pictures(pictures.unknown, pictures, flags.unknown);
  const Choice choice = choose(flags, model->config(), pictures);
  if (flags.write) write_file(file, models::with_unknown(before, file, choice.config));
  sinks::TextOutput().write(
      run.json ? to_json(choice, pictures, file, flags.write).dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
               : to_text(choice, pictures, file, flags.write));
  if (pictures.failures.empty()) return kExitDone;
  report(fmt::format("{} of {} could not be read and count in no figure", pictures.failures.size(),
                     counted(total, "picture")));
  return kExitSomeUnread;
}

}  // namespace zoo::apps
