// The frozen list of what a job works on.
//
//   backbone-zoo-manifest<TAB>1<TAB>ROWS<TAB>ROOT
//   0<TAB>52133<TAB>2024/a.jpg
//   1<TAB>8412<TAB>2024/b.jpg
//
// A row is its number, the file's size in bytes and its path below ROOT; rows are sorted by path, byte by byte, and
// each path is there once. In ROOT and paths a backslash is `\\`, and a byte that is no printable UTF-8 `\xHH`. A
// relative ROOT lies below the folder of the manifest.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/batch/shard.h"

namespace zoo::batch {

struct ManifestRow {
  int64_t row = 0;
  int64_t bytes = 0;
  std::string path;  ///< below the root, as the file system has it
};

/// What one shard needs of a manifest.
struct Manifest {
  std::filesystem::path root;
  std::string digest;  ///< SHA-256 of the file
  int64_t rows = 0;    ///< of all shards
  std::vector<ManifestRow> part;
};

/// Checks the whole file and keeps the rows of a shard. Throws ConfigError with what is wrong, line by line (the first
/// 20), or where there is none or it is no regular file; IoError where it cannot be read.
Manifest read_manifest(const std::filesystem::path& file, const ShardId& shard);

}  // namespace zoo::batch
