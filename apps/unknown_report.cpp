#include "apps/unknown_report.h"

#include <utility>

#include <fmt/format.h>

#include "apps/output.h"
#include "nn/core/counted.h"
#include "pipeline/eval/unknown_metric.h"

namespace zoo::apps {
namespace {

using Json = nlohmann::ordered_json;

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:6.2f} %", *share * 100.0) : fmt::format("{:>8}", "-");
}

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

}  // namespace

UnknownReport::UnknownReport(std::optional<models::UnknownConfig> config, std::vector<pipeline::Certainty> known,
                             UnknownPictures unknown)
    : config_(config), known_(std::move(known)), unknown_(std::move(unknown)) {}

void UnknownReport::report_failures() const {
  for (const eval::ItemFailure& failure : unknown_.found.run.failures) report(failure.message);
}

std::string UnknownReport::to_text() const {
  const std::vector<pipeline::Certainty>& unknown = unknown_.found.certainties;
  std::string text;
  if (!unknown_.files.empty()) {
    text += fmt::format("{} against {} of nothing known\n   AUROC      FPR 95  score\n",
                        counted(std::ssize(known_), "picture"), counted(std::ssize(unknown), "picture"));
    for (const models::CertaintyScore score : models::kCertaintyScores) {
      const eval::Separation separation =
          eval::separation_of(eval::scores_of(known_, score), eval::scores_of(unknown, score));
      text += fmt::format("{}    {}  {}\n", percent(separation.auroc), percent(separation.fpr95), to_string(score));
    }
  }
  if (!config_) {
    return text +
           "the model file has no model.unknown; `backbone-zoo calibrate MODEL --data DIR --unknown DIR` chooses one\n";
  }
  const auto share = [this](const std::vector<pipeline::Certainty>& pictures) {
    return eval::share_from(config_->threshold, eval::scores_of(pictures, config_->score));
  };
  text += fmt::format("kept             {}   known pictures that stay known; unknown is {}\n", percent(share(known_)),
                      models::to_string(*config_));
  if (!unknown_.files.empty()) {
    const auto kept = share(unknown);
    text += fmt::format("refused          {}   unknown pictures that are called so\n",
                        percent(kept ? std::optional(1.0 - *kept) : std::nullopt));
  }
  return text;
}

Json UnknownReport::to_json() const {
  const std::vector<pipeline::Certainty>& unknown = unknown_.found.certainties;
  Json document = Json::object();
  if (!unknown_.files.empty()) {
    document["pictures"] = unknown.size();
    document["failed"] = Json::array();
    for (const eval::ItemFailure& failure : unknown_.found.run.failures) {
      document["failed"].push_back(
          {{"source", unknown_.files[static_cast<size_t>(failure.item)].string()}, {"error", failure.message}});
    }
    for (const models::CertaintyScore score : models::kCertaintyScores) {
      const eval::Separation separation =
          eval::separation_of(eval::scores_of(known_, score), eval::scores_of(unknown, score));
      document["scores"][std::string(to_string(score))] = {{"auroc", number(separation.auroc)},
                                                           {"fpr95", number(separation.fpr95)}};
    }
  }
  if (!config_) return document;
  document["score"] = std::string(to_string(config_->score));
  document["threshold"] = config_->threshold;
  document["kept"] = number(eval::share_from(config_->threshold, eval::scores_of(known_, config_->score)));
  if (unknown_.files.empty()) return document;
  const auto kept = eval::share_from(config_->threshold, eval::scores_of(unknown, config_->score));
  document["refused"] = number(kept ? std::optional(1.0 - *kept) : std::nullopt);
  return document;
}

}  // namespace zoo::apps
