// A worker from its first entry to its last.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "apps/live_json.h"
#include "apps/worker_metrics.h"
#include "serve/http/http_server.h"
#include "serve/metrics/metric.h"
#include "streams/model_slot.h"
#include "streams/model_watcher.h"
#include "streams/queue/queue_worker.h"

namespace zoo::apps {

struct WorkerSessionOptions {
  streams::QueueWorkerOptions worker;
  std::optional<std::string> json;  ///< file or "-"
  std::chrono::seconds counts_every{10};
  std::string listen;  ///< empty: no server
  std::string token;
};

class WorkerSession {
 public:
  /// Listens where that is wanted. Throws UsageError, IoError.
  WorkerSession(std::shared_ptr<streams::ModelSlot> model, WorkerSessionOptions options);
  ~WorkerSession();
  WorkerSession(const WorkerSession&) = delete;
  WorkerSession& operator=(const WorkerSession&) = delete;

  /// Until a signal, or until the queue is empty where that ends it. The exit code. Throws BrokerError where the
  /// server refuses what no waiting mends (a password, a key of another kind).
  int run(streams::ModelWatcherOptions watch);

 private:
  void check_queue() const;
  void open_server();
  void on_outcome(const streams::EntryOutcome& outcome, double age_s, double work_s);
  void write_line(const std::string& line);
  WorkerSnapshot snapshot() const;
  int finish(double wall_s);

  const std::shared_ptr<streams::ModelSlot> model_;
  WorkerSessionOptions options_;
  serve::Histogram age_{serve::duration_bounds()};
  serve::Histogram work_{serve::duration_bounds()};
  std::unique_ptr<LiveJson> json_;
  std::unique_ptr<streams::QueueWorker> worker_;
  std::unique_ptr<streams::ModelWatcher> watcher_;
  std::unique_ptr<serve::HttpServer> server_;
};

}  // namespace zoo::apps
