#include "nn/weights/pth_classes.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "nn/weights/safetensors_header.h"

namespace zoo::weights {
namespace {

using Kind = PickleClass::Kind;

constexpr size_t kMaxRank = 8;
constexpr size_t kMaxSizeRank = 64;  // torch's own limit
constexpr size_t kMaxKeyLength = 10;
constexpr auto kMaxInt64 = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());

constexpr std::array<PickleClass, 17> kClasses = {{
    {Kind::kOrderedDict, DType::kF32, "collections", "OrderedDict"},
    {Kind::kDefaultDict, DType::kF32, "collections", "defaultdict"},
    {Kind::kRebuildTensor, DType::kF32, "torch._utils", "_rebuild_tensor_v2"},
    {Kind::kRebuildParameter, DType::kF32, "torch._utils", "_rebuild_parameter"},
    {Kind::kRebuildStatefulParameter, DType::kF32, "torch._utils", "_rebuild_parameter_with_state"},
    {Kind::kRebuildSubclass, DType::kF32, "torch._tensor", "_rebuild_from_type_v2"},
    {Kind::kSize, DType::kF32, "torch", "Size"},
    {Kind::kStorage, DType::kF32, "torch", "FloatStorage"},
    {Kind::kStorage, DType::kF16, "torch", "HalfStorage"},
    {Kind::kStorage, DType::kBF16, "torch", "BFloat16Storage"},
    {Kind::kStorage, DType::kF64, "torch", "DoubleStorage"},
    {Kind::kStorage, DType::kI64, "torch", "LongStorage"},
    {Kind::kStorage, DType::kI32, "torch", "IntStorage"},
    {Kind::kStorage, DType::kI16, "torch", "ShortStorage"},
    {Kind::kStorage, DType::kI8, "torch", "CharStorage"},
    {Kind::kStorage, DType::kU8, "torch", "ByteStorage"},
    {Kind::kStorage, DType::kBool, "torch", "BoolStorage"},
}};

/// Modules that are all about running something, and Python's own functions that are.
constexpr std::array<std::string_view, 17> kCodeModules = {
    "os",     "posix",  "nt",     "subprocess", "_posixsubprocess", "pty",  "runpy", "commands", "popen2",
    "shutil", "socket", "ctypes", "webbrowser", "importlib",        "code", "pdb",   "timeit"};
constexpr std::array<std::string_view, 9> kCodeFunctions = {"eval", "exec",  "execfile",   "compile", "__import__",
                                                            "open", "input", "breakpoint", "apply"};

std::string name_of(const PickleClass& known) { return fmt::format("{}.{}", known.module, known.name); }

/// A tuple of whole numbers from 0. More than torch's limit are not looked at: one long tuple may be the argument
/// of many calls.
std::optional<std::vector<int64_t>> extents(const PickleDocument& document, PickleRef ref) {
  const auto* const tuple = document.as<PickleTuple>(ref);
  if (tuple == nullptr || tuple->items.size() > kMaxSizeRank) return std::nullopt;
  std::vector<int64_t> values;
  for (const PickleRef item : tuple->items) {
    const auto* const value = document.as<int64_t>(item);
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
std::string rebuild_tensor(const PickleDocument& document, std::span<const PickleRef> args, PickleResult& result) {
  if (args.size() != 6 && args.size() != 7) return fmt::format("a tensor of {} arguments, not 6 or 7", args.size());
  if (const auto* const foreign = document.as<PickleObject>(args[0])) {  // a storage of numbers that are not read
    result = PickleObject(*foreign);
    return {};
  }
  const auto* const storage = document.as<PickleStorage>(args[0]);
  if (storage == nullptr) return "a tensor without storage";
  const auto* const offset = document.as<int64_t>(args[1]);
  if (offset == nullptr || *offset < 0) return "a tensor's offset must be a whole number from 0";
  std::optional<std::vector<int64_t>> shape = extents(document, args[2]);
  if (!shape) return "a tensor's size must be a tuple of whole numbers from 0";
  if (shape->size() > kMaxRank) return fmt::format("a tensor has more than {} dimensions", kMaxRank);
  std::optional<std::vector<int64_t>> strides = extents(document, args[3]);
  if (!strides) return "a tensor's strides must be a tuple of whole numbers from 0";
  if (strides->size() != shape->size()) {
    return fmt::format("a tensor has {} dimensions, but {} strides", shape->size(), strides->size());
  }
  if (document.as<bool>(args[4]) == nullptr) return "a tensor's requires_grad must be a bool";
  const auto* const hooks = document.as<PickleDict>(args[5]);
  if (hooks == nullptr || !hooks->items.empty()) return "a tensor has hooks, which are code";

  if (!is_countable(*shape, storage->dtype)) {
    return fmt::format("a tensor of shape {} is too large", Shape(*shape).to_string());
  }
  PickleTensor tensor = {*storage, static_cast<uint64_t>(*offset), Shape(*std::move(shape)), *std::move(strides)};
  if (!is_inside(tensor)) {
    return fmt::format("a tensor of shape {} at offset {} with strides ({}) reaches past its storage of {} elements",
                       tensor.shape.to_string(), tensor.offset, fmt::join(tensor.strides, ", "), storage->elements);
  }
  result = std::move(tensor);
  return {};
}

/// (tensor, requires_grad, backward_hooks[, state])
std::string rebuild_parameter(const PickleDocument& document, std::span<const PickleRef> args, size_t count,
                              PickleResult& result) {
  if (args.size() != count) return fmt::format("a parameter of {} arguments, not {}", args.size(), count);
  const bool is_foreign = document.as<PickleObject>(args[0]) != nullptr;
  if (!is_foreign && document.tensor(args[0]) == nullptr) return "a parameter without tensor";
  if (document.as<bool>(args[1]) == nullptr) return "a parameter's requires_grad must be a bool";
  const auto* const hooks = document.as<PickleDict>(args[2]);
  if (hooks == nullptr || !hooks->items.empty()) return "a parameter has hooks, which are code";
  result = args[0];
  return {};
}

/// (function, class, arguments, state): a tensor of a class of its own, or with attributes.
std::string rebuild_subclass(const PickleDocument& document, std::span<const PickleRef> args, PickleResult& result) {
  if (args.size() != 4) return fmt::format("a tensor of a class of its own of {} arguments, not 4", args.size());
  const auto* const function = document.as<PickleClass>(args[0]);
  const auto* const arguments = document.as<PickleTuple>(args[2]);
  if (function == nullptr || arguments == nullptr)
    return "a tensor of a class of its own without function or arguments";
  if (function->kind == Kind::kRebuildTensor) return rebuild_tensor(document, arguments->items, result);
  result = PickleObject{function->module, function->name};
  return {};
}

/// A dict of the pairs that Python 2 gave an OrderedDict in a list; empty where the argument is something else.
PickleDict dict_of_pairs(const PickleDocument& document, std::span<const PickleRef> args) {
  PickleDict dict = {{}, false};
  const auto* const pairs = args.size() == 1 ? document.as<PickleList>(args[0]) : nullptr;
  if (pairs == nullptr) return dict;
  for (const PickleRef ref : pairs->items) {
    const auto* const list = document.as<PickleList>(ref);
    const auto* const tuple = document.as<PickleTuple>(ref);
    const std::vector<PickleRef>* const pair = list != nullptr    ? &list->items
                                               : tuple != nullptr ? &tuple->items
                                                                  : nullptr;
    if (pair != nullptr && pair->size() == 2) dict.items.emplace_back((*pair)[0], (*pair)[1]);
  }
  return dict;
}

}  // namespace

PickleClass find_pickle_class(std::string_view module, std::string_view name) {
  for (const PickleClass& known : kClasses) {
    if (known.module == module && known.name == name) return known;
  }
  return {Kind::kOther, DType::kU8, module, name};
}

bool is_code(std::string_view module, std::string_view name) {
  if (std::ranges::find(kCodeModules, module) != kCodeModules.end()) return true;
  const bool of_python = module == "builtins" || module == "__builtin__";
  return of_python && std::ranges::find(kCodeFunctions, name) != kCodeFunctions.end();
}

std::string call_pickle_class(const PickleDocument& document, const PickleClass& callable,
                              std::span<const PickleRef> args, PickleResult& result) {
  switch (callable.kind) {
    case Kind::kOrderedDict:
      result = PickleValue(dict_of_pairs(document, args));
      return {};
    case Kind::kDefaultDict:
      result = PickleValue(PickleDict{{}, false});
      return {};
    case Kind::kRebuildTensor:
      return rebuild_tensor(document, args, result);
    case Kind::kRebuildParameter:
      return rebuild_parameter(document, args, 3, result);
    case Kind::kRebuildStatefulParameter:
      return rebuild_parameter(document, args, 4, result);
    case Kind::kRebuildSubclass:
      return rebuild_subclass(document, args, result);
    case Kind::kSize:
      if (args.size() != 1 || !extents(document, args[0])) {
        return fmt::format("{} of something else than a tuple of at most {} whole numbers from 0", name_of(callable),
                           kMaxSizeRank);
      }
      result = args[0];
      return {};
    case Kind::kStorage:
      return fmt::format("{} must not be called", name_of(callable));
    case Kind::kOther:
      break;
  }
  result = PickleValue(PickleObject{callable.module, callable.name});
  return {};
}

std::string load_persistent_id(const PickleDocument& document, const PickleValue& id, PickleValue& value) {
  const auto* const tuple = std::get_if<PickleTuple>(&id);
  if (tuple == nullptr || tuple->items.size() != 5) {
    return "a persistent id must be ('storage', class, key, place, count)";
  }
  const auto* const tag = document.as<std::string_view>(tuple->items[0]);
  if (tag == nullptr || *tag != "storage") return "a persistent id must begin with 'storage'";
  const auto* const type = document.as<PickleClass>(tuple->items[1]);
  const bool is_class = type != nullptr && (type->kind == Kind::kStorage || type->kind == Kind::kOther);
  if (!is_class) return "a storage has no storage class";
  const auto* const key = document.as<std::string_view>(tuple->items[2]);
  if (key == nullptr) return "a storage's key must be text";
  if (key->empty() || key->size() > kMaxKeyLength ||
      !std::all_of(key->begin(), key->end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return fmt::format("a storage's key must be a number, found {}", quoted_name(*key));
  }
  if (document.as<std::string_view>(tuple->items[3]) == nullptr) return "a storage's place must be text";
  const auto* const count = document.as<int64_t>(tuple->items[4]);
  if (count == nullptr || *count < 0) return "a storage's count must be a whole number from 0";
  if (type->kind == Kind::kOther) {
    value = PickleObject{type->module, type->name};
    return {};
  }
  value = PickleStorage{*key, type->dtype, static_cast<uint64_t>(*count)};
  return {};
}

}  // namespace zoo::weights
