#include "streams/model_slot.h"

#include <utility>

namespace zoo::streams {

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
