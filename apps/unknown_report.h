// What `eval` says of known and unknown pictures.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "models/answer_config.h"
#include "pipeline/eval/evaluate.h"

namespace zoo::apps {

/// Pictures of nothing that the model knows, and what came of them.
struct UnknownPictures {
  std::vector<std::filesystem::path> files;
  eval::CertaintyRun found;
};

/// How well every score tells both kinds apart, and what the model's own threshold keeps.
class UnknownReport {
 public:
  /// `config`: of the model, if it has one. `known`: of the pictures of the data set.
  UnknownReport(std::optional<models::UnknownConfig> config, std::vector<pipeline::Certainty> known,
                UnknownPictures unknown);

  int64_t done() const { return unknown_.found.run.done; }
  int64_t failed() const { return std::ssize(unknown_.found.run.failures); }
  /// On standard error.
  void report_failures() const;

  std::string to_text() const;
  /// The key `unknown` of docs/evaluation.md.
  nlohmann::ordered_json to_json() const;

 private:
  std::optional<models::UnknownConfig> config_;
  std::vector<pipeline::Certainty> known_;
  UnknownPictures unknown_;
};

}  // namespace zoo::apps
