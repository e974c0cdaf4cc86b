// A folder of pictures and what `predict` makes of it in parts.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/apps/program_runner.h"
#include "tests/apps/tiny_models.h"

namespace zoo::test {

inline constexpr int kShards = 4;

/// A small picture of its own: a plain PPM.
inline std::string picture(int number) {
  const int size = 16 + number % 23;
  std::string text = fmt::format("P6 {} {} 255\n", size, size);
  for (int i = 0; i < 3 * size * size; ++i) text += static_cast<char>(i * (number + 3) % 251);
  return text;
}

class BatchJobs : public ::testing::Test {
 protected:
  void make_pictures(int count) const {
    std::filesystem::create_directories(folder_ / "pictures/b");
    for (int i = 0; i < count; ++i) write_text(folder_ / fmt::format("pictures/b/{:05}.ppm", i), picture(i));
    write_text(folder_ / "pictures/a_empty.jpg", "");
    write_text(folder_ / "pictures/b/00003_cut.ppm", picture(3).substr(0, 60));
    list();
  }

  void list() const {
    const ProgramResult result =
        run_program({"manifest", folder_ / "pictures", "-o", folder_ / "list.tsv", "--videos"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  std::vector<std::string> predict(const std::string& out, const std::string& shard,
                                   const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"predict", demo_model(), "--manifest", folder_ / "list.tsv",
                                          "--out",   folder_ / out};
    if (!shard.empty()) arguments.insert(arguments.end(), {"--shard", shard});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  static std::string shard(int index) { return fmt::format("{}/{}", index, kShards); }
  std::string part(int index) const { return folder_ / fmt::format("parts/part-{:05}-of-{:05}", index, kShards); }

  void merge_and_compare() const {
    const ProgramResult one = run_program(predict("one", ""));
    EXPECT_EQ(one.exit_code, 3) << one.err;
    const ProgramResult merged = run_program({"merge", folder_ / "parts", "-o", folder_ / "all.jsonl"});
    EXPECT_EQ(merged.exit_code, 0) << merged.err;
    EXPECT_EQ(read_text(folder_ / "all.jsonl"), read_text(folder_ / "one/part-00000-of-00001.jsonl"));
    EXPECT_EQ(read_text(folder_ / "all.failed.jsonl"), read_text(folder_ / "one/failed-00000-of-00001.jsonl"));
  }

  TempFolder folder_;
};

}  // namespace zoo::test
