#include "serve/inference/model_figures.h"

#include <cmath>

namespace zoo::serve {
namespace {

void add(Duration& duration, double ms) {
  ++duration.count;
  duration.ns += std::llround(ms * 1e6);
}

}  // namespace

std::string_view to_string(Stage stage) {
  constexpr std::array<std::string_view, kStages> kNames = {"queue",  "decode", "preprocess", "infer",
                                                            "answer", "encode", "total"};
  return kNames[static_cast<size_t>(stage)];
}

std::string_view to_string(FailureReason reason) {
  constexpr std::array<std::string_view, kFailureReasons> kNames = {"REJECTED", "CANCELED", "BACKEND", "OTHER"};
  return kNames[static_cast<size_t>(reason)];
}

FailureReason reason_of(int status) {
  if (status == 429 || status == 503 || status == 504) return FailureReason::kRejected;
  return status == 500 ? FailureReason::kBackend : FailureReason::kOther;
}

ModelFigures::ModelFigures() {
  for (auto& stage : stages_) stage = std::make_unique<Histogram>(duration_bounds());
}

void ModelFigures::succeeded(const RequestTimes& times, std::chrono::system_clock::time_point now) {
  const InferWork& work = times.work;
  const std::array<double, kStages> stages = {times.queue_ms, times.decode_ms, work.input_ms, work.infer_ms,
                                              work.output_ms, times.encode_ms, times.total_ms};
  for (size_t i = 0; i < kStages; ++i) stages_[i]->observe(stages[i] * 1e-3);
  const std::scoped_lock lock(mutex_);
  counts_.last_inference_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  counts_.inference_count += work.pictures;
  counts_.execution_count += work.executions;
  add(counts_.success, times.total_ms);
  add(counts_.queue, times.queue_ms);
  add(counts_.compute_input, times.decode_ms + work.input_ms);
  add(counts_.compute_infer, work.infer_ms);
  add(counts_.compute_output, work.output_ms + times.encode_ms);
}

void ModelFigures::failed(int status, double total_ms) {
  const std::scoped_lock lock(mutex_);
  ++failures_[static_cast<size_t>(reason_of(status))];
  add(counts_.fail, total_ms);
}

ModelStatistics ModelFigures::statistics() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

int64_t ModelFigures::failures(FailureReason reason) const {
  const std::scoped_lock lock(mutex_);
  return failures_[static_cast<size_t>(reason)];
}

Histogram::Snapshot ModelFigures::stage(Stage stage) const { return stages_[static_cast<size_t>(stage)]->snapshot(); }

}  // namespace zoo::serve
