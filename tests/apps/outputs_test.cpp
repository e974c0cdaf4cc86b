// What the program writes never hurts what it reads, and is whole or not there.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/videoio.hpp>

#include "pipeline/images/mask_png.h"
#include "tests/apps/program_runner.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

/// A folder with inputs of every kind, which no run may change.
class Outputs : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* kind : {"emoji", "emoji_segmentation", "emoji_detection"}) {
      for (const char* extension : {".yaml", ".safetensors"}) copy(std::string("configs/demo/") + kind + extension, "");
    }
    for (const char* labels : {"emoji_labels.txt", "emoji_scenes_labels.txt"}) {
      copy(std::string("configs/demo/") + labels, "");
    }
    copy("configs/demo/samples/clip.mp4", "");
    for (const char* name : {"dog.jpg", "apple.jpg"}) copy(std::string("configs/demo/samples/") + name, "in");
    cv::imwrite(folder_ / "in/pear.png", cv::imread(demo_sample("car.jpg")));
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file()) inputs_[entry.path()] = read_text(entry.path());
    }
  }
  void TearDown() override {
    for (const auto& [file, text] : inputs_) EXPECT_TRUE(read_text(file) == text) << file << " has changed";
  }

  void copy(const std::string& source, const std::string& folder) const {
    fs::create_directories(folder_.path() / folder);
    fs::copy_file(source_path(source), folder_.path() / folder / fs::path(source).filename());
  }
  std::string path(const std::string& name) const { return folder_ / name; }
  ProgramResult run(const std::string& command, const std::string& model, std::vector<std::string> flags) const {
    flags.insert(flags.begin(), {command, path(model)});
    return run_program(flags);
  }
  /// Runs and expects a refusal that says `why`.
  void refused(const std::string& command, const std::string& model, const std::vector<std::string>& flags,
               const std::string& why) const {
    const ProgramResult result = run(command, model, flags);
    EXPECT_EQ(result.exit_code, 1) << command << " " << ::testing::PrintToString(flags);
    EXPECT_THAT(result.err, HasSubstr(why)) << command << " " << ::testing::PrintToString(flags);
  }
  std::vector<std::string> hidden_files(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path(folder))) {
      if (entry.path().filename().string().starts_with('.')) names.push_back(entry.path().filename());
    }
    return names;
  }

  TempFolder folder_;
  std::map<fs::path, std::string> inputs_;
};

TEST_F(Outputs, FoldersOfSourcesAreRefused) {
  const std::string why = "sources come from this folder";
  refused("predict", "emoji.yaml", {"-s", path("clip.mp4"), "--save", path("")}, why);
  refused("predict", "emoji.yaml", {"-s", path("in"), "--save", path("in")}, why);
  refused("predict", "emoji_segmentation.yaml", {"-s", path("in"), "--masks", path("in")}, why);
  fs::create_directory_symlink("in", path("link"));
  refused("predict", "emoji.yaml", {"-s", path("in/dog.jpg"), "--save", path("link")}, why);
}

TEST_F(Outputs, LinksBetweenInputAndOutputHurtNothing) {
  fs::create_directories(path("out"));
  fs::create_symlink("../in/dog.jpg", path("out/dog.jpg"));
  refused("predict", "emoji.yaml", {"-s", path("in/dog.jpg"), "--save", path("out")}, "is a source of this run");
  fs::create_directories(path("linked"));
  fs::create_symlink("../in/pear.png", path("linked/pear.png"));
  refused("predict", "emoji.yaml", {"-s", path("linked"), "--save", path("in")}, "sources come from this folder");
  fs::create_symlink("in/pear.png", path("lines.jsonl"));
  refused("predict", "emoji.yaml", {"-s", path("in/dog.jpg"), "--json", path("lines.jsonl")},
          "lines.jsonl: cannot be written: it is a link to in/pear.png");
}

TEST_F(Outputs, FilesThatFlagsNameAreNoInputs) {
  const std::string model = path("emoji.yaml");
  refused("predict", "emoji.yaml", {"-s", path("in"), "--json", path("in/pear.png")},
          "--json " + path("in/pear.png") + ": is a source of this run");
  refused("predict", "emoji.yaml", {"-s", path("in"), "--json", model}, "is the model file of this run");
  refused("predict", "emoji.yaml", {"-s", path("in"), "--json", path("emoji_labels.txt")}, "is the labels file");
  refused("predict", "emoji_detection.yaml", {"-s", path("in"), "--coco", path("emoji_detection.safetensors")},
          "is the checkpoint of this run");
  refused("predict", "emoji_detection.yaml", {"-s", path("in"), "--coco", path("x"), "--json", path("x")},
          "--coco " + path("x") + ": an input or another output of this run has this name");
  refused("graph", "emoji.yaml", {"-o", model}, "--output " + model + ": is the model file");
  refused("export", "emoji.yaml", {"--onnx", path("emoji.safetensors")}, "is the checkpoint");
  refused("preprocess", "emoji.yaml", {"-s", path("in/pear.png"), "-o", path("in/pear.png")}, "is the source");
  refused("calibrate", "emoji.yaml", {"--data", path("in"), "-o", path("in/dog.jpg")}, "is a picture of this run");
  refused("calibrate", "emoji.yaml", {"--data", path("in"), "-o", path("emoji.safetensors")}, "is the checkpoint");
  ASSERT_EQ(run("preprocess", "emoji.yaml", {"-s", path("in/pear.png"), "-o", path("input")}).exit_code, 0);
  const std::string before = read_text(path("input"));
  refused("run", "emoji.yaml", {"-i", path("input"), "-o", path("input")}, "is the input tensor");
  refused("preprocess", "emoji.yaml", {"-s", path("in/pear.png"), "-o", path("input"), "--compare", path("input")},
          "is the reference");
  EXPECT_EQ(read_text(path("input")), before);
}

TEST_F(Outputs, EvalWritesOverNoneOfItsData) {
  fs::create_directories(path("data/images"));
  fs::create_directories(path("data/masks"));
  cv::imwrite(path("data/images/a.png"), cv::Mat(20, 20, CV_8UC3, cv::Scalar::all(9)));
  pipeline::write_mask_png(path("data/masks/a.png"), cv::Mat(20, 20, CV_8UC1, cv::Scalar(0)));
  for (const char* name : {"data/images/a.png", "data/masks/a.png"}) inputs_[path(name)] = read_text(path(name));
  const std::string model = "emoji_segmentation.yaml";
  refused("eval", model, {"--data", path("data"), "--json", path("data/images/a.png")}, "--json");
  refused("eval", model, {"--data", path("data"), "--confusion", path("data/masks/a.png")}, "is a label map");
}

TEST_F(Outputs, SaveAndMasksShareAFolder) {
  const ProgramResult result =
      run("predict", "emoji_segmentation.yaml",
          {"-s", path("in"), path("clip.mp4"), "--max-frames", "3", "--save", path("out"), "--masks", path("./out")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* name : {"dog.jpg", "apple.jpg", "pear.png", "clip.mp4"})
    EXPECT_TRUE(fs::exists(path("out") + "/" + name));
  for (const char* name : {"dog", "apple", "pear", "clip"}) {
    const std::string number = name == std::string("clip") ? "_000001" : "";
    // A label map is a palette picture, which decode_mask_png takes and a photograph is not.
    EXPECT_NO_THROW(pipeline::read_mask_png(path("out") + "/" + name + number + "_mask.png")) << name;
  }
}

TEST_F(Outputs, FailedStartLeavesOlderFiles) {
  for (const char* name : {"lines.jsonl", "coco.json"}) write_text(path(name), "older");
  fs::create_directory(path("bad"));
  write_text(path("bad/no_video.mp4"), "no video");
  const ProgramResult result =
      run("predict", "emoji_detection.yaml",
          {"-s", path("bad/no_video.mp4"), "--json", path("lines.jsonl"), "--coco", path("coco.json")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(read_text(path("lines.jsonl")), "older");
  EXPECT_EQ(read_text(path("coco.json")), "older");
  EXPECT_THAT(hidden_files(""), ::testing::IsEmpty());
}

TEST_F(Outputs, JsonLinesAndDocumentsReplaceOlderOnes) {
  for (const char* name : {"lines.jsonl", "coco.json", "graph.md"}) write_text(path(name), std::string(100'000, 'x'));
  const ProgramResult result = run("predict", "emoji_detection.yaml",
                                   {"-s", path("in"), "--json", path("lines.jsonl"), "--coco", path("coco.json")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(lines_of(read_text(path("lines.jsonl"))).size(), 3U);
  for (const std::string& line : lines_of(read_text(path("lines.jsonl")))) EXPECT_TRUE(Json::accept(line)) << line;
  EXPECT_TRUE(Json::parse(read_text(path("coco.json"))).is_array());
  EXPECT_EQ(run("graph", "emoji.yaml", {"-o", path("graph.md")}).exit_code, 0);
  EXPECT_THAT(read_text(path("graph.md")), Not(HasSubstr("xxx")));
}

/// Whole or not there: pictures and videos decode to their end, documents parse, lines that have ended parse.
void check_whole(const fs::path& file) {
  const std::string extension = file.extension();
  if (extension == ".jsonl") {
    const std::string text = read_text(file);
    for (const std::string& line : lines_of(text.substr(0, text.rfind('\n') + 1)))
      EXPECT_TRUE(Json::accept(line)) << line;
  } else if (extension == ".json") {
    EXPECT_TRUE(Json::accept(read_text(file))) << file;
  } else if (extension == ".mp4") {
    cv::VideoCapture capture(file.string(), cv::CAP_FFMPEG);
    int frames = 0;
    for (cv::Mat image; capture.read(image);) ++frames;
    EXPECT_EQ(frames, 70) << file;
  } else {
    EXPECT_NO_THROW(pipeline::read_image(file)) << file;
  }
}

TEST_F(Outputs, AreWholeOrAbsentWhereverTheProgramIsKilled) {
  const std::vector<std::string> command = {"predict",
                                            path("emoji_segmentation.yaml"),
                                            "-s",
                                            path("in"),
                                            path("clip.mp4"),
                                            "--save",
                                            path("out/saved"),
                                            "--masks",
                                            path("out/masks"),
                                            "--json",
                                            path("out/lines.jsonl"),
                                            "--coco",
                                            path("out/coco.json")};
  const auto outputs = [&] {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(path("out"))) {
      if (entry.is_regular_file() && !entry.path().filename().string().starts_with('.')) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
  };
  fs::create_directories(path("out"));
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(run_program(command).exit_code, 0);
  const auto whole_run = std::chrono::steady_clock::now() - start;
  const std::vector<fs::path> older = outputs();
  EXPECT_EQ(older.size(), 3 + 1 + 3 + 70 + 2U);

  std::mt19937 random(14);
  for (int round = 0; round < 10; ++round) {
    SCOPED_TRACE(round);
    const bool beside_older = round < 5;
    if (!beside_older) fs::remove_all(path("out"));
    fs::create_directories(path("out"));
    RunningProgram program(command);
    std::this_thread::sleep_for(whole_run * (random() % 1000) / 1000);  // any moment will do
    program.send(SIGKILL);
    program.wait();
    const std::vector<fs::path> found = outputs();
    for (const fs::path& file : found) check_whole(file);
    if (beside_older) {
      EXPECT_EQ(found, older);
    }
  }
}

}  // namespace
}  // namespace zoo::test
