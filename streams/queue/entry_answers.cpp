#include "streams/queue/entry_answers.h"

#include <new>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "nn/core/shown_text.h"
#include "pipeline/result_sink.h"
#include "pipeline/video/image_source.h"
#include "sinks/json_lines.h"

namespace zoo::streams {
namespace {

constexpr size_t kMaxKey = 1024;

/// The name that answers go by.
std::string key_of(const brokers::QueueEntry& entry) {
  const std::string* key = entry.find("key");
  return key == nullptr || key->size() > kMaxKey ? entry.id : *key;
}

EntryOutcome undecided(const brokers::QueueEntry& entry) {
  EntryOutcome outcome;
  outcome.id = entry.id;
  outcome.key = key_of(entry);
  outcome.deliveries = entry.deliveries;
  outcome.added_ms = entry.added_ms();
  return outcome;
}

}  // namespace

std::chrono::milliseconds FailureTimes::failing_for(const std::string& id, int64_t now_ms) {
  const std::scoped_lock lock(mutex_);
  const int64_t first_ms = first_ms_.try_emplace(id, now_ms).first->second;
  if (first_ms_.size() > kMost) first_ms_.erase(first_ms_.begin());
  return std::chrono::milliseconds(now_ms - first_ms);
}

void FailureTimes::forget(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  first_ms_.erase(id);
}

EntryAnswers::EntryAnswers(std::shared_ptr<ModelSlot> model, PictureAccess access, EntryRules rules,
                           std::shared_ptr<FailureTimes> failures)
    : model_(std::move(model)),
      pictures_(std::move(access)),
      rules_(std::move(rules)),
      failures_(std::move(failures)) {}

EntryAnswers::Taken EntryAnswers::take(brokers::QueueEntry entry, int64_t now_ms) {
  Taken taken{.outcome = undecided(entry), .picture = {}, .now_ms = now_ms};
  if (std::optional<EntryOutcome> outcome = early(entry, taken.outcome, now_ms)) {
    taken.outcome = *std::move(outcome);
    return taken;
  }
  try {
    taken.picture = pictures_.take(entry);
  } catch (const std::exception&) {
    taken.outcome = of_exception(taken);
  }
  return taken;
}

std::optional<EntryOutcome> EntryAnswers::early(const brokers::QueueEntry& entry, const EntryOutcome& outcome,
                                                int64_t now_ms) const {
  if (rules_.max_age && now_ms - outcome.added_ms > rules_.max_age->count()) {
    EntryOutcome stale = outcome;
    stale.kind = EntryOutcome::Kind::kStale;
    stale.answer = {.kind = brokers::QueueAnswer::Kind::kDrop, .id = entry.id, .fields = {}};
    return stale;
  }
  if (entry.deliveries > rules_.max_deliveries) {
    return dead(outcome, fmt::format("delivered {} times and never answered: those who worked on it ended or hung",
                                     rules_.max_deliveries));
  }
  if (entry.too_large) {
    return dead(outcome, fmt::format("the entry has more than a picture of {} bytes (--max-bytes) and what may stand "
                                     "beside it",
                                     pictures_.max_bytes()));
  }
  const std::string* key = entry.find("key");
  if (key != nullptr && key->size() > kMaxKey) {
    return dead(outcome, fmt::format("the key has more than {} bytes", kMaxKey));
  }
  return std::nullopt;
}

EntryOutcome EntryAnswers::outcome_of(Taken taken) {
  EntryOutcome outcome;
  if (!taken.picture) {
    outcome = std::move(taken.outcome);
  } else {
    try {
      outcome = answered(taken);
    } catch (const std::exception&) {
      outcome = of_exception(taken);
    }
  }
  if (outcome.kind != EntryOutcome::Kind::kLeft) failures_->forget(outcome.id);
  return outcome;
}

/// Of the exception that is being handled.
EntryOutcome EntryAnswers::of_exception(const Taken& taken) const {
  try {
    throw;
  } catch (const EntryError& error) {
    return error.transient() ? left_or_dead(taken, error.what()) : dead(taken.outcome, error.what());
  } catch (const EngineError& error) {
    return left_or_dead(taken, error.what());
  } catch (const IoError& error) {
    return left_or_dead(taken, error.what());
  } catch (const std::bad_alloc&) {
    return left_or_dead(taken, "there is not enough memory");
  } catch (const std::exception& error) {
    return dead(taken.outcome, error.what());
  }
}

EntryOutcome EntryAnswers::answered(Taken& taken) const {
  EntryOutcome outcome = taken.outcome;
  pipeline::SourceInfo info;
  info.name = printable(outcome.key);
  pipeline::MemoryImageSource source(*std::move(taken.picture), std::move(info));
  pipeline::FrameResult read = *source.next();
  if (const auto* failure = std::get_if<pipeline::FrameFailure>(&read)) return dead(outcome, failure->message);
  const std::shared_ptr<const ServedModel> model = model_->current();
  pipeline::ProcessedFrame item{.frame = std::move(std::get<pipeline::Frame>(read)), .result = {}};
  item.frame.source = outcome.key;
  item.result = model->predict(item.frame.image, 1);
  outcome.json = sinks::to_answer_line(std::move(item));
  outcome.answer = {.kind = brokers::QueueAnswer::Kind::kAnswer,
                    .id = outcome.id,
                    .fields = {"id", outcome.id, "key", outcome.key, "json", outcome.json, "model", model->name,
                               "version", std::to_string(model->version), "worker", rules_.worker}};
  return outcome;
}

EntryOutcome EntryAnswers::left_or_dead(const Taken& taken, const std::string& reason) const {
  EntryOutcome outcome = taken.outcome;
  const std::chrono::milliseconds failing = failures_->failing_for(outcome.id, taken.now_ms);
  if (failing >= rules_.retry_for) {
    const std::chrono::duration<double> seconds = failing;
    return dead(std::move(outcome), fmt::format("{} (tried for {:.0f} s)", reason, seconds.count()));
  }
  return left(std::move(outcome), reason);
}

EntryOutcome EntryAnswers::left_untried(const brokers::QueueEntry& entry) {
  return left(undecided(entry), "not tried: others failed for what may pass");
}

EntryOutcome EntryAnswers::left(EntryOutcome outcome, const std::string& reason) {
  outcome.reason = reason;
  outcome.kind = EntryOutcome::Kind::kLeft;
  outcome.answer = {
      .kind = brokers::QueueAnswer::Kind::kLeave, .id = outcome.id, .fields = {std::to_string(outcome.deliveries - 1)}};
  return outcome;
}

EntryOutcome EntryAnswers::dead(EntryOutcome outcome, const std::string& reason) const {
  outcome.reason = reason;
  outcome.kind = EntryOutcome::Kind::kDead;
  outcome.answer = {
      .kind = brokers::QueueAnswer::Kind::kDead,
      .id = outcome.id,
      .fields = {"dead-reason", reason, "dead-id", outcome.id, "dead-deliveries", std::to_string(outcome.deliveries),
                 "dead-group", rules_.group, "dead-worker", rules_.worker}};
  return outcome;
}

}  // namespace zoo::streams
