// Writes manifests (manifest.h) of any number of files in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/core/files.h"

namespace zoo::batch {

struct ManifestFile {
  std::string path;  ///< below the root, as the file system has it
  int64_t bytes = 0;
};

/// What a manifest says of a file: its size; 0 of what is no regular file and of a link to nothing or to itself, whose
/// rows fail when they are read. Throws IoError where the file system cannot tell.
int64_t listed_bytes(const std::filesystem::path& file);

/// Of a manifest that was written.
struct ManifestTotals {
  std::filesystem::path root;
  int64_t rows = 0;
  int64_t bytes = 0;                                 ///< of all files together
  std::vector<std::filesystem::path> left_out = {};  ///< wanted, but no regular files
};

/// Takes files in any order and writes them sorted, each once. What does not fit into the memory lies sorted in hidden
/// files beside the manifest meanwhile (NewFile), which are merged. Every member throws IoError.
class ManifestWriter {
 public:
  static constexpr size_t kMostMemory = size_t{128} << 20U;

  /// `most_memory`: about, in bytes.
  explicit ManifestWriter(std::filesystem::path file, size_t most_memory = kMostMemory);

  void add(ManifestFile file);
  bool is_empty() const { return waiting_.empty() && runs_.empty(); }
  /// Beside the name, and renamed when it is whole. Once.
  ManifestTotals write(const std::filesystem::path& root);

 private:
  using Take = std::function<void(const ManifestFile&)>;

  void sort_waiting();
  void spill();
  void merge_runs(const Take& take) const;
  std::unique_ptr<NewFile> new_run() const;

  const std::filesystem::path file_;
  const size_t most_memory_;
  std::vector<ManifestFile> waiting_;
  size_t waiting_bytes_ = 0;
  std::vector<std::unique_ptr<NewFile>> runs_;
};

/// Writes a manifest of the files below `folders`, subfolders included (walk_folder.h), that `wanted` takes, under the
/// deepest folder that holds all of `folders`; its path is absolute and without links. What is no regular file (a pipe,
/// a link to nothing or to itself) is left out. Throws IoError: no such folder, one that cannot be read, a file whose
/// size cannot be told, nothing that is wanted.
ManifestTotals write_manifest(std::span<const std::filesystem::path> folders,
                              const std::function<bool(const std::filesystem::path&)>& wanted,
                              const std::filesystem::path& file, size_t most_memory = ManifestWriter::kMostMemory);

}  // namespace zoo::batch
