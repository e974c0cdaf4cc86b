// The classes and functions that a checkpoint's pickle may name, and what calling them means. Internal to nn/weights.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "nn/weights/pth_pickle.h"

namespace zoo::weights {

/// What stands behind a name: a kind that is understood for collections.OrderedDict and defaultdict, torch.Size, the
/// functions that torch rebuilds tensors and parameters with, and its storage classes; kOther for every other name.
PickleClass find_pickle_class(std::string_view module, std::string_view name);

/// Whether the name stands for code that runs commands or programs, as no checkpoint needs it.
bool is_code(std::string_view module, std::string_view name);

/// What a call yields: a new value, a tensor, or a value that exists already.
using PickleResult = std::variant<PickleValue, PickleTensor, PickleRef>;

/// Sets `result` to what `callable(*args)` yields: of a class that is not understood a PickleObject. Returns what is
/// wrong with the arguments; empty if nothing is.
std::string call_pickle_class(const PickleDocument& document, const PickleClass& callable,
                              std::span<const PickleRef> args, PickleResult& result);

/// Sets `value` to the storage that a persistent id ('storage', CLASS, KEY, PLACE, COUNT) stands for; of a class whose
/// numbers are not read a PickleObject. Returns what is wrong with the id; empty if nothing is.
std::string load_persistent_id(const PickleDocument& document, const PickleValue& id, PickleValue& value);

}  // namespace zoo::weights
