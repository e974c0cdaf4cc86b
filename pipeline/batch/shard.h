// Which part of a job one task does. Schedulers start the tasks; all that they have to say is a number.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace zoo::batch {

/// So many shards at most; the numbers in the names of parts have five digits or more.
inline constexpr int64_t kMaxShards = 1'000'000;

/// Shard `index` of `count`, counted from 0.
struct ShardId {
  int64_t index = 0;
  int64_t count = 1;

  bool operator==(const ShardId&) const = default;
};

/// "3/128".
std::string to_string(const ShardId& shard);

/// Rows [begin, end) of a manifest.
struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;

  int64_t size() const { return end - begin; }
  bool has(int64_t row) const { return row >= begin && row < end; }
  bool operator==(const RowRange&) const = default;
};

/// Neighbouring rows: shard I of N has the rows from I * rows / N up to (I + 1) * rows / N, rounded down. So the
/// results of all shards one after the other are those of one run, and no shard has more than one row more than
/// another.
RowRange rows_of_shard(int64_t rows, const ShardId& shard);

/// Where a shard was taken from, for a message.
struct ShardChoice {
  ShardId shard;
  std::string origin;  ///< e.g. "SLURM_ARRAY_TASK_ID=3, SLURM_ARRAY_TASK_COUNT=128"; empty: it was given, or is 0/1
};

/// The value of an environment variable; nothing where it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// `text`: "I/N", or "auto/N" (I as the scheduler says it), "auto" (N, too), or nothing: the scheduler's where there is
/// one, else the only shard.
///
///   Slurm                      I = SLURM_ARRAY_TASK_ID; without N the array must be whole (0-15 or 1-16): N =
///                              SLURM_ARRAY_TASK_COUNT, and I counts from SLURM_ARRAY_TASK_MIN
///   Kubernetes Indexed Job     I = JOB_COMPLETION_INDEX; N must be given
///   GNU parallel               I = PARALLEL_SEQ - 1; N must be given
///   Open MPI                   I = OMPI_COMM_WORLD_RANK, N = OMPI_COMM_WORLD_SIZE
///
/// Throws ConfigError where that is not one shard: with what is wrong and what to write.
ShardChoice choose_shard(std::string_view text, const Environment& environment);

}  // namespace zoo::batch
