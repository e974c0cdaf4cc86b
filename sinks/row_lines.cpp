#include "sinks/row_lines.h"

#include <cmath>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nn/core/error.h"
#include "nn/core/shown_text.h"
#include "pipeline/tasks/rle.h"
#include "sinks/source_text.h"

namespace zoo::sinks {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kThousandths = 1e3;
constexpr double kMillionths = 1e6;

double rounded(double value, double steps) { return std::round(value * steps) / steps; }

std::vector<Json> cells_of(const pipeline::Classification& result, const std::vector<std::string>& /*counts*/) {
  std::vector<Json> rows;
  for (const pipeline::ClassScore& guess : result.top) {
    rows.push_back({{"rank", rows.size() + 1},
                    {"index", guess.index},
                    {"label", guess.label},
                    {"score", rounded(guess.score, kMillionths)}});
  }
  return rows;
}

std::vector<Json> cells_of(const pipeline::FoundObjects& result, const std::vector<std::string>& /*counts*/) {
  std::vector<Json> rows;
  for (const pipeline::FoundObject& object : result.boxes) {
    rows.push_back({{"index", object.index},
                    {"label", object.label},
                    {"score", rounded(object.score, kMillionths)},
                    {"x0", rounded(object.box.x0, kThousandths)},
                    {"y0", rounded(object.box.y0, kThousandths)},
                    {"x1", rounded(object.box.x1, kThousandths)},
                    {"y1", rounded(object.box.y1, kThousandths)}});
  }
  return rows;
}

std::vector<Json> cells_of(const pipeline::Segmentation& result, const std::vector<std::string>& prepared) {
  const std::vector<std::string> counts = prepared.empty() ? pipeline::mask_counts(result) : prepared;
  std::vector<Json> rows;
  for (size_t i = 0; i < result.classes.size(); ++i) {
    const pipeline::ClassShare& present = result.classes[i];
    rows.push_back({{"index", present.index},
                    {"label", present.label},
                    {"share", rounded(present.share, kMillionths)},
                    {"counts", counts[i]}});
  }
  return rows;
}

Json empty_cells(Task task) {
  switch (task) {
    case Task::kClassification:
      return {{"rank", nullptr}, {"index", nullptr}, {"label", nullptr}, {"score", nullptr}};
    case Task::kDetection:
      return {{"index", nullptr}, {"label", nullptr}, {"score", nullptr}, {"x0", nullptr},
              {"y0", nullptr},    {"x1", nullptr},    {"y1", nullptr}};
    case Task::kSegmentation:
      break;
  }
  return {{"index", nullptr}, {"label", nullptr}, {"share", nullptr}, {"counts", nullptr}};
}

void add_answers(Json& line, const pipeline::FrameEvent& event, const CsvColumns& columns) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  const auto* result = item == nullptr ? nullptr : std::get_if<pipeline::Classification>(&item->result);
  if (columns.known) line["known"] = result != nullptr && result->known ? Json(*result->known) : Json(nullptr);
  if (columns.steady)
    line["steady"] = result != nullptr && result->steady ? Json(result->steady->label) : Json(nullptr);
}

std::string flat_lines(const pipeline::FrameEvent& event, const RowNumber& number, const CsvColumns& columns) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  const auto* failure = std::get_if<pipeline::FrameFailure>(&event);
  Json start = {
      {"row", number.row},
      {"source", source_text(item != nullptr ? item->frame.source : std::get<pipeline::FrameFailure>(event).source)},
      {"frame", number.frame}};
  start["time_s"] = item != nullptr ? Json(rounded(item->frame.time_s, kThousandths)) : Json(nullptr);
  start["height"] = item != nullptr ? Json(item->frame.image.rows) : Json(nullptr);
  start["width"] = item != nullptr ? Json(item->frame.image.cols) : Json(nullptr);
  std::vector<Json> rows;
  if (item != nullptr) {
    rows = std::visit([&](const auto& result) { return cells_of(result, item->mask_counts); }, item->result);
  }
  if (rows.empty()) rows.push_back(empty_cells(columns.task));
  std::string text;
  for (const Json& cells : rows) {
    Json line = start;
    line.update(cells);
    line["error"] = failure != nullptr ? Json(failure->message) : Json(nullptr);
    add_answers(line, event, columns);
    line["listed_bytes"] = number.listed_bytes ? Json(*number.listed_bytes) : Json(nullptr);
    text += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return text;
}

}  // namespace

std::string_view to_string(RowFormat format) {
  switch (format) {
    case RowFormat::kJsonLines:
      return "jsonl";
    case RowFormat::kFlat:
      return "flat";
    case RowFormat::kCsv:
      return "csv";
  }
  throw Error("no such format of rows");
}

std::string_view extension_of(RowFormat format) { return format == RowFormat::kCsv ? ".csv" : ".jsonl"; }

std::string row_head(RowFormat format, const CsvColumns& columns) {
  return format == RowFormat::kCsv ? fmt::format("row,{},listed_bytes\n", csv_header(columns)) : "";
}

std::string row_lines(const pipeline::FrameEvent& event, const RowNumber& number, RowFormat format,
                      const CsvColumns& columns) {
  switch (format) {
    case RowFormat::kJsonLines:
      return printable_lines(to_row_line(event, number)) + "\n";
    case RowFormat::kFlat:
      return printable_lines(flat_lines(event, number, columns));
    case RowFormat::kCsv:
      return printable_lines(csv_rows(event, columns, number));
  }
  throw Error("no such format of rows");
}

}  // namespace zoo::sinks
