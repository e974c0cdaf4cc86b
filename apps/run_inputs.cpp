#include "apps/run_inputs.h"

namespace zoo::apps {

std::shared_ptr<RunFiles> files_of_run(const models::ModelConfig& config) {
  auto run = std::make_shared<RunFiles>();
  run->add_input(config.file, "the model file");
  run->add_input(config.checkpoint, "the checkpoint");
  return run;
}

std::shared_ptr<RunFiles> files_of_run(const models::Model& model) {
  auto run = files_of_run(model.config());
  if (model.report()) run->add_input(model.report()->file, "the checkpoint");
  return run;
}

std::shared_ptr<RunFiles> files_with_calibration(const models::Model& model) {
  auto run = files_of_run(model);
  run->add_input(model.calibration_file(), "the calibration table");
  return run;
}

void claim_output(RunFiles& run, const std::string& file, const std::string& flag) {
  if (!file.empty() && file != "-") run.claim(file, flag);
}

}  // namespace zoo::apps
