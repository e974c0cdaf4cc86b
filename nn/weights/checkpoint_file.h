// One face for every kind of checkpoint file: named tensors, wherever they come from.
//
// The content decides, never the file's name: safetensors (safetensors.h), the index of a checkpoint in several of them
// (model.safetensors.index.json), or the zip archive that torch.save writes (.pth, .pt, .bin; pth_state_dict.h).
// PyTorch's form before version 1.6, a bare pickle, is recognised and refused; so are the files of other programs.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nn/weights/safetensors.h"

namespace zoo::weights {

struct CheckpointFileOptions {
  /// The key of a PyTorch checkpoint whose state dict is read, e.g. "model_ema"; for a dict within a dict both keys
  /// with a slash between. Or, with a dot at its end, what the names of the wanted tensors begin with, e.g. "teacher.".
  /// Empty: load_checkpoint takes what fits the network, see CheckpointFile::entries.
  std::string entry;
  FileUse file_use = FileUse::kCopy;
};

/// A state dict of a file.
struct CheckpointEntry {
  std::string key;                    ///< as CheckpointFileOptions::entry; empty: the file itself
  std::vector<StoredTensor> tensors;  ///< without their data
  /// Names in the dict behind which there is no tensor, and what there is instead: "an object of argparse.Namespace".
  std::map<std::string, std::string, std::less<>> others;
};

class PthFile;

/// An opened checkpoint. Immutable, safe to share between threads; copies share the memory behind the tensors, which
/// for a safetensors file is what CheckpointFileOptions::file_use says. A PyTorch file is read into memory, and stays
/// open as long as the object lives.
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
  /// CheckpointEntry::others of what the tensors were taken from.
  const std::map<std::string, std::string, std::less<>>& others() const { return others_; }
  /// Keeps the memory behind the tensors alive for views taken from it.
  const std::shared_ptr<const ValuesOwner>& owner() const { return owner_; }

  /// The key that the tensors were taken from; empty if the file itself is the state dict.
  const std::string& entry() const { return entry_; }
  /// Further keys under which training programs save state dicts, with one each, which were left alone.
  std::vector<std::string> other_entries() const;
  /// CheckpointFileOptions::entry if it was the beginning of names.
  const std::string& wanted_prefix() const { return wanted_prefix_; }

  /// The state dicts between which there is a choice: those of a PyTorch file, if no key was asked for; otherwise none.
  /// `tensors` are of the first in this order: "state_dict", "model", "model_state_dict"; "state_dict_ema",
  /// "model_ema", "ema_state_dict", "ema" (averaged weights only where there are no others); the file itself; any
  /// other, the largest first.
  std::vector<const CheckpointEntry*> entries() const;
  /// The same file with the tensors of that state dict, a member of `entries`. Throws WeightError.
  CheckpointFile with_entry(const CheckpointEntry& entry) const;

 private:
  CheckpointFile() = default;
  static CheckpointFile open_pth(const std::filesystem::path& path, const CheckpointFileOptions& options);
  static CheckpointFile open_index(const std::filesystem::path& path, const CheckpointFileOptions& options);
  void take(const CheckpointEntry& entry);
  void build_index();

  std::filesystem::path path_;
  std::shared_ptr<const ValuesOwner> owner_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, size_t, std::less<>> index_;
  std::map<std::string, std::string, std::less<>> others_;
  std::string entry_;
  std::string wanted_prefix_;
  bool may_choose_ = false;
  std::shared_ptr<const PthFile> pth_;
};

/// The place of a state dict's key among those that training programs use, as CheckpointFile::entries lists them; empty
/// for another key.
std::optional<size_t> known_entry(std::string_view key);

}  // namespace zoo::weights
