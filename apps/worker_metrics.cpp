#include "apps/worker_metrics.h"

namespace zoo::apps {
namespace {

using Type = serve::MetricFamily::Type;

serve::MetricFamily single(const char* name, const char* help, Type type, double value) {
  return {.name = name, .help = help, .type = type, .metrics = {{{}, value}}};
}

serve::MetricFamily histogram(const char* name, const char* help, const serve::Histogram::Snapshot& values) {
  return {.name = name, .help = help, .type = Type::kHistogram, .metrics = {{{}, 0.0, values}}};
}

serve::MetricFamily outcomes(const streams::QueueCounts& counts) {
  serve::MetricFamily family{.name = "zoo_worker_entries_total",
                             .help = "Entries that were worked on, by what became of them.",
                             .type = Type::kCounter};
  const auto add = [&](const char* outcome, int64_t value) {
    family.metrics.push_back({{{"outcome", outcome}}, static_cast<double>(value)});
  };
  add("answered", counts.answered);
  add("dead", counts.dead);
  add("stale", counts.stale);
  add("repeated", counts.repeated);
  add("left", counts.left);
  return family;
}

void add_queue(std::vector<serve::MetricFamily>& families, const brokers::QueueState& state) {
  const auto gauge = [&](const char* name, const char* help, double value) {
    families.push_back(single(name, help, Type::kGauge, value));
  };
  gauge("zoo_queue_waiting", "Entries that no worker of the group has been given yet.",
        static_cast<double>(state.waiting));
  gauge("zoo_queue_pending", "Entries that workers have and have not done.", static_cast<double>(state.pending));
  gauge("zoo_queue_results", "Entries in the stream of answers.", static_cast<double>(state.results));
  gauge("zoo_queue_dead_letters", "Entries in the stream of dead letters.", static_cast<double>(state.dead));
  const std::chrono::duration<double> oldest = state.oldest_pending.value_or(std::chrono::milliseconds(0));
  gauge("zoo_queue_oldest_pending_seconds", "Age of the oldest entry that is pending; 0: none is.", oldest.count());
  families.push_back(single("zoo_queue_dropped_total", "Entries that were trimmed before the group could read them.",
                            Type::kCounter, static_cast<double>(state.dropped)));
}

}  // namespace

std::vector<serve::MetricFamily> worker_metrics(const WorkerSnapshot& worker) {
  const streams::QueueCounts& counts = worker.counts;
  const auto counter = [](const char* name, const char* help, int64_t value) {
    return single(name, help, Type::kCounter, static_cast<double>(value));
  };
  std::vector<serve::MetricFamily> families = {
      outcomes(counts),
      counter("zoo_worker_claimed_total", "Entries that were taken over from other workers.", counts.claimed),
      counter("zoo_worker_dead_trimmed_total", "Dead letters that were trimmed (--max-dead) as others were added.",
              counts.dead_trimmed),
      counter("zoo_worker_lost_total", "Entries that were trimmed while they were pending.", counts.lost),
      counter("zoo_worker_broker_errors_total", "Failed attempts to use the broker.", counts.connections_lost),
      single("zoo_worker_broker_up", "1 while the broker answers.", Type::kGauge, worker.state ? 1.0 : 0.0),
      histogram("zoo_worker_age_seconds", "From an entry's adding to its answer.", worker.age),
      histogram("zoo_worker_work_seconds", "Decoding, preprocessing and the network.", worker.work),
      {.name = "zoo_model_info",
       .help = "The model that runs.",
       .type = Type::kGauge,
       .metrics = {{{{"version", std::to_string(worker.version)}, {"name", worker.model}}, 1.0}}},
      counter("zoo_model_swaps_total", "How often the model was replaced.", worker.swaps),
      counter("zoo_model_failed_swaps_total", "How often a changed file was wrong and the model went on.",
              worker.failed_swaps),
  };
  if (worker.state) add_queue(families, *worker.state);
  return families;
}

}  // namespace zoo::apps
