#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "apps/commands.h"
#include "apps/eval_flags.h"
#include "apps/eval_job.h"
#include "apps/eval_report.h"
#include "apps/model_flags.h"
#include "apps/output.h"
#include "apps/progress.h"
#include "apps/run_inputs.h"
#include "apps/signals.h"
#include "apps/unknown_report.h"
#include "hub/digest.h"
#include "nn/core/counted.h"
#include "pipeline/eval/calibrate.h"
#include "pipeline/eval/confusion_picture.h"
#include "pipeline/eval/evaluate.h"
#include "pipeline/images/encode_image.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

using Json = nlohmann::ordered_json;
using ModelPtr = std::shared_ptr<const models::Model>;

void write_confusion(const std::string& file, const eval::ConfusionMatrix& confusion, const Labels& labels) {
  const std::vector<uint8_t> bytes = pipeline::encode_image(eval::draw_confusion(confusion, labels), ".png");
  write_file(file, std::as_bytes(std::span(bytes)));
}

void add_input(const eval::ClassItem& item, RunFiles& run) { run.add_input(item.picture, "a picture"); }
void add_input(const eval::BoxItem& item, RunFiles& run) { run.add_input(item.picture, "a picture"); }
void add_input(const eval::LabelItem& item, RunFiles& run) { run.add_input(item.picture, "a picture"); }
void add_input(const eval::MaskItem& item, RunFiles& run) {
  run.add_input(item.picture, "a picture");
  run.add_input(item.mask, "a label map");
}

/// Throws IoError where a file to write is one of those that are read.
template <typename Item>
void check_outputs(const EvalFlags& flags, const models::Model& model, const std::vector<Item>& items,
                   const std::vector<std::filesystem::path>& unknown) {
  const auto run = files_with_calibration(flags.model, model);
  run->add_input(flags.annotations_of(model.config()), "the annotations");
  for (const Item& item : items) add_input(item, *run);
  for (const std::filesystem::path& picture : unknown) run->add_input(picture, "a picture");
  claim_output(*run, flags.json.value_or(""), "--json");
  claim_output(*run, flags.confusion, "--confusion");
}

template <typename Item>
Json failures_json(const std::vector<Item>& items, const std::vector<eval::ItemFailure>& failures) {
  Json rows = Json::array();
  for (const eval::ItemFailure& failure : failures) {
    rows.push_back({{"source", items[static_cast<size_t>(failure.item)].picture.string()}, {"error", failure.message}});
  }
  return rows;
}

/// What is compared with f32, by task.
const char* compared_things(const models::ModelConfig& config) {
  switch (config.task.value()) {
    case Task::kClassification:
      return config.answers.multi_label ? "pictures, classes found" : "pictures, best guess";
    case Task::kDetection:
      return "boxes that score 0.5 or more: same class, overlap 0.5 or more";
    case Task::kSegmentation:
      return "pixels";
  }
  throw Error("no such task");
}

/// What is compared with f32, e.g. "int8".
std::string compared_network(const EvalFlags& flags, engine::Precision precision) {
  const bool is_f32 = precision == engine::Precision::kF32;
  return fmt::format("{}{}", engine::to_string(precision),
                     is_f32 && flags.kernels.compact_layers ? ", compact layers," : "");
}

/// What is worth knowing of a data set.
struct DataSetNotes {
  std::string text;                 ///< for the first line
  std::optional<int64_t> left_out;  ///< files that count in no figure, where a data set may hold such
};

DataSetNotes about_left_out(int64_t files, const char* what) {
  return {files == 0 ? "" : fmt::format(", {} file{} left out ({})", files, files == 1 ? "" : "s", what), files};
}

/// What the masks of a segmentation's ground truth are probably meant to say.
void report_odd_masks(const eval::IouSummary& summary) {
  if (!summary.looks_binary()) return;
  report(
      "the masks hold nothing but 0 and 255, and 255 is void, which counts in no figure; if it means an object, write "
      "the object's class in its place");
}

// What says the truth of an item, but for what the annotations say, which have a digest of their own.
std::string truth_of(const eval::ClassItem& item) { return fmt::to_string(item.class_index); }
std::string truth_of(const eval::BoxItem& item) { return fmt::to_string(item.image_id); }
std::string truth_of(const eval::LabelItem& item) { return fmt::format("{}", fmt::join(item.classes, ",")); }
std::string truth_of(const eval::MaskItem& item) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(item.mask, error);
  return fmt::format("{} {}", item.mask.filename().string(), error ? 0 : bytes);
}

template <typename Item>
int evaluate_shard(const EvalFlags& flags, const ModelPtr& model, const std::vector<Item>& items,
                   const eval::EvalOptions& options, const DataSetNotes& notes) {
  EvalData data{.pictures = {}, .truth_digest = {}, .left_out = notes.left_out};
  std::string truth;
  for (const Item& item : items) {
    data.pictures.push_back(item.picture);
    truth += fmt::format("{}\t{}\n", item.picture.lexically_relative(flags.data).string(), truth_of(item));
  }
  data.truth_digest = hub::hash_text(truth);
  return run_eval_job(flags, *model, data, options,
                      [&](const std::vector<size_t>& chosen, const eval::EvalOptions& of_shard) {
                        std::vector<Item> mine;
                        for (const size_t index : chosen) mine.push_back(items[index]);
                        return eval::evaluate(model, std::span<const Item>(mine), of_shard).run;
                      });
}

template <typename Item>
int evaluate_items(const EvalFlags& flags, const ModelPtr& model, std::vector<Item> items, const DataSetNotes& notes) {
  std::vector<std::filesystem::path> unknown;
  if (!flags.unknown.empty()) unknown = eval::find_pictures(flags.unknown);
  check_outputs(flags, *model, items, unknown);
  if (flags.limit) unknown = eval::evenly_chosen(std::move(unknown), *flags.limit);
  if (flags.limit) items = eval::evenly_chosen(std::move(items), *flags.limit);
  catch_stop_signals();
  std::optional<sinks::DocumentOutput> json;
  if (flags.json) json.emplace(*flags.json);
  const auto total = static_cast<int64_t>(items.size());
  Progress progress(total + std::ssize(unknown));
  eval::EvalOptions options = flags.options(progress);
  const models::ResolvedPrecision chosen = pipeline::resolve_precision(*model, options.network);
  const engine::Precision precision = chosen.precision;
  options.network.precision = precision;
  options.compare_with_f32 = precision != engine::Precision::kF32 || flags.kernels.compact_layers;
  if (flags.batch.has_manifest()) return evaluate_shard(flags, model, items, options, notes);
  const auto result = eval::evaluate(model, std::span<const Item>(items), options);
  const models::ModelConfig& config = model->config();
  std::optional<UnknownReport> known;
  int64_t done = result.run.done;
  if constexpr (std::is_same_v<Item, eval::ClassItem>) {
    if (!unknown.empty() || config.answers.unknown) {
      options.run.progress = [&](int64_t of_unknown) { progress.update(total + of_unknown); };
      known.emplace(config.answers.unknown, result.summary.certainties,
                    unknown.empty() ? UnknownPictures()
                                    : UnknownPictures{unknown, eval::find_certainties(model, unknown, options)});
      done += known->done();
    }
  }
  progress.clear();
  for (const eval::ItemFailure& failure : result.run.failures) report(failure.message);
  if (known) known->report_failures();
  if (stop_signal() != 0) {
    report(fmt::format("stopped after {} of {}", done, counted(total + std::ssize(unknown), "picture")));
    return kExitSignalBase + stop_signal();
  }

  const auto failed = static_cast<int64_t>(result.run.failures.size());
  if (json) {
    Json document = {{"model", config.file.string()},
                     {"task", models::task_name(config)},
                     {"data", flags.data},
                     {"precision", engine::to_string(precision)},
                     {"pictures", total - failed},
                     {"failed", failures_json(items, result.run.failures)}};
    if (notes.left_out) document["left_out"] = *notes.left_out;
    if (result.agreement) document["agreement_with_f32"] = to_json(*result.agreement);
    document.update(to_json(result.summary, config.labels));
    if (known) document["unknown"] = known->to_json();
    json->write(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    json->finish();
  }
  if (flags.json != "-") {
    std::string text = fmt::format("{}{}\n\n", counted(total - failed, "picture"), notes.text);
    if (result.agreement) {
      text += fmt::format("agreement of {} with f32 {}   {}\n\n", compared_network(flags, precision),
                          to_text(*result.agreement), compared_things(config));
    }
    if (known) text += known->to_text() + "\n";
    sinks::TextOutput().write(text + to_text(result.summary, config.labels));
  }
  if constexpr (std::is_same_v<Item, eval::ClassItem> || std::is_same_v<Item, eval::MaskItem>) {
    if (!flags.confusion.empty()) write_confusion(flags.confusion, result.summary.confusion, config.labels);
  }
  if constexpr (std::is_same_v<Item, eval::MaskItem>) report_odd_masks(result.summary);
  const int64_t all_failed = failed + (known ? known->failed() : 0);
  if (all_failed == 0) return kExitDone;
  report(fmt::format("{} of {} failed and count in no figure", all_failed,
                     counted(total + std::ssize(unknown), "picture")));
  return kExitSomeUnread;
}

int evaluate_boxes(const EvalFlags& flags, const ModelPtr& model) {
  const models::ModelConfig& config = model->config();
  const std::filesystem::path folder = flags.data;
  const std::filesystem::path file = flags.annotations_of(config);
  eval::CocoAnnotations truth = eval::read_coco_annotations(file, folder, config.labels, config.num_classes);
  int64_t objects = 0;
  for (const eval::BoxItem& item : truth.items) objects += static_cast<int64_t>(item.truths.size());
  const bool by_name = truth.match == eval::CategoryMatch::kByName;
  spdlog::info("{}: {}, {}", file.string(), counted(static_cast<int64_t>(truth.items.size()), "picture"),
               counted(objects, "annotation"));
  return evaluate_items(flags, model, std::move(truth.items),
                        {fmt::format(", categories by {}", by_name ? "name" : "id, as the model has no labels"), {}});
}

int evaluate_classes(const EvalFlags& flags, const ModelPtr& model) {
  const models::ModelConfig& config = model->config();
  const bool sorted = flags.class_order == "sorted";
  eval::ClassFolders folders = eval::read_class_folders(flags.data, config.labels, config.num_classes,
                                                        sorted ? eval::ClassOrder::kSorted : eval::ClassOrder::kNames);
  return evaluate_items(flags, model, std::move(folders.items),
                        about_left_out(folders.left_out, "no pictures, or in no class's folder"));
}

int evaluate_labels(const EvalFlags& flags, const ModelPtr& model) {
  const models::ModelConfig& config = model->config();
  return evaluate_items(
      flags, model, eval::read_label_table(flags.annotations_of(config), flags.data, config.labels, config.num_classes),
      {});
}

int evaluate_masks(const EvalFlags& flags, const ModelPtr& model) {
  eval::MaskFolders folders = eval::read_mask_folders(flags.data);
  return evaluate_items(flags, model, std::move(folders.items),
                        about_left_out(folders.left_out, "no pictures, or subfolders"));
}

int evaluate_model(const EvalFlags& flags) {
  const ModelPtr model = load_model(flags.model, flags.weights);
  const models::ModelConfig& config = model->config();
  flags.check(config);
  switch (config.task.value()) {
    case Task::kClassification:
      return config.answers.multi_label ? evaluate_labels(flags, model) : evaluate_classes(flags, model);
    case Task::kDetection:
      return evaluate_boxes(flags, model);
    case Task::kSegmentation:
      return evaluate_masks(flags, model);
  }
  throw Error("no such task");
}

}  // namespace

Action setup_eval(CLI::App& app) {
  auto flags = std::make_shared<EvalFlags>();
  flags->add_to(app);
  return [flags] {
    flags->settle();
    return evaluate_model(*flags);
  };
}

}  // namespace zoo::apps
