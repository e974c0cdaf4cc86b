#include "apps/eval_flags.h"

#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "apps/number_check.h"
#include "apps/output.h"
#include "apps/signals.h"

namespace zoo::apps {
namespace {

/// A multi-label model has the task of other classifiers, but other figures.
void check_answers(const EvalFlags& flags, const models::ModelConfig& config) {
  if (!config.answers.multi_label) return;
  const auto refuse = [](const std::string& value, const char* flag, const char* why) {
    if (!value.empty()) throw UsageError(fmt::format("{}: {}", flag, why));
  };
  refuse(flags.class_order, "--class-order",
         "the pictures of a multi-label model lie in no classes' folders; DIR/labels.csv says what they show");
  refuse(flags.confusion, "--confusion",
         "a multi-label model has no confusion matrix; its table of classes has precision and recall");
  refuse(flags.unknown, "--unknown",
         "for a multi-label model a picture of nothing is one without labels: a line of DIR/labels.csv");
}

}  // namespace

void EvalFlags::add_to(CLI::App& app) {
  model.add_to(app);
  app.add_option("DIR,--data,-d", data,
                 "Folder of the data set. Classification: DIR/<label, index or WordNet id>/*.jpg; multi-label: "
                 "DIR/labels.csv (file,label;label) and DIR/images. Detection: DIR/annotations.json (COCO) and "
                 "DIR/images. Segmentation: DIR/images/NAME.jpg and DIR/masks/NAME.png (palette or grey)")
      ->required()
      ->type_name("DIR");
  app.add_option("--annotations", annotations,
                 "COCO file instead of DIR/annotations.json (detection), table instead of DIR/labels.csv (multi-label "
                 "classification)")
      ->type_name("FILE");
  app.add_option("--class-order", class_order,
                 "Class of a folder: the one that its name says, or its place among the folders in the order of their "
                 "names, as torchvision's ImageFolder takes them (classification; default: names)")
      ->check(CLI::IsMember({"names", "sorted"}))
      ->type_name("ORDER");
  app.add_option("--unknown", unknown,
                 "Pictures of nothing that the model knows, subfolders included: how well its scores tell them from "
                 "those of --data (classification)")
      ->type_name("DIR");
  weights.add_to(app);
  size.add_to(app);
  app.add_option("--score-thresh", score_thresh,
                 "Leave out boxes that score less (detection; default: the model file's)")
      ->check(number_in(0.0, 1.0))
      ->type_name("SCORE");
  app.add_option("--limit", limit, "Only so many pictures, evenly spread over the data set")
      ->check(count_check())
      ->type_name("N");
  app.add_option("--confusion", confusion, "Draw the confusion matrix into a PNG (classification, segmentation)")
      ->type_name("FILE");
  json_option_ = app.add_option("--json", json_value,
                                "Write the figures as JSON to a file, or to standard output instead of text (-, "
                                "or no value)")
                     ->type_name("FILE")
                     ->expected(0, 1);
  add_cores_flag(app, "--threads", threads,
                 "Cores to spread the pictures over (default: all); the figures do not depend on it");
  add_precision_flag(app, precision);
  kernels.add_to(app);
  weights.add_calibration_to(app);
  batch.add_to(app);
  app_ = &app;
}

void EvalFlags::settle() {
  if (json_option_->count() > 0) json = json_value.empty() ? "-" : json_value;
  batch.check();
  if (!batch.has_manifest()) {
    if (batch.resume) throw UsageError("--resume: belongs to --manifest: figures of a part of the pictures are none");
    return;
  }
  const std::string run_flag = given_flag(*app_, {"--json", "--confusion", "--limit", "--unknown"});
  if (!run_flag.empty()) {
    throw UsageError(fmt::format("{}: does not go with --manifest; `merge` writes the figures of all parts", run_flag));
  }
}

void EvalFlags::check(const models::ModelConfig& config) const {
  std::vector<Task> annotated = {Task::kDetection};
  if (config.answers.multi_label) annotated.push_back(Task::kClassification);
  check_task_flags({{"--annotations", !annotations.empty(), annotated},
                    {"--class-order", !class_order.empty(), {Task::kClassification}},
                    {"--unknown", !unknown.empty(), {Task::kClassification}},
                    {"--score-thresh", score_thresh.has_value(), {Task::kDetection}},
                    {"--confusion", !confusion.empty(), {Task::kClassification, Task::kSegmentation}}},
                   config);
  check_answers(*this, config);
  if (confusion.empty()) return;
  const std::filesystem::path file = confusion;
  if (file.extension() != ".png") throw UsageError(fmt::format("--confusion {}: expected a name in .png", confusion));
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    throw UsageError(fmt::format("--confusion {}: there is no folder {}", confusion, folder.string()));
  }
}

int EvalFlags::shards() const { return threads > 0 ? threads : all_cores(); }

std::filesystem::path EvalFlags::annotations_of(const models::ModelConfig& config) const {
  if (!annotations.empty()) return annotations;
  return std::filesystem::path(data) / (config.task == Task::kClassification ? "labels.csv" : "annotations.json");
}

eval::EvalOptions EvalFlags::options(Progress& progress) const {
  eval::EvalOptions options;
  options.shards = shards();
  options.network.precision = precision;
  options.network.kernels = kernels.options();
  options.network.input_size = size.value();
  options.network.on_note = note_reporter();
  options.score_thresh = score_thresh;
  options.run.stop = &stop_requested();
  options.run.progress = [&progress](int64_t done) { progress.update(done); };
  return options;
}

}  // namespace zoo::apps
