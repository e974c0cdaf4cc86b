#include "sinks/csv_rows.h"

#include <cmath>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "sinks/source_text.h"

namespace zoo::sinks {
namespace {

constexpr double kThousandths = 1e3;
constexpr double kMillionths = 1e6;

std::string number(double value, double steps) { return fmt::format("{}", std::round(value * steps) / steps); }

std::string csv_field(std::string_view text) {
  if (text.find_first_of("\",\r\n") == std::string_view::npos) return std::string(text);
  std::string field = "\"";
  for (const char c : text) {
    if (c == '"') field += '"';
    field += c;
  }
  return field + '"';
}

/// Result columns between `time_s` and `error`.
using Columns = std::vector<std::string>;

std::vector<Columns> rows_of(const pipeline::Classification& result) {
  std::vector<Columns> rows;
  for (const pipeline::ClassScore& guess : result.top) {
    rows.push_back({fmt::to_string(rows.size() + 1), fmt::to_string(guess.index), csv_field(guess.label),
                    number(guess.score, kMillionths)});
  }
  return rows;
}

std::vector<Columns> rows_of(const pipeline::FoundObjects& result) {
  std::vector<Columns> rows;
  for (const pipeline::FoundObject& object : result.boxes) {
    rows.push_back({fmt::to_string(object.index), csv_field(object.label), number(object.score, kMillionths),
                    number(object.box.x0, kThousandths), number(object.box.y0, kThousandths),
                    number(object.box.x1, kThousandths), number(object.box.y1, kThousandths)});
  }
  return rows;
}

std::vector<Columns> rows_of(const pipeline::Segmentation& result) {
  std::vector<Columns> rows;
  for (const pipeline::ClassShare& present : result.classes) {
    rows.push_back({fmt::to_string(present.index), csv_field(present.label), number(present.share, kMillionths)});
  }
  return rows;
}

std::string_view result_columns(Task task) {
  switch (task) {
    case Task::kClassification:
      return "rank,index,label,score";
    case Task::kDetection:
      return "index,label,score,x0,y0,x1,y1";
    case Task::kSegmentation:
      break;
  }
  return "index,label,share";
}

/// The commas between as many empty columns.
std::string empty_columns(Task task) {
  std::string commas;
  for (const char c : result_columns(task)) {
    if (c == ',') commas += c;
  }
  return commas;
}

/// What stands behind `error`, the same in all rows of a frame.
std::string answers_of(const pipeline::TaskResult& result, const CsvColumns& columns) {
  const auto* classes = std::get_if<pipeline::Classification>(&result);
  std::string text;
  if (columns.known) {
    text += ',';
    if (classes != nullptr && classes->known) text += *classes->known ? "true" : "false";
  }
  if (columns.steady) {
    text += ',';
    if (classes != nullptr && classes->steady) text += csv_field(classes->steady->label);
  }
  return text;
}

int64_t frame_number(const pipeline::ProcessedFrame& item) { return item.frame.index; }
int64_t frame_number(const pipeline::FrameFailure& failure) { return failure.index; }

/// `begin`: what stands before the source; `frame`: its number; `end`: what stands behind all columns.
std::string rows_of_event(const pipeline::FrameEvent& event, const CsvColumns& columns, const std::string& begin,
                          int64_t frame, const std::string& end) {
  if (const auto* failure = std::get_if<pipeline::FrameFailure>(&event)) {
    return fmt::format("{}{},{},,{},{}{}\n", begin, csv_field(source_text(failure->source)), frame,
                       empty_columns(columns.task), csv_field(failure->message), answers_of({}, columns) + end);
  }
  const auto& item = std::get<pipeline::ProcessedFrame>(event);
  const std::string start = fmt::format("{}{},{},{},", begin, csv_field(source_text(item.frame.source)), frame,
                                        number(item.frame.time_s, kThousandths));
  const std::vector<Columns> rows = std::visit([](const auto& result) { return rows_of(result); }, item.result);
  const std::string answers = answers_of(item.result, columns) + end;
  if (rows.empty()) return fmt::format("{}{},{}\n", start, empty_columns(columns.task), answers);
  std::string text;
  for (const Columns& row : rows) text += fmt::format("{}{},{}\n", start, fmt::join(row, ","), answers);
  return text;
}

}  // namespace

CsvColumns::CsvColumns(const models::ModelConfig& config)
    : task(config.task.value_or(Task::kClassification)),
      known(config.answers.unknown.has_value()),
      steady(config.answers.smoothing.has_value()) {}

std::string csv_header(const CsvColumns& columns) {
  return fmt::format("source,frame,time_s,{},error{}{}", result_columns(columns.task), columns.known ? ",known" : "",
                     columns.steady ? ",steady" : "");
}

std::string csv_rows(const pipeline::FrameEvent& event, const CsvColumns& columns) {
  const int64_t frame = std::visit([](const auto& of_kind) { return frame_number(of_kind); }, event);
  return rows_of_event(event, columns, "", frame, "");
}

std::string csv_rows(const pipeline::FrameEvent& event, const CsvColumns& columns, const RowNumber& number) {
  const std::string listed = number.listed_bytes ? fmt::to_string(*number.listed_bytes) : "";
  return rows_of_event(event, columns, fmt::format("{},", number.row), number.frame, "," + listed);
}

}  // namespace zoo::sinks
