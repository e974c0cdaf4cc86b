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

}  // namespace

EntryAnswers::EntryAnswers(std::shared_ptr<ModelSlot> model, PictureAccess access, EntryRules rules)
    : model_(std::move(model)), pictures_(std::move(access)), rules_(std::move(rules)) {}

EntryOutcome EntryAnswers::outcome_of(brokers::QueueEntry entry, int64_t now_ms) {
  EntryOutcome outcome;
  outcome.id = entry.id;
  outcome.key = key_of(entry);
  outcome.deliveries = entry.deliveries;
  outcome.added_ms = entry.added_ms();
  if (rules_.max_age && now_ms - outcome.added_ms > rules_.max_age->count()) {
    outcome.kind = EntryOutcome::Kind::kStale;
    outcome.answer = {.kind = brokers::QueueAnswer::Kind::kDrop, .id = entry.id, .fields = {}};
    return outcome;
  }
  if (entry.deliveries > rules_.max_deliveries) {
    return failed(std::move(outcome),
                  fmt::format("delivered {} times and never answered: those who worked on it ended or hung",
                              rules_.max_deliveries),
                  false);
  }
  const std::string* key = entry.find("key");
  if (key != nullptr && key->size() > kMaxKey) {
    return failed(std::move(outcome), fmt::format("the key has more than {} bytes", kMaxKey), false);
  }
  try {
    return answered(entry, outcome);
  } catch (const EntryError& error) {
    return failed(std::move(outcome), error.what(), error.transient());
  } catch (const EngineError& error) {
    return failed(std::move(outcome), error.what(), true);
  } catch (const IoError& error) {
    return failed(std::move(outcome), error.what(), true);
  } catch (const std::bad_alloc&) {
    return failed(std::move(outcome), "there is not enough memory", true);
  } catch (const std::exception& error) {
    return failed(std::move(outcome), error.what(), false);
  }
}

EntryOutcome EntryAnswers::answered(brokers::QueueEntry& entry, EntryOutcome outcome) {
  pipeline::SourceInfo info;
  info.name = printable(outcome.key);
  pipeline::MemoryImageSource source(pictures_.take(entry), std::move(info));
  pipeline::FrameResult read = *source.next();
  if (const auto* failure = std::get_if<pipeline::FrameFailure>(&read)) {
    return failed(std::move(outcome), failure->message, false);
  }
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

EntryOutcome EntryAnswers::failed(EntryOutcome outcome, const std::string& reason, bool transient) const {
  outcome.reason = reason;
  if (transient && outcome.deliveries < rules_.max_deliveries) {
    outcome.kind = EntryOutcome::Kind::kLeft;
    return outcome;
  }
  outcome.kind = EntryOutcome::Kind::kDead;
  outcome.answer = {.kind = brokers::QueueAnswer::Kind::kDead,
                    .id = outcome.id,
                    .fields = {"dead-reason", reason, "dead-id", outcome.id, "dead-deliveries",
                               std::to_string(outcome.deliveries), "dead-worker", rules_.worker}};
  return outcome;
}

}  // namespace zoo::streams
