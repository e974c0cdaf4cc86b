// The model that runs, and its replacement between two frames.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "models/model.h"
#include "pipeline/tasks/task_result.h"
#include "streams/predictor_pool.h"

namespace zoo::streams {

/// A model ready to answer. Immutable; thread-safe.
struct ServedModel {
  int64_t version = 1;                         ///< counts from 1 over what a slot has held
  std::string name;                            ///< of the model file, e.g. "mobilenetv4_conv_small"
  std::shared_ptr<const models::Model> model;  ///< null only where tests put a function in its place
  /// For as many threads at a time as the slot serves, see make_team_predictor.
  TeamPredictor predict;
};

/// For up to `workers` threads at a time, which have as many cores together. Throws as make_predictor.
std::shared_ptr<const ServedModel> make_served_model(std::shared_ptr<const models::Model> model,
                                                     const pipeline::PredictorOptions& options, int64_t version,
                                                     int workers);

/// Holds the running model. Who works on a frame takes current() once and keeps it until the frame is answered: a swap
/// waits for nobody, and the old model dies with its last user. Thread-safe.
class ModelSlot {
 public:
  explicit ModelSlot(std::shared_ptr<const ServedModel> first);

  std::shared_ptr<const ServedModel> current() const;
  /// Frames that are taken from now on are worked on by `next`.
  void publish(std::shared_ptr<const ServedModel> next);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ServedModel> model_;  ///< guarded by mutex_
};

}  // namespace zoo::streams
