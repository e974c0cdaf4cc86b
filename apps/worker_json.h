// What a worker says as JSON lines.
//
//   {"kind":"ready","queue":"redis://host:6379/jobs","group":"g","consumer":"host-7","model":"...","version":1}
//   {"kind":"answer","id":"1701339760123-0","key":"cam-1","deliveries":1,"age_s":0.04,"answer":{"source":"cam-1",...}}
//   {"kind":"dead","id":...,"key":...,"deliveries":3,"age_s":...,"reason":"..."}         also "stale", "left"
//   {"kind":"counts","answered":12,...,"waiting":0,"pending":0,"dropped":0,"dead_letters":0}
#pragma once

#include <optional>
#include <string>

#include "brokers/redis_queue.h"
#include "streams/model_slot.h"
#include "streams/queue/queue_worker.h"

namespace zoo::apps {

std::string ready_json(const streams::QueueWorkerOptions& options, const streams::ServedModel& model);
std::string outcome_json(const streams::EntryOutcome& outcome, double age_s);
/// `state`: null where the broker is away.
std::string counts_json(const streams::QueueCounts& counts, const std::optional<brokers::QueueState>& state);

/// "jobs: 1200 answered, 1 dead letter, 0 stale; 3 claimed, 0 repeated, 0 left in 10.2 s (117.6 entries/s)".
std::string counts_text(const std::string& stream, const streams::QueueCounts& counts, double wall_s);

}  // namespace zoo::apps
