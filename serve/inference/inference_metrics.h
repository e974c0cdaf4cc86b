// Models' figures for Prometheus. The label of all: model. No version: counts go on over swaps, as one series.
//
//   counters, as Triton names them: nv_inference_request_success, nv_inference_request_failure{reason} (REJECTED: 429,
//     503, 504; CANCELED; BACKEND: 500; OTHER: the request's own faults), nv_inference_count (pictures or rows),
//     nv_inference_exec_count (runs of the network), and in microseconds nv_inference_request_duration_us,
//     nv_inference_queue_duration_us, nv_inference_compute_input_duration_us, nv_inference_compute_infer_duration_us,
//     nv_inference_compute_output_duration_us
//   gauge: nv_inference_pending_request_count, those that wait
//   own: zoo_stage_duration_seconds{stage} (histogram; stages: model_figures.h), zoo_model_info{version,name,task},
//     zoo_model_ready, zoo_model_swaps_total, zoo_model_failed_swaps_total
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "serve/inference/model_figures.h"
#include "serve/metrics/metric.h"

namespace zoo::serve {

struct ModelSnapshot {
  std::string name;
  int64_t version = 1;
  std::string model;  ///< the name in its file; empty while none runs
  std::string task;
  bool ready = false;
  int64_t swaps = 0;
  int64_t failed_swaps = 0;
  int64_t waiting = 0;
  const ModelFigures* figures = nullptr;
};

std::vector<MetricFamily> inference_metrics(const std::vector<ModelSnapshot>& models);

}  // namespace zoo::serve
