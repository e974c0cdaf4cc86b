#include "apps/worker_json.h"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nn/core/counted.h"
#include "nn/core/shown_text.h"

namespace zoo::apps {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& line) { return line.dump(-1, ' ', false, Json::error_handler_t::replace); }

const char* word_of(streams::EntryOutcome::Kind kind) {
  using Kind = streams::EntryOutcome::Kind;
  switch (kind) {
    case Kind::kAnswered:
      return "answer";
    case Kind::kDead:
      return "dead";
    case Kind::kStale:
      return "stale";
    case Kind::kLeft:
      break;
  }
  return "left";
}

}  // namespace

std::string ready_json(const streams::QueueWorkerOptions& options, const streams::ServedModel& model) {
  return text_of({{"kind", "ready"},
                  {"queue", options.address.shown()},
                  {"group", options.queue.group},
                  {"consumer", options.queue.consumer},
                  {"model", model.name},
                  {"version", model.version}});
}

std::string outcome_json(const streams::EntryOutcome& outcome, double age_s) {
  Json line = {{"kind", word_of(outcome.kind)},
               {"id", outcome.id},
               {"key", outcome.key},
               {"deliveries", outcome.deliveries},
               {"age_s", std::round(age_s * 1e3) / 1e3}};
  if (!outcome.reason.empty()) line["reason"] = outcome.reason;
  std::string text = text_of(line);
  if (outcome.json.empty()) return text;
  text.pop_back();
  return fmt::format("{},\"answer\":{}}}", text, outcome.json);
}

std::string counts_json(const streams::QueueCounts& counts, const std::optional<brokers::QueueState>& state) {
  Json line = {{"kind", "counts"},          {"delivered", counts.delivered},
               {"claimed", counts.claimed}, {"answered", counts.answered},
               {"dead", counts.dead},       {"dead_trimmed", counts.dead_trimmed},
               {"stale", counts.stale},     {"repeated", counts.repeated},
               {"left", counts.left},       {"lost", counts.lost}};
  line["broker"] = state.has_value();
  if (state) {
    line["waiting"] = state->waiting;
    line["pending"] = state->pending;
    line["dropped"] = state->dropped;
    line["results"] = state->results;
    line["dead_letters"] = state->dead;
  }
  return text_of(line);
}

std::string counts_text(const std::string& stream, const streams::QueueCounts& counts, double wall_s) {
  const int64_t done = counts.answered + counts.dead + counts.stale;
  const std::string trimmed =
      counts.dead_trimmed == 0 ? "" : fmt::format(" ({} trimmed by --max-dead)", counts.dead_trimmed);
  return fmt::format("{}: {} answered, {}{}, {} stale; {} claimed, {} repeated, {} left in {:.1f} s ({:.1f} entries/s)",
                     printable(stream), counts.answered, counted(counts.dead, "dead letter"), trimmed, counts.stale,
                     counts.claimed, counts.repeated, counts.left, wall_s,
                     wall_s > 0.0 ? static_cast<double>(done) / wall_s : 0.0);
}

}  // namespace zoo::apps
