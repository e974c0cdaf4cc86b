#include "serve/inference/model_service.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/shown_text.h"
#include "nn/core/start_thread.h"
#include "serve/inference/inference_metrics.h"
#include "streams/bounded_queue.h"

namespace zoo::serve {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::chrono::seconds kRetryAfter{1};
constexpr size_t kMostChanges = 64;

double ms_between(Clock::TimePoint from, Clock::TimePoint to) { return Milliseconds(to - from).count(); }

InferFailure no_model(const std::string& name, std::optional<int64_t> version = std::nullopt) {
  return {.status = 404,
          .message = fmt::format("there is no model \"{}\"{}; POST /v2/repository/index lists them", shortened(name),
                                 version ? fmt::format(" of version {}", *version) : "")};
}

InferFailure ends() { return {.status = 503, .message = "the server ends", .retry_after = kRetryAfter}; }

InferFailure full() {
  return {.status = 503, .message = "too many requests wait; try again later", .retry_after = kRetryAfter};
}

InferFailure overdue() {
  return {.status = 504, .message = "the request waited longer than its time; send fewer at a time, or give it more"};
}

/// Lines of an error that has several.
std::vector<std::string> problems_of(const std::exception& error) {
  if (const auto* config = dynamic_cast<const ConfigError*>(&error)) return config->problems();
  return {error.what()};
}

void throw_all(const std::vector<std::exception_ptr>& failed) {
  std::vector<std::string> problems;
  for (const std::exception_ptr& one : failed) {
    try {
      std::rethrow_exception(one);
    } catch (const std::exception& error) {
      if (failed.size() == 1) throw;
      for (std::string& problem : problems_of(error)) problems.push_back(std::move(problem));
    }
  }
  if (!problems.empty()) throw ConfigError(std::move(problems));
}

}  // namespace

struct ModelService::Change {
  std::function<void()> make;
  std::function<void()> refuse;
};

class ModelService::Changes : public streams::BoundedQueue<Change> {
 public:
  using BoundedQueue::BoundedQueue;
};

struct ModelService::Call {
  InferCall call;
  Responder responder;
  ServedEntry* entry = nullptr;
  std::shared_ptr<const LoadedModel> model;  ///< that ran when it came: for when it is unloaded meanwhile
  Clock::TimePoint arrived;
};

ModelService::ModelService(std::vector<ModelSpec> models, ModelServiceOptions options)
    : options_(std::move(options)),
      clock_(options_.clock == nullptr ? system_clock() : *options_.clock),
      queue_(options_.queue, clock_),
      changes_(std::make_unique<Changes>(kMostChanges)) {
  for (ModelSpec& spec : models) {
    entries_.push_back(std::make_unique<ServedEntry>(std::move(spec), EntryOptions{.workers = options_.workers,
                                                                                   .clock = &clock_,
                                                                                   .on_message = options_.on_message,
                                                                                   .on_load = options_.on_load}));
  }
  try {
    start_threads();
  } catch (...) {
    close();  // or those that run would not end
    throw;
  }
}

void ModelService::start_threads() {
  threads_ = options_.workers + 1;
  for (int i = 0; i < options_.workers; ++i) {
    workers_.push_back(start_thread(fmt::format("zoo-serve{}", i), [this] {
      work();
      thread_ended();
    }));
  }
  changer_ = start_thread("zoo-models", [this] {
    while (const auto change = changes_->pop()) change->make();
    thread_ended();
  });
}

void ModelService::thread_ended() {
  const std::shared_ptr<Abandonable> left = left_;
  std::unique_ptr<ModelService> self;
  {
    const std::scoped_lock lock(mutex_);
    if (--threads_ > 0) return;
    answered_.notify_all();
    self = std::move(self_);
  }
  if (!self) return;
  self.reset();
  left->end();
}

void ModelService::close() {
  closing_ = true;
  closed_ = true;
  queue_.close();
  for (const QueuedTask& waiting : queue_.remove_all()) waiting.expire();
  changes_->close();
  bool ended = false;
  while (const auto change = changes_->pop_for(std::chrono::milliseconds(0), ended)) change->refuse();
}

ModelService::~ModelService() {
  close();
  for (std::jthread& worker : workers_) {
    if (worker.joinable()) worker.join();
  }
  if (changer_.joinable()) changer_.join();
}

void ModelService::end(std::unique_ptr<ModelService> service, std::chrono::milliseconds longest) {
  ModelService& one = *service;
  one.close();
  std::unique_lock lock(one.mutex_);
  const auto all_ended = [&one] { return one.threads_ == 0; };
  if (one.clock_.wait_until(lock, one.answered_, one.clock_.now() + longest, all_ended)) {
    lock.unlock();
    return;
  }
  one.left_->abandon();
  for (std::jthread& worker : one.workers_) worker.detach();
  one.changer_.detach();
  one.self_ = std::move(service);
}

void ModelService::load_all() {
  std::vector<std::exception_ptr> results(entries_.size());
  {
    std::vector<std::jthread> loaders;
    for (size_t i = 0; i < entries_.size(); ++i) {
      const auto load = [&entry = *entries_[i], &result = results[i]] {
        try {
          with_errors_of(entry.name(), [&] { entry.load(); });
        } catch (const std::exception&) {
          result = std::current_exception();
        }
      };
      if (i + 1 == entries_.size()) {
        load();
      } else {
        loaders.push_back(start_thread(fmt::format("zoo-load{}", i), load));
      }
    }
  }
  std::erase(results, nullptr);
  throw_all(results);
  loaded_ = true;
}

void ModelService::reload_all() {
  for (const auto& entry : entries_) entry->reload();
}

bool ModelService::drain(std::chrono::milliseconds longest) {
  closing_ = true;
  std::unique_lock lock(mutex_);
  return clock_.wait_until(lock, answered_, clock_.now() + longest, [this] { return unanswered_ == 0; });
}

std::vector<MetricFamily> ModelService::metrics() const {
  std::vector<ModelSnapshot> models;
  for (const auto& entry : entries_) {
    const RepositoryEntry state = entry->state();
    ModelSnapshot model;
    model.name = entry->name();
    model.version = state.version;
    model.figures = &entry->figures();
    if (const auto loaded = entry->current()) {
      model.model = loaded->info()->model->config().name;
      model.task = models::task_name(loaded->info()->model->config());
      model.ready = !closing_;
    }
    model.swaps = entry->swaps();
    model.failed_swaps = entry->failed_swaps();
    model.waiting = static_cast<int64_t>(queue_.waiting(entry->name()));
    models.push_back(std::move(model));
  }
  return inference_metrics(models);
}

bool ModelService::ready() const {
  if (!loaded_ || closing_) return false;
  return std::ranges::all_of(entries_, [](const auto& entry) { return entry->is_as_wished(); });
}

ServedEntry* ModelService::find(const std::string& name) const {
  const auto found = std::ranges::find_if(entries_, [&](const auto& entry) { return entry->name() == name; });
  return found == entries_.end() ? nullptr : found->get();
}

std::shared_ptr<const ServedModelInfo> ModelService::model(const std::string& name,
                                                           std::optional<int64_t> version) const {
  const ServedEntry* entry = find(name);
  const auto loaded = entry == nullptr ? nullptr : entry->current();
  if (!loaded || (version && *version != loaded->version())) return nullptr;
  return loaded->info();
}

std::vector<RepositoryEntry> ModelService::index() const {
  std::vector<RepositoryEntry> all;
  for (const auto& entry : entries_) all.push_back(entry->state());
  return all;
}

std::vector<ModelStatistics> ModelService::statistics(const std::string& name) const {
  std::vector<ModelStatistics> all;
  for (const auto& entry : entries_) {
    if ((!name.empty() && entry->name() != name) || !entry->is_running()) continue;
    ModelStatistics statistics = entry->figures().statistics();
    statistics.name = entry->name();
    statistics.version = entry->state().version;
    all.push_back(std::move(statistics));
  }
  return all;
}

void ModelService::submit(InferCall call, Responder responder) {
  auto queued = std::make_shared<Call>(
      Call{.call = std::move(call), .responder = std::move(responder), .model = nullptr, .arrived = clock_.now()});
  queued->entry = find(queued->call.model);
  if (queued->entry != nullptr) queued->model = queued->entry->current();
  const std::optional<int64_t> version = queued->call.version;
  if (closing_) return fail(*queued, ends());
  if (queued->entry == nullptr) return fail(*queued, no_model(queued->call.model));
  if (!queued->model) {
    const RepositoryEntry state = queued->entry->state();
    if (state.state == RepositoryEntry::State::kLoading) {
      return fail(*queued, {.status = 503,
                            .message = fmt::format("model {} is being loaded; try again later", state.name),
                            .retry_after = kRetryAfter});
    }
    // As GET answers: what somebody unloaded is not there, what should run and cannot is not ready.
    return fail(*queued,
                {.status = state.unloaded ? 404 : 503,
                 .message = fmt::format("model {} does not run: {}; POST /v2/repository/models/{}/load loads it",
                                        state.name, shortened(state.reason), state.name)});
  }
  if (version && *version != queued->model->version()) return fail(*queued, no_model(queued->call.model, version));
  QueuedTask task{.lane = queued->call.model,
                  .bytes = queued->call.bytes,
                  .arrived = queued->arrived,
                  .deadline = queued->arrived + options_.timeout,
                  .run =
                      [this, queued] {
                        answer(*queued);
                        count_answered();
                      },
                  .expire =
                      [this, queued] {
                        fail(*queued, closing_ ? ends() : overdue());
                        count_answered();
                      }};
  {
    const std::scoped_lock lock(mutex_);
    ++unanswered_;
  }
  RequestQueue::Put put = RequestQueue::Put::kFull;
  try {
    put = queue_.put(task);
  } catch (...) {
    count_answered();
    throw;
  }
  if (put == RequestQueue::Put::kTaken) return;
  fail(*queued, put == RequestQueue::Put::kClosed ? ends() : full());
  count_answered();
}

void ModelService::count_answered() {
  const std::scoped_lock lock(mutex_);
  if (--unanswered_ == 0) answered_.notify_all();
}

void ModelService::work() {
  while (auto task = queue_.take()) {
    task->run();
    *task = {};
  }
}

void ModelService::answer(Call& call) const {
  RequestTimes times;
  const Clock::TimePoint begun = clock_.now();
  times.queue_ms = ms_between(call.arrived, begun);
  HttpResponse response;
  try {
    std::shared_ptr<const LoadedModel> model = call.entry->current();
    if (!model || call.call.version) model = call.model;
    const ServedModelInfo& info = *model->info();
    InferRequest request = call.call.decode(info);
    const Clock::TimePoint decoded = clock_.now();
    times.decode_ms = ms_between(begun, decoded);
    InferReply reply{.model = info.name, .version = info.version, .outputs = {}};
    const InferLimits limits{.pictures = options_.max_pictures, .ended = [this] { return closed_.load(); }};
    reply.outputs = model->infer(std::move(request), limits, times.work);
    const Clock::TimePoint inferred = clock_.now();
    response = call.call.encode(info, std::move(reply));
    const Clock::TimePoint end = clock_.now();
    times.encode_ms = ms_between(inferred, end);
    times.total_ms = ms_between(call.arrived, end);
  } catch (const std::exception& error) {
    fail(call, failure_of(error));
    return;
  }
  call.entry->figures().succeeded(times, clock_.wall_time());
  call.responder.answer(std::move(response));
}

void ModelService::fail(const Call& call, const InferFailure& failure) const {
  if (call.entry != nullptr) call.entry->figures().failed(failure.status, ms_between(call.arrived, clock_.now()));
  HttpResponse response;
  try {
    response = call.call.fail ? call.call.fail(failure) : failure_response(failure);
  } catch (const std::exception&) {
    response = failure_response(failure);
  }
  call.responder.answer(std::move(response));
}

void ModelService::change(const std::string& name, const ServedEntry::Done& done,
                          const std::function<void(ServedEntry&, const ServedEntry::Done&)>& act) {
  ServedEntry* entry = find(name);
  if (entry == nullptr) return done(no_model(name));
  const auto refuse = [done] {
    done(InferFailure{.status = 503,
                      .message = "the server starts, ends, or has too many changes to make; try again later",
                      .retry_after = kRetryAfter});
  };
  const Change queued{.make = [entry, done, act] { act(*entry, done); }, .refuse = refuse};
  if (!loaded_ || closing_ || !changes_->try_push(queued)) refuse();
}

void ModelService::load(const std::string& name, std::function<void(std::optional<InferFailure>)> done) {
  change(name, done, [](ServedEntry& entry, const ServedEntry::Done& finished) {
    if (entry.is_running()) return entry.reload(finished);
    try {
      with_errors_of(entry.name(), [&] { entry.load(); });
    } catch (const std::exception& error) {
      return finished(InferFailure{.status = 400, .message = error.what()});
    }
    finished(std::nullopt);
  });
}

void ModelService::unload(const std::string& name, std::function<void(std::optional<InferFailure>)> done) {
  change(name, done, [](ServedEntry& entry, const ServedEntry::Done& finished) {
    entry.unload();
    finished(std::nullopt);
  });
}

}  // namespace zoo::serve
