// Rows that end their process: who goes on knows them.
#include "pipeline/batch/rows_begun.h"

#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/batch/part_writer.h"
#include "pipeline/batch/row_source.h"
#include "tests/pipeline/batch/part_fixture.h"

namespace zoo::batch {
namespace {

constexpr int64_t kRows = 12;

class EndedProcesses : public Parts {
 protected:
  /// A process of its own goes on with the part and is killed when `work` is done.
  void work_and_be_killed(const std::function<void(PartWriter&)>& work) const {
    const pid_t process = ::fork();
    ASSERT_GE(process, 0);
    if (process == 0) {
      PartWriter part(names({}), key(kRows, {}), {.when_there = WhenThere::kResume, .commit_interval = kNever});
      work(part);
      if (HasFailure()) ::_exit(1);
      ::raise(SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(process, &status, 0), process);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }

  PartWriter resumed(WhenThere when_there = WhenThere::kResume) const {
    return {names({}), key(kRows, {}), {.when_there = when_there, .commit_interval = kNever}};
  }

  static void answer(PartWriter& part, int64_t row) {
    part.begun()->begin(row);
    part.write(result_of(row));
    part.end_row();
  }

  static constexpr auto kNever = std::chrono::hours(1);
};

TEST_F(EndedProcesses, AreCountedForRowsThatWereUnderWayAndForNoOthers) {
  work_and_be_killed([](PartWriter& part) {
    for (int64_t row = 0; row < 5; ++row) part.begun()->begin(row);
    for (int64_t row = 0; row < 2; ++row) {
      part.write(result_of(row));
      part.end_row();
    }
  });
  const PartWriter part = resumed();
  EXPECT_EQ(part.rows_done(), 0);  // nothing was committed, and yet rows that had ended are known
  EXPECT_EQ(part.begun()->suspects(), 3);
  for (int64_t row = 0; row < kRows; ++row) EXPECT_EQ(part.begun()->endings(row), row >= 2 && row < 5 ? 1 : 0) << row;
}

TEST_F(EndedProcesses, AreCountedUntilTheRowHasItsEnd) {
  for (int64_t times = 0; times < kMostEndings; ++times) {
    work_and_be_killed([&](PartWriter& part) {
      EXPECT_EQ(part.begun()->endings(2), times);
      while (part.rows_done() < 2) answer(part, part.rows_done());
      part.begun()->begin(2);
    });
  }
  {
    PartWriter part = resumed();
    EXPECT_EQ(part.begun()->endings(2), kMostEndings);
    while (part.rows_done() < 2) answer(part, part.rows_done());
    part.fail_row(failure_of(2));
  }
  work_and_be_killed([](PartWriter& part) {
    EXPECT_EQ(part.rows_done(), 3);  // a row that was given up is so for ever, whatever comes then
    EXPECT_EQ(part.begun()->suspects(), 0);
    part.begun()->begin(3);
  });
  PartWriter part = resumed(WhenThere::kRetryFailed);
  EXPECT_EQ(part.rows_done(), 2);
  EXPECT_EQ(part.begun()->endings(2), 0);
  while (part.rows_done() < kRows) answer(part, part.rows_done());
  part.finish();
  EXPECT_FALSE(fs::exists(names({}).begun()));
}

TEST_F(EndedProcesses, AreNoneWhereTheEndWasInOrder) {
  std::shared_ptr<RowsBegun> left;  // of a thread that hangs
  {
    const PartWriter part = resumed();
    left = part.begun();
    left->begin(0);
    left->begin(1);
  }
  left->begin(2);
  EXPECT_EQ(resumed().begun()->suspects(), 0);
}

TEST_F(EndedProcesses, AreForgottenWithThePart) {
  work_and_be_killed([](PartWriter& part) { part.begun()->begin(0); });
  fs::remove(names({}).journal);
  EXPECT_EQ(resumed().begun()->suspects(), 0);
}

TEST_F(EndedProcesses, AreReadFromWhateverAPowerFailureLeaves) {
  { RowsBegun(names({}).begun(), RowsBegun::Earlier::kForget); }
  const std::string good = "7                    2         \n";
  ASSERT_EQ(good.size(), 32U);
  std::ofstream(names({}).begun()) << std::string(32, '\0') << good << good << "-1" + good.substr(2)
                                   << good.substr(0, 31) + "x" << std::string(31, '9') + "\n"
                                   << good.substr(0, 20);
  RowsBegun begun(names({}).begun(), RowsBegun::Earlier::kKeep);
  EXPECT_EQ(begun.suspects(), 1);
  EXPECT_EQ(begun.endings(7), 2);
  for (int64_t row = 100; row < 110; ++row) begun.begin(row);
  EXPECT_EQ(RowsBegun(names({}).begun(), RowsBegun::Earlier::kKeep).suspects(), 11);
}

TEST_F(EndedProcesses, PicturesAreNotedBeforeTheyAreTouched) {
  const auto begun = std::make_shared<RowsBegun>(names({}).begun(), RowsBegun::Earlier::kForget);
  RowSource source({.root = folder_.path(), .root_id = file_id(folder_.path())}, {{3, 0, "a.jpg"}, {4, 0, "b.jpg"}},
                   begun);
  const auto pending = source.next_pending();
  const auto noted = [&] { return RowsBegun(names({}).begun(), RowsBegun::Earlier::kKeep).suspects(); };
  EXPECT_EQ(noted(), 0);
  (*pending)();
  EXPECT_EQ(noted(), 1);
  EXPECT_EQ(begun->endings(3), 0);
}

}  // namespace
}  // namespace zoo::batch
