// The flags that say which queue a worker works on, and what it may read for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "apps/broker_flags.h"
#include "brokers/redis_queue.h"
#include "streams/queue/entry_pictures.h"
#include "streams/queue/queue_worker.h"

namespace zoo::apps {

struct QueueFlags {
  std::string queue;
  std::string group;
  std::string consumer;
  std::string results;
  std::string dead;
  BrokerFlags access;
  int64_t max_results = 1'000'000;
  int64_t max_dead = 0;
  bool delete_done = false;
  std::optional<double> max_age_ms;
  std::optional<double> claim_after_s;
  int64_t max_deliveries = 3;
  double retry_for_s = 3'600.0;
  bool until_empty = false;
  std::vector<std::string> roots;
  std::vector<std::string> addresses;
  double max_bytes_mib = 64.0;

  void add_to(CLI::App& app);
  /// All but threads and what is called back. Throws UsageError, IoError for files and folders.
  streams::QueueWorkerOptions options() const;
  /// That options() reads.
  std::vector<std::string> password_files() const;

 private:
  /// With the password that it has itself only.
  brokers::RedisAddress address() const;
  brokers::RedisQueueOptions queue_options(const std::string& stream) const;
  streams::PictureAccess pictures() const;
};

}  // namespace zoo::apps
