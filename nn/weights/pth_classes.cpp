#include "nn/weights/pth_classes.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include "nn/weights/safetensors_header.h"

namespace zoo::weights {
namespace {

using Kind = PickleClass::Kind;

constexpr size_t kMaxRank = 8;
constexpr size_t kMaxKeyLength = 10;
constexpr auto kMaxInt64 = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());

struct ClassRow {
  std::string_view module;
  std::string_view name;
  PickleClass value;
};

constexpr std::array<ClassRow, 14> kClasses = {{
    {"collections", "OrderedDict", {Kind::kOrderedDict, DType::kF32, "collections.OrderedDict"}},
    {"torch._utils", "_rebuild_tensor_v2", {Kind::kRebuildTensor, DType::kF32, "torch._utils._rebuild_tensor_v2"}},
    {"torch._utils", "_rebuild_parameter", {Kind::kRebuildParameter, DType::kF32, "torch._utils._rebuild_parameter"}},
    {"torch", "Size", {Kind::kSize, DType::kF32, "torch.Size"}},
    {"torch", "FloatStorage", {Kind::kStorage, DType::kF32, "torch.FloatStorage"}},
    {"torch", "HalfStorage", {Kind::kStorage, DType::kF16, "torch.HalfStorage"}},
    {"torch", "BFloat16Storage", {Kind::kStorage, DType::kBF16, "torch.BFloat16Storage"}},
    {"torch", "DoubleStorage", {Kind::kStorage, DType::kF64, "torch.DoubleStorage"}},
    {"torch", "LongStorage", {Kind::kStorage, DType::kI64, "torch.LongStorage"}},
    {"torch", "IntStorage", {Kind::kStorage, DType::kI32, "torch.IntStorage"}},
    {"torch", "ShortStorage", {Kind::kStorage, DType::kI16, "torch.ShortStorage"}},
    {"torch", "CharStorage", {Kind::kStorage, DType::kI8, "torch.CharStorage"}},
    {"torch", "ByteStorage", {Kind::kStorage, DType::kU8, "torch.ByteStorage"}},
    {"torch", "BoolStorage", {Kind::kStorage, DType::kBool, "torch.BoolStorage"}},
}};

template <typename T>
const T* as(const PickleDocument& document, PickleRef ref) {
  return std::get_if<T>(&document.values[ref]);
}

/// A tuple of whole numbers from 0.
std::optional<std::vector<int64_t>> extents(const PickleDocument& document, PickleRef ref) {
  const auto* const tuple = as<PickleTuple>(document, ref);
  if (tuple == nullptr) return std::nullopt;
  std::vector<int64_t> values;
  for (const PickleRef item : tuple->items) {
    const auto* const value = as<int64_t>(document, item);
    if (value == nullptr || *value < 0) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

/// Whether the shape's bytes fit 63 bits, zero extents left aside: they must not hide an overflow.
bool is_countable(const std::vector<int64_t>& shape, DType dtype) {
  uint64_t size = size_of(dtype);
  for (const int64_t extent : shape) {
    if (__builtin_mul_overflow(size, std::max<uint64_t>(static_cast<uint64_t>(extent), 1), &size)) return false;
  }
  return size <= kMaxInt64;
}

bool is_inside(const PickleTensor& tensor) {
  if (tensor.offset > tensor.storage.elements) return false;
  if (tensor.shape.elements() == 0) return true;
  uint64_t last = tensor.offset;
  for (size_t axis = 0; axis < tensor.shape.rank(); ++axis) {
    uint64_t distance = 0;
    if (__builtin_mul_overflow(static_cast<uint64_t>(tensor.shape[axis] - 1),
                               static_cast<uint64_t>(tensor.strides[axis]), &distance) ||
        __builtin_add_overflow(last, distance, &last)) {
      return false;
    }
  }
  return last < tensor.storage.elements;
}

/// (storage, offset, size, stride, requires_grad, backward_hooks[, metadata])
std::string rebuild_tensor(const PickleDocument& document, std::span<const PickleRef> args, PickleValue& value) {
  if (args.size() != 6 && args.size() != 7) return fmt::format("a tensor of {} arguments, not 6 or 7", args.size());
  const auto* const storage = as<PickleStorage>(document, args[0]);
  if (storage == nullptr) return "a tensor without storage";
  const auto* const offset = as<int64_t>(document, args[1]);
  if (offset == nullptr || *offset < 0) return "a tensor's offset must be a whole number from 0";
  std::optional<std::vector<int64_t>> shape = extents(document, args[2]);
  if (!shape) return "a tensor's size must be a tuple of whole numbers from 0";
  if (shape->size() > kMaxRank) return fmt::format("a tensor has more than {} dimensions", kMaxRank);
  std::optional<std::vector<int64_t>> strides = extents(document, args[3]);
  if (!strides) return "a tensor's strides must be a tuple of whole numbers from 0";
  if (strides->size() != shape->size()) {
    return fmt::format("a tensor has {} dimensions, but {} strides", shape->size(), strides->size());
  }
  if (as<bool>(document, args[4]) == nullptr) return "a tensor's requires_grad must be a bool";
  const auto* const hooks = as<PickleDict>(document, args[5]);
  if (hooks == nullptr || !hooks->items.empty()) return "a tensor has hooks, which are code";

  if (!is_countable(*shape, storage->dtype)) {
    return fmt::format("a tensor of shape {} is too large", Shape(*shape).to_string());
  }
  PickleTensor tensor = {*storage, static_cast<uint64_t>(*offset), Shape(*std::move(shape)), *std::move(strides)};
  if (!is_inside(tensor)) {
    return fmt::format("a tensor of shape {} at offset {} with strides ({}) reaches past its storage of {} elements",
                       tensor.shape.to_string(), tensor.offset, fmt::join(tensor.strides, ", "), storage->elements);
  }
  value = std::move(tensor);
  return {};
}

/// (tensor, requires_grad, backward_hooks)
std::string rebuild_parameter(const PickleDocument& document, std::span<const PickleRef> args, PickleValue& value) {
  if (args.size() != 3) return fmt::format("a parameter of {} arguments, not 3", args.size());
  const auto* const tensor = as<PickleTensor>(document, args[0]);
  if (tensor == nullptr) return "a parameter without tensor";
  if (as<bool>(document, args[1]) == nullptr) return "a parameter's requires_grad must be a bool";
  const auto* const hooks = as<PickleDict>(document, args[2]);
  if (hooks == nullptr || !hooks->items.empty()) return "a parameter has hooks, which are code";
  value = *tensor;
  return {};
}

}  // namespace

std::optional<PickleClass> find_pickle_class(std::string_view module, std::string_view name) {
  for (const ClassRow& row : kClasses) {
    if (row.module == module && row.name == name) return row.value;
  }
  return std::nullopt;
}

std::string call_pickle_class(const PickleDocument& document, const PickleClass& callable,
                              std::span<const PickleRef> args, PickleValue& value) {
  switch (callable.kind) {
    case Kind::kOrderedDict:
      if (!args.empty()) return fmt::format("{} with arguments", callable.name);
      value = PickleDict{{}, true};
      return {};
    case Kind::kRebuildTensor:
      return rebuild_tensor(document, args, value);
    case Kind::kRebuildParameter:
      return rebuild_parameter(document, args, value);
    case Kind::kSize:
      if (args.size() != 1 || !extents(document, args[0])) {
        return fmt::format("{} of something else than a tuple of whole numbers from 0", callable.name);
      }
      value = document.values[args[0]];
      return {};
    case Kind::kStorage:
      break;
  }
  return fmt::format("{} must not be called", callable.name);
}

std::string load_persistent_id(const PickleDocument& document, const PickleValue& id, PickleValue& value) {
  const auto* const tuple = std::get_if<PickleTuple>(&id);
  if (tuple == nullptr || tuple->items.size() != 5) {
    return "a persistent id must be ('storage', class, key, place, count)";
  }
  const auto* const tag = as<std::string_view>(document, tuple->items[0]);
  if (tag == nullptr || *tag != "storage") return "a persistent id must begin with 'storage'";
  const auto* const type = as<PickleClass>(document, tuple->items[1]);
  if (type == nullptr || type->kind != Kind::kStorage) return "a storage has no storage class";
  const auto* const key = as<std::string_view>(document, tuple->items[2]);
  if (key == nullptr) return "a storage's key must be text";
  if (key->empty() || key->size() > kMaxKeyLength ||
      !std::all_of(key->begin(), key->end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return fmt::format("a storage's key must be a number, found {}", quoted_name(*key));
  }
  if (as<std::string_view>(document, tuple->items[3]) == nullptr) return "a storage's place must be text";
  const auto* const count = as<int64_t>(document, tuple->items[4]);
  if (count == nullptr || *count < 0) return "a storage's count must be a whole number from 0";
  value = PickleStorage{*key, type->dtype, static_cast<uint64_t>(*count)};
  return {};
}

}  // namespace zoo::weights
