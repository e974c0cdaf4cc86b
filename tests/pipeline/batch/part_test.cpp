// Parts that are written, killed and resumed.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <sys/stat.h>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "pipeline/batch/merge.h"
#include "pipeline/batch/part_writer.h"
#include "tests/pipeline/batch/part_fixture.h"
#include "tests/support/temp_folder.h"

namespace zoo::batch {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr auto kNever = std::chrono::hours(1);

// A kill leaves what was written by then, or any beginning of it behind the last commit.
TEST_F(Parts, GoOnAfterAKillWhateverWasWrittenByThen) {
  constexpr int64_t kRows = 20;
  const RowRange range{0, kRows};
  for (int64_t killed_after = 0; killed_after <= kRows; ++killed_after) {
    const test::TempFolder folder;
    const PartNames part_of_folder = part_names(folder.path(), {}, ".jsonl");
    {
      PartWriter part(part_of_folder, key(kRows, {}), {.commit_interval = kNever});
      work(part, range, killed_after / 2);
      part.commit();
      work(part, range, killed_after);
      part.write("{\"row\":99,\"half a li");
    }
    {
      std::ofstream stream(part_of_folder.results_open(), std::ios::app);
      stream << "{\"row\":1,\"x\":1}\n{\"row\":2";
      std::ofstream(part_of_folder.failed_open(), std::ios::app) << "{\"ro";
      std::ofstream(part_of_folder.journal, std::ios::app) << "9\t12";
    }
    PartWriter part(part_of_folder, key(kRows, {}), {.when_there = WhenThere::kResume});
    EXPECT_EQ(part.rows_done(), killed_after / 2);
    work(part, range, kRows);
    part.finish();
    EXPECT_EQ(text_of(part_of_folder.results), all_results(kRows)) << killed_after;
    EXPECT_EQ(text_of(part_of_folder.failed), failure_of(3) + failure_of(10) + failure_of(17)) << killed_after;
    EXPECT_FALSE(fs::exists(part_of_folder.journal));
  }
}

TEST_F(Parts, GoOnWhereFinishingWasInterrupted) {
  constexpr int64_t kRows = 20;
  for (const bool both : {false, true}) {
    const test::TempFolder folder;
    const PartNames part_of_folder = part_names(folder.path(), {}, ".jsonl");
    {
      PartWriter part(part_of_folder, key(kRows, {}));
      work(part, {0, kRows}, kRows);
      part.commit();
    }
    fs::rename(part_of_folder.results_open(), part_of_folder.results);
    if (both) fs::rename(part_of_folder.failed_open(), part_of_folder.failed);
    PartWriter part(part_of_folder, key(kRows, {}), {.when_there = WhenThere::kResume});
    EXPECT_EQ(part.rows_done(), kRows);
    part.finish();
    EXPECT_EQ(text_of(part_of_folder.results), all_results(kRows));
    EXPECT_EQ(text_of(part_of_folder.failed), failure_of(3) + failure_of(10) + failure_of(17));
    EXPECT_EQ(read_receipt(part_of_folder.receipt).failed, 3);
  }
}

TEST_F(Parts, AnAbandonedOrFailedRowLeavesNothingHoweverLongItWas) {
  const std::string long_lines(200'000, 'x');
  PartWriter part(names({}), key(3, {}));
  part.write(result_of(0));
  part.end_row();
  part.write(long_lines);
  part.write(long_lines);
  part.abandon_row();
  part.write(long_lines);
  part.fail_row(failure_of(1));
  part.write(result_of(2));
  part.end_row();
  part.finish();
  EXPECT_EQ(text_of(names({}).results), result_of(0) + result_of(2));
  EXPECT_EQ(text_of(names({}).failed), failure_of(1));
}

TEST_F(Parts, AreLeftAloneUnlessTheyAreResumedByTheSameJob) {
  { PartWriter begun(names({}), key(5, {})); }
  EXPECT_THAT(what_of([&] { make(5, {}); }), HasSubstr("--resume goes on"));
  EXPECT_THAT(what_of([&] { make(5, {}, WhenThere::kResume, "other"); }),
              AllOf(HasSubstr("belongs to another job (the weights: abc in place of other)"),
                    HasSubstr("go on with what it was begun with"), HasSubstr("remove it")));
  EXPECT_THAT(what_of([&] { make(6, {}, WhenThere::kResume); }), HasSubstr("the number of rows: 5 in place of 6"));
  make(5, {}, WhenThere::kResume);
  EXPECT_THAT(what_of([&] { make(5, {}); }), HasSubstr("this part is finished"));
  EXPECT_THAT(what_of([&] { make(5, {}, WhenThere::kResume, "other"); }), HasSubstr("belongs to another job"));
  const PartWriter again(names({}), key(5, {}), {.when_there = WhenThere::kResume});
  EXPECT_TRUE(again.is_finished());
  EXPECT_EQ(again.rows_failed(), 1);
}

TEST_F(Parts, OfAnotherNodeAreNoFaultOfTheCommand) {
  const auto made_with = [&](const Fingerprint& fingerprint) {
    JobKey made = key(5, {});
    made.fingerprint.insert(made.fingerprint.end(), fingerprint.begin(), fingerprint.end());
    return made;
  };
  const auto resume = [&](const JobKey& made) { PartWriter(names({}), made, {.when_there = WhenThere::kResume}); };
  const JobKey begun = made_with({{"the version", "1"}, {"the precision", "int8"}, {"the calibration table", "abc"}});
  { PartWriter part(names({}), begun); }
  EXPECT_THROW(resume(made_with({{"the version", "1"}, {"the precision", "f32"}})), IoError);
  EXPECT_THROW(resume(made_with({{"the version", "2"}, {"the precision", "int8"}, {"the calibration table", "abc"}})),
               IoError);
  EXPECT_THROW(resume(made_with({{"the version", "1"}, {"the precision", "int8"}, {"the calibration table", "def"}})),
               ConfigError);
  JobKey other_command = made_with({{"the version", "2"}, {"the precision", "f32"}});
  other_command.manifest = "digest of another manifest";
  EXPECT_THROW(resume(other_command), ConfigError);
  EXPECT_THAT(what_of([&] {
                resume(made_with({{"the version", "1"}, {"the precision", "f32"}}));
              }),
              AllOf(HasSubstr("was begun on a node with another program or precision (the precision: int8 in place of "
                              "f32"),
                    HasSubstr("--precision names one")));
  resume(begun);
}

TEST_F(Parts, AreNotCalledFinishedWhereTheirFilesAreNotWhatTheReceiptSays) {
  for (const bool results : {true, false}) {
    const fs::path file = results ? names({}).results : names({}).failed;
    const auto refusal = [&](const std::function<void()>& damage) {
      make(5, {}, WhenThere::kResume);
      damage();
      for (const WhenThere when_there : {WhenThere::kResume, WhenThere::kRetryFailed}) {
        const std::string said = what_of([&] { make(5, {}, when_there); });
        EXPECT_THAT(said, AllOf(HasSubstr(file.string() + ": "), HasSubstr("remove " + names({}).receipt.string())));
        if (when_there == WhenThere::kRetryFailed) {
          fs::remove(names({}).receipt);
          return said;
        }
      }
      return std::string();
    };
    EXPECT_THAT(refusal([&] { fs::resize_file(file, 0); }), HasSubstr("has 0 bytes in place of"));
    EXPECT_THAT(refusal([&] { fs::remove(file); }), HasSubstr("is not there"));
    EXPECT_THAT(refusal([&] {
                  std::string text = text_of(file);
                  text[text.size() / 2] = '#';
                  write_file(file, text);
                }),
                HasSubstr("another SHA-256"));
  }
  make(5, {}, WhenThere::kResume);
  EXPECT_EQ(text_of(names({}).results), all_results(5));
}

TEST_F(Parts, NameTheFilesOfTheOtherJob) {
  JobKey table = key(5, {});
  table.format = "csv";
  const auto refusal = [&] {
    return what_of([&] {
      const PartWriter part(part_names(folder_.path(), {}, ".csv"), table, {.when_there = WhenThere::kResume});
    });
  };
  { PartWriter begun(names({}), key(5, {})); }
  EXPECT_THAT(refusal(), AllOf(HasSubstr("the format: jsonl in place of csv"),
                               HasSubstr("remove it and " + names({}).results_open().string() + " ")));
  make(5, {}, WhenThere::kResume);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("the format: jsonl in place of csv"),
                               HasSubstr("remove it and " + names({}).results.string() + " ")));
}

TEST_F(Parts, OfOneFolderAreOfOneNumberOfShards) {
  check_shard_count(folder_.path(), {0, 2});
  write_file(folder_ / "part-1-of-x", "");
  write_file(folder_ / "all-of-00007.jsonl", "");
  { PartWriter begun(names({1, 3}), key(5, {1, 3})); }
  check_shard_count(folder_.path(), {0, 3});
  EXPECT_THAT(what_of([&] {
                check_shard_count(folder_.path(), {0, 2});
              }),
              AllOf(HasSubstr("00001-of-00003."), HasSubstr("is of a job of 3 shards, but this is shard 0/2"),
                    HasSubstr("--shard I/3")));
}

TEST_F(Parts, AnswerTheirFailedRowsAgainWhenTheyAreAskedTo) {
  constexpr int64_t kRows = 20;
  for (const bool is_finished : {false, true}) {
    const test::TempFolder folder;
    const PartNames part_of_folder = part_names(folder.path(), {}, ".jsonl");
    {
      PartWriter part(part_of_folder, key(kRows, {}));
      work(part, {0, kRows}, is_finished ? kRows : 12);
      part.commit();
      if (is_finished) part.finish();
    }
    if (!is_finished) std::ofstream(part_of_folder.results_open(), std::ios::app) << "{\"row\":12,\"half";
    EXPECT_EQ(PartWriter(part_of_folder, key(kRows, {}), {.when_there = WhenThere::kResume}).rows_done(),
              is_finished ? kRows : 12);
    PartWriter part(part_of_folder, key(kRows, {}), {.when_there = WhenThere::kRetryFailed});
    EXPECT_EQ(part.rows_done(), 3);
    EXPECT_EQ(part.rows_failed(), 0);
    EXPECT_FALSE(fs::exists(part_of_folder.receipt));
    std::string all;
    for (int64_t row = 0; row < kRows; ++row) {
      all += result_of(row);
      if (row < 3) continue;
      part.write(result_of(row));
      part.end_row();
    }
    part.finish();
    EXPECT_EQ(text_of(part_of_folder.results), all);
    EXPECT_FALSE(fs::exists(part_of_folder.failed));
    const PartWriter again(part_of_folder, key(kRows, {}), {.when_there = WhenThere::kRetryFailed});
    EXPECT_TRUE(again.is_finished());
  }
}

TEST_F(Parts, AreWorkedOnByOneProcessAtATime) {
  const PartWriter first(names({}), key(5, {}));
  EXPECT_THAT(what_of([&] { make(5, {}, WhenThere::kResume); }), HasSubstr("another process is at work on this part"));
}

// Where a file system has no locks.
TEST_F(Parts, NoticeASecondProcessWhenTheyCommit) {
  const auto notices = [&](const std::function<void(const PartNames&)>& second) {
    const test::TempFolder folder;
    const PartNames part_of_folder = part_names(folder.path(), {}, ".jsonl");
    PartWriter part(part_of_folder, key(5, {}), {.commit_interval = kNever});
    work(part, {0, 5}, 2);
    second(part_of_folder);
    EXPECT_THAT(what_of([&] { part.commit(); }), HasSubstr("another process is at work on this part, or has removed"));
  };
  notices([](const PartNames& part) { std::ofstream(part.results_open(), std::ios::app) << result_of(0); });
  notices([](const PartNames& part) { fs::resize_file(part.failed_open(), 7); });
  notices([](const PartNames& part) { write_file(part.journal, ""); });
  notices([](const PartNames& part) { fs::remove(part.journal); });
}

// Exit code 1, not 2: other parts of the job may go on.
TEST_F(Parts, OnesOwnTroubleIsNotThatOfTheCommand) {
  {
    const PartWriter first(names({}), key(5, {}));
    EXPECT_THROW(make(5, {}, WhenThere::kResume), IoError);
  }
  EXPECT_THROW(make(5, {}), ConfigError);
  EXPECT_THROW(make(5, {}, WhenThere::kResume, "other"), ConfigError);  // the command's, wherever it is run
  {
    PartWriter part(names({}), key(5, {}), {.when_there = WhenThere::kResume});
    work(part, {0, 5}, 5);
    part.commit();
  }
  fs::resize_file(names({}).results_open(), 3);
  EXPECT_THROW(make(5, {}, WhenThere::kResume), IoError);
}

TEST_F(Parts, ThatWereChangedFromOutsideAreRefused) {
  {
    PartWriter part(names({}), key(5, {}));
    work(part, {0, 5}, 5);
    part.commit();
  }
  fs::resize_file(names({}).results_open(), 3);
  EXPECT_THAT(what_of([&] { make(5, {}, WhenThere::kResume); }), HasSubstr("it was changed from outside"));
  write_file(names({}).journal, "no journal\n");
  EXPECT_THAT(what_of([&] { make(5, {}, WhenThere::kResume); }), HasSubstr("is not a line of JSON"));
}

// Of the same length, so that sizes say nothing.
TEST_F(Parts, ThatWereEditedFromOutsideAreRefused) {
  constexpr int64_t kRows = 12;
  const auto edited = [](const fs::path& file, const std::string& from, const std::string& to) {
    std::string text = text_of(file);
    ASSERT_NE(text.find(from), std::string::npos) << text;
    write_file(file, text.replace(text.find(from), from.size(), to));
  };
  const auto begun = [&](const PartNames& part_of_folder) {
    PartWriter part(part_of_folder, key(kRows, {}), {.commit_interval = kNever});
    work(part, {0, kRows}, 5);
    part.commit();
    work(part, {0, kRows}, kRows - 1);
    part.commit();
  };
  for (const WhenThere when_there : {WhenThere::kResume, WhenThere::kRetryFailed}) {
    for (const bool is_failure : {false, true}) {
      const test::TempFolder folder;
      const PartNames part_of_folder = part_names(folder.path(), {}, ".jsonl");
      begun(part_of_folder);
      if (is_failure) {
        edited(part_of_folder.failed_open(), "bad", "odd");
      } else {
        edited(part_of_folder.results_open(), "\"x\":4", "\"x\":5");
      }
      const std::string what = what_of([&] { PartWriter(part_of_folder, key(kRows, {}), {.when_there = when_there}); });
      EXPECT_THAT(what, AllOf(HasSubstr("is not what was written"),
                              HasSubstr("remove " + part_of_folder.journal.string() + " to begin anew")))
          << is_failure;
    }
  }
  // A line of the journal that is not whole counts for nothing: the one before it does.
  const test::TempFolder folder;
  const PartNames part_of_folder = part_names(folder.path(), {}, ".jsonl");
  begun(part_of_folder);
  edited(part_of_folder.journal, "\n11\t", "\n12\t");
  EXPECT_EQ(PartWriter(part_of_folder, key(kRows, {}), {.when_there = WhenThere::kResume}).rows_done(), 5);
}

TEST_F(Parts, ThatAreEditedWhileTheyAreWorkedOnAreNotSealed) {
  PartWriter part(names({}), key(5, {}), {.commit_interval = kNever});
  work(part, {0, 5}, 5);
  part.commit();
  std::fstream(names({}).results_open(), std::ios::in | std::ios::out) << '[';
  EXPECT_THAT(what_of([&] { part.finish(); }), HasSubstr("is not what was written"));
  EXPECT_FALSE(fs::exists(names({}).receipt));
}

TEST_F(Parts, FilesThatAreNotRegularAreRefusedWithoutWaiting) {
  const fs::path pipe = out_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const fs::path& file : names({}).all()) {
    fs::rename(pipe, file);
    EXPECT_THROW(make(5, {}, WhenThere::kResume), ConfigError);
    EXPECT_THAT(what_of([&] { make(5, {}, WhenThere::kResume); }), HasSubstr(file.string() + ": is a pipe"));
    fs::rename(file, pipe);
  }
  make(10, {0, 2});
  make(10, {1, 2});
  for (const fs::path& file : {names({9, 12}).receipt, names({0, 2}).results, names({1, 2}).failed}) {
    const bool was_there = fs::exists(file);
    if (was_there) fs::rename(file, out_ / "kept");
    fs::rename(pipe, file);
    EXPECT_THAT(what_of([&] { merged("all.jsonl"); }), HasSubstr(file.string() + ": is a pipe"));
    fs::rename(file, pipe);
    if (was_there) fs::rename(out_ / "kept", file);
  }
  EXPECT_THAT(what_of([&] { merge_parts(PartSet(find_parts(folder_.path())), names_beside(pipe)); }),
              HasSubstr("is a pipe"));
  EXPECT_EQ(text_of(merged("all.jsonl")), all_results(10));
}

TEST_F(Parts, AreFoundByAnyOfTheirFiles) {
  make(10, {0, 2});
  { PartWriter begun(names({1, 2}), key(10, {1, 2})); }
  for (const fs::path& file : {names({0, 2}).results, names({0, 2}).failed, names({0, 2}).receipt}) {
    EXPECT_EQ(find_parts(file).at(0).receipt, names({0, 2}).receipt);
  }
  EXPECT_THAT(what_of([&] { find_parts(names({1, 2}).results); }), HasSubstr("is not finished"));
  EXPECT_THAT(what_of([&] { find_parts(folder_ / "x.jsonl"); }), HasSubstr("there is no part"));
  EXPECT_THAT(what_of([&] { find_parts(out_.path()); }), HasSubstr("no finished parts"));
}

TEST_F(Parts, ReceiptsAreCheckedAsHostile) {
  make(10, {});
  const std::string good = text_of(names({}).receipt);
  const auto refused = [&](const std::string& text) {
    write_file(names({}).receipt, text);
    return what_of([&] { read_receipt(names({}).receipt); });
  };
  EXPECT_EQ(refused(good), "");
  write_file(names({}).receipt, "{");
  EXPECT_THROW(find_parts(folder_.path()), ConfigError);  // changed: 2 of `merge`
  EXPECT_THROW(make(10, {}, WhenThere::kResume), IoError);
  EXPECT_THAT(refused(good.substr(0, good.size() / 2)), HasSubstr("copy it again, or remove it and run its command"));
  EXPECT_NE(refused(""), "");
  EXPECT_NE(refused(std::string(100'000, '[')), "");
  EXPECT_NE(refused("{\"backbone_zoo_part\":1}"), "");
  EXPECT_THAT(refused("{\"backbone_zoo_part\":7}"), HasSubstr("is of version 7"));
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"\"shard\":0", "\"shard\":5"},
                                                                                 {"\"shards\":1", "\"shards\":0"},
                                                                                 {"\"rows\":10", "\"rows\":-1"},
                                                                                 {"\"done\":9", "\"done\":8"},
                                                                                 {"\"sha256\":\"", "\"sha257\":\""},
                                                                                 {"\"name\":\"", "\"name\":\"../"}}) {
    std::string text = good;
    ASSERT_NE(text.find(from), std::string::npos) << from << " in " << text;
    text.replace(text.find(from), from.size(), to);
    EXPECT_NE(refused(text), "") << to;
  }
}

}  // namespace
}  // namespace zoo::batch
