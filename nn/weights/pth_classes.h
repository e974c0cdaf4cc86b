// The classes and functions that a checkpoint's pickle may name, and what calling them means. Internal to nn/weights.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "nn/weights/pth_pickle.h"

namespace zoo::weights {

/// collections.OrderedDict, torch._utils._rebuild_tensor_v2, torch._utils._rebuild_parameter, torch.Size, and the
/// storage classes torch.FloatStorage and so on; nothing else. `name` of the result is static.
std::optional<PickleClass> find_pickle_class(std::string_view module, std::string_view name);

/// The value, or what is wrong with the arguments.
struct PickleResult {
  PickleResult(PickleValue result) : value(std::move(result)) {}      // NOLINT(google-explicit-constructor)
  PickleResult(std::string message) : problem(std::move(message)) {}  // NOLINT(google-explicit-constructor)

  PickleValue value;
  std::string problem;  ///< empty if there is a value
};

/// What `callable(*args)` yields.
PickleResult call_pickle_class(const PickleDocument& document, const PickleClass& callable,
                               std::span<const PickleRef> args);

/// The storage that a persistent id ('storage', CLASS, KEY, PLACE, COUNT) stands for.
PickleResult load_persistent_id(const PickleDocument& document, const PickleValue& id);

}  // namespace zoo::weights
