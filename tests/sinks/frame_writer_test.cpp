#include "sinks/frame_writer.h"

#include <algorithm>
#include <atomic>
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

#include "sinks/constant_rate.h"
#include "sinks/fit_image.h"
#include "tests/support/ffprobe.h"
#include "tests/support/temp_folder.h"

namespace zoo::sinks {
namespace {

namespace fs = std::filesystem;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

class FrameWriterTest : public ::testing::Test {
 protected:
  static pipeline::Frame frame(const std::string& source, cv::Size size = {64, 48}) {
    pipeline::Frame result;
    result.image = cv::Mat(size, CV_8UC3, cv::Scalar(10, 200, 30));
    result.source = source;
    return result;
  }
  static pipeline::Frame at(double time_s, pipeline::Frame frame) {
    frame.time_s = time_s;
    return frame;
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

TEST_F(FrameWriterTest, VideoHasEveryFrameAtItsTime) {
  const auto writer = make_frame_writer(output_folder(), video());
  const std::vector<double> times = {2.0, 2.08, 2.5, 4.0};
  for (const double time : times) writer->write(at(time, frame("clip.mov")));
  writer->finish();
  EXPECT_THAT(writer->files(), ElementsAre(folder_ / "clip.mp4"));
  EXPECT_THAT(written(), ElementsAre("clip.mp4"));
  const test::Probed probed = test::probe(folder_ / "clip.mp4");
  EXPECT_THAT(probed.times, ElementsAre(ElementsAre(0.0, DoubleNear(0.08, 1e-5), DoubleNear(0.5, 1e-5), 2.0)));
  EXPECT_EQ(probed.streams[0].at("nb_frames"), "4");
}

TEST_F(FrameWriterTest, VideoOfConstantRateRepeatsAndLeavesOutFrames) {
  const auto writer = make_frame_writer(output_folder(), video(), "", {.fps = 10.0});
  for (const double time : {5.0, 5.01, 5.02, 5.3, 5.5}) writer->write(at(time, frame("clip.mov")));
  writer->finish();
  const test::Probed probed = test::probe(folder_ / "clip.mp4");
  ASSERT_THAT(probed.times[0], SizeIs(6));
  for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(probed.times[0][i], static_cast<double>(i) / 10, 1e-5);
  EXPECT_NEAR(probed.seconds(0, "duration"), 0.6, 1e-3);
}

TEST_F(FrameWriterTest, VideoOfConstantRateFillsAnHourAndNoMore) {
  std::vector<std::string> notes;
  const auto writer = make_frame_writer(
      output_folder(), video(), "", {.fps = 0.5, .on_note = [&](const std::string& note) { notes.push_back(note); }});
  for (const double time : {0.0, 3600.0, 90'000.0, 900'000.0, 900'004.0}) writer->write(at(time, frame("clip.mov")));
  writer->finish();
  const std::vector<double> times = test::probe(folder_ / "clip.mp4").times[0];
  EXPECT_EQ(std::ranges::count_if(times, [](double time) { return time < 3600.0; }), 1800);
  EXPECT_THAT(std::vector<double>(times.begin() + 1800, times.begin() + 1803),
              ElementsAre(3600.0, 23'600.0, 43'600.0));  // what MP4 needs
  EXPECT_EQ(times.back(), 900'002.0);
  EXPECT_THAT(notes, ElementsAre("clip.mov: a frame is shown for 86400 s; the saved video does not repeat it, as that "
                                 "is more than an hour, so its rate is not constant there"));
}

TEST_F(FrameWriterTest, VideoOfConstantRateIsNotFilledAnyMoreWhenStopped) {
  std::atomic<bool> stop = false;
  const auto writer = make_frame_writer(output_folder(), video(), "", {.fps = 1000.0, .stop = &stop});
  writer->write(at(0.0, frame("clip.mov")));
  writer->write(at(0.002, frame("clip.mov")));
  stop = true;
  writer->write(at(3000.0, frame("clip.mov")));
  writer->finish();
  EXPECT_THAT(test::probe(folder_ / "clip.mp4").times[0],
              ElementsAre(0.0, DoubleNear(0.001, 1e-5), DoubleNear(0.002, 1e-5), DoubleNear(3000.0, 1e-5)));
}

TEST_F(FrameWriterTest, VideoWithFramesOfOtherSizesKeepsTheirProportions) {
  std::vector<std::string> notes;
  const auto writer = make_frame_writer(
      output_folder(), video(), "",
      {.codec = ffmpeg::VideoCodec::kMjpeg, .on_note = [&](const std::string& note) { notes.push_back(note); }});
  double time = 0.0;
  for (const cv::Size size : {cv::Size(65, 49), cv::Size(65, 49), cv::Size(30, 98), cv::Size(200, 20)}) {
    writer->write(at(time += 0.1, frame("clip.mov", size)));
  }
  writer->finish();
  EXPECT_THAT(notes, ElementsAre("clip.mov: frames change their size from 65x49 to 30x98 pixels; the saved video keeps "
                                 "the first, and shows others in it with black bars"));
  cv::VideoCapture capture((folder_ / "clip.mp4").string(), cv::CAP_FFMPEG);
  std::vector<cv::Mat> images;
  for (cv::Mat image; capture.read(image);) images.push_back(image.clone());
  ASSERT_THAT(images, SizeIs(4));
  for (const cv::Mat& image : images) EXPECT_EQ(image.size(), cv::Size(65, 49));
  const auto green = [](const cv::Mat& image, int x, int y) { return image.at<cv::Vec3b>(y, x)[1]; };
  EXPECT_LT(green(images[2], 15, 24), 60);  // 15 pixels wide in the middle
  EXPECT_GT(green(images[2], 32, 3), 140);
  EXPECT_LT(green(images[2], 49, 24), 60);
  EXPECT_LT(green(images[3], 32, 15), 60);  // 7 pixels high
  EXPECT_GT(green(images[3], 4, 24), 140);
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

TEST_F(FrameWriterTest, VideoThatCannotBeWrittenOnIsRemoved) {
  const auto writer = make_frame_writer(output_folder(), video());
  writer->write(frame("clip.mov"));
  EXPECT_THROW(writer->write(at(1.0, {})), std::exception);
  writer->finish();
  EXPECT_THAT(writer->files(), ElementsAre());
  EXPECT_THAT(written(), ElementsAre());
}

TEST(ConstantRate, ShowsEachFrameUntilTheNextOnesTime) {
  ConstantRate rate(4.0, 0.3);
  EXPECT_EQ(rate.next(10.0), 0);
  EXPECT_EQ(rate.next(10.1), 0);  // takes the first one's place
  EXPECT_EQ(rate.next(11.0), 4);
  for (const double time : {10.0, 10.25, 10.5, 10.75}) EXPECT_EQ(rate.show(), time);
  EXPECT_EQ(rate.next(10.5), 0);
  EXPECT_EQ(rate.next(11.2), 1);
  EXPECT_EQ(rate.show(), 11.0);
  EXPECT_EQ(rate.end(), 1);  // 0.2 s later, as the last two are apart
  EXPECT_EQ(rate.show(), 11.25);
  EXPECT_EQ(rate.end(), 0);
}

TEST(ConstantRate, ShowsALoneFrameOnce) {
  ConstantRate rate(0.5, 0.1);
  EXPECT_EQ(rate.end(), 0);
  EXPECT_EQ(rate.next(7.0), 0);
  EXPECT_EQ(rate.end(), 1);
}

TEST(ConstantRate, ShowsTheLastFrameAsLongAsItSays) {
  ConstantRate rate(10.0, 0.1);
  rate.next(0.0, 0.1);
  EXPECT_EQ(rate.next(3.0, 0.5), 30);
  rate.skip(30);
  EXPECT_EQ(rate.end(), 5);
  EXPECT_EQ(rate.show(), 3.0);
}

TEST(ConstantRate, ShowsTheLastFrameNoLongerThanNominally) {
  ConstantRate rate(10.0, 0.2);
  rate.next(0.0);
  rate.skip(rate.next(3600.0));
  EXPECT_EQ(rate.end(), 2);
}

struct FitCase {
  const char* name;
  cv::Size image;
  cv::Size size;
  cv::Rect inner;
};

class FitImage : public ::testing::TestWithParam<FitCase> {};

TEST_P(FitImage, IsInTheMiddleWithItsProportions) {
  const cv::Mat fitted = fit_image(cv::Mat(GetParam().image, CV_8UC3, cv::Scalar::all(255)), GetParam().size);
  ASSERT_EQ(fitted.size(), GetParam().size);
  cv::Mat expected(GetParam().size, CV_8UC3, cv::Scalar::all(0));
  expected(GetParam().inner).setTo(cv::Scalar::all(255));
  EXPECT_EQ(cv::norm(fitted, expected, cv::NORM_INF), 0.0);
}

INSTANTIATE_TEST_SUITE_P(All, FitImage,
                         ::testing::Values(FitCase{"same", {8, 6}, {8, 6}, {0, 0, 8, 6}},
                                           FitCase{"smaller", {4, 3}, {8, 6}, {0, 0, 8, 6}},
                                           FitCase{"upright", {30, 60}, {80, 60}, {25, 0, 30, 60}},
                                           FitCase{"flat", {160, 40}, {80, 60}, {0, 20, 80, 20}},
                                           FitCase{"line", {1000, 1}, {10, 10}, {0, 4, 10, 1}}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace zoo::sinks
