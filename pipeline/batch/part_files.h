// The files of a part: what they are called, and the receipt that a finished part has.
//
//   part-00003-of-00128.jsonl          results, in the order of the rows
//   failed-00003-of-00128.jsonl        inputs without a result, with the reason; only where there are any
//   part-00003-of-00128.receipt.json   whose results they are, how many, and what they hold (SHA-256): the part is
//   whole
//
// While it is worked on there are instead
//
//   part-00003-of-00128.jsonl.open, failed-00003-of-00128.jsonl.open
//   part-00003-of-00128.journal        up to where both are safely on the disk (part_writer.h)
//   part-00003-of-00128.begun          which rows are under way (rows_begun.h)
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/batch/job_key.h"

namespace zoo::batch {

struct PartNames {
  std::filesystem::path results;
  std::filesystem::path failed;
  std::filesystem::path receipt;
  std::filesystem::path journal;

  std::filesystem::path results_open() const { return results.native() + ".open"; }
  std::filesystem::path failed_open() const { return failed.native() + ".open"; }
  std::filesystem::path begun() const { return std::filesystem::path(journal).replace_extension(".begun"); }

  /// Everything that a part may write.
  std::vector<std::filesystem::path> all() const {
    return {results, failed, receipt, journal, results_open(), failed_open(), begun()};
  }
};

/// `extension`: of the results, e.g. ".jsonl".
PartNames part_names(const std::filesystem::path& folder, const ShardId& shard, const std::string& extension);
/// The same beside a file of results that somebody named: `all.jsonl`, `all.failed.jsonl`, `all.receipt.json`,
/// `all.journal`; with any other extension that stays, so that `all.csv` may lie beside it: `all.csv.failed.jsonl`, ...
PartNames names_beside(const std::filesystem::path& results);

/// The receipt or the journal that lies beside a file of results; nothing where it is no job's.
std::optional<std::filesystem::path> job_beside(const PartNames& names);

/// Throws ConfigError, with the way out, where the folder has parts of another number of shards.
void check_shard_count(const std::filesystem::path& folder, const ShardId& shard);

/// What is written of a file.
struct FileSeal {
  int64_t bytes = 0;
  std::string sha256;

  bool operator==(const FileSeal&) const = default;
};

struct Receipt {
  JobKey key;
  int64_t done = 0;    ///< rows with results
  int64_t failed = 0;  ///< rows in the file of failures
  FileSeal results;
  FileSeal failures;  ///< of no bytes where there is no file
  /// What the two files are called, beside the receipt. Empty in those of earlier versions, which are found by theirs.
  std::string results_name = {};
  std::string failures_name = {};
  std::string facts;    ///< JSON of the command's own; else empty
  bool merged = false;  ///< of what `merge` wrote: no part, wherever it lies
};

/// Of a file that is there. Throws IoError.
FileSeal seal_of(const std::filesystem::path& file);

/// Writes beside and renames. Throws IoError.
void write_receipt(const std::filesystem::path& file, const Receipt& receipt);
/// Throws IoError: it cannot be read; ConfigError, with the way out: it is no whole receipt.
Receipt read_receipt(const std::filesystem::path& file);

/// The finished parts that a user means with `path`: those of a folder, or the one that a file of results, of failures
/// or a receipt belongs to. What `merge` wrote into a folder is no part of it. Throws IoError: nothing there, or a part
/// that was named is not finished, with the way out; ConfigError as read_receipt.
std::vector<PartNames> find_parts(const std::filesystem::path& path);

}  // namespace zoo::batch
