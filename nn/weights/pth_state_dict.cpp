#include "nn/weights/pth_state_dict.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/weights/pth_archive.h"
#include "nn/weights/pth_pickle.h"
#include "nn/weights/safetensors_header.h"

namespace zoo::weights {
namespace {

constexpr uint64_t kMaxCopiedBytes = uint64_t{1} << 30U;
constexpr size_t kMaxNameLength = 1024;
constexpr size_t kShownKeys = 8;

/// Keys under which training programs save the weights: torchvision's references and the PyTorch tutorials "model" and
/// "model_state_dict", timm and Lightning "state_dict"; then the averaged weights of timm and torchvision's references.
constexpr std::array<std::string_view, 7> kEntries = {
    "state_dict", "model", "model_state_dict", "state_dict_ema", "model_ema", "ema_state_dict", "ema"};

/// The storages of one state dict, and copies of tensors that had to be put in order.
struct TensorMemory : ValuesOwner {
  std::map<std::string, std::vector<std::byte>, std::less<>> storages;
  std::vector<std::vector<std::byte>> copies;
  uint64_t copied_bytes = 0;
};

bool is_contiguous(const PickleTensor& tensor) {
  int64_t expected = 1;
  for (size_t axis = tensor.shape.rank(); axis-- > 0;) {
    if (tensor.shape[axis] != 1 && tensor.strides[axis] != expected) return false;
    expected *= tensor.shape[axis];
  }
  return true;
}

/// Copies the elements of a view in row-major order to `dst`.
void gather(const PickleTensor& tensor, std::span<const std::byte> storage, std::span<std::byte> dst) {
  const size_t size = size_of(tensor.storage.dtype);
  std::vector<int64_t> index(tensor.shape.rank(), 0);
  uint64_t element = tensor.offset;
  for (size_t position = 0; position < dst.size(); position += size) {
    std::memcpy(dst.data() + position, storage.data() + element * size, size);
    for (size_t axis = index.size(); axis-- > 0;) {
      const auto stride = static_cast<uint64_t>(tensor.strides[axis]);
      element += stride;
      if (++index[axis] < tensor.shape[axis]) break;
      element -= stride * static_cast<uint64_t>(tensor.shape[axis]);
      index[axis] = 0;
    }
  }
}

class StateDictReader {
 public:
  StateDictReader(const PthArchive& archive, const PickleDocument& document, const std::string& file)
      : archive_(archive), document_(document), file_(file) {}

  PthStateDict read(const std::string& entry) {
    const auto* const root = std::get_if<PickleDict>(&document_.values[document_.root]);
    if (root == nullptr) fail("holds no dict, so no state dict");
    PthStateDict result;
    const PickleDict& state_dict = entry.empty() ? choose(*root, result) : take(*root, entry, result);
    const auto memory = std::make_shared<TensorMemory>();
    std::set<std::string_view> names;
    for (const auto& [key, value] : state_dict.items) {
      const auto* const tensor = std::get_if<PickleTensor>(&document_.values[value]);
      if (tensor == nullptr) continue;
      const auto* const name = std::get_if<std::string_view>(&document_.values[key]);
      if (name == nullptr) fail("a tensor's name is a number");
      check_name(*name, names.insert(*name).second);
      result.tensors.push_back(
          {std::string(*name), tensor->storage.dtype, tensor->shape, data_of(*tensor, *name, *memory)});
    }
    result.owner = memory;
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const { throw WeightError(fmt::format("{}: {}", file_, problem)); }

  void check_name(std::string_view name, bool is_new) const {
    const std::string where = fmt::format("tensor {}: ", quoted_name(name));
    if (name.empty()) fail("a tensor has an empty name");
    if (name.size() > kMaxNameLength) fail(fmt::format("{}the name is longer than {} bytes", where, kMaxNameLength));
    if (name.find('\0') != std::string_view::npos) fail(where + "the name has a NUL character");
    if (!is_new) fail(where + "is there twice");
  }

  bool holds_tensors(const PickleDict& dict) const {
    return std::any_of(dict.items.begin(), dict.items.end(), [this](const auto& item) {
      return std::holds_alternative<PickleTensor>(document_.values[item.second]);
    });
  }

  /// The dict under `key`; nullptr if there is none or it has no tensors.
  const PickleDict* find_state_dict(const PickleDict& root, std::string_view key) const {
    const PickleDict* found = nullptr;
    for (const auto& [item_key, value] : root.items) {
      const auto* const text = std::get_if<std::string_view>(&document_.values[item_key]);
      if (text == nullptr || *text != key) continue;
      if (found != nullptr) fail(fmt::format("key {} is there twice", quoted_name(key)));
      const auto* const dict = std::get_if<PickleDict>(&document_.values[value]);
      if (dict != nullptr && holds_tensors(*dict)) found = dict;
    }
    return found;
  }

  const PickleDict& choose(const PickleDict& root, PthStateDict& result) const {
    if (holds_tensors(root)) return root;
    const PickleDict* chosen = nullptr;
    for (const std::string_view key : kEntries) {
      const PickleDict* const dict = find_state_dict(root, key);
      if (dict == nullptr) continue;
      if (chosen == nullptr) {
        chosen = dict;
        result.entry = key;
      } else {
        result.other_entries.emplace_back(key);
      }
    }
    if (chosen == nullptr) {
      fail(fmt::format("holds no state dict under a known key ({}); its keys are {}", fmt::join(kEntries, ", "),
                       keys_of(root)));
    }
    return *chosen;
  }

  const PickleDict& take(const PickleDict& root, const std::string& entry, PthStateDict& result) const {
    const PickleDict* const dict = find_state_dict(root, entry);
    if (dict == nullptr) {
      fail(fmt::format("holds no state dict under {}; its keys are {}", quoted_name(entry), keys_of(root)));
    }
    result.entry = entry;
    for (const std::string_view key : kEntries) {
      if (key != entry && find_state_dict(root, key) != nullptr) result.other_entries.emplace_back(key);
    }
    return *dict;
  }

  std::string keys_of(const PickleDict& dict) const {
    std::vector<std::string> keys;
    for (const auto& [key, value] : dict.items) {
      if (keys.size() == kShownKeys) {
        keys.emplace_back("...");
        break;
      }
      const auto* const text = std::get_if<std::string_view>(&document_.values[key]);
      keys.push_back(text == nullptr ? "a number" : quoted_name(*text));
    }
    return keys.empty() ? "none" : fmt::format("{}", fmt::join(keys, ", "));
  }

  std::span<const std::byte> storage_of(const PickleTensor& tensor, std::string_view name, TensorMemory& memory) {
    const PickleStorage& storage = tensor.storage;
    uint64_t needed = 0;
    const bool overflows = __builtin_mul_overflow(storage.elements, size_of(storage.dtype), &needed);
    const uint64_t size = archive_.storage_size(storage.key);
    if (overflows || needed != size) {
      fail(fmt::format("tensor {}: storage {} of {} {} does not fit its entry of {} bytes", quoted_name(name),
                       storage.key, storage.elements, to_string(storage.dtype), size));
    }
    const auto [place, is_new] = memory.storages.try_emplace(std::string(storage.key));
    if (is_new) {
      place->second.resize(size);
      archive_.read_storage(storage.key, place->second);
    }
    return place->second;
  }

  std::span<const std::byte> data_of(const PickleTensor& tensor, std::string_view name, TensorMemory& memory) {
    const std::span<const std::byte> storage = storage_of(tensor, name, memory);
    const size_t element = size_of(tensor.storage.dtype);
    const auto size = static_cast<uint64_t>(tensor.shape.elements()) * element;
    if (size == 0) return {};
    if (is_contiguous(tensor)) return storage.subspan(tensor.offset * element, size);
    if (size > kMaxCopiedBytes - memory.copied_bytes) {
      fail(
          fmt::format("tensor {}: is a view of {} bytes that must be copied into order; the limit for all together is "
                      "{}",
                      quoted_name(name), size, kMaxCopiedBytes));
    }
    memory.copied_bytes += size;
    gather(tensor, storage, memory.copies.emplace_back(size));
    return memory.copies.back();
  }

  const PthArchive& archive_;
  const PickleDocument& document_;
  const std::string& file_;
};

}  // namespace

PthStateDict read_pth(std::span<const std::byte> bytes, const std::string& entry, const std::string& file) {
  const PthArchive archive(bytes, file);
  const std::string pickle = archive.read_pickle();
  const PickleDocument document = read_pickle(pickle, file);
  return StateDictReader(archive, document, file).read(entry);
}

}  // namespace zoo::weights
