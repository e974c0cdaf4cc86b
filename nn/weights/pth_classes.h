// The classes and functions that a checkpoint's pickle may name, and what calling them means. Internal to nn/weights.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "nn/weights/pth_pickle.h"

namespace zoo::weights {

/// collections.OrderedDict, torch._utils._rebuild_tensor_v2, torch._utils._rebuild_parameter, torch.Size, and the
/// storage classes torch.FloatStorage and so on; nothing else. `name` of the result is static.
std::optional<PickleClass> find_pickle_class(std::string_view module, std::string_view name);

/// Sets `value` to what `callable(*args)` yields. Returns what is wrong with the arguments; empty if nothing is.
std::string call_pickle_class(const PickleDocument& document, const PickleClass& callable,
                              std::span<const PickleRef> args, PickleValue& value);

/// Sets `value` to the storage that a persistent id ('storage', CLASS, KEY, PLACE, COUNT) stands for. Returns what is
/// wrong with the id; empty if nothing is.
std::string load_persistent_id(const PickleDocument& document, const PickleValue& id, PickleValue& value);

}  // namespace zoo::weights
