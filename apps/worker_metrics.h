// A worker's figures for Prometheus.
//
//   of the queue, once a second, while its server answers: gauges zoo_queue_waiting, zoo_queue_pending,
//     zoo_queue_oldest_pending_seconds, zoo_queue_results, zoo_queue_dead_letters; counter zoo_queue_dropped_total,
//     what was trimmed unread
//   of this worker: counters zoo_worker_entries_total{outcome} (answered, dead, stale, repeated, left),
//     zoo_worker_claimed_total, zoo_worker_dead_trimmed_total, zoo_worker_lost_total, zoo_worker_broker_errors_total;
//     gauge zoo_worker_broker_up;
//     histograms zoo_worker_age_seconds (from an entry's adding to its answer), zoo_worker_work_seconds (decoding,
//     preprocessing, the network)
//   of the model: zoo_model_info{version,name}, zoo_model_swaps_total, zoo_model_failed_swaps_total
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "brokers/redis_queue.h"
#include "serve/metrics/metric.h"
#include "streams/queue/queue_worker.h"

namespace zoo::apps {

struct WorkerSnapshot {
  streams::QueueCounts counts;
  std::optional<brokers::QueueState> state;
  std::string model;
  int64_t version = 1;
  int64_t swaps = 0;
  int64_t failed_swaps = 0;
  serve::Histogram::Snapshot age;
  serve::Histogram::Snapshot work;
};

std::vector<serve::MetricFamily> worker_metrics(const WorkerSnapshot& worker);

}  // namespace zoo::apps
