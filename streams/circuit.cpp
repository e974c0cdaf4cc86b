#include "streams/circuit.h"

namespace zoo::streams {

Circuit::Change Circuit::note(bool failed, int64_t model_version, Clock::TimePoint now) {
  const bool was_open = open();
  if (!failed || model_version > model_version_) failures_ = 0;
  if (failed && model_version >= model_version_) ++failures_;
  if (model_version > model_version_) model_version_ = model_version;
  next_try_ = now + kTryEvery;
  if (open() == was_open) return Change::kNone;
  return was_open ? Change::kClosed : Change::kOpened;
}

}  // namespace zoo::streams
