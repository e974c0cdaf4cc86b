// Values that may cease to be what they were.
#pragma once

#include <memory>

#include "nn/core/parameter.h"

namespace zoo {

/// Owns values that somebody else can write to: those of a file that is used in place.
class CheckedValuesOwner : public ValuesOwner {
 public:
  /// Throws WeightError, with the way out, if the values are no longer what they were when they were loaded.
  virtual void check_unchanged() const = 0;
};

/// The same of all owners that can tell; for whoever reads values some time after they were loaded.
inline void check_unchanged(const ParameterValues& values) {
  for (const std::shared_ptr<const ValuesOwner>& owner : values.owners) {
    if (const auto* const checked = dynamic_cast<const CheckedValuesOwner*>(owner.get())) checked->check_unchanged();
  }
}

}  // namespace zoo
