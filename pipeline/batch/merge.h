// Puts the parts of a job together, and proves that nothing is missing or there twice.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/batch/job_key.h"
#include "pipeline/batch/part_files.h"

namespace zoo::batch {

/// All parts of one job, in the order of the shards.
class PartSet {
 public:
  /// Reads the receipts. Throws ConfigError with everything that is wrong, as far as a bounded list says it: shards
  /// that are missing or there twice, with their rows, and parts of other jobs or models, with what differs.
  explicit PartSet(std::span<const PartNames> parts);

  /// Of the job: of the first shard.
  const JobKey& key() const { return parts_.front().receipt.key; }
  const std::string& facts() const { return parts_.front().receipt.facts; }
  int64_t done() const;
  int64_t failed() const;
  /// Files that are read.
  std::vector<std::filesystem::path> files() const;

  struct Visitor {
    std::function<void(const std::string& head)> head = {};  ///< of a table, once, before its first record
    std::function<void(const std::string& record)> result;   ///< with its line feed
    std::function<void(const std::string& record)> failure;
  };
  /// Hands over every record, row by row. Throws ConfigError where a file is not what its receipt says, where a row is
  /// missing, there twice or of another shard, or has both results and a failure; what was handed over by then counts
  /// for nothing. Throws IoError.
  void visit(const Visitor& visitor) const;

 private:
  struct Part {
    PartNames names;
    Receipt receipt;
  };

  /// The first part of the job that most are of: what the others are held to.
  static size_t norm_of(std::span<const Part> parts);

  std::vector<Part> parts_;
};

/// Writes the results and the failures of a whole job into one file each (of failures only where there are any), and a
/// receipt, under the names of `names`. All are written beside and renamed when everything is proved. Throws as
/// PartSet::visit.
void merge_parts(const PartSet& parts, const PartNames& names);

}  // namespace zoo::batch
