#include "apps/job_fingerprint.h"

#include <chrono>
#include <sys/stat.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hub/digest.h"
#include "models/labels.h"
#include "nn/core/error.h"
#include "nn/engine/machine/revision.h"
#include "nn/weights/checkpoint_parts.h"

namespace zoo::apps {
namespace {

/// Before any of the files was read.
const auto kProgramStart = std::chrono::system_clock::now();

/// Throws IoError where the file may be another one than was loaded.
void check_untouched(const std::filesystem::path& file) {
  struct stat status = {};
  if (::stat(file.c_str(), &status) != 0) return;  // hashing it has said so
  const auto changed = std::chrono::seconds(status.st_ctim.tv_sec) + std::chrono::nanoseconds(status.st_ctim.tv_nsec);
  if (changed <= kProgramStart.time_since_epoch()) return;
  throw IoError(fmt::format("{}: was written while the job began, so that nobody knows what was loaded: run it again",
                            file.string()));
}

std::string digest(const std::filesystem::path& file) {
  std::string hash = hub::hash_file(file, hub::HashKind::kSha256);
  check_untouched(file);
  return hash;
}

/// Everything of it: models::to_string leaves out what is rarely given.
std::string text_of(const models::PreprocessConfig& config) {
  std::string text = models::to_string(config);
  if (config.color != models::ColorOrder::kRgb) text += config.color == models::ColorOrder::kBgr ? ", bgr" : ", gray";
  if (config.letterbox) {
    text += fmt::format(", letterbox {} {} {}", fmt::join(config.letterbox->size, "x"),
                        fmt::join(config.letterbox->fill, "/"), static_cast<int>(config.letterbox->position));
  }
  return text;
}

std::string digest_of_weights(const std::filesystem::path& checkpoint) {
  const std::vector<std::filesystem::path> files = weights::files_of_checkpoint(checkpoint);
  if (files.size() == 1) return digest(files.front());
  std::string all;
  for (const std::filesystem::path& file : files) all += digest(file);
  return hub::hash_text(all);
}

}  // namespace

batch::Fingerprint job_fingerprint(const ModelFlags& flags, const models::Model& model, engine::Precision precision,
                                   const KernelFlags& kernels, const std::vector<std::string>& settings) {
  const models::ModelConfig& config = model.config();
  batch::Fingerprint fingerprint = {{std::string(batch::kVersion), ZOO_VERSION},
                                    {std::string(batch::kBuild), std::string(engine::kEngineRevision)},
                                    {"the model file", digest(config.file)}};
  const ConfigDocument document = ConfigDocument::load(config.file, flags.parsed_overrides());
  const ConfigNode labels = document.root().find("model").find("labels");
  const auto labels_file = models::labels_file(labels, config.file.parent_path());
  if (!labels_file.empty()) fingerprint.emplace_back("the labels", digest(labels_file));
  if (!config.labels.empty()) {
    fingerprint.emplace_back("the classes", hub::hash_text(fmt::format("{}", fmt::join(config.labels, "\n"))));
  }
  fingerprint.emplace_back("the preprocessing", text_of(config.preprocess));
  fingerprint.emplace_back("the weights", model.report() ? digest_of_weights(model.report()->file) : "random");
  fingerprint.emplace_back(batch::kPrecision, engine::to_string(precision));
  if (precision == engine::Precision::kInt8) {
    fingerprint.emplace_back(batch::kCalibration, digest(model.calibration_file()));
  }
  std::vector<std::string> all = settings;
  if (kernels.wanted != "auto") all.push_back("--kernels " + kernels.wanted);
  if (kernels.isa != "auto") all.push_back("--isa " + kernels.isa);
  if (kernels.compact_layers) all.emplace_back("--compact-layers");
  for (const std::string& set : flags.overrides) all.push_back("--set " + set);
  if (!all.empty()) fingerprint.emplace_back("the flags", fmt::format("{}", fmt::join(all, " ")));
  return fingerprint;
}

}  // namespace zoo::apps
