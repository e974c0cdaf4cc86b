#include "apps/job_fingerprint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hub/digest.h"
#include "models/labels.h"

namespace zoo::apps {
namespace {

std::string digest(const std::filesystem::path& file) { return hub::hash_file(file, hub::HashKind::kSha256); }

}  // namespace

batch::Fingerprint job_fingerprint(const ModelFlags& flags, const models::Model& model, engine::Precision precision,
                                   const std::vector<std::string>& settings) {
  const models::ModelConfig& config = model.config();
  batch::Fingerprint fingerprint = {{"the version", ZOO_VERSION}, {"the model file", digest(config.file)}};
  const ConfigDocument document = ConfigDocument::load(config.file, flags.parsed_overrides());
  const ConfigNode labels = document.root().find("model").find("labels");
  const auto labels_file = models::labels_file(labels, config.file.parent_path());
  if (!labels_file.empty()) fingerprint.emplace_back("the labels", digest(labels_file));
  fingerprint.emplace_back("the weights", model.report() ? digest(model.report()->file) : "random");
  fingerprint.emplace_back("the precision", engine::to_string(precision));
  if (precision == engine::Precision::kInt8) {
    fingerprint.emplace_back("the calibration table", digest(model.calibration_file()));
  }
  std::vector<std::string> all = settings;
  for (const std::string& set : flags.overrides) all.push_back("--set " + set);
  if (!all.empty()) fingerprint.emplace_back("the flags", fmt::format("{}", fmt::join(all, " ")));
  return fingerprint;
}

}  // namespace zoo::apps
