// Parts that are merged.
#include "pipeline/batch/merge.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "pipeline/batch/part_writer.h"
#include "tests/pipeline/batch/part_fixture.h"
#include "tests/support/temp_folder.h"

namespace zoo::batch {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

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

TEST_F(Parts, OfAnotherJobAmongGoodOnesIsTheOneThatIsNamed) {
  for (const int64_t odd : {0, 2, 3}) {
    const test::TempFolder folder;
    std::vector<PartNames> parts;
    for (int64_t i = 0; i < 4; ++i) {
      parts.push_back(part_names(folder.path(), {i, 4}, ".jsonl"));
      PartWriter part(parts.back(), key(20, {i, 4}, i == odd ? "other" : "abc"));
      work(part, rows_of_shard(20, {i, 4}), rows_of_shard(20, {i, 4}).end);
      part.finish();
    }
    const std::string receipt = parts[static_cast<size_t>(odd)].receipt.string();
    const std::string what = what_of([&] { const PartSet set(parts); });
    EXPECT_THAT(what, AllOf(HasSubstr(receipt + ": is of another job"), HasSubstr("the weights: other in place of abc"),
                            HasSubstr("remove " + receipt)));
    EXPECT_EQ(std::ranges::count(what, '\n'), 3) << what;  // it, that its shard is missing, the way out
  }
}

TEST_F(Parts, MergedFilesInTheFolderAreNoPartsOfIt) {
  make(20, {0, 2});
  make(20, {1, 2});
  EXPECT_EQ(text_of(merged("all.jsonl")), all_results(20));
  EXPECT_EQ(text_of(merged("again.jsonl")), all_results(20));
  EXPECT_EQ(text_of(merged("all.jsonl")), all_results(20));
  EXPECT_EQ(find_parts(folder_.path()).size(), 2U);
}

/// A part whose receipt fits, whatever it holds.
void forge(const PartNames& names, JobKey key, const std::string& results, const std::string& failures,
           int64_t failed) {
  write_file(names.results, results);
  Receipt receipt;
  receipt.key = std::move(key);
  receipt.failed = failed;
  receipt.done = receipt.key.range().size() - failed;
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

TEST_F(Parts, MergeRefusesRowsThatAreOutOfTheirPlace) {
  const auto problem = [&](const ShardId& shard, const std::string& results, const std::string& failures) {
    forge(names(shard), key(6, shard), results, failures, std::count(failures.begin(), failures.end(), '\n'));
    return what_of([&] { merge_parts(PartSet(find_parts(folder_.path())), names_beside(out_ / "all.jsonl")); });
  };
  const auto rows = [](const std::vector<int64_t>& all) {
    std::string text;
    for (const int64_t row : all) text += result_of(row);
    return text;
  };
  make(6, {0, 2});
  EXPECT_EQ(problem({1, 2}, rows({3, 4, 5}), ""), "");
  EXPECT_EQ(problem({1, 2}, rows({4}), failure_of(3) + failure_of(5)), "");
  EXPECT_THAT(problem({1, 2}, rows({0, 1, 2}), ""), HasSubstr("row 3 is missing, or not in its place"))
      << "another shard's";
  EXPECT_THAT(problem({1, 2}, rows({3, 5, 4}), ""), HasSubstr("row 4 is missing, or not in its place"));
  EXPECT_THAT(problem({1, 2}, rows({3, 4, 5, 6}), ""), HasSubstr("row 6 is there twice, or not in its place"));
  EXPECT_THAT(problem({1, 2}, rows({4}), failure_of(5) + failure_of(3)),
              HasSubstr("row 3 is missing, or not in its place"));
  EXPECT_THAT(problem({1, 2}, rows({3, 4}), failure_of(0)), HasSubstr("row 5 is missing, or not in its place"));
  EXPECT_THAT(problem({1, 2}, rows({3, 4, 5}), failure_of(9)), HasSubstr("row 9 is there twice, or not in its place"));
}

TEST_F(Parts, MergeFindsDoubledRecordsInEveryForm) {
  const auto problem = [&](const std::string& format, const std::string& results) {
    JobKey one = key(1, {});
    one.format = format;
    const PartNames part = part_names(folder_.path(), {}, format == "csv" ? ".csv" : ".jsonl");
    forge(part, one, results, "", 0);
    return what_of([&] { merge_parts(PartSet(find_parts(part.receipt)), names_beside(out_ / "all.jsonl")); });
  };
  const auto flat = [](int frame, const std::string& rank) {
    return fmt::format("{{\"row\":0,\"source\":\"a,\\\"frame\\\":9,\",\"frame\":{},\"time_s\":0.0{}}}\n", frame, rank);
  };
  const std::string first = ",\"rank\":1,\"x\":1";
  const std::string second = ",\"rank\":2,\"x\":1";
  const std::string none = ",\"rank\":null,\"x\":1";
  EXPECT_EQ(problem("flat", flat(0, first) + flat(0, second) + flat(1, first)), "");
  EXPECT_EQ(problem("flat", flat(0, "") + flat(0, "") + flat(1, "")), "");  // boxes
  EXPECT_THAT(problem("flat", flat(0, first) + flat(0, first)), HasSubstr("row 0 is there twice"));
  EXPECT_THAT(problem("flat", flat(0, none) + flat(0, none)), HasSubstr("row 0 is there twice"));
  EXPECT_THAT(problem("flat", flat(1, first) + flat(0, first)), HasSubstr("row 0 is there twice (frame 0 after 1)"));
  const std::string head = "row,source,frame,time_s,rank,label\n";
  const auto cells = [](int frame, int rank) { return fmt::format("0,\"a,\"\"b\n,3,\",{},0.0,{},x\n", frame, rank); };
  EXPECT_EQ(problem("csv", head + cells(0, 1) + cells(0, 2) + cells(1, 1)), "");
  EXPECT_THAT(problem("csv", head + cells(0, 1) + cells(0, 2) + cells(0, 1)), HasSubstr("row 0 is there twice"));
  EXPECT_THAT(problem("csv", head + cells(1, 1) + cells(0, 1)), HasSubstr("row 0 is there twice"));
}

TEST_F(Parts, MergeCountsTheFailures) {
  forge(names({}), key(3, {}), result_of(0) + result_of(2), failure_of(1), 2);
  EXPECT_THAT(what_of([&] { merged("all.jsonl"); }), HasSubstr("there are 1 failed rows"));
}

TEST_F(Parts, OfTwoFormsLieBesideEachOther) {
  for (const char* name : {"all.jsonl", "all.csv", "all.json"}) {
    JobKey one = key(10, {});
    one.format = name == std::string("all.csv") ? "csv" : "jsonl";
    const bool is_table = one.format == "csv";
    PartWriter part(names_beside(folder_ / name), one, {.head = is_table ? "row,x\n" : ""});
    for (int row = 0; row < 9; ++row) {
      part.write(is_table ? fmt::format("{},1\n", row) : result_of(row));
      part.end_row();
    }
    part.fail_row(failure_of(9));
    part.finish();
  }
  for (const std::string name : {"all.jsonl", "all.csv", "all.json"}) {
    const PartNames part = names_beside(folder_ / name);
    for (const fs::path& file : {part.results, part.failed, part.receipt}) {
      const std::vector<PartNames> found = find_parts(file);
      ASSERT_EQ(found.size(), 1U);
      EXPECT_EQ(found.front().results, folder_ / name) << file;
      EXPECT_EQ(found.front().failed, part.failed) << file;
    }
    merge_parts(PartSet(find_parts(part.results)), names_beside(out_ / name));
    EXPECT_EQ(text_of(out_ / name), text_of(part.results));
  }
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

}  // namespace
}  // namespace zoo::batch
