#include "sinks/json_lines.h"

#include <cmath>
#include <variant>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "pipeline/tasks/rle.h"
#include "sinks/source_text.h"

namespace zoo::sinks {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kThousandths = 1e3;
constexpr double kMillionths = 1e6;

/// What stands for a segmentation's label map.
struct MaskText {
  const std::string& file;
  const std::vector<std::string>& counts;
};

double rounded(double value, double steps) { return std::round(value * steps) / steps; }

void add_result(Json& line, const pipeline::Classification& result, const MaskText& /*text*/) {
  line["top"] = Json::array();
  for (const pipeline::ClassScore& guess : result.top) {
    line["top"].push_back({{"index", guess.index},
                           {"label", guess.label},
                           {"score", rounded(guess.score, kMillionths)},
                           {"logit", rounded(guess.logit, kMillionths)}});
  }
  if (result.known) {
    line["known"] = *result.known;
    line["known_score"] = rounded(result.known_score, kMillionths);
  }
  if (const auto& steady = result.steady) {
    line["steady"] = {{"index", steady->index ? Json(*steady->index) : Json(nullptr)},
                      {"label", steady->label},
                      {"score", rounded(steady->score, kMillionths)},
                      {"share", rounded(steady->share, kMillionths)}};
  }
}

void add_result(Json& line, const pipeline::FoundObjects& result, const MaskText& /*text*/) {
  line["boxes"] = Json::array();
  for (const pipeline::FoundObject& object : result.boxes) {
    line["boxes"].push_back({{"label", object.label},
                             {"index", object.index},
                             {"score", rounded(object.score, kMillionths)},
                             {"box",
                              {rounded(object.box.x0, kThousandths), rounded(object.box.y0, kThousandths),
                               rounded(object.box.x1, kThousandths), rounded(object.box.y1, kThousandths)}}});
  }
}

void add_result(Json& line, const pipeline::Segmentation& result, const MaskText& text) {
  Json& mask = line["mask"];
  if (!text.file.empty()) {
    mask["file"] = text.file;
  } else {
    mask["rle"] = Json::array();
    const std::vector<std::string> counts = text.counts.empty() ? pipeline::mask_counts(result) : text.counts;
    for (size_t i = 0; i < result.classes.size(); ++i) {
      const pipeline::ClassShare& present = result.classes[i];
      mask["rle"].push_back({{"label", present.label}, {"index", present.index}, {"counts", counts[i]}});
    }
  }
  mask["classes"] = Json::object();
  for (const pipeline::ClassShare& present : result.classes) {
    mask["classes"][present.label] = rounded(present.share, kMillionths);
  }
}

void add_stream(Json& line, const pipeline::ProcessedFrame& item) {
  line["wall_time"] = utc_text(item.frame.wall_time);
  line["epoch"] = item.frame.epoch;
  line["age_ms"] = rounded(item.age_ms, kThousandths);
  if (item.late) line["late"] = true;
  line["model_version"] = item.model_version;
}

void add_stream(Json& line, const pipeline::FrameFailure& failure) { line["epoch"] = failure.epoch; }

void add_event(Json& line, const pipeline::ProcessedFrame& item, const std::string& mask_file) {
  line["source"] = source_text(item.frame.source);
  line["frame"] = item.frame.index;
  line["time_s"] = rounded(item.frame.time_s, kThousandths);
  line["size"] = {item.frame.image.rows, item.frame.image.cols};
  std::visit([&](const auto& result) { add_result(line, result, {mask_file, item.mask_counts}); }, item.result);
  const pipeline::StageTimes& times = pipeline::times_of(item.result);
  line["ms"] = {{"capture", rounded(item.frame.capture_ms, kThousandths)},
                {"preprocess", rounded(times.preprocess_ms, kThousandths)},
                {"infer", rounded(times.infer_ms, kThousandths)},
                {"draw", rounded(item.draw_ms, kThousandths)}};
}

void add_event(Json& line, const pipeline::FrameFailure& failure, const std::string& /*mask_file*/) {
  line["source"] = source_text(failure.source);
  line["frame"] = failure.index;
  line["error"] = failure.message;
  line["kind"] = std::string(to_string(failure.kind));
  if (failure.cause != pipeline::LossCause::kNone) line["cause"] = std::string(to_string(failure.cause));
}

/// Whether a line says where in its source the frame stands.
enum class Place { kSaid, kLeftOut };

void add_answer(Json& line, const pipeline::ProcessedFrame& item, Place place) {
  line["source"] = source_text(item.frame.source);
  if (place == Place::kSaid) line["time_s"] = rounded(item.frame.time_s, kThousandths);
  line["size"] = {item.frame.image.rows, item.frame.image.cols};
  std::visit([&](const auto& result) { add_result(line, result, {"", item.mask_counts}); }, item.result);
}

void add_answer(Json& line, const pipeline::FrameFailure& failure, Place /*place*/) {
  line["source"] = source_text(failure.source);
  line["error"] = failure.message;
  line["kind"] = std::string(to_string(failure.kind));
}

}  // namespace

std::string to_json_line(const pipeline::FrameEvent& event, const std::string& mask_file,
                         const std::string& stream_name) {
  Json line = Json::object();
  if (!stream_name.empty()) line["stream"] = stream_name;
  std::visit([&](const auto& of_kind) { add_event(line, of_kind, mask_file); }, event);
  if (!stream_name.empty()) std::visit([&](const auto& of_kind) { add_stream(line, of_kind); }, event);
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_answer_line(const pipeline::FrameEvent& event) {
  Json line = Json::object();
  std::visit([&](const auto& of_kind) { add_answer(line, of_kind, Place::kLeftOut); }, event);
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_row_line(const pipeline::FrameEvent& event, const RowNumber& number) {
  Json line = {{"row", number.row}, {"frame", number.frame}};
  std::visit([&](const auto& of_kind) { add_answer(line, of_kind, Place::kSaid); }, event);
  if (number.listed_bytes) line["listed_bytes"] = *number.listed_bytes;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string utc_text(std::chrono::system_clock::time_point time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(ms);
  return fmt::format("{:%FT%T}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (ms - seconds).count());
}

}  // namespace zoo::sinks
