#include "apps/worker_session.h"

#include <csignal>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "apps/commands.h"
#include "apps/listen.h"
#include "apps/output.h"
#include "apps/signals.h"
#include "apps/worker_json.h"
#include "brokers/broker_error.h"
#include "nn/core/counted.h"
#include "nn/core/shown_text.h"
#include "nn/core/stopwatch.h"
#include "serve/metrics/prometheus_text.h"
#include "streams/streams_json.h"

namespace zoo::apps {
namespace {

constexpr std::chrono::milliseconds kLook{40};
constexpr double kMillisecondsPerSecond = 1e3;

}  // namespace

WorkerSession::WorkerSession(std::shared_ptr<streams::ModelSlot> model, WorkerSessionOptions options)
    : model_(std::move(model)), options_(std::move(options)) {
  if (options_.json) json_ = std::make_unique<LiveJson>(*options_.json, nullptr);
  options_.worker.on_message = [](const std::string& message) { report(message); };
  options_.worker.on_outcome = [this](const streams::EntryOutcome& outcome, double age_s, double work_s) {
    on_outcome(outcome, age_s, work_s);
  };
}

WorkerSession::~WorkerSession() {
  if (server_) server_->stop();  // its routes ask the others
}

int WorkerSession::run(streams::ModelWatcherOptions watch) {
  catch_stop_signals();
  catch_reload_signal();
  check_queue();
  watch.on_change = [this](const streams::ModelChange& change) {
    report(change.message);
    write_line(streams::model_change_json(change));
  };
  watcher_ = std::make_unique<streams::ModelWatcher>(model_, std::move(watch));
  const streams::QueueWorkerOptions& worker = options_.worker;
  report(fmt::format("{} works on {} for group {} with {}", worker.queue.consumer, worker.address.shown(),
                     worker.queue.group, counted(worker.threads, "thread")));
  write_line(ready_json(worker, *model_->current()));
  const Stopwatch watch_time;
  worker_ = std::make_unique<streams::QueueWorker>(model_, worker);
  if (!options_.listen.empty()) open_server();
  auto next_counts = std::chrono::steady_clock::now() + options_.counts_every;
  while (!stop_requested() && !worker_->stopping() && !(json_ && json_->closed())) {
    if (take_reload_request()) watcher_->request_reload();
    if (std::chrono::steady_clock::now() >= next_counts) {
      next_counts += options_.counts_every;
      write_line(counts_json(worker_->counts(), worker_->state()));
    }
    std::this_thread::sleep_for(kLook);
  }
  return finish(watch_time.elapsed_ms() / kMillisecondsPerSecond);
}

/// A mistake that a person has to mend is said before anything else; a server that is not there yet will be.
void WorkerSession::check_queue() const {
  try {
    brokers::RedisQueueOptions queue = options_.worker.queue;
    using Time = std::chrono::steady_clock::time_point;
    queue.redis.must_end = [] { return stop_requested() ? Time::min() : Time::max(); };
    brokers::RedisQueue(options_.worker.address, std::move(queue)).prepare();
  } catch (const brokers::BrokerError& error) {
    if (!error.transient()) throw;
  }
}

void WorkerSession::open_server() {
  server_ = new_server(options_.listen, options_.token);
  server_->route("GET", "/metrics", {}, [this](const serve::HttpRequest&, const serve::Responder& responder) {
    responder.answer({.content_type = serve::kMetricsType,
                      .body = serve::prometheus_text(worker_metrics(snapshot())),
                      .headers = {{"Cache-Control", "no-store"}}});
  });
  const auto health = [](bool well) {
    return serve::HttpResponse{
        .status = well ? 200 : 503, .content_type = "text/plain", .body = well ? "ok\n" : "no\n"};
  };
  server_->route(
      "GET", "/v2/health/live", {.open = true},
      [health](const serve::HttpRequest&, const serve::Responder& responder) { responder.answer(health(true)); });
  server_->route("GET", "/v2/health/ready", {.open = true},
                 [this, health](const serve::HttpRequest&, const serve::Responder& responder) {
                   responder.answer(health(worker_->state().has_value() && !worker_->stopping()));
                 });
  server_->start();
  report(fmt::format("figures at {}/metrics", server_->url()));
}

void WorkerSession::on_outcome(const streams::EntryOutcome& outcome, double age_s, double work_s) {
  age_.observe(age_s);
  work_.observe(work_s);
  if (outcome.kind == streams::EntryOutcome::Kind::kDead) {
    spdlog::info("{}: a dead letter: {}", printable(outcome.key), printable(outcome.reason));
  }
  if (json_) write_line(outcome_json(outcome, age_s));
}

void WorkerSession::write_line(const std::string& line) {
  if (!json_) return;
  try {
    json_->write_line(line);
  } catch (const IoError& error) {
    report(error.what());
  }
}

WorkerSnapshot WorkerSession::snapshot() const {
  const std::shared_ptr<const streams::ServedModel> model = model_->current();
  const streams::SwapCounts swaps = watcher_->counts();
  return {.counts = worker_->counts(),
          .state = worker_->state(),
          .model = model->name,
          .version = model->version,
          .swaps = swaps.swaps,
          .failed_swaps = swaps.refused,
          .age = age_.snapshot(),
          .work = work_.snapshot()};
}

int WorkerSession::finish(double wall_s) {
  worker_->stop();
  worker_->join();
  const streams::QueueCounts counts = worker_->counts();
  write_line(counts_json(counts, worker_->state()));
  report(counts_text(options_.worker.address.key, counts, wall_s));
  try {
    if (json_) json_->close();
  } catch (const IoError& error) {
    report(error.what());
  }
  if (json_ && json_->closed()) return kExitSignalBase + SIGPIPE;
  if (stop_signal() != 0) return kExitSignalBase + stop_signal();
  if (json_ && json_->failed()) return kExitFailure;
  return counts.dead > 0 ? kExitSomeUnread : kExitDone;
}

}  // namespace zoo::apps
