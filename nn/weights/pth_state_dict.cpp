#include "nn/weights/pth_state_dict.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/weights/safetensors_header.h"

namespace zoo::weights {
namespace {

constexpr uint64_t kMoreCopiedBytes = uint64_t{64} << 20U;
constexpr size_t kMaxNameLength = 1024;
constexpr size_t kMaxKeyLength = 256;
constexpr int kMaxDepth = 2;
constexpr size_t kShownKeys = 8;
// Bounds on what one dict or name, that many others refer to, may cost.
constexpr size_t kMaxPlaces = 10'000;
constexpr size_t kMaxNameBytes = size_t{64} << 20U;
constexpr size_t kMaxOthers = 1'000;

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

/// What is wrong with the name of a tensor, or empty.
std::string problem_of_name(std::string_view name, bool is_new) {
  const std::string where = fmt::format("tensor {}: ", quoted_name(name));
  if (name.empty()) return "a tensor has an empty name";
  if (name.size() > kMaxNameLength) return fmt::format("{}the name is longer than {} bytes", where, kMaxNameLength);
  if (name.find('\0') != std::string_view::npos) return where + "the name has a NUL character";
  return is_new ? std::string() : where + "is there twice";
}

/// Looks for dicts of tensors, each once, however often the file refers to it.
class EntryFinder {
 public:
  explicit EntryFinder(const PickleDocument& document) : document_(document) {}

  std::vector<PthEntry> find() {
    keys_[document_.root] = {""};
    waiting_.push_back({document_.root, "", 0});
    // Level by level, as far as the list grows.
    for (size_t next = 0; next < waiting_.size(); ++next) {
      const Place place = waiting_[next];
      visit(place.value, place.key, place.depth);
    }
    for (PthEntry& entry : entries_) {
      entry.keys = keys_.at(entry.value);
      const auto known = std::ranges::find_if(entry.keys, [](const auto& key) { return known_entry(key).has_value(); });
      if (known != entry.keys.end()) entry.key = *known;
      for (const std::string& key : entry.keys) {
        if (twice_.contains(key)) entry.problem = fmt::format("key {} is there twice", quoted_name(key));
      }
    }
    return std::move(entries_);
  }

 private:
  struct Place {
    PickleRef value;
    std::string key;
    int depth;
  };

  void visit(PickleRef ref, const std::string& key, int depth) {
    if (const auto* const dict = document_.as<PickleDict>(ref)) {
      take(*dict, ref, key);
      for (const auto& [item_key, value] : dict->items) {
        const auto* const text = document_.as<std::string_view>(item_key);
        if (text != nullptr) put_off(value, key, *text, depth);
      }
      return;
    }
    const auto* const list = document_.as<PickleList>(ref);
    const auto* const tuple = document_.as<PickleTuple>(ref);
    if (depth > 0 || (list == nullptr && tuple == nullptr)) return;
    const std::vector<PickleRef>& items = list != nullptr ? list->items : tuple->items;
    for (size_t i = 0; i < items.size(); ++i) put_off(items[i], key, std::to_string(i), depth);
  }

  void put_off(PickleRef value, const std::string& parent, std::string_view key, int depth) {
    if (depth == kMaxDepth || paths_.size() == kMaxPlaces || document_.as<PickleDict>(value) == nullptr) return;
    if (key.empty() || key.size() > kMaxKeyLength || key.find('\0') != std::string_view::npos) return;
    std::string path = parent.empty() ? std::string(key) : fmt::format("{}/{}", parent, key);
    if (!paths_.insert(path).second) twice_.insert(path);
    const auto [known, is_new] = keys_.try_emplace(value);
    known->second.push_back(path);
    if (is_new) waiting_.push_back({value, std::move(path), depth + 1});
  }

  void take(const PickleDict& dict, PickleRef value, const std::string& key) {
    PthEntry entry;
    entry.key = key;
    entry.value = value;
    std::set<std::string_view> names;
    for (const auto& [item_key, item] : dict.items) {
      const auto* const name = document_.as<std::string_view>(item_key);
      const PickleTensor* const tensor = document_.tensor(item);
      if (tensor == nullptr) {
        const bool has_name = name != nullptr && !name->empty() && name->size() <= kMaxNameLength;
        if (has_name && entry.others.size() < kMaxOthers)
          entry.others.emplace(*name, describe_pickle_value(document_, item));
        continue;
      }
      entry.problem =
          name == nullptr ? "a tensor's name is not text" : problem_of_name(*name, names.insert(*name).second);
      if (!entry.problem.empty()) break;
      name_bytes_ += name->size();
      if (name_bytes_ > kMaxNameBytes) return;
      entry.tensors.push_back({std::string(*name), tensor->storage.dtype, tensor->shape, {}});
      entry.sources.push_back(tensor);
    }
    if (!entry.tensors.empty() || !entry.problem.empty()) entries_.push_back(std::move(entry));
  }

  const PickleDocument& document_;
  std::map<PickleRef, std::vector<std::string>> keys_;  ///< of every dict that was met
  std::vector<Place> waiting_;
  std::set<std::string> paths_;
  std::set<std::string> twice_;
  std::vector<PthEntry> entries_;
  size_t name_bytes_ = 0;
};

class TensorReader {
 public:
  TensorReader(const PthArchive& archive, const std::string& file) : archive_(archive), file_(file) {}

  PthFile::Tensors read(const PthEntry& entry) {
    PthFile::Tensors result = {memory_, entry.tensors};
    for (size_t i = 0; i < entry.sources.size(); ++i) {
      result.tensors[i].data = data_of(*entry.sources[i], entry.tensors[i].name);
    }
    return result;
  }

 private:
  [[noreturn]] void fail(std::string_view name, const std::string& problem) const {
    throw WeightError(fmt::format("{}: tensor {}: {}", file_, quoted_name(name), problem));
  }

  std::span<const std::byte> storage_of(const PickleTensor& tensor, std::string_view name) {
    const PickleStorage& storage = tensor.storage;
    uint64_t needed = 0;
    const bool overflows = __builtin_mul_overflow(storage.elements, size_of(storage.dtype), &needed);
    const uint64_t size = archive_.storage_size(storage.key);
    if (overflows || needed != size) {
      fail(name, fmt::format("storage {} of {} {} does not fit its entry of {} bytes", storage.key, storage.elements,
                             to_string(storage.dtype), size));
    }
    const auto [place, is_new] = memory_->storages.try_emplace(std::string(storage.key));
    if (is_new) {
      place->second.resize(size);
      archive_.read_storage(storage.key, place->second);
    }
    return place->second;
  }

  std::span<const std::byte> data_of(const PickleTensor& tensor, std::string_view name) {
    const std::span<const std::byte> storage = storage_of(tensor, name);
    const size_t element = size_of(tensor.storage.dtype);
    const auto size = static_cast<uint64_t>(tensor.shape.elements()) * element;
    if (size == 0) return {};
    if (is_contiguous(tensor)) return storage.subspan(tensor.offset * element, size);
    const uint64_t limit = archive_.size() + kMoreCopiedBytes;
    if (size > limit - memory_->copied_bytes) {
      fail(name, fmt::format("is a view of {} bytes that must be copied into order; the limit for all together is {}",
                             size, limit));
    }
    memory_->copied_bytes += size;
    gather(tensor, storage, memory_->copies.emplace_back(size));
    return memory_->copies.back();
  }

  const PthArchive& archive_;
  const std::string& file_;
  std::shared_ptr<TensorMemory> memory_ = std::make_shared<TensorMemory>();
};

}  // namespace

PthFile::PthFile(const std::filesystem::path& path)
    : input_(path),
      name_(path.string()),
      archive_(input_, name_),
      pickle_(archive_.read_pickle()),
      document_(zoo::weights::read_pickle(pickle_, name_)),
      entries_(EntryFinder(document_).find()) {}

const PthEntry* PthFile::find(std::string_view key) const {
  for (const PthEntry& entry : entries_) {
    if (std::ranges::find(entry.keys, key) != entry.keys.end()) return &entry;
  }
  return nullptr;
}

std::string PthFile::contents() const {
  const auto* const root = document_.as<PickleDict>(document_.root);
  if (root == nullptr) return describe_pickle_value(document_, document_.root);
  std::vector<std::string> keys;
  for (const auto& [key, value] : root->items) {
    if (keys.size() == kShownKeys) {
      keys.emplace_back("...");
      break;
    }
    const auto* const text = document_.as<std::string_view>(key);
    keys.push_back(fmt::format("{} ({})", text == nullptr ? "a key that is not text" : quoted_name(*text),
                               describe_pickle_value(document_, value)));
  }
  return keys.empty() ? "an empty dict" : fmt::format("a dict of {}", fmt::join(keys, ", "));
}

PthFile::Tensors PthFile::read(const PthEntry& entry) const {
  const std::scoped_lock lock(reading_);
  if (!entry.problem.empty()) throw WeightError(fmt::format("{}: {}", name_, entry.problem));
  Tensors tensors = TensorReader(archive_, name_).read(entry);
  if (input_.changed()) input_.fail("the file changes while it is read; is it still being written?");
  return tensors;
}

}  // namespace zoo::weights
