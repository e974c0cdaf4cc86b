#include "streams/model_slot.h"

#include <utility>

namespace zoo::streams {

std::shared_ptr<const ServedModel> make_served_model(std::shared_ptr<const models::Model> model,
                                                     const pipeline::PredictorOptions& options, int64_t version,
                                                     int workers) {
  ServedModel served{.version = version, .name = model->config().name, .model = model, .predict = {}};
  served.predict = make_team_predictor(std::move(model), options, workers);
  return std::make_shared<const ServedModel>(std::move(served));
}

ModelSlot::ModelSlot(std::shared_ptr<const ServedModel> first) : model_(std::move(first)) {}

std::shared_ptr<const ServedModel> ModelSlot::current() const {
  const std::scoped_lock lock(mutex_);
  return model_;
}

void ModelSlot::publish(std::shared_ptr<const ServedModel> next) {
  const std::scoped_lock lock(mutex_);
  model_.swap(next);  // the old one, if nobody uses it, ends outside the lock: `next` outlives it
}

}  // namespace zoo::streams
