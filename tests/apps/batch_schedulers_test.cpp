// Jobs under real schedulers: the trials of tools/ (docs/scaling.md), small.
#include <cstdlib>
#include <string>
#include <sys/wait.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/program_runner.h"

namespace zoo::test {
namespace {

using ::testing::HasSubstr;

/// Runs a trial; yields what it says.
std::string trial(const std::string& tool, const std::string& flags) {
  const TempFolder folder;
  const std::string log = folder / "log";
  const int status = std::system(fmt::format("python3 '{}' --program '{}' {} >'{}' 2>&1 </dev/null",
                                             source_path("tools/" + tool), ZOO_PROGRAM, flags, log)
                                     .c_str());
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status << "\n" << read_text(log);
  return read_text(log);
}

TEST(BatchSchedulers, TasksThatAreKilledGoOn) {
  EXPECT_THAT(trial("batch/kill_workers.py", "--pictures 600 --shards 4 --every 0.7"),
              HasSubstr("byte-equal to one run"));
}

TEST(BatchSchedulers, GnuParallelAndItsTasksAreKilledAndGoOn) {
  EXPECT_THAT(trial("parallel/try_parallel.py", "--pictures 600 --shards 4 --every 1"),
              HasSubstr("byte-equal to one run"));
}

TEST(BatchSchedulers, SlurmRequeuesAndCancelsTasksOfAnArray) {
  EXPECT_THAT(trial("slurm/try_array.py", "--pictures 900 --shards 3 --nodes 2 --every 1"),
              HasSubstr("byte-equal to one run"));
}

}  // namespace
}  // namespace zoo::test
