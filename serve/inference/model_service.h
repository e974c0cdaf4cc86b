// The models of `serve`: a queue, workers, and what they are asked.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "nn/core/left_threads.h"
#include "serve/inference/inference_service.h"
#include "serve/inference/request_queue.h"
#include "serve/inference/served_entry.h"
#include "serve/metrics/metric.h"

namespace zoo::serve {

struct ModelServiceOptions {
  /// Requests that are worked on at a time, each on a core by a thread of its own.
  int workers = 1;
  QueueLimits queue = {};
  /// A request that has waited longer is answered 504.
  std::chrono::milliseconds timeout{30'000};
  int64_t max_pictures = 256;  ///< of one request, or rows of a tensor; more are answered 400
  Clock* clock = nullptr;      ///< null: system_clock()
  std::function<void(const std::string&)> on_message = {};  ///< see EntryOptions
  std::function<void(const models::Model&)> on_load = {};   ///< see EntryOptions
};

/// Models by name. Saving a model's file swaps it; a wrong one leaves the old one running and is the reason in index().
/// All workers share the weights. Reading requests, decoding, the network, and writing answers are a worker's; the
/// caller of submit() only queues. Thread-safe.
class ModelService : public InferenceService {
 public:
  /// Starts the workers; loads nothing. `models`: of different names. Throws EngineError where the system has no more
  /// threads.
  ModelService(std::vector<ModelSpec> models, ModelServiceOptions options);
  /// close(), and waits until nobody works any more.
  ~ModelService() override;
  ModelService(const ModelService&) = delete;
  ModelService& operator=(const ModelService&) = delete;

  /// Loads all models, side by side. Throws what the only one that failed has thrown; of several a ConfigError with
  /// the problems of all.
  void load_all();
  /// Loads all models again that run, in the background.
  void reload_all();
  /// From now on it is not ready, and takes no more requests. Waits until those that it has are answered: whether they
  /// are.
  bool drain(std::chrono::milliseconds longest);
  /// Takes no more requests. Those that wait, and changes that do, are answered 503 at once; those that are worked on
  /// are when they come to their next picture.
  void close();
  /// Closes and destroys it. Threads that do not come to an end within `longest` (a large picture, a file on a disk
  /// that hangs) are left behind, see nn/core/left_threads.h; the last of them destroys it.
  static void end(std::unique_ptr<ModelService> service, std::chrono::milliseconds longest);

  /// Names, labels and meaning: inference_metrics.h.
  std::vector<MetricFamily> metrics() const;

  bool ready() const override;
  std::shared_ptr<const ServedModelInfo> model(const std::string& name,
                                               std::optional<int64_t> version = std::nullopt) const override;
  std::vector<RepositoryEntry> index() const override;
  std::vector<ModelStatistics> statistics(const std::string& name) const override;
  void submit(InferCall call, Responder responder) override;
  void load(const std::string& name, std::function<void(std::optional<InferFailure>)> done) override;
  void unload(const std::string& name, std::function<void(std::optional<InferFailure>)> done) override;

 private:
  struct Change;
  class Changes;
  struct Call;

  ServedEntry* find(const std::string& name) const;
  void start_threads();
  void thread_ended();
  void work();
  void count_answered();
  void answer(Call& call) const;
  void fail(const Call& call, const InferFailure& failure) const;
  void change(const std::string& name, const ServedEntry::Done& done,
              const std::function<void(ServedEntry&, const ServedEntry::Done&)>& act);

  const ModelServiceOptions options_;
  Clock& clock_;
  std::vector<std::unique_ptr<ServedEntry>> entries_;
  std::atomic<bool> loaded_ = false;   ///< load_all() has ended
  std::atomic<bool> closing_ = false;  ///< no more requests are taken
  std::atomic<bool> closed_ = false;   ///< those that were taken are not worked on any more
  RequestQueue queue_;
  mutable std::mutex mutex_;
  std::condition_variable answered_;
  size_t unanswered_ = 0;               ///< guarded by mutex_
  int threads_ = 0;                     ///< that have not ended; guarded by mutex_
  std::unique_ptr<ModelService> self_;  ///< once it is left behind; guarded by mutex_
  const std::shared_ptr<Abandonable> left_ = std::make_shared<Abandonable>();
  std::unique_ptr<Changes> changes_;
  std::vector<std::jthread> workers_;
  std::jthread changer_;  ///< loads and unloads
};

}  // namespace zoo::serve
