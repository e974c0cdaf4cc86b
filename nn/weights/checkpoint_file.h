// One face for every kind of checkpoint file: named tensors, wherever they come from.
//
// The content decides, never the file's name: safetensors (safetensors.h) or the zip archive that torch.save writes
// (.pth, .pt, .bin; pth_state_dict.h). PyTorch's form before version 1.6, a bare pickle, is recognised and refused.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nn/weights/safetensors.h"

namespace zoo::weights {

struct CheckpointFileOptions {
  /// The key of a PyTorch checkpoint whose state dict is read, e.g. "model_ema". Empty: the file itself if it is a
  /// state dict, else the first of "state_dict", "model", "model_state_dict", "state_dict_ema", "model_ema",
  /// "ema_state_dict", "ema" that is there: averaged weights only where there are no others.
  std::string entry;
};

/// An opened checkpoint. Immutable; copies share the memory behind the tensors. For safetensors that memory is the
/// mapped file, see there; a PyTorch file is read into memory and may change or vanish afterwards.
class CheckpointFile {
 public:
  /// Throws WeightError naming the file and what is wrong: broken, refused, or without what `options.entry` asks for.
  static CheckpointFile open(const std::filesystem::path& path, const CheckpointFileOptions& options = {});

  /// A tensor file that is open already. Implicit: it is a checkpoint.
  CheckpointFile(const SafetensorsFile& file);  // NOLINT(google-explicit-constructor)

  const std::filesystem::path& path() const { return path_; }
  /// In the order of the file.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  /// nullptr if there is none of this name.
  const StoredTensor* find(std::string_view name) const;
  /// Keeps the memory behind the tensors alive for views taken from it.
  const std::shared_ptr<const ValuesOwner>& owner() const { return owner_; }
  /// The key that the tensors were taken from; empty if the file itself is the state dict.
  const std::string& entry() const { return entry_; }
  /// Further keys with a state dict, which were left alone.
  const std::vector<std::string>& other_entries() const { return other_entries_; }

 private:
  CheckpointFile() = default;
  void build_index();

  std::filesystem::path path_;
  std::shared_ptr<const ValuesOwner> owner_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, size_t, std::less<>> index_;
  std::string entry_;
  std::vector<std::string> other_entries_;
};

}  // namespace zoo::weights
