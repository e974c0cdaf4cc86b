// tools/parallel/predict.sh: what it says of jobs that are done, stopped, wrong or of others.
#include <cstdlib>
#include <filesystem>
#include <string>
#include <sys/wait.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/batch_jobs.h"
#include "tests/apps/program_runner.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class BatchParallel : public BatchJobs {
 protected:
  struct Outcome {
    int exit_code = -1;
    std::string said;
  };

  /// Runs lines of bash in which `$predict` is the script; what is written to both outputs is said.
  Outcome bash(const std::string& lines) const {
    write_text(folder_ / "run.sh",
               fmt::format("predict='{}'\nmodel='{}'\ncd '{}'\n{}\n", source_path("tools/parallel/predict.sh"),
                           demo_model(), folder_.path().string(), lines));
    const std::string log = folder_ / "said";
    const int status = std::system(fmt::format("BACKBONE_ZOO='{}' PARALLEL='--jobs 2 --will-cite' bash '{}' >'{}' 2>&1 "
                                               "</dev/null",
                                               ZOO_PROGRAM, folder_ / "run.sh", log)
                                       .c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(log)};
  }
};

TEST_F(BatchParallel, SaysDoneOnlyWhereEveryPartOfThisJobIsThere) {
  make_pictures(12);
  const std::string job = "$predict 4 $model list.tsv parts/";
  EXPECT_EQ(bash(job).exit_code, 0);
  EXPECT_EQ(bash(job).exit_code, 0);
  merge_and_compare();

  fs::remove_all(folder_ / "one");
  fs::remove(part(1) + ".jsonl");
  fs::remove(part(1) + ".receipt.json");
  write_text(folder_ / "parts/parallel.log", "half a li");
  EXPECT_EQ(bash(job).exit_code, 0);
  merge_and_compare();

  const Outcome flags = bash(job + " --topk 2");
  EXPECT_EQ(flags.exit_code, 2);
  EXPECT_THAT(flags.said, AllOf(HasSubstr("belongs to another job"), HasSubstr("a task ended with 2")));
  const Outcome list = bash("$BACKBONE_ZOO manifest pictures/b -o other.tsv\n$predict 4 $model other.tsv parts/");
  EXPECT_NE(list.exit_code, 0) << list.said;
}

TEST_F(BatchParallel, TakesNamesWithSpaces) {
  make_pictures(4);
  const Outcome done = bash("cp list.tsv 'my list.tsv'; $predict 2 $model 'my list.tsv' 'all parts/'");
  EXPECT_EQ(done.exit_code, 0) << done.said;
  EXPECT_TRUE(fs::exists(folder_ / "all parts/part-00001-of-00002.receipt.json"));
}

TEST_F(BatchParallel, StopsWhereNoRunHelpsAndSaysWhatItTakes) {
  make_pictures(4);
  const Outcome wrong = bash("$predict 500 $model list.tsv parts/ --no-such-flag");
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.said, AllOf(HasSubstr("--no-such-flag"), HasSubstr("running this again does not help"),
                                Not(HasSubstr("to go on"))));
  const Outcome help = bash("$predict --help");
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.said, HasSubstr("predict.sh 64 MODEL list.tsv parts/"));
  const Outcome nothing = bash("$predict");
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_EQ(nothing.said, help.said);
  EXPECT_EQ(bash("$predict many $model list.tsv parts/").exit_code, 2);
}

TEST_F(BatchParallel, StoppedItLeavesNothingBehindAndGoesOn) {
  make_pictures(3000);
  const Outcome stopped = bash(
      "$predict 4 $model list.tsv parts/ & script=$!\n"
      "until ls parts/*.journal; do sleep 0.05; done >/dev/null 2>&1\n"
      "$predict 4 $model list.tsv parts/; echo second $?\n"
      "kill -TERM $script; wait $script; code=$?\n"
      "flock --nonblock parts/parallel.lock echo nobody is left\n"
      "exit $code");
  EXPECT_EQ(stopped.exit_code, 143);
  EXPECT_THAT(stopped.said, AllOf(HasSubstr("another predict.sh is at work"), HasSubstr("second 1"),
                                  HasSubstr("run it again to go on"), HasSubstr("nobody is left")));
  EXPECT_FALSE(fs::exists(part(3) + ".receipt.json"));
  const Outcome rest = bash("$predict 4 $model list.tsv parts/");
  EXPECT_EQ(rest.exit_code, 0) << rest.said;
  merge_and_compare();
}

}  // namespace
}  // namespace zoo::test
