// A pickle of torch.save, as data. Internal to nn/weights.
//
// Python's pickle is a program for a stack machine that may import and call anything. This reader runs no such program.
// It understands the few classes of pth_classes.h that state dicts are made of; an object of any other class, whatever
// it was made from, becomes a PickleObject that has nothing but the name of its class. So the parts of a checkpoint
// that nobody needs (an optimizer's state, arguments, dates, paths, NumPy numbers) may be what they like. Only names
// that stand for code and not for data (os.system, builtins.eval) are refused: a file with one is out to do harm.
// Values are numbered in one arena, so that hostile nesting or self-reference costs no recursion, and every reference
// to a value is charged, so that none can be copied without bound.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "nn/core/shape.h"
#include "nn/weights/safetensors.h"

namespace zoo::weights {

/// Number of a value in its document.
using PickleRef = uint32_t;

struct PickleNone {};

struct PickleTuple {
  std::vector<PickleRef> items;
};

struct PickleList {
  std::vector<PickleRef> items;
};

/// A dict, collections.OrderedDict or defaultdict, or an object of another class that was filled like one; in order;
/// keys may repeat and be of any kind.
struct PickleDict {
  std::vector<std::pair<PickleRef, PickleRef>> items;
  bool plain = true;  ///< Python's own dict, which has no attributes
};

/// A class or function by its name.
struct PickleClass {
  enum class Kind {
    kOrderedDict,
    kDefaultDict,
    kRebuildTensor,
    kRebuildParameter,
    kRebuildStatefulParameter,
    kRebuildSubclass,
    kSize,
    kStorage,
    kOther,
  };
  Kind kind = Kind::kOther;
  DType dtype = DType::kF32;  ///< of a storage
  std::string_view module;
  std::string_view name;
};

/// An object of a class that nothing here needs: "argparse", "Namespace". Python's own types have the module
/// "builtins".
struct PickleObject {
  std::string_view module;
  std::string_view name;
};

/// `elements` numbers in entry data/KEY of the archive.
struct PickleStorage {
  std::string_view key;
  DType dtype = DType::kF32;
  uint64_t elements = 0;
};

/// Element (i, j, ...) is element `offset + i * strides[0] + j * strides[1] + ...` of the storage. Checked: as many
/// strides as extents, none negative, every element inside the storage, the shape's bytes fit 63 bits.
struct PickleTensor {
  PickleStorage storage;
  uint64_t offset = 0;
  Shape shape;
  std::vector<int64_t> strides;
};

/// A tensor by its number in PickleDocument::tensors.
struct PickleTensorIndex {
  uint32_t index = 0;
};

using PickleValue = std::variant<PickleNone, bool, int64_t, double, std::string_view, PickleTuple, PickleList,
                                 PickleDict, PickleClass, PickleObject, PickleStorage, PickleTensorIndex>;

/// Texts point into the pickle that was read.
struct PickleDocument {
  std::deque<PickleValue> values;
  std::deque<PickleTensor> tensors;
  PickleRef root = 0;

  /// The value if it is of this kind, else nullptr.
  template <typename T>
  const T* as(PickleRef ref) const {
    return std::get_if<T>(&values[ref]);
  }
  const PickleTensor* tensor(PickleRef ref) const {
    const auto* const found = as<PickleTensorIndex>(ref);
    return found == nullptr ? nullptr : &tensors[found->index];
  }
};

/// Reads a whole pickle of protocol 2 to 5. `file` is what messages show. Throws WeightError:
/// `FILE: refuses os.system: ...` for code, `FILE: data.pkl at byte 12: ...` for everything else.
PickleDocument read_pickle(std::string_view pickle, const std::string& file);

/// What a value is, for messages: "text", "a list", "a torch.nn.modules.container.Sequential".
std::string describe_pickle_value(const PickleDocument& document, PickleRef ref);

}  // namespace zoo::weights
