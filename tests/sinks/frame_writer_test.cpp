#include "sinks/frame_writer.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/videoio.hpp>

#include "tests/support/temp_folder.h"

namespace zoo::sinks {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::MatchesRegex;

class FrameWriterTest : public ::testing::Test {
 protected:
  static pipeline::Frame frame(const std::string& source, cv::Size size = {64, 48}) {
    pipeline::Frame result;
    result.image = cv::Mat(size, CV_8UC3, cv::Scalar(10, 200, 30));
    result.source = source;
    return result;
  }
  static pipeline::SourceInfo images() {
    return {.kind = pipeline::SourceKind::kImages, .name = "images", .stem = "images"};
  }
  static pipeline::SourceInfo video() {
    return {.kind = pipeline::SourceKind::kVideoFile,
            .name = "clip.mov",
            .stem = "clip",
            .live = false,
            .frames = {},
            .fps = 12.5};
  }
  std::shared_ptr<OutputFolder> output_folder(std::shared_ptr<RunFiles> run = std::make_shared<RunFiles>()) const {
    return std::make_shared<OutputFolder>(folder_, std::move(run));
  }
  std::vector<std::string> written() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }

  test::TempFolder temp_;
  fs::path folder_ = temp_.path() / "out";  // not there yet
};

TEST_F(FrameWriterTest, ImagesKeepNameAndFormatAndNeverCollide) {
  folder_ /= "deep";
  const auto folder = output_folder();
  const auto writer = make_frame_writer(folder, images());
  for (const char* source : {"x/cat.jpg", "x/cat.png", "x/noextension", "x/odd.xyz"}) writer->write(frame(source));
  const auto second = make_frame_writer(folder, images());
  for (const char* source : {"x/cat.png", "x/odd.png"}) second->write(frame(source));
  writer->finish();
  EXPECT_THAT(written(),
              ElementsAre("cat.jpg", "cat.png", "noextension.png", MatchesRegex("odd-[0-9a-f]{16}\\.png"), "odd.png"));
  const cv::Mat back = cv::imread((folder_ / "cat.png").string());
  EXPECT_EQ(cv::norm(back, frame("x").image, cv::NORM_INF), 0.0);
}

TEST_F(FrameWriterTest, EarlierRunsAreOverwritten) {
  for (int run = 0; run < 2; ++run) make_frame_writer(output_folder(), images())->write(frame("x/cat.png"));
  EXPECT_THAT(written(), ElementsAre("cat.png"));
}

TEST_F(FrameWriterTest, PictureThatDoesNotFitItsFormatBecomesAPng) {
  make_frame_writer(output_folder(), images())->write(frame("x/pano.webp", {20'000, 4}));  // WebP: up to 16,383 pixels
  EXPECT_THAT(written(), ElementsAre("pano.png"));
}

TEST_F(FrameWriterTest, NeverWritesIntoTheFolderOfTheSource) {
  fs::create_directories(folder_);
  for (const char* name : {"cat.png", "clip.mp4", "clip.mov"}) std::ofstream(folder_ / name) << "precious";
  const auto run = std::make_shared<RunFiles>();
  run->add_source(folder_ / "cat.png");
  const auto folder = output_folder(run);
  EXPECT_THROW(make_frame_writer(folder, images())->write(frame((folder_ / "cat.png").string())), IoError);
  EXPECT_THROW(make_frame_writer(folder, video())->write(frame("clip.mov")), IoError);
  EXPECT_THAT(written(), ElementsAre("cat.png", "clip.mov", "clip.mp4"));
  for (const auto& entry : fs::directory_iterator(folder_)) EXPECT_EQ(fs::file_size(entry), 8U) << entry.path();
}

TEST_F(FrameWriterTest, FolderThatCannotBeMadeIsAnError) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "file") << "x";
  for (const char* name : {"file", "file/below"}) {
    EXPECT_THROW(OutputFolder(folder_ / name), IoError) << name;
  }
}

TEST_F(FrameWriterTest, VideoHasTheSourcesRateAndEveryFrame) {
  const auto writer = make_frame_writer(output_folder(), video());
  for (const cv::Size size : {cv::Size(65, 49), cv::Size(65, 49), cv::Size(30, 100), cv::Size(200, 20)}) {
    writer->write(frame("clip.mov", size));
  }
  writer->finish();
  EXPECT_THAT(writer->files(), ElementsAre(folder_ / "clip.mp4"));
  cv::VideoCapture capture((folder_ / "clip.mp4").string(), cv::CAP_FFMPEG);
  EXPECT_NEAR(capture.get(cv::CAP_PROP_FPS), 12.5, 0.01);
  int count = 0;
  for (cv::Mat image; capture.read(image); ++count) EXPECT_EQ(image.size(), cv::Size(64, 48));
  EXPECT_EQ(count, 4);
}

TEST_F(FrameWriterTest, VideoHasItsNameWhenItIsWhole) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "clip.mp4") << "older";
  {
    const auto writer = make_frame_writer(output_folder(), video());
    writer->write(frame("clip.mov"));
    EXPECT_EQ(fs::file_size(folder_ / "clip.mp4"), 5U);
    EXPECT_THAT(written(), ElementsAre(EndsWith(".part.mp4"), "clip.mp4"));
  }  // a run that ends early: what was recorded is whole
  EXPECT_THAT(written(), ElementsAre("clip.mp4"));
  cv::VideoCapture capture((folder_ / "clip.mp4").string(), cv::CAP_FFMPEG);
  EXPECT_EQ(capture.get(cv::CAP_PROP_FRAME_COUNT), 1.0);
}

TEST_F(FrameWriterTest, VideoInAFolderWithAColonInItsName) {
  const fs::path before = fs::current_path();
  fs::create_directories(folder_);
  fs::current_path(folder_);
  folder_ = "12:30:00";
  const auto writer = make_frame_writer(output_folder(), video());
  writer->write(frame("clip.mov"));
  writer->finish();
  EXPECT_THAT(writer->files(), ElementsAre("12:30:00/clip.mp4"));
  EXPECT_THAT(written(), ElementsAre("clip.mp4"));
  fs::current_path(before);
}

TEST_F(FrameWriterTest, VideoWithoutFramesLeavesNoFile) {
  const auto writer = make_frame_writer(output_folder(), video());
  writer->finish();
  EXPECT_THAT(writer->files(), ElementsAre());
  EXPECT_THAT(written(), ElementsAre());
}

TEST_F(FrameWriterTest, FramesTooSmallForAVideoAreNamed) {
  try {
    make_frame_writer(output_folder(), video())->write(frame("clip.mov", {1, 40}));
    FAIL() << "nothing was thrown";
  } catch (const IoError& error) {
    EXPECT_STREQ(error.what(), "clip.mov: frames of 1x40 pixels are too small for a video file");
  }
}

}  // namespace
}  // namespace zoo::sinks
