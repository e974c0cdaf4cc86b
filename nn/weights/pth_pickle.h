// A pickle that may hold nothing but a checkpoint, as data. Internal to nn/weights.
//
// Python's pickle is a program for a stack machine that may import and call anything. This reader runs no such program:
// it knows the opcodes that dicts, lists, tuples, numbers, text and tensors are made of, and the classes of
// pth_classes.h; everything else is refused by name before it has any effect. Values are numbered in one arena, so
// that hostile nesting or self-reference costs no recursion.
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

/// A dict or collections.OrderedDict, in order; keys may repeat.
struct PickleDict {
  std::vector<std::pair<PickleRef, PickleRef>> items;
  bool ordered = false;
};

/// One of the classes and functions of pth_classes.h.
struct PickleClass {
  enum class Kind { kOrderedDict, kRebuildTensor, kRebuildParameter, kSize, kStorage };
  Kind kind = Kind::kOrderedDict;
  DType dtype = DType::kF32;  ///< of a storage
  std::string_view name;      ///< for messages
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

using PickleValue = std::variant<PickleNone, bool, int64_t, double, std::string_view, PickleTuple, PickleList,
                                 PickleDict, PickleClass, PickleStorage, PickleTensor>;

/// Texts point into the pickle that was read.
struct PickleDocument {
  std::deque<PickleValue> values;
  PickleRef root = 0;
};

/// Reads a whole pickle of protocol 2 to 5. `file` is what messages show. Throws WeightError:
/// `FILE: refuses os.system: ...` for a class, `FILE: data.pkl at byte 12: ...` for everything else.
PickleDocument read_pickle(std::string_view pickle, const std::string& file);

}  // namespace zoo::weights
