#include "nn/weights/checkpoint_file.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/weights/file_access.h"
#include "nn/weights/foreign_file.h"
#include "nn/weights/pth_state_dict.h"
#include "nn/weights/safetensors_header.h"
#include "nn/weights/safetensors_index.h"

namespace zoo::weights {
namespace {

constexpr uint64_t kMaxIndexBytes = uint64_t{64} << 20U;
constexpr size_t kMaxShards = 4'096;
constexpr size_t kShownEntries = 8;

/// Keys under which training programs save the weights: torchvision's references and the PyTorch tutorials "model" and
/// "model_state_dict", timm and Lightning "state_dict"; then the averaged weights of timm and torchvision's references.
constexpr std::array<std::string_view, 7> kKnownEntries = {
    "state_dict", "model", "model_state_dict", "state_dict_ema", "model_ema", "ema_state_dict", "ema"};

enum class Format { kSafetensors, kIndex, kZip, kPickle };

/// A safetensors file begins with 8 bytes of length, which may be any, and then '{'; neither of the others has that
/// there: the ninth byte of a zip entry is the compression method, that of a pickle the inside of an integer; and JSON
/// would be a header beyond any length.
Format format_of(std::string_view head) {
  constexpr size_t kLengthBytes = 8;
  if (looks_like_index(head)) return Format::kIndex;
  if (head.size() > kLengthBytes && head[kLengthBytes] == '{') return Format::kSafetensors;
  if (head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06")) return Format::kZip;
  if (head.size() > 1 && head[0] == '\x80' && head[1] >= 1 && head[1] <= 5) return Format::kPickle;
  return Format::kSafetensors;
}

Format format_of_file(const std::filesystem::path& path) {
  const InputFile input(path);
  std::string head(std::min<size_t>(input.size(), kForeignHeadBytes), '\0');
  input.read(0, std::as_writable_bytes(std::span(head)));
  return format_of(head);
}

/// The owners of several files.
struct SharedOwners : CheckedValuesOwner {
  void set_aside() const override {
    for (const auto& owner : files.owners) owner->set_aside();
  }
  void check_unchanged() const override { zoo::check_unchanged(files); }

  ParameterValues files;  ///< without views
};

/// The one that CheckpointFile::entries says is taken first.
const PthEntry& preferred(const std::vector<PthEntry>& entries) {
  const size_t own = entries.front().key.empty() ? entries.front().tensors.size() : 0;
  size_t largest = 0;
  for (const PthEntry& entry : entries) largest = std::max(largest, entry.tensors.size());
  const auto rank = [&](const PthEntry& entry) {
    const std::optional<size_t> known = known_entry(entry.key);
    // A tensor beside the state dict does not make the file itself one, nor one under a known key that key's dict.
    if (known && entry.tensors.size() >= own) return std::pair(size_t{0}, *known);
    if (entry.key.empty() && own == largest) return std::pair(size_t{1}, size_t{0});
    return std::pair(size_t{entry.problem.empty() ? 2U : 3U}, largest - entry.tensors.size());
  };
  return *std::ranges::min_element(entries, {}, rank);
}

std::string names_of(const std::vector<PthEntry>& entries) {
  std::vector<std::string> names;
  for (const PthEntry& entry : entries) {
    if (entry.key.empty()) continue;
    if (names.size() == kShownEntries) {
      names.emplace_back("...");
      break;
    }
    names.push_back(quoted_name(entry.key));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::optional<size_t> known_entry(std::string_view key) {
  const auto found = std::ranges::find(kKnownEntries, key);
  if (found == kKnownEntries.end()) return std::nullopt;
  return static_cast<size_t>(found - kKnownEntries.begin());
}

CheckpointFile::CheckpointFile(const SafetensorsFile& file)
    : path_(file.path()), owner_(file.owner()), tensors_(file.tensors()) {
  build_index();
}

CheckpointFile CheckpointFile::open(const std::filesystem::path& path, const CheckpointFileOptions& options) {
  const std::string name = path.string();
  switch (format_of_file(path)) {
    case Format::kZip:
      return open_pth(path, options);
    case Format::kPickle:
      throw WeightError(
          fmt::format("{0}: this is a bare pickle, as PyTorch wrote before version 1.6 (.pth, .pt), which is not read. "
                      "Save it anew in Python: import torch; torch.save(torch.load(\"{0}\", map_location=\"cpu\", "
                      "weights_only=True), \"model.pth\")",
                      name));
    case Format::kIndex:
    case Format::kSafetensors:
      break;
  }
  const bool is_prefix = options.entry.ends_with('.');
  if (!options.entry.empty() && !is_prefix) {
    throw WeightError(
        fmt::format("{}: has no entry {}: a safetensors file holds tensors only", name, quoted_name(options.entry)));
  }
  CheckpointFile file = format_of_file(path) == Format::kIndex
                            ? open_index(path, options)
                            : CheckpointFile(SafetensorsFile::open(path, options.file_use));
  file.wanted_prefix_ = options.entry;
  return file;
}

CheckpointFile CheckpointFile::open_pth(const std::filesystem::path& path, const CheckpointFileOptions& options) {
  CheckpointFile file;
  file.path_ = path;
  file.pth_ = std::make_shared<const PthFile>(path);
  const std::vector<PthEntry>& entries = file.pth_->entries();
  if (entries.empty()) {
    throw WeightError(fmt::format(
        "{}: holds no state dict, but {}; if you trust the file, load it in Python and save the weights alone: "
        "torch.save(model.state_dict(), \"model.pth\")",
        path.string(), file.pth_->contents()));
  }
  const PthEntry* const asked = file.pth_->find(options.entry);
  const bool is_prefix = options.entry.ends_with('.') && asked == nullptr;
  if (options.entry.empty() || is_prefix) {
    file.may_choose_ = true;
    if (is_prefix) file.wanted_prefix_ = options.entry;
    file.take(preferred(entries));
    return file;
  }
  if (asked == nullptr) {
    const std::string names = names_of(entries);
    throw WeightError(fmt::format("{}: holds no state dict under {}; it holds {}", path.string(),
                                  quoted_name(options.entry),
                                  names.empty() ? file.pth_->contents() : "state dicts under " + names));
  }
  file.take(*asked);
  file.entry_ = options.entry;
  return file;
}

CheckpointFile CheckpointFile::open_index(const std::filesystem::path& path, const CheckpointFileOptions& options) {
  const std::string name = path.string();
  const InputFile input(path);
  if (input.size() > kMaxIndexBytes) input.fail(fmt::format("is JSON of more than {} bytes", kMaxIndexBytes));
  std::string json(input.size(), '\0');
  input.read(0, std::as_writable_bytes(std::span(json)));
  const ShardMap shard_of = parse_index(json, name);
  std::set<std::string_view> shards;
  for (const auto& [tensor, shard] : shard_of) shards.insert(shard);
  if (shards.size() > kMaxShards) input.fail(fmt::format("names more than {} files", kMaxShards));

  std::vector<std::string> missing;
  for (const std::string_view shard : shards) {
    std::error_code error;
    if (!std::filesystem::exists(path.parent_path() / shard, error)) missing.push_back(quoted_name(shard));
  }
  if (!missing.empty()) {
    input.fail(
        fmt::format("{} of the {} files of the checkpoint are not beside it: {}; fetch them into the same folder",
                    missing.size(), shards.size(), fmt::join(missing, ", ")));
  }

  CheckpointFile file;
  file.path_ = path;
  const auto owners = std::make_shared<SharedOwners>();
  for (const std::string_view shard : shards) {
    const std::filesystem::path shard_path = path.parent_path() / shard;
    if (format_of_file(shard_path) == Format::kIndex)
      input.fail(fmt::format("{} is an index, too", quoted_name(shard)));
    const CheckpointFile part = open(shard_path, {.entry = {}, .file_use = options.file_use});
    for (const StoredTensor& tensor : part.tensors()) {
      const auto listed = shard_of.find(tensor.name);
      if (listed == shard_of.end() || listed->second != shard) {
        input.fail(fmt::format("tensor {} is in {}, but the index {}", quoted_name(tensor.name), quoted_name(shard),
                               listed == shard_of.end() ? "does not name it" : "says " + quoted_name(listed->second)));
      }
      file.tensors_.push_back(tensor);
    }
    owners->files.owners.push_back(part.owner());
  }
  file.owner_ = owners;
  file.build_index();
  for (const auto& [tensor, shard] : shard_of) {
    if (file.find(tensor) == nullptr) {
      input.fail(
          fmt::format("tensor {} is not in {}, where the index says it is", quoted_name(tensor), quoted_name(shard)));
    }
  }
  return file;
}

void CheckpointFile::take(const CheckpointEntry& entry) {
  const PthEntry* const found = pth_ == nullptr ? nullptr : pth_->find(entry.key);
  if (found == nullptr) throw WeightError(fmt::format("{}: has no entry {}", path_.string(), quoted_name(entry.key)));
  PthFile::Tensors tensors = pth_->read(*found);
  owner_ = std::move(tensors.owner);
  tensors_ = std::move(tensors.tensors);
  others_ = found->others;
  entry_ = found->key;
  build_index();
}

const StoredTensor* CheckpointFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

std::vector<std::string> CheckpointFile::other_entries() const {
  std::vector<std::string> keys;
  if (pth_ == nullptr) return keys;
  for (const std::string_view key : kKnownEntries) {
    const PthEntry* const other = pth_->find(key);
    if (other != nullptr && other != pth_->find(entry_)) keys.emplace_back(key);
  }
  return keys;
}

std::vector<const CheckpointEntry*> CheckpointFile::entries() const {
  std::vector<const CheckpointEntry*> entries;
  if (!may_choose_) return entries;
  for (const PthEntry& entry : pth_->entries()) {
    if (entry.problem.empty()) entries.push_back(&entry);
  }
  return entries;
}

CheckpointFile CheckpointFile::with_entry(const CheckpointEntry& entry) const {
  CheckpointFile file = *this;
  file.take(entry);
  return file;
}

void CheckpointFile::build_index() {
  index_.clear();
  for (size_t i = 0; i < tensors_.size(); ++i) index_.emplace(tensors_[i].name, i);
}

}  // namespace zoo::weights
