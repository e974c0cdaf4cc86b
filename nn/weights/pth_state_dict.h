// The state dicts of a file of torch.save. Internal to nn/weights.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/weights/checkpoint_file.h"
#include "nn/weights/pth_archive.h"
#include "nn/weights/pth_pickle.h"

namespace zoo::weights {

/// A dict that holds tensors under names.
struct PthEntry : CheckpointEntry {
  PickleRef value = 0;
  std::vector<std::string> keys;             ///< all under which the file has this very dict; `key` is one of them
  std::vector<const PickleTensor*> sources;  ///< of CheckpointEntry::tensors
  std::string problem;                       ///< why it cannot be read, e.g. "tensor "a": is there twice"; else empty
};

/// An opened file. The file stays open, so that state dicts can be read when it is known which one is wanted.
/// Immutable, safe to share between threads.
class PthFile {
 public:
  /// Reads the directory and the pickle. Throws WeightError.
  explicit PthFile(const std::filesystem::path& path);

  /// The file's own dict, the dicts in it, and those in these, as far as they hold tensors; in the order of the file.
  const std::vector<PthEntry>& entries() const { return entries_; }
  /// The one that has this key; nullptr if none has.
  const PthEntry* find(std::string_view key) const;
  /// What the file holds instead of a state dict, for messages.
  std::string contents() const;

  struct Tensors {
    std::shared_ptr<const ValuesOwner> owner;
    std::vector<StoredTensor> tensors;
  };
  /// Reads the storages of a state dict, and only these. A tensor that lies in its storage as it should points there;
  /// others (transposed, expanded, ...) are copied into order: together no more than the file's own size and 64 MiB,
  /// for a view may repeat one number for ever. Throws WeightError: damaged, or the file has changed since it was
  /// opened.
  Tensors read(const PthEntry& entry) const;

 private:
  InputFile input_;
  std::string name_;
  PthArchive archive_;
  std::string pickle_;
  PickleDocument document_;
  std::vector<PthEntry> entries_;
  mutable std::mutex reading_;  ///< the archive
};

}  // namespace zoo::weights
