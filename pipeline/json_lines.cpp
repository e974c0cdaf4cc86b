#include "pipeline/json_lines.h"

#include <cmath>
#include <variant>

#include <nlohmann/json.hpp>

namespace zoo::pipeline {
namespace {

using Json = nlohmann::ordered_json;

double rounded(double value, double steps) { return std::round(value * steps) / steps; }

Json to_json(const ProcessedFrame& item) {
  constexpr double kMicro = 1e3;  // milliseconds to three places
  Json line = {{"source", item.frame.source}, {"frame", item.frame.index}};
  line["time_s"] = rounded(item.frame.time_s, 1e3);
  line["size"] = {item.frame.image.rows, item.frame.image.cols};
  line["top"] = Json::array();
  for (const ClassScore& guess : item.result.top) {
    line["top"].push_back({{"index", guess.index},
                           {"label", guess.label},
                           {"score", rounded(guess.score, 1e6)},
                           {"logit", rounded(guess.logit, 1e6)}});
  }
  line["ms"] = {{"capture", rounded(item.frame.capture_ms, kMicro)},
                {"preprocess", rounded(item.result.preprocess_ms, kMicro)},
                {"infer", rounded(item.result.infer_ms, kMicro)},
                {"draw", rounded(item.draw_ms, kMicro)}};
  return line;
}

Json to_json(const FrameFailure& failure) {
  return {{"source", failure.source},
          {"frame", failure.index},
          {"error", failure.message},
          {"kind", std::string(to_string(failure.kind))}};
}

}  // namespace

std::string to_json_line(const PipelineEvent& event) {
  const Json line = std::visit([](const auto& item) { return to_json(item); }, event);
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace zoo::pipeline
