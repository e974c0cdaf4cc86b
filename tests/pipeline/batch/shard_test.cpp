#include "pipeline/batch/shard.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"

namespace zoo::batch {
namespace {

using ::testing::HasSubstr;

Environment having(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

std::string refusal(std::string_view text, const std::map<std::string, std::string>& values = {}) {
  try {
    choose_shard(text, having(values));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Shard, ShardsAreNeighbouringRowsAndTogetherAllOfThem) {
  for (const int64_t rows : {int64_t{0}, int64_t{1}, int64_t{16}, int64_t{20'001}, int64_t{50'000'000'000}}) {
    for (const int64_t count : {int64_t{1}, int64_t{3}, int64_t{16}, int64_t{1'000}}) {
      int64_t next = 0;
      for (int64_t index = 0; index < count; ++index) {
        const RowRange range = rows_of_shard(rows, {index, count});
        EXPECT_EQ(range.begin, next);
        EXPECT_GE(range.size(), rows / count);
        EXPECT_LE(range.size(), rows / count + 1);
        next = range.end;
      }
      EXPECT_EQ(next, rows) << rows << " rows, " << count << " shards";
    }
  }
  EXPECT_EQ(rows_of_shard(INT64_MAX / 2, {kMaxShards - 1, kMaxShards}).end, INT64_MAX / 2);
}

TEST(Shard, AGivenOneCountsWhateverASchedulerSays) {
  const ShardChoice choice = choose_shard("3/16", having({{"SLURM_ARRAY_TASK_ID", "7"}}));
  EXPECT_EQ(choice.shard, (ShardId{3, 16}));
  EXPECT_EQ(choice.origin, "");
}

TEST(Shard, WithoutOneAndWithoutASchedulerItIsAllOfIt) {
  EXPECT_EQ(choose_shard("", having({})).shard, (ShardId{0, 1}));
  EXPECT_EQ(choose_shard("", having({{"SLURM_ARRAY_TASK_ID", ""}})).shard, (ShardId{0, 1}));
}

TEST(Shard, SlurmSaysBothForAWholeArray) {
  std::map<std::string, std::string> array = {{"SLURM_ARRAY_TASK_ID", "3"},
                                              {"SLURM_ARRAY_TASK_MIN", "1"},
                                              {"SLURM_ARRAY_TASK_MAX", "16"},
                                              {"SLURM_ARRAY_TASK_COUNT", "16"}};
  EXPECT_EQ(choose_shard("auto", having(array)).shard, (ShardId{2, 16}));
  EXPECT_EQ(choose_shard("", having(array)).origin,
            "SLURM_ARRAY_TASK_ID=3, SLURM_ARRAY_TASK_MIN=1, SLURM_ARRAY_TASK_COUNT=16");
  // Tasks that are run again, --array=3,7: only who says N knows what they are.
  array["SLURM_ARRAY_TASK_MIN"] = "3";
  array["SLURM_ARRAY_TASK_MAX"] = "7";
  array["SLURM_ARRAY_TASK_COUNT"] = "2";
  EXPECT_THAT(refusal("auto", array), HasSubstr("give --shard auto/N"));
  EXPECT_EQ(choose_shard("auto/16", having(array)).shard, (ShardId{3, 16}));
}

TEST(Shard, TheOthersSayTheNumberAndOneOfThemTheCount) {
  EXPECT_EQ(choose_shard("auto/4", having({{"JOB_COMPLETION_INDEX", "0"}})).shard, (ShardId{0, 4}));
  EXPECT_EQ(choose_shard("auto/4", having({{"PARALLEL_SEQ", "4"}})).shard, (ShardId{3, 4}));
  const ShardChoice mpi = choose_shard("auto", having({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}}));
  EXPECT_EQ(mpi.shard, (ShardId{1, 2}));
  EXPECT_EQ(mpi.origin, "OMPI_COMM_WORLD_RANK=1, OMPI_COMM_WORLD_SIZE=2");
}

TEST(Shard, WhatIsNotOneShardIsRefusedWithTheWayOut) {
  EXPECT_THAT(refusal("16/16"), HasSubstr("they count from 0: 0/16 to 15/16"));
  EXPECT_THAT(refusal("-1/16"), HasSubstr("expected I/N, e.g. 0/16"));
  EXPECT_THAT(refusal("3"), HasSubstr("expected I/N, e.g. 0/16"));
  EXPECT_THAT(refusal("3/0"), HasSubstr("N from 1 to"));
  EXPECT_THAT(refusal("auto/4"), HasSubstr("no scheduler says which shard this is"));
  EXPECT_THAT(refusal("", {{"JOB_COMPLETION_INDEX", "0"}}), HasSubstr("give --shard auto/N"));
  EXPECT_THAT(refusal("auto/4", {{"JOB_COMPLETION_INDEX", "4"}}), HasSubstr("0/4 to 3/4"));
  EXPECT_THAT(refusal("auto/4", {{"PARALLEL_SEQ", "0"}}), HasSubstr("counts from 1"));
  EXPECT_THAT(refusal("auto/4", {{"SLURM_ARRAY_TASK_ID", "x"}}), HasSubstr("SLURM_ARRAY_TASK_ID=x"));
  EXPECT_THAT(refusal("auto/4", {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "8"}}),
              HasSubstr("--shard says that there are 4"));
  // GNU parallel inside a task of an array.
  EXPECT_THAT(refusal("auto/4", {{"SLURM_ARRAY_TASK_ID", "1"}, {"PARALLEL_SEQ", "1"}}),
              HasSubstr("SLURM_ARRAY_TASK_ID=1 means shard 1/4, but PARALLEL_SEQ=1 means shard 0/4; give --shard I/N"));
}

}  // namespace
}  // namespace zoo::batch
