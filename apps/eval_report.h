// What `eval` says, to a person and to a machine.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "pipeline/eval/agreement.h"
#include "pipeline/eval/coco_metric.h"
#include "pipeline/eval/iou_metric.h"
#include "pipeline/eval/multi_label_metric.h"
#include "pipeline/eval/top_k_metric.h"

namespace zoo::apps {

using Labels = std::vector<std::string>;

/// The figures, then a table of the classes: all of up to 24, else the ten worst. Shares in per cent.
std::string to_text(const eval::TopKSummary& summary, const Labels& labels);
std::string to_text(const eval::MultiLabelSummary& summary, const Labels& labels);
std::string to_text(const eval::CocoSummary& summary, const Labels& labels);
std::string to_text(const eval::IouSummary& summary, const Labels& labels);

/// " 99.12 % (6344 of 6400)".
std::string to_text(const eval::Agreement& agreement);
/// {"share": 0.9912, "same": 6344, "total": 6400}; the share is null where there was nothing to compare.
nlohmann::ordered_json to_json(const eval::Agreement& agreement);

/// The keys `metrics` (shares from 0 to 1, null where there is nothing to measure), `classes` and, aside from boxes and
/// labels,
/// `confusion`: [true class, found class, count] of every pair that occurs; docs/evaluation.md lists them.
nlohmann::ordered_json to_json(const eval::TopKSummary& summary, const Labels& labels);
nlohmann::ordered_json to_json(const eval::MultiLabelSummary& summary, const Labels& labels);
nlohmann::ordered_json to_json(const eval::CocoSummary& summary, const Labels& labels);
nlohmann::ordered_json to_json(const eval::IouSummary& summary, const Labels& labels);

}  // namespace zoo::apps
