// A name of the repository and the model that runs under it.
#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "models/model.h"
#include "nn/core/clock.h"
#include "pipeline/tasks/task_result.h"
#include "serve/inference/inference_service.h"
#include "serve/inference/loaded_model.h"
#include "serve/inference/model_figures.h"
#include "streams/model_slot.h"
#include "streams/model_watcher.h"

namespace zoo::serve {

/// A model to serve.
struct ModelSpec {
  std::string name;                           ///< what clients call it, see is_model_name
  std::filesystem::path file;                 ///< as for models::Model::load
  models::LoadModelOptions load = {};         ///< `file_use` is always kCopy
  pipeline::PredictorOptions predictor = {};  ///< `network.threads` is always 1
};

/// Letters, digits, dots, dashes and underscores, of which the first is a letter or a digit; at most 128.
bool is_model_name(const std::string& name);

struct EntryOptions {
  int workers = 1;  ///< threads that may use the model at a time
  Clock* clock = nullptr;
  /// What the user should know of changes. Any thread.
  std::function<void(const std::string&)> on_message = {};
  /// Told of each model that load() has loaded. Any thread.
  std::function<void(const models::Model&)> on_load = {};
};

/// Thread-safe.
class ServedEntry {
 public:
  using Done = std::function<void(std::optional<InferFailure>)>;

  ServedEntry(ModelSpec spec, EntryOptions options);
  ~ServedEntry();
  ServedEntry(const ServedEntry&) = delete;
  ServedEntry& operator=(const ServedEntry&) = delete;

  const std::string& name() const { return spec_.name; }
  /// Loads it, in the calling thread, and watches its files from then on. Throws as models::Model::load and
  /// make_predictor; index() has the reason from then on. Not while it runs.
  void load();
  /// Loads it again in a thread of its own while the one that runs goes on; `done` says how that went.
  void reload(Done done);
  void reload();
  /// Nobody gets it any more; who has it keeps it.
  void unload();

  /// What runs just now; null if nothing does.
  std::shared_ptr<const LoadedModel> current() const;
  bool is_running() const;
  RepositoryEntry state() const;
  /// Whether it runs, or was unloaded because somebody wished so.
  bool is_as_wished() const;

  ModelFigures& figures() { return figures_; }
  const ModelFigures& figures() const { return figures_; }
  /// Of all models that ran under this name; changes of files that were refused.
  int64_t swaps() const;
  int64_t failed_swaps() const;

 private:
  std::shared_ptr<streams::ModelSlot> build();
  /// Makes ready what the slot holds now: in the watcher's thread, so that no request waits for it.
  void take_over();
  void on_change(const streams::ModelChange& change);
  void watch(const std::shared_ptr<streams::ModelSlot>& slot);
  struct Waiting {
    int64_t request = 0;  ///< the number of the reload that it asked for
    Done done;
  };
  std::vector<Waiting> take_waiting(int64_t requests);

  const ModelSpec spec_;
  const EntryOptions options_;
  ModelFigures figures_;
  mutable std::mutex mutex_;  ///< guards everything below
  RepositoryEntry::State state_ = RepositoryEntry::State::kLoading;
  bool unwanted_ = false;
  std::string reason_;
  int64_t version_ = 0;  ///< the last one that ran
  std::shared_ptr<streams::ModelSlot> slot_;
  std::shared_ptr<const LoadedModel> loaded_;  ///< of what the slot holds
  std::vector<Waiting> waiting_;               ///< for a reload
  int64_t swaps_ = 0;
  int64_t failed_swaps_ = 0;
  std::shared_ptr<streams::ModelWatcher> watcher_;
};

}  // namespace zoo::serve
