#include "apps/run_inputs.h"

#include "models/labels.h"

namespace zoo::apps {

std::shared_ptr<RunFiles> files_of_run(const ModelFlags& flags, const models::ModelConfig& config) {
  auto run = std::make_shared<RunFiles>();
  run->add_input(config.file, "the model file");
  run->add_input(config.checkpoint, "the checkpoint");
  // The configuration keeps the labels themselves; which file they come from, only the model file says.
  const ConfigDocument document = ConfigDocument::load(config.file, flags.parsed_overrides());
  const ConfigNode labels = document.root().find("model").find("labels");
  run->add_input(models::labels_file(labels, config.file.parent_path()), "the labels file");
  return run;
}

std::shared_ptr<RunFiles> files_of_run(const ModelFlags& flags, const models::Model& model) {
  auto run = files_of_run(flags, model.config());
  if (model.report()) run->add_input(model.report()->file, "the checkpoint");
  return run;
}

std::shared_ptr<RunFiles> files_with_calibration(const ModelFlags& flags, const models::Model& model) {
  auto run = files_of_run(flags, model);
  run->add_input(model.calibration_file(), "the calibration table");
  return run;
}

void claim_output(RunFiles& run, const std::string& file, const std::string& flag) {
  if (!file.empty() && file != "-") run.claim(file, flag);
}

}  // namespace zoo::apps
