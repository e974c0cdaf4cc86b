#include "heads/postprocess.h"

#include <fmt/format.h>

namespace zoo::heads {
namespace {

constexpr int64_t kMaxCandidates = 1'000'000;

double read_share(const ConfigNode& node, double fallback) {
  if (!node) return fallback;
  const double value = node.as_double(fallback);
  if (value < 0.0 || value > 1.0) node.problem(fmt::format("must be between 0 and 1, found {}", value));
  return value;
}

}  // namespace

Postprocess decode_postprocess(const ConfigNode& postprocessor, const Postprocess& defaults) {
  Postprocess result = defaults;
  const ConfigNode params = postprocessor.find("params");
  if (const ConfigNode node = params.find("topk_candidates")) {
    result.topk_candidates = node.as_int_in(1, kMaxCandidates, defaults.topk_candidates);
  }
  result.score_thresh = read_share(params.find("score_thresh"), defaults.score_thresh);
  result.nms_thresh = read_share(params.find("nms_thresh"), defaults.nms_thresh);
  if (const ConfigNode node = params.find("class_agnostic")) result.class_agnostic = node.as_bool();
  if (const ConfigNode node = params.find("max_detections")) {
    result.max_detections = node.is_null() ? 0 : node.as_int_in(0, kMaxCandidates, defaults.max_detections);
  }
  return result;
}

}  // namespace zoo::heads
