// `eval` in parts: its figures are those of one run.
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/apps/batch_jobs.h"
#include "tests/apps/program_runner.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

class BatchEval : public BatchJobs {
 protected:
  Json whole(const std::vector<std::string>& model_and_data, int exit_code = 0) const {
    std::vector<std::string> arguments = {"eval"};
    arguments.insert(arguments.end(), model_and_data.begin(), model_and_data.end());
    arguments.insert(arguments.end(), {"--json", "-"});
    const ProgramResult result = run_program(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    return Json::parse(result.out);
  }

  Json merged(const std::vector<std::string>& model_and_data, const std::string& listed, int shards) const {
    EXPECT_EQ(run_program({"manifest", listed, "-o", folder_ / "list.tsv"}).exit_code, 0);
    for (int i = 0; i < shards; ++i) {
      std::vector<std::string> arguments = {"eval"};
      arguments.insert(arguments.end(), model_and_data.begin(), model_and_data.end());
      arguments.insert(arguments.end(), {"--manifest", folder_ / "list.tsv", "--shard", fmt::format("{}/{}", i, shards),
                                         "--out", folder_ / "parts"});
      const ProgramResult result = run_program(arguments);
      EXPECT_THAT(result.exit_code, AnyOf(0, 3)) << result.err;
    }
    const ProgramResult result = run_program({"merge", folder_ / "parts", "-o", folder_ / "figures.json"});
    EXPECT_THAT(result.exit_code, AnyOf(0, 3)) << result.err;
    return Json::parse(read_text(folder_ / "figures.json"));
  }
};

TEST_F(BatchEval, FiguresOfAClassifierAreThoseOfOneRun) {
  const std::string data = folder_ / "data";
  for (const char* name : {"apple", "butterfly", "car", "dog", "guitar", "penguin", "sunflower"}) {
    fs::create_directories(data + "/" + name);
    fs::copy_file(demo_sample(std::string(name) + ".jpg"), data + "/" + name + "/a.jpg");
  }
  fs::create_directories(data + "/cat");
  fs::copy_file(demo_sample("dog.jpg"), data + "/cat/wrong.jpg");
  write_text(data + "/cat/broken.jpg", "broken");
  const std::vector<std::string> arguments = {demo_model(), "--data", data};
  const Json one = whole(arguments, 3);
  Json parts = merged(arguments, data, 3);
  EXPECT_EQ(parts.at("failed").size(), 1U);
  EXPECT_EQ(parts.at("failed").at(0).at("source"), "cat/broken.jpg");
  parts["failed"] = one.at("failed");
  EXPECT_EQ(parts, one);
}

TEST_F(BatchEval, FiguresOfADetectorAndASegmenterAreThoseOfOneRun) {
  const std::string scenes = demo_sample("scenes");
  const std::string data = folder_ / "boxes";
  fs::create_directories(data + "/images");
  Json truth = {{"images", Json::array()},
                {"categories", {{{"id", 1}, {"name", "house"}}, {{"id", 2}, {"name", "guitar"}}}},
                {"annotations", Json::array()}};
  int id = 0;
  for (const auto& entry : fs::directory_iterator(scenes)) {
    if (entry.path().extension() != ".jpg") continue;
    ++id;
    fs::copy_file(entry.path(), data + "/images/" + entry.path().filename().string());
    truth["images"].push_back({{"id", id}, {"file_name", entry.path().filename().string()}});
    truth["annotations"].push_back({{"image_id", id}, {"category_id", 1 + id % 2}, {"bbox", {10, 10, 90, 120}}});
  }
  ASSERT_GE(id, 2);
  write_text(data + "/annotations.json", truth.dump());
  const std::vector<std::string> boxes = {source_path("configs/demo/emoji_detection.yaml"), "--data", data};
  EXPECT_EQ(merged(boxes, data + "/images", 2), whole(boxes));

  fs::remove_all(folder_ / "parts");
  const std::string segmenter = source_path("configs/demo/emoji_segmentation.yaml");
  fs::copy(data, folder_ / "masks", fs::copy_options::recursive);
  ASSERT_EQ(run_program({"predict", source_path("configs/demo/emoji_segmentation.yaml"), data + "/images", "--size",
                         "96", "--masks", folder_ / "masks/masks"})
                .exit_code,
            0);
  const std::vector<std::string> masks = {segmenter, "--data", folder_ / "masks"};
  EXPECT_EQ(merged(masks, folder_ / "masks/images", 2), whole(masks));
}

TEST_F(BatchEval, ARowThatEndsItsProcessAgainAndAgainIsAFailure) {
  constexpr int kPictures = 200;
  const std::string data = folder_ / "data";
  fs::create_directories(data + "/dog");
  for (int i = 0; i < kPictures; ++i) fs::copy_file(demo_sample("dog.jpg"), fmt::format("{}/dog/{:03}.jpg", data, i));
  ASSERT_EQ(run_program({"manifest", data, "-o", folder_ / "list.tsv"}).exit_code, 0);
  const std::vector<std::string> arguments = {
      "eval",  demo_model(),      "--data",    data, "--manifest", folder_ / "list.tsv",
      "--out", folder_ / "parts", "--threads", "1",  "--resume"};
  const std::string begun = folder_ / "parts/part-00000-of-00001.begun";
  RunningProgram task(arguments);
  ASSERT_TRUE(wait_until([&] { return fs::exists(begun) && !lines_of(read_text(begun)).empty(); }));
  task.send(SIGKILL);
  ASSERT_EQ(task.wait().signal, SIGKILL);
  // What two more ends in row 190 would leave, and one in 191.
  write_text(begun, fmt::format("{:<20} {:<10}\n{:<20} {:<10}\n", 190, 3, 191, 1));
  const ProgramResult rest = run_program(arguments);
  EXPECT_EQ(rest.exit_code, 3) << rest.err;
  EXPECT_THAT(rest.err, HasSubstr("an earlier process ended in the middle of 2 rows, tried one at a time now"));
  EXPECT_EQ(lines_of(read_text(folder_ / "parts/part-00000-of-00001.jsonl")).size(), kPictures - 1U);
  const Json failed = Json::parse(read_text(folder_ / "parts/failed-00000-of-00001.jsonl"));
  EXPECT_EQ(failed.at("row"), 190);
  EXPECT_THAT(failed.at("error").get<std::string>(), HasSubstr("dog/190.jpg: ended its process 3 times"));
}

TEST_F(BatchEval, RowsWithoutGroundTruthAreFailuresAndOtherListsAreRefused) {
  const std::string data = folder_ / "data";
  fs::create_directories(data + "/dog");
  fs::copy_file(demo_sample("dog.jpg"), data + "/dog/a.jpg");
  fs::copy_file(demo_sample("dog.jpg"), data + "/loose.jpg");
  const Json figures = merged({demo_model(), "--data", data}, data, 1);
  EXPECT_EQ(figures.at("pictures"), 1);
  EXPECT_THAT(figures.at("failed").at(0).at("error").get<std::string>(), HasSubstr("no ground truth"));
  fs::remove_all(folder_ / "parts");
  EXPECT_EQ(merged({demo_model(), "--data", data}, data, 2), figures);  // a shard of nothing else
  fs::create_directories(data + "/cat");
  fs::rename(data + "/dog/a.jpg", data + "/cat/a.jpg");
  fs::copy_file(data + "/loose.jpg", data + "/dog/a.jpg");
  const ProgramResult truth = run_program({"eval", demo_model(), "--data", data, "--manifest", folder_ / "list.tsv",
                                           "--shard", "0/2", "--out", folder_ / "parts", "--resume"});
  EXPECT_EQ(truth.exit_code, 2);
  EXPECT_THAT(truth.err, HasSubstr("the ground truth: "));
  make_pictures(3);
  const ProgramResult other = run_program(
      {"eval", demo_model(), "--data", data, "--manifest", folder_ / "list.tsv", "--out", folder_ / "other"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("none of the rows is a picture of"));
  const ProgramResult shard_of_other =
      run_program({"eval", demo_model(), "--data", data, "--manifest", folder_ / "list.tsv", "--shard", "1/2", "--out",
                   folder_ / "other"});
  EXPECT_EQ(shard_of_other.exit_code, 2);
  EXPECT_THAT(shard_of_other.err, HasSubstr("none of the rows is a picture of"));
  const ProgramResult limited = run_program({"eval", demo_model(), "--data", data, "--manifest", folder_ / "list.tsv",
                                             "--out", folder_ / "other", "--limit", "3"});
  EXPECT_THAT(limited.err, HasSubstr("`merge` writes the figures of all parts"));
}

}  // namespace
}  // namespace zoo::test
