// Parts whose rows say what they are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "pipeline/batch/merge.h"
#include "pipeline/batch/part_writer.h"
#include "tests/support/temp_folder.h"

namespace zoo::batch {

namespace fs = std::filesystem;

inline std::string result_of(int64_t row) {
  return fmt::format("{{\"row\":{},\"frame\":0,\"x\":{}}}\n", row, row * row);
}
inline std::string failure_of(int64_t row) {
  return fmt::format("{{\"row\":{},\"frame\":0,\"error\":\"bad\"}}\n", row);
}
inline bool is_bad(int64_t row) { return row % 7 == 3; }

inline std::string what_of(const std::function<void()>& work) {
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

inline std::string all_results(int64_t rows) {
  std::string text;
  for (int64_t row = 0; row < rows; ++row) text += is_bad(row) ? "" : result_of(row);
  return text;
}

}  // namespace zoo::batch
