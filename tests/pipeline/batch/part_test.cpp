// Parts that are written, killed, resumed and merged.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "pipeline/batch/merge.h"
#include "pipeline/batch/part_writer.h"
#include "tests/support/temp_folder.h"

namespace zoo::batch {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr auto kNever = std::chrono::hours(1);

std::string result_of(int64_t row) { return fmt::format("{{\"row\":{},\"frame\":0,\"x\":{}}}\n", row, row * row); }
std::string failure_of(int64_t row) { return fmt::format("{{\"row\":{},\"frame\":0,\"error\":\"bad\"}}\n", row); }
bool is_bad(int64_t row) { return row % 7 == 3; }

std::string what_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const ConfigError& error) {
    std::string text;
    for (const std::string& problem : error.problems()) text += problem + "\n";
    return text;
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

class Parts : public ::testing::Test {
 protected:
  static JobKey key(int64_t rows, const ShardId& shard, const std::string& weights = "abc") {
    return {"predict", "jsonl", "digest of the manifest", rows, shard, {{"the weights", weights}}};
  }
  PartNames names(const ShardId& shard) const { return part_names(folder_.path(), shard, ".jsonl"); }

  static void work(PartWriter& part, const RowRange& range, int64_t until) {
    for (int64_t row = range.begin + part.rows_done(); row < until; ++row) {
      if (is_bad(row)) {
        part.fail_row(failure_of(row));
      } else {
        part.write(result_of(row));
        part.end_row();
      }
    }
  }

  void make(int64_t rows, const ShardId& shard, WhenThere when_there = WhenThere::kRefuse,
            const std::string& weights = "abc") const {
    PartWriter part(names(shard), key(rows, shard, weights), {.when_there = when_there});
    const RowRange range = rows_of_shard(rows, shard);
    work(part, range, range.end);
    part.finish();
  }

  std::string merged(const std::string& name) const {
    merge_parts(PartSet(find_parts(folder_.path())), names_beside(folder_ / name));
    return folder_ / name;
  }

  static std::string text_of(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  test::TempFolder folder_;
  test::TempFolder out_;
};

std::string all_results(int64_t rows) {
  std::string text;
  for (int64_t row = 0; row < rows; ++row) text += is_bad(row) ? "" : result_of(row);
  return text;
}

TEST_F(Parts, OfAnyNumberOfShardsAreMergedIntoWhatOneWouldHaveWritten) {
  for (const int64_t count : {1, 2, 5, 30}) {
    const test::TempFolder folder;
    constexpr int64_t kRows = 23;
    std::vector<PartNames> parts;
    for (int64_t index = count - 1; index >= 0; --index) {
      const ShardId shard{index, count};
      parts.push_back(part_names(folder.path(), shard, ".jsonl"));
      PartWriter part(parts.back(), key(kRows, shard));
      work(part, rows_of_shard(kRows, shard), rows_of_shard(kRows, shard).end);
      part.finish();
    }
    merge_parts(PartSet(parts), names_beside(out_ / "all.jsonl"));
    EXPECT_EQ(text_of(out_ / "all.jsonl"), all_results(kRows)) << count;
    EXPECT_EQ(text_of(out_ / "all.failed.jsonl"), failure_of(3) + failure_of(10) + failure_of(17)) << count;
    const Receipt receipt = read_receipt(out_ / "all.receipt.json");
    EXPECT_EQ(receipt.done, 20);
    EXPECT_EQ(receipt.failed, 3);
  }
}

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
              AllOf(HasSubstr("belongs to another job (the weights: abc in place of other)"), HasSubstr("remove it")));
  EXPECT_THAT(what_of([&] { make(6, {}, WhenThere::kResume); }), HasSubstr("the number of rows: 5 in place of 6"));
  make(5, {}, WhenThere::kResume);
  EXPECT_THAT(what_of([&] { make(5, {}); }), HasSubstr("this part is finished"));
  EXPECT_THAT(what_of([&] { make(5, {}, WhenThere::kResume, "other"); }), HasSubstr("belongs to another job"));
  const PartWriter again(names({}), key(5, {}), {.when_there = WhenThere::kResume});
  EXPECT_TRUE(again.is_finished());
  EXPECT_EQ(again.rows_failed(), 1);
}

TEST_F(Parts, AreWorkedOnByOneProcessAtATime) {
  const PartWriter first(names({}), key(5, {}));
  EXPECT_THAT(what_of([&] { make(5, {}, WhenThere::kResume); }), HasSubstr("another process is at work on this part"));
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

TEST_F(Parts, MergeNamesWhatIsMissingAndWhatIsThereTwice) {
  for (const int64_t index : {0, 1, 5, 6, 9}) make(100, {index, 10});
  EXPECT_THAT(what_of([&] { merged("all.jsonl"); }),
              AllOf(HasSubstr("shards 2/10 to 4/10 are missing: rows 20 to 49"),
                    HasSubstr("shards 7/10 to 8/10 are missing: rows 70 to 89"), HasSubstr("--resume")));
  for (const int64_t index : {2, 3, 4, 7, 8}) make(100, {index, 10});
  std::vector<PartNames> parts = find_parts(folder_.path());
  EXPECT_EQ(parts.size(), 10U);
  fs::copy(folder_.path(), out_.path() / "copy");
  parts.push_back(part_names(out_.path() / "copy", {4, 10}, ".jsonl"));
  EXPECT_THAT(what_of([&] { const PartSet set(parts); }), HasSubstr("shard 4/10 (rows 40 to 49) is there twice"));
  EXPECT_EQ(text_of(merged("all.jsonl")), all_results(100));
}

TEST_F(Parts, MergeRefusesPartsOfAnotherModelAndChangedFiles) {
  make(10, {0, 2});
  make(10, {1, 2}, WhenThere::kRefuse, "other");
  EXPECT_THAT(what_of([&] { merged("all.jsonl"); }),
              AllOf(HasSubstr("is of another job"), HasSubstr("the weights: other in place of abc")));
  fs::remove(names({1, 2}).receipt);
  make(10, {1, 2});
  const std::string whole = text_of(names({1, 2}).results);
  write_file(names({1, 2}).results, whole + result_of(9));
  EXPECT_THAT(what_of([&] { merged("all.jsonl"); }), HasSubstr("is not what"));
  fs::remove(names({1, 2}).results);
  EXPECT_THAT(what_of([&] { merged("all.jsonl"); }), HasSubstr("is not there"));
  EXPECT_FALSE(fs::exists(folder_ / "all.jsonl"));
}

/// A part whose receipt fits, whatever it holds.
void forge(const PartNames& names, JobKey key, const std::string& results, const std::string& failures,
           int64_t failed) {
  write_file(names.results, results);
  Receipt receipt;
  receipt.key = std::move(key);
  receipt.failed = failed;
  receipt.done = receipt.key.rows - failed;
  receipt.results = seal_of(names.results);
  fs::remove(names.failed);
  if (!failures.empty()) {
    write_file(names.failed, failures);
    receipt.failures = seal_of(names.failed);
  }
  write_receipt(names.receipt, receipt);
}

TEST_F(Parts, MergeProvesThatEveryRowIsThereOnce) {
  const auto problem = [&](const std::string& results, const std::string& failures) {
    forge(names({}), key(3, {}), results, failures, failures.empty() ? 0 : 1);
    return what_of([&] { merge_parts(PartSet(find_parts(folder_.path())), names_beside(out_ / "all.jsonl")); });
  };
  const std::string a = result_of(0);
  const std::string b = result_of(1);
  const std::string c = result_of(2);
  EXPECT_EQ(problem(a + b + c, ""), "");
  EXPECT_THAT(problem(a + c, ""), HasSubstr("row 1 is missing"));
  EXPECT_THAT(problem(a + b, ""), HasSubstr("row 2 is missing"));
  EXPECT_THAT(problem(a + b + b + c, ""), HasSubstr("row 1 is there twice"));
  EXPECT_THAT(problem(a + b + c + a, ""), HasSubstr("row 0 is there twice, or not in its place"));
  EXPECT_THAT(problem(b + a + c, ""), HasSubstr("row 0 is missing, or not in its place"));
  EXPECT_THAT(problem(a + b + c, failure_of(1)), HasSubstr("row 1 has results, too"));
  EXPECT_THAT(problem(a + "[1,2]\n" + c, ""), HasSubstr(":2: the record does not begin with the number of its row"));
  EXPECT_THAT(problem(a + b + "{\"row\":2,", ""), HasSubstr("has no end"));
}

TEST_F(Parts, OfTablesHaveTheirHeaderOnce) {
  const std::string head = "row,source,label\n";
  for (const int64_t index : {0, 1}) {
    JobKey table = key(4, {index, 2});
    table.format = "csv";
    PartWriter part(part_names(folder_.path(), table.shard, ".csv"), table, {.head = head});
    for (int64_t row = 2 * index; row < 2 * index + 2; ++row) {
      part.write(fmt::format("{},\"a\n{},\"\"b\"\"\",x\n{},c,y\n", row, row, row));
      part.end_row();
    }
    part.finish();
  }
  std::string expected = head;
  for (int row = 0; row < 4; ++row) expected += fmt::format("{},\"a\n{},\"\"b\"\"\",x\n{},c,y\n", row, row, row);
  EXPECT_EQ(text_of(merged("all.csv")), expected);
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
  EXPECT_NE(refused(""), "");
  EXPECT_NE(refused(std::string(100'000, '[')), "");
  EXPECT_NE(refused("{\"backbone_zoo_part\":1}"), "");
  EXPECT_THAT(refused("{\"backbone_zoo_part\":7}"), HasSubstr("is of version 7"));
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"\"shard\":0", "\"shard\":5"},
                                                                                 {"\"shards\":1", "\"shards\":0"},
                                                                                 {"\"rows\":10", "\"rows\":-1"},
                                                                                 {"\"done\":9", "\"done\":8"},
                                                                                 {"\"sha256\":\"", "\"sha257\":\""}}) {
    std::string text = good;
    ASSERT_NE(text.find(from), std::string::npos) << from << " in " << text;
    text.replace(text.find(from), from.size(), to);
    EXPECT_NE(refused(text), "") << to;
  }
}

}  // namespace
}  // namespace zoo::batch
