#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/eval_job.h"
#include "apps/eval_report.h"
#include "apps/output.h"
#include "apps/unknown_report.h"
#include "apps/written.h"
#include "nn/core/counted.h"
#include "nn/core/files.h"
#include "nn/core/json_nesting.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

using Json = nlohmann::ordered_json;

/// What parts of an evaluation say beside their lines (facts_of in eval_job.cpp). Throws IoError.
class Facts {
 public:
  explicit Facts(const std::string& text) : json_(Json::parse(text, nullptr, false)) {
    if (!json_.is_object()) refuse("are missing");
  }

  template <typename Value>
  Value get(const char* name) const {
    try {
      return json_.at(name).get<Value>();
    } catch (const Json::exception& error) {
      refuse(error.what());
    }
  }
  bool has(const char* name) const { return json_.contains(name); }
  const Json& json() const { return json_; }

  int64_t classes() const {
    const auto classes = get<int64_t>("classes");
    constexpr int64_t kMostClasses = 1'000'000;
    if (classes < 1 || classes > kMostClasses) refuse(fmt::format("there are no {} classes", classes));
    return classes;
  }
  /// As many as classes, or none.
  Labels labels() const {
    auto labels = get<Labels>("labels");
    if (!labels.empty() && std::ssize(labels) != classes()) refuse("there is not one label for each class");
    return labels;
  }
  std::optional<models::UnknownConfig> unknown() const {
    if (!has("unknown")) return std::nullopt;
    const Json unknown = get<Json>("unknown");
    const auto score = models::certainty_score_from(unknown.value("score", ""));
    if (!score) refuse("there is no such score of `unknown`");
    return models::UnknownConfig{*score, unknown.value("threshold", 0.0)};
  }

 private:
  [[noreturn]] static void refuse(const std::string& why) {
    throw IoError(fmt::format("a receipt: the facts of the evaluation: {}", why));
  }

  Json json_;
};

/// What all parts together gathered.
template <typename Metric>
struct Gathered {
  Metric metric;
  eval::Agreement agreement;
  Json failed = Json::array();
};

Json parse_line(const std::string& record) {
  Json line = too_deep_json(record) ? Json() : Json::parse(record, nullptr, false);
  if (!line.is_object()) throw IoError("a part of an evaluation: a line is no JSON object");
  return line;
}

template <typename Metric>
void gather(const batch::PartSet& parts, Gathered<Metric>& all) {
  parts.visit({.result =
                   [&](const std::string& record) {
                     const Json line = parse_line(record);
                     const Json metric = line.value("metric", Json());
                     const Json agreement = line.value("agreement", Json());
                     all.metric.merge_json(metric.dump());
                     const bool counts = agreement.is_array() && agreement.size() == 2 &&
                                         agreement[0].is_number_integer() && agreement[1].is_number_integer();
                     if (!counts) throw IoError("a part of an evaluation: a line has no agreement");
                     all.agreement.add({agreement[0].get<int64_t>(), agreement[1].get<int64_t>()});
                   },
               .failure =
                   [&](const std::string& record) {
                     const Json line = parse_line(record);
                     all.failed.push_back({{"source", line.value("source", "")}, {"error", line.value("error", "")}});
                   }});
}

template <typename Metric>
void merge_figures(const batch::PartSet& parts, const Facts& facts, Metric metric, const std::string& output) {
  Gathered<Metric> all{std::move(metric), {}, Json::array()};
  gather(parts, all);
  const auto summary = all.metric.summary();
  const Labels labels = facts.labels();
  std::optional<UnknownReport> known;
  if constexpr (std::is_same_v<Metric, eval::TopKMetric>) {
    if (const auto config = facts.unknown()) known.emplace(config, summary.certainties, UnknownPictures());
  }
  const std::string format = parts.key().format;
  Json document = {{"model", facts.get<std::string>("model")},
                   {"task", format == "multi_label" ? "classification" : format},
                   {"data", facts.get<std::string>("data")},
                   {"precision", facts.get<std::string>("precision")},
                   {"pictures", parts.done()},
                   {"failed", all.failed}};
  if (facts.has("left_out")) document["left_out"] = facts.get<int64_t>("left_out");
  if (all.agreement.total > 0) document["agreement_with_f32"] = to_json(all.agreement);
  document.update(to_json(summary, labels));
  if (known) document["unknown"] = known->to_json();
  write_file(output, document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  std::string text = counted(parts.done(), "picture") + "\n\n";
  if (all.agreement.total > 0) text += fmt::format("agreement with f32 {}\n\n", to_text(all.agreement));
  if (known) text += known->to_text() + "\n";
  tell_of_written(output, text + to_text(summary, labels));
  if (parts.failed() > 0) {
    report(fmt::format("{} of {} failed and count in no figure", parts.failed(),
                       counted(parts.done() + parts.failed(), "picture")));
  }
}

}  // namespace

void merge_evaluation(const batch::PartSet& parts, const std::string& output) {
  const Facts facts(parts.facts());
  const std::string& format = parts.key().format;
  if (format == "classification") {
    merge_figures(parts, facts, eval::TopKMetric(facts.classes()), output);
  } else if (format == "multi_label") {
    merge_figures(parts, facts, eval::MultiLabelMetric(facts.get<std::vector<double>>("thresholds")), output);
  } else if (format == "detection") {
    merge_figures(parts, facts, eval::CocoMetric(facts.classes()), output);
  } else if (format == "segmentation") {
    merge_figures(parts, facts, eval::IouMetric(facts.classes()), output);
  } else {
    throw IoError(fmt::format("a receipt: there are no figures of {}", format));
  }
}

}  // namespace zoo::apps
