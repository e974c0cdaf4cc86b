#include "pipeline/frame_writer.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/videoio.hpp>

#include "tests/support/temp_folder.h"

namespace zoo::pipeline {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FrameWriterTest : public ::testing::Test {
 protected:
  static Frame frame(const std::string& source, cv::Size size = {64, 48}) {
    Frame result;
    result.image = cv::Mat(size, CV_8UC3, cv::Scalar(10, 200, 30));
    result.source = source;
    return result;
  }
  static SourceInfo images() { return {.kind = SourceKind::kImages, .name = "images", .stem = "images"}; }
  static SourceInfo video() {
    return {
        .kind = SourceKind::kVideoFile, .name = "clip.mov", .stem = "clip", .live = false, .frames = {}, .fps = 12.5};
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
  OutputNames names(folder_ / "deep");
  folder_ /= "deep";
  const auto writer = make_frame_writer(names, images());
  for (const char* source : {"x/cat.jpg", "y/cat.jpg", "z/cat.jpg", "x/cat.png", "x/noextension", "x/odd.xyz"}) {
    writer->write(frame(source));
  }
  const auto second = make_frame_writer(names, images());
  second->write(frame("x/cat.png"));
  writer->finish();
  EXPECT_THAT(written(),
              ElementsAre("cat.jpg", "cat.png", "cat_2.jpg", "cat_2.png", "cat_3.jpg", "noextension.png", "odd.png"));
  const cv::Mat back = cv::imread((folder_ / "cat.png").string());
  EXPECT_EQ(cv::norm(back, frame("x").image, cv::NORM_INF), 0.0);
}

TEST_F(FrameWriterTest, EarlierRunsAreOverwritten) {
  for (int run = 0; run < 2; ++run) {
    OutputNames names(folder_);
    make_frame_writer(names, images())->write(frame("x/cat.png"));
  }
  EXPECT_THAT(written(), ElementsAre("cat.png"));
}

TEST_F(FrameWriterTest, NeverWritesIntoTheFolderOfTheSource) {
  OutputNames names(folder_);
  std::ofstream(folder_ / "cat.png") << "precious";
  EXPECT_THROW(make_frame_writer(names, images())->write(frame((folder_ / "cat.png").string())), IoError);
  EXPECT_EQ(fs::file_size(folder_ / "cat.png"), 8U);
}

TEST_F(FrameWriterTest, FolderThatCannotBeMadeIsAnError) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "file") << "x";
  for (const char* name : {"file", "file/below"}) {
    EXPECT_THROW(OutputNames names(folder_ / name), IoError) << name;
  }
}

TEST_F(FrameWriterTest, VideoHasTheSourcesRateAndEveryFrame) {
  OutputNames names(folder_);
  const auto writer = make_frame_writer(names, video());
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

TEST_F(FrameWriterTest, VideoWithoutFramesLeavesNoFile) {
  OutputNames names(folder_);
  const auto writer = make_frame_writer(names, video());
  writer->finish();
  EXPECT_THAT(writer->files(), ElementsAre());
  EXPECT_THAT(written(), ElementsAre());
}

TEST_F(FrameWriterTest, FramesTooSmallForAVideoAreNamed) {
  OutputNames names(folder_);
  try {
    make_frame_writer(names, video())->write(frame("clip.mov", {1, 40}));
    FAIL() << "nothing was thrown";
  } catch (const IoError& error) {
    EXPECT_STREQ(error.what(), "clip.mov: frames of 1x40 pixels are too small for a video file");
  }
}

}  // namespace
}  // namespace zoo::pipeline
