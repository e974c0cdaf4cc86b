// Swaps the running model when its files change: the model file (YAML), its checkpoint, labels and calibration.
//
// One thread: files are quiet for a moment (FileWatch, debounce) -> in a second one of the lowest priority, which lives
// as long as that takes, the model file is read, with all of its problems, the model is loaded into memory of its own
// and compiled, without measuring kernels, and tried on a recent frame of each stream: its scores must be finite -> it
// is published. Whatever fails leaves the running model where it is and is said once for each change. Task, labels and
// input size may change. The memory of the old model is returned to the system once its last frame is answered.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "models/model.h"
#include "nn/core/clock.h"
#include "nn/core/left_threads.h"
#include "pipeline/tasks/task_result.h"
#include "streams/model_slot.h"

namespace zoo::streams {

/// How a change of files has ended.
struct ModelChange {
  enum class Kind {
    kSwapped,  ///< the new model runs
    kRefused,  ///< the one before goes on
  };
  Kind kind = Kind::kSwapped;
  int64_t version = 1;   ///< of the model that runs now
  std::string message;   ///< complete; of kRefused several lines where there are several problems
  int64_t requests = 0;  ///< how many request_reload() there had been when it began: those it answers
};

struct SwapCounts {
  int64_t swaps = 0;
  int64_t refused = 0;
  std::string last_error;  ///< of the last change; empty if it succeeded
};

struct ModelWatcherOptions {
  std::filesystem::path file;                 ///< the model file, as for models::Model::load
  models::LoadModelOptions load = {};         ///< `file_use` is always kCopy: trainers overwrite files
  pipeline::PredictorOptions predictor = {};  ///< `network.kernels.timing` is always kKnownOnly
  int workers = 1;                            ///< see make_served_model
  /// A recent frame of each stream, for the trial; where there is none, a black picture. May be empty.
  std::function<std::vector<cv::Mat>()> last_frames = {};
  /// Told how each change has ended, in the watcher's thread. May be empty.
  std::function<void(const ModelChange&)> on_change = {};
  std::chrono::milliseconds debounce{300};
  /// How often the files are looked at where the system says nothing of them.
  std::chrono::milliseconds poll_interval{1000};
  Clock* clock = nullptr;  ///< null: system_clock()
};

class ModelWatcher {
 public:
  /// `slot` holds a model that was loaded from `options.file`. Throws EngineError where the system has no thread or
  /// descriptor left.
  ModelWatcher(std::shared_ptr<ModelSlot> slot, ModelWatcherOptions options);
  /// Ends the thread. One that is compiling is waited for a second, then left behind (left_threads.h): it publishes
  /// and says nothing any more.
  ~ModelWatcher();
  ModelWatcher(const ModelWatcher&) = delete;
  ModelWatcher& operator=(const ModelWatcher&) = delete;

  /// Loads the model again though no file has changed; the number of the request, see ModelChange. Thread-safe, also in
  /// a signal handler.
  int64_t request_reload() noexcept;
  /// Thread-safe.
  SwapCounts counts() const;

 private:
  class Work;
  std::shared_ptr<Work> work_;
  std::shared_ptr<Abandonable> watching_ = std::make_shared<Abandonable>();
  std::jthread thread_;
};

}  // namespace zoo::streams
