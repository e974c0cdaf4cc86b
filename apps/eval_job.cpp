#include "apps/eval_job.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/batch_session.h"
#include "apps/commands.h"
#include "apps/job_fingerprint.h"
#include "apps/output.h"
#include "apps/progress.h"
#include "apps/run_inputs.h"
#include "apps/signals.h"
#include "hub/digest.h"
#include "models/labels.h"
#include "nn/core/counted.h"
#include "nn/core/files.h"
#include "pipeline/batch/manifest.h"
#include "pipeline/batch/part_writer.h"
#include "pipeline/batch/row_source.h"
#include "sinks/source_text.h"

namespace zoo::apps {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

/// A line and where it belongs.
struct RowLine {
  std::string text;
  bool failed = false;
};

RowLine failure_line(const batch::ManifestRow& row, const std::string& message) {
  report(message);
  const Json line = {{"row", row.row}, {"frame", 0}, {"source", sinks::source_text(row.path)}, {"error", message}};
  return {line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n", true};
}

/// Hands lines that come in any order to a part in the order of its rows. Thread-safe.
class OrderedRows {
 public:
  explicit OrderedRows(batch::PartWriter& part) : part_(part) {}

  /// `place`: of the row in its shard.
  void add(int64_t place, RowLine line) {
    const std::scoped_lock lock(mutex_);
    waiting_.emplace(place, std::move(line));
    for (auto next = waiting_.begin(); next != waiting_.end() && next->first == part_.rows_done();
         next = waiting_.erase(next)) {
      if (next->second.failed) {
        part_.fail_row(next->second.text);
      } else {
        part_.write(next->second.text);
        part_.end_row();
      }
    }
  }

 private:
  std::mutex mutex_;
  batch::PartWriter& part_;
  std::map<int64_t, RowLine> waiting_;
};

/// What a row of the shard is worked on as.
struct PlannedRow {
  std::optional<size_t> item;
  std::string problem;  ///< why not; else empty
};

/// Items by their pictures, links in folders followed.
std::unordered_map<std::string, size_t> items_by_picture(const std::vector<fs::path>& pictures) {
  std::unordered_map<std::string, size_t> items;
  for (size_t i = 0; i < pictures.size(); ++i) {
    const auto [place, is_new] = items.emplace(real_path(pictures[i]).string(), i);
    if (!is_new) {
      throw ConfigError(
          {fmt::format("{}: the data set has this picture twice, so that a row of a manifest does not say "
                       "which is meant; evaluate it without --manifest",
                       pictures[i].string())});
    }
  }
  return items;
}

batch::RowPlace place_of(const batch::Manifest& manifest, const EvalFlags& flags) {
  batch::RowPlace place{.root = flags.batch.root.empty() ? manifest.root : fs::path(flags.batch.root)};
  place.root_id = file_id(place.root);
  if (flags.batch.retry_failed) place.mended = std::make_shared<batch::MendedRows>();
  return place;
}

/// Whether any row of the whole manifest is among the items.
bool any_is_known(const batch::RowPlace& place, const EvalFlags& flags,
                  const std::unordered_map<std::string, size_t>& items) {
  return std::ranges::any_of(batch::read_manifest(flags.batch.manifest, {}).part, [&](const batch::ManifestRow& row) {
    return items.contains(real_path(place.file_of(row)).string());
  });
}

std::vector<PlannedRow> plan_rows(const batch::Manifest& manifest, const batch::RowPlace& place, const EvalFlags& flags,
                                  const std::vector<fs::path>& pictures) {
  const auto items = items_by_picture(pictures);
  std::vector<PlannedRow> rows;
  size_t found = 0;
  for (const batch::ManifestRow& row : manifest.part) {
    PlannedRow& planned = rows.emplace_back();
    const auto item = items.find(real_path(place.file_of(row)).string());
    if (item == items.end()) {
      planned.problem = fmt::format("{}: there is no ground truth for this picture in {}", row.path, flags.data);
    } else if (const auto changed = batch::changed_row(place, row)) {
      planned.problem = changed->message;
    } else {
      planned.item = item->second;
    }
    found += item == items.end() ? 0 : 1;
  }
  if (found == 0 && !any_is_known(place, flags, items)) {  // a shard may hold none, but not the whole manifest
    throw ConfigError(
        {fmt::format("{}: none of the rows is a picture of {}; list its pictures (`manifest "
                     "{}/images`, or the folder of the classes), and name their folder with --root where "
                     "it lies elsewhere here",
                     flags.batch.manifest, flags.data, flags.data)});
  }
  return rows;
}

std::string figures_of(const models::ModelConfig& config) {
  if (config.answers.multi_label) return "multi_label";
  return std::string(models::task_name(config));
}

/// What figures need to know of the model: the parts are merged without it.
std::string facts_of(const EvalFlags& flags, const models::ModelConfig& config, const EvalData& data,
                     engine::Precision precision) {
  Json facts = {{"model", config.file.string()},
                {"data", flags.data},
                {"precision", engine::to_string(precision)},
                {"classes", config.num_classes},
                {"labels", config.labels}};
  if (data.left_out) facts["left_out"] = *data.left_out;
  if (config.answers.multi_label) facts["thresholds"] = config.answers.multi_label->thresholds;
  if (const auto& unknown = config.answers.unknown) {
    facts["unknown"] = {{"score", models::to_string(unknown->score)}, {"threshold", unknown->threshold}};
  }
  return facts.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<std::string> settings_of(const EvalFlags& flags) {
  std::vector<std::string> settings;
  if (!flags.size.text.empty()) settings.push_back("--size " + flags.size.text);
  if (flags.score_thresh) settings.push_back(fmt::format("--score-thresh {}", *flags.score_thresh));
  if (!flags.class_order.empty()) settings.push_back("--class-order " + flags.class_order);
  return settings;
}

batch::JobKey key_of(const EvalFlags& flags, const models::Model& model, const batch::Manifest& manifest,
                     const batch::ShardId& shard, engine::Precision precision, const std::string& truth_digest) {
  batch::JobKey key{.work = "eval",
                    .format = figures_of(model.config()),
                    .manifest = manifest.digest,
                    .rows = manifest.rows,
                    .shard = shard,
                    .fingerprint = job_fingerprint(flags.model, model, precision, flags.kernels, settings_of(flags))};
  key.fingerprint.emplace_back("the ground truth", truth_digest);
  std::error_code error;
  const fs::path annotations = flags.annotations_of(model.config());
  const bool are_read = model.config().task == Task::kDetection || model.config().answers.multi_label;
  if (are_read && fs::is_regular_file(annotations, error)) {
    key.fingerprint.emplace_back("the annotations", hub::hash_file(annotations, hub::HashKind::kSha256));
  }
  return key;
}

/// Works on what a part does not have.
class EvalWork {
 public:
  /// All must outlive it.
  EvalWork(const batch::Manifest& manifest, const batch::RowPlace& place_of_rows, const EvalData& data,
           batch::PartWriter& part, const eval::EvalOptions& options)
      : manifest_(manifest),
        place_of_rows_(place_of_rows),
        data_(data),
        begun_(*part.begun()),
        first_(part.rows_done()),
        ordered_(part),
        options_(options) {}

  void run(std::vector<PlannedRow> rows, const EvaluateChosen& evaluate) {
    for (int64_t place = first_; place < std::ssize(rows); ++place) {
      PlannedRow& planned = rows[static_cast<size_t>(place)];
      const batch::ManifestRow& row = row_at(place);
      if (planned.item && begun_.endings(row.row) >= batch::kMostEndings) {
        planned = {.item = std::nullopt, .problem = batch::row_that_ends_processes(place_of_rows_, row).message};
      }
      if (!planned.item) ordered_.add(place, failure_line(row, planned.problem));
    }
    // What may have ended a process is tried by itself.
    std::vector<int64_t> together;
    for (int64_t place = first_; place < std::ssize(rows); ++place) {
      if (!rows[static_cast<size_t>(place)].item) continue;
      const bool is_suspect = begun_.endings(row_at(place).row) > 0;
      if (is_suspect) evaluate_at(std::exchange(together, {}), rows, evaluate);
      together.push_back(place);
      if (is_suspect) evaluate_at(std::exchange(together, {}), rows, evaluate);
    }
    evaluate_at(together, rows, evaluate);
  }

 private:
  const batch::ManifestRow& row_at(int64_t place) const { return manifest_.part[static_cast<size_t>(place)]; }

  void evaluate_at(const std::vector<int64_t>& places, const std::vector<PlannedRow>& rows,
                   const EvaluateChosen& evaluate) {
    if (places.empty() || stop_requested()) return;
    std::vector<size_t> chosen;
    for (const int64_t place : places) chosen.push_back(*rows[static_cast<size_t>(place)].item);
    eval::EvalOptions options = options_;
    options.on_begin = [&](int64_t item) {
      with_io_errors_that_end([&] { begun_.begin(row_at(places[static_cast<size_t>(item)]).row); });
    };
    options.on_item = [&](int64_t item, const eval::ItemOutcome& outcome) {
      const auto index = static_cast<size_t>(item);
      with_io_errors_that_end([&] { take(places[index], data_.pictures[chosen[index]], outcome); });
    };
    options.run.progress = [&](int64_t done) { options_.run.progress(done_ + done); };
    evaluate(chosen, options);
    done_ += std::ssize(places);
  }

  void take(int64_t place, const fs::path& picture, const eval::ItemOutcome& outcome) {
    const batch::ManifestRow& row = row_at(place);
    if (!outcome.failure.empty()) {
      batch::check_storage(place_of_rows_, row);
      return ordered_.add(place, failure_line(row, batch::with_row_name(outcome.failure, picture, row.path)));
    }
    const std::optional<int64_t> listed = place_of_rows_.listed_bytes_of(row);
    ordered_.add(place, {fmt::format("{{\"row\":{},\"frame\":0,\"agreement\":[{},{}],\"metric\":{}{}}}\n", row.row,
                                     outcome.agreement.same, outcome.agreement.total, outcome.metric,
                                     listed ? fmt::format(",\"listed_bytes\":{}", *listed) : "")});
  }

  /// Those of the part or the storage are no picture's.
  template <typename Work>
  static void with_io_errors_that_end(Work work) {
    try {
      work();
    } catch (const IoError& error) {
      throw Error(error.what());
    }
  }

  const batch::Manifest& manifest_;
  const batch::RowPlace& place_of_rows_;
  const EvalData& data_;
  batch::RowsBegun& begun_;
  const int64_t first_;  ///< place that the part does not have
  OrderedRows ordered_;
  const eval::EvalOptions& options_;
  int64_t done_ = 0;
};

}  // namespace

int run_eval_job(const EvalFlags& flags, const models::Model& model, const EvalData& data, eval::EvalOptions options,
                 const EvaluateChosen& evaluate) {
  catch_stop_signals();
  catch_preemption_signal();
  const batch::ShardId shard = flags.batch.choose();
  const batch::Manifest manifest = batch::read_manifest(flags.batch.manifest, shard);
  const batch::RowPlace place = place_of(manifest, flags);
  const std::vector<PlannedRow> rows = plan_rows(manifest, place, flags, data.pictures);
  create_folders(flags.batch.out);
  batch::check_shard_count(flags.batch.out, shard);
  const batch::PartNames names = batch::part_names(flags.batch.out, shard, ".jsonl");
  const auto files = files_with_calibration(flags.model, model);
  files->add_input(flags.batch.manifest, "the manifest");
  files->add_input(flags.annotations_of(model.config()), "the annotations");
  for (const fs::path& file : names.all()) files->claim(file, "--out");
  const engine::Precision precision = *options.network.precision;
  batch::PartWriter part(names, key_of(flags, model, manifest, shard, precision, data.truth_digest),
                         {.when_there = flags.batch.when_there()});
  report_lock_problem(part, names.results.string());
  const bool was_finished = part.is_finished();
  const int64_t before = part.rows_done();
  if (!was_finished && before > 0) {
    report(
        fmt::format("{}: going on after {} of {}", names.results.string(), before, counted(std::ssize(rows), "row")));
  }
  if (!was_finished) {
    Progress progress(std::ssize(rows));
    options.run.progress = [&](int64_t done) { progress.update(before + done); };
    report_suspects(part, names.results.string());
    EvalWork(manifest, place, data, part, options).run(rows, evaluate);
  }
  if (part.rows_done() < std::ssize(rows)) {
    part.commit();
    report(fmt::format("stopped after {} of {}; --resume goes on there", part.rows_done(),
                       counted(std::ssize(rows), "row")));
    return stopped_exit_code();
  }
  part.finish(facts_of(flags, model.config(), data, precision));
  report_written(names.results.string(),
                 fmt::format("{}, {} failed", counted(std::ssize(rows), "row"), part.rows_failed()));
  return part.rows_failed() == 0 ? kExitDone : kExitSomeUnread;
}

}  // namespace zoo::apps
