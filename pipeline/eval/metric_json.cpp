// Metrics as JSON and back: what a part of an evaluation gathered, so that the parts of many machines add up to the
// figures of one. Numbers come back bit for bit.
#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nn/core/error.h"
#include "nn/core/json_nesting.h"
#include "pipeline/eval/coco_metric.h"
#include "pipeline/eval/iou_metric.h"
#include "pipeline/eval/multi_label_metric.h"
#include "pipeline/eval/top_k_metric.h"

namespace zoo::eval {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(std::string_view what) { throw IoError(fmt::format("a part of an evaluation: {}", what)); }

Json parse(std::string_view text) {
  Json json = too_deep_json(text) ? Json() : Json::parse(text, nullptr, false);
  if (!json.is_object()) refuse("is no JSON object");
  return json;
}

const Json& list_in(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_array()) refuse(fmt::format("{} must be a list", name));
  return *found;
}

int64_t count_of(const Json& json, int64_t high = std::numeric_limits<int64_t>::max()) {
  if (!json.is_number_integer()) refuse("expected a whole number");
  const auto value = json.get<int64_t>();
  if ((json.is_number_unsigned() && json.get<uint64_t>() > static_cast<uint64_t>(high)) || value < 0 || value > high) {
    refuse(fmt::format("expected a number from 0 to {}, found {}", high, json.dump()));
  }
  return value;
}

int64_t count_in(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end()) refuse(fmt::format("{} is missing", name));
  return count_of(*found);
}

double number_of(const Json& json) {
  if (!json.is_number()) refuse("expected a number");
  return json.get<double>();
}

const Json& row_of(const Json& json, size_t size) {
  if (!json.is_array() || json.size() != size) refuse(fmt::format("expected a list of {}", size));
  return json;
}

Json to_json_list(const ConfusionMatrix& confusion) {
  Json list = Json::array();
  for (const auto& [pair, count] : confusion.counts()) list.push_back({pair.first, pair.second, count});
  return list;
}

/// `found` may be ConfusionMatrix::nothing().
void add_confusion(const Json& json, ConfusionMatrix& confusion) {
  for (const Json& item : list_in(json, "confusion")) {
    const Json& row = row_of(item, 3);
    confusion.add(count_of(row[0], confusion.classes() - 1), count_of(row[1], confusion.classes()), count_of(row[2]));
  }
}

template <size_t size>
std::array<uint16_t, size> masks_of(const Json& json) {
  std::array<uint16_t, size> masks{};
  const Json& row = row_of(json, size);
  for (size_t i = 0; i < size; ++i) {
    masks[i] = static_cast<uint16_t>(count_of(row[i], std::numeric_limits<uint16_t>::max()));
  }
  return masks;
}

CocoMetric::Record record_of(const Json& row) {
  CocoMetric::Record record;
  if (!row[1].is_number_integer()) refuse("expected the id of a picture");
  record.image_id = row[1].get<int64_t>();
  const Json& positives = row_of(row[2], CocoMetric::kAreas);
  for (size_t i = 0; i < CocoMetric::kAreas; ++i) record.positives[i] = count_of(positives[i]);
  if (!row[3].is_array()) refuse("expected a list of detections");
  for (const Json& item : row[3]) {
    const Json& outcome = row_of(item, 3);
    record.outcomes.push_back(
        {number_of(outcome[0]), masks_of<CocoMetric::kAreas>(outcome[1]), masks_of<CocoMetric::kAreas>(outcome[2])});
  }
  return record;
}

}  // namespace

std::string TopKMetric::to_json() const {
  Json json = {{"classes", Json::array()}, {"confusion", to_json_list(confusion_)}, {"certainties", Json::array()}};
  for (size_t i = 0; i < classes_.size(); ++i) {
    const TopKCount& count = classes_[i];
    if (count.pictures > 0) json["classes"].push_back({i, count.pictures, count.top1, count.top5});
  }
  for (const pipeline::Certainty& one : certainties_) {
    json["certainties"].push_back({one.max_probability, one.margin, one.energy});
  }
  return json.dump();
}

void TopKMetric::merge_json(std::string_view text) {
  const Json json = parse(text);
  for (const Json& item : list_in(json, "classes")) {
    const Json& row = row_of(item, 4);
    TopKCount& count = classes_.at(static_cast<size_t>(count_of(row[0], std::ssize(classes_) - 1)));
    count.pictures += count_of(row[1]);
    count.top1 += count_of(row[2]);
    count.top5 += count_of(row[3]);
  }
  add_confusion(json, confusion_);
  for (const Json& item : list_in(json, "certainties")) {
    const Json& row = row_of(item, 3);
    certainties_.push_back({number_of(row[0]), number_of(row[1]), number_of(row[2])});
  }
}

std::string IouMetric::to_json() const {
  return Json{{"void", void_pixels_}, {"confusion", to_json_list(confusion_)}}.dump();
}

void IouMetric::merge_json(std::string_view text) {
  const Json json = parse(text);
  void_pixels_ += count_in(json, "void");
  add_confusion(json, confusion_);
}

std::string CocoMetric::to_json() const {
  Json json = {{"pictures", pictures_}, {"records", Json::array()}};
  for (size_t i = 0; i < classes_.size(); ++i) {
    for (const Record& record : classes_[i]) {
      Json outcomes = Json::array();
      for (const Outcome& one : record.outcomes) outcomes.push_back({one.score, one.matched, one.ignored});
      json["records"].push_back({i, record.image_id, record.positives, std::move(outcomes)});
    }
  }
  return json.dump();
}

void CocoMetric::merge_json(std::string_view text) {
  const Json json = parse(text);
  pictures_ += count_in(json, "pictures");
  for (const Json& item : list_in(json, "records")) {
    const Json& row = row_of(item, 4);
    classes_.at(static_cast<size_t>(count_of(row[0], std::ssize(classes_) - 1))).push_back(record_of(row));
  }
}

std::string MultiLabelMetric::to_json() const {
  Json json = {{"pictures", pictures_}, {"exact", exact_}, {"counts", Json::array()}};
  for (const LabelCount& count : counts_) json["counts"].push_back({count.truth, count.found, count.both});
  json["scores"] = scores_;
  json["truth"] = truth_;
  return json.dump();
}

void MultiLabelMetric::merge_json(std::string_view text) {
  const Json json = parse(text);
  const int64_t pictures = count_in(json, "pictures");
  const size_t classes = counts_.size();
  const Json& counts = row_of(list_in(json, "counts"), classes);
  const Json& scores = list_in(json, "scores");
  const Json& truth = list_in(json, "truth");
  if (scores.size() != truth.size() || static_cast<uint64_t>(pictures) * classes != scores.size()) {
    refuse("scores and truth are not those of its pictures");
  }
  for (size_t i = 0; i < classes; ++i) {
    const Json& row = row_of(counts[i], 3);
    counts_[i].truth += count_of(row[0]);
    counts_[i].found += count_of(row[1]);
    counts_[i].both += count_of(row[2]);
  }
  for (const Json& score : scores) scores_.push_back(static_cast<float>(number_of(score)));
  for (const Json& one : truth) truth_.push_back(static_cast<uint8_t>(count_of(one, 1)));
  pictures_ += pictures;
  exact_ += count_in(json, "exact");
}

}  // namespace zoo::eval
