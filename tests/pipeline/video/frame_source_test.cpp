#include "pipeline/video/frame_source.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/videoio.hpp>

#include "tests/support/http_server.h"
#include "tests/support/temp_folder.h"

namespace zoo::pipeline {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class FrameSourceTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void add_image(const std::string& name) const {
    cv::imwrite(path(name), cv::Mat(8, 12, CV_8UC3, cv::Scalar::all(9)));
  }
  void add_text(const std::string& name) const { std::ofstream(path(name)) << "text\n"; }
  void add_video(const std::string& name, int frames) const {
    cv::VideoWriter writer(path(name), cv::CAP_FFMPEG, cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), 10.0, {64, 48});
    for (int i = 0; i < frames; ++i) writer.write(cv::Mat(48, 64, CV_8UC3, cv::Scalar::all(i)));
  }
  std::vector<SourceSpec> resolve(const std::vector<std::string>& specs) const { return resolve_sources(specs); }
  std::vector<std::string> names(const SourceSpec& spec) const {
    std::vector<std::string> result;
    for (const fs::path& image : spec.images) result.push_back(image.filename().string());
    return result;
  }
  std::string error_of(const std::string& spec) const {
    try {
      open_source(spec);
    } catch (const IoError& error) {
      return error.what();
    }
    return "no error";
  }

  test::TempFolder temp_;
  fs::path folder_ = temp_.path();
};

TEST_F(FrameSourceTest, FolderMeansItsImagesByName) {
  for (const char* name : {"b.png", "a.JPG", "c.bmp", ".hidden.png"})
    add_image(name == std::string("a.JPG") ? "a.jpg" : name);
  fs::rename(path("a.jpg"), path("a.JPG"));
  add_text("notes.txt");
  fs::create_directory(path("sub.png"));
  const auto specs = resolve({folder_.string()});
  ASSERT_THAT(specs, SizeIs(1));
  EXPECT_EQ(specs[0].kind, SourceKind::kImages);
  EXPECT_THAT(names(specs[0]), ElementsAre("a.JPG", "b.png", "c.bmp"));
}

TEST_F(FrameSourceTest, TextDecidesWhatIsMeant) {
  struct Case {
    const char* text;
    SourceKind kind;
    const char* rest;
  };
  for (const Case& test :
       {Case{"0", SourceKind::kCamera, "0"}, Case{"12", SourceKind::kCamera, "12"},
        Case{"/dev/video3", SourceKind::kCamera, "3"}, Case{"rtsp://host/x", SourceKind::kStream, "rtsp://host/x"},
        Case{"http://host/x.mp4", SourceKind::kStream, "http://host/x.mp4"},
        Case{"gst:videotestsrc ! autovideosink", SourceKind::kGStreamer, "videotestsrc ! autovideosink"}}) {
    const auto specs = resolve({test.text});
    ASSERT_THAT(specs, SizeIs(1)) << test.text;
    EXPECT_EQ(specs[0].kind, test.kind) << test.text;
    EXPECT_EQ(specs[0].text, test.rest);
  }
}

TEST_F(FrameSourceTest, NeighbouringImagesBecomeOneSource) {
  for (const char* name : {"a.png", "b.png", "c.png"}) add_image(name);
  add_video("v.avi", 3);
  const auto specs = resolve({path("c.png"), path("a*.png"), path("v.avi"), path("b.png"), path("gone.jpg")});
  ASSERT_THAT(specs, SizeIs(3));
  EXPECT_THAT(names(specs[0]), ElementsAre("c.png", "a.png"));
  EXPECT_EQ(specs[1].kind, SourceKind::kVideoFile);
  EXPECT_THAT(names(specs[2]), ElementsAre("b.png", "gone.jpg"));
}

TEST_F(FrameSourceTest, PatternMatchesImagesAndVideos) {
  add_image("x1.png");
  add_image("x2.png");
  add_video("x3.avi", 2);
  fs::create_directory(path("x4"));
  const auto specs = resolve({path("x?*")});
  ASSERT_THAT(specs, SizeIs(2));
  EXPECT_THAT(names(specs[0]), ElementsAre("x1.png", "x2.png"));
  EXPECT_EQ(specs[1].text, path("x3.avi"));
}

TEST_F(FrameSourceTest, SubfoldersAreSearchedWhereTheyAreAskedFor) {
  add_image("a.png");
  fs::create_directories(path("sub/deep"));
  add_image("sub/b.png");
  add_image("sub/deep/c.png");
  add_text("sub/notes.txt");
  const std::string folder = folder_.string();
  EXPECT_THAT(names(resolve_sources({&folder, 1})[0]), ElementsAre("a.png"));
  const auto specs = resolve_sources({&folder, 1}, WalkDepth::kSubfolders);
  ASSERT_THAT(specs, SizeIs(1));
  EXPECT_THAT(names(specs[0]), ElementsAre("a.png", "b.png", "c.png"));
  EXPECT_THAT(specs[0].roots, ElementsAre(folder_));
}

TEST_F(FrameSourceTest, FileWithPatternCharactersIsTakenLiterally) {
  add_image("a[1].png");
  EXPECT_THAT(names(resolve({path("a[1].png")})[0]), ElementsAre("a[1].png"));
}

TEST_F(FrameSourceTest, ContentDecidesWithoutAKnownExtension) {
  add_image("a.png");
  fs::rename(path("a.png"), path("picture"));
  add_video("v.avi", 3);
  fs::rename(path("v.avi"), path("film"));
  add_text("prose");
  EXPECT_EQ(resolve({path("picture")})[0].kind, SourceKind::kImages);
  EXPECT_EQ(resolve({path("film")})[0].kind, SourceKind::kVideoFile);
  EXPECT_EQ(resolve({path("prose")})[0].kind, SourceKind::kImages) << "fails as an image that is none";
}

TEST_F(FrameSourceTest, ErrorsNameTheSource) {
  add_text("empty_folder.txt");
  EXPECT_EQ(error_of(""), "the source is empty");
  EXPECT_EQ(error_of(path("gone")),
            path("gone") + ": no such file or folder (nor a camera index, address or gst: pipeline)");
  EXPECT_EQ(error_of(path("*.png")), path("*.png") + ": no file matches this pattern");
  EXPECT_EQ(error_of(folder_.string()),
            folder_.string() + ": the folder holds no images (subfolders are searched with --recursive)");
  add_video("v.avi", 2);
  add_video("w.avi", 2);
  EXPECT_EQ(error_of(folder_.string()), folder_.string() +
                                            ": the folder holds no images (subfolders are searched with --recursive); "
                                            "name its videos one by one");
  EXPECT_EQ(error_of(path("?.avi")), path("?.avi") + ": means 2 sources, one is expected");
  add_text("x.mp4");
  EXPECT_EQ(error_of(path("x.mp4")),
            path("x.mp4") + ": not a video that FFmpeg can open (unknown format, truncated or damaged)");
}

TEST_F(FrameSourceTest, ImagesFailOneByOne) {
  add_image("a.png");
  std::ofstream(path("b.png")).flush();
  add_text("c.png");
  add_image("d.png");
  const auto source = open_source(folder_.string());
  EXPECT_EQ(source->info().frames, 4);
  EXPECT_FALSE(source->info().live);
  std::vector<std::string> found;
  int64_t index = 0;
  while (const auto result = source->next()) {
    if (const auto* frame = std::get_if<Frame>(&*result)) {
      EXPECT_EQ(frame->index, index);
      EXPECT_EQ(frame->image.size(), cv::Size(12, 8));
      found.emplace_back("ok");
    } else {
      EXPECT_EQ(std::get<FrameFailure>(*result).index, index);
      found.emplace_back(to_string(std::get<FrameFailure>(*result).kind));
    }
    ++index;
  }
  EXPECT_THAT(found, ElementsAre("ok", "empty", "not_an_image", "ok"));
}

TEST_F(FrameSourceTest, VideoYieldsFramesThatDoNotShareMemory) {
  add_video("v.avi", 5);
  const auto source = open_source(path("v.avi"));
  EXPECT_EQ(source->info().frames, 5);
  EXPECT_EQ(source->info().stem, "v");
  EXPECT_DOUBLE_EQ(source->info().fps, 10.0);
  std::vector<Frame> frames;
  while (auto result = source->next()) frames.push_back(std::get<Frame>(*result));
  ASSERT_THAT(frames, SizeIs(5));
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].index, static_cast<int64_t>(i));
    EXPECT_NEAR(frames[i].time_s, 0.1 * static_cast<double>(i), 1e-6);
    EXPECT_NEAR(frames[i].image.at<cv::Vec3b>(0, 0)[0], static_cast<double>(i), 2.0);
    for (size_t j = 0; j < i; ++j) EXPECT_NE(frames[i].image.data, frames[j].image.data);
  }
}

TEST_F(FrameSourceTest, GStreamerDeliversBgrWithAndWithoutTheUsersOwnSink) {
  for (const char* end :
       {"", " ! videoconvert ! video/x-raw,format=BGR ! appsink", " ! video/x-raw,format=GRAY8 ! appsink"}) {
    const auto source = open_source(
        std::string("gst:videotestsrc num-buffers=3 pattern=white ! video/x-raw,width=32,height=16 ! videoconvert") +
        end);
    EXPECT_FALSE(source->info().live);
    int64_t count = 0;
    while (const auto result = source->next()) {
      const Frame& frame = std::get<Frame>(*result);
      EXPECT_EQ(frame.image.size(), cv::Size(32, 16));
      EXPECT_EQ(frame.image.type(), CV_8UC3);
      EXPECT_GT(frame.image.at<cv::Vec3b>(4, 4)[1], 200);
      ++count;
    }
    EXPECT_EQ(count, 3) << end;
  }
}

TEST_F(FrameSourceTest, TimesOfPipelinesThatAreNotLiveFollowTheirRate) {
  const auto source = open_source("gst:videotestsrc num-buffers=40 ! video/x-raw,width=32,height=16,framerate=10/1");
  int64_t count = 0;
  while (const auto result = source->next()) {
    EXPECT_DOUBLE_EQ(std::get<Frame>(*result).time_s, static_cast<double>(count++) / 10.0);
  }
  EXPECT_EQ(count, 40);
}

TEST_F(FrameSourceTest, LivenessOfGStreamerPipelines) {
  EXPECT_TRUE(open_source("gst:videotestsrc is-live=true num-buffers=2")->info().live);
  EXPECT_FALSE(open_source("gst:videotestsrc num-buffers=2")->info().live);
}

struct Address {
  const char* text;
  const char* name;
};

TEST_F(FrameSourceTest, PasswordsAreInNoName) {
  const std::vector<Address> addresses = {
      {"rtsp://admin:hunter2@127.0.0.1:9/door", "rtsp://admin:***@127.0.0.1:9/door"},
      {"rtsp://admin:hunter2@127.0.0.1:9", "rtsp://admin:***@127.0.0.1:9"},
      {"http://127.0.0.1:9/a.mjpg?user=u&pwd=hunter2", "http://127.0.0.1:9/a.mjpg?user=u&pwd=***"},
      {"http://hunter2@127.0.0.1:9/a.mjpg", "http://***@127.0.0.1:9/a.mjpg"},
      {"rtsp://admin:hun/ter2@127.0.0.1", "rtsp://admin:***@127.0.0.1"},
      {"gst:rtspsrc location=rtsp://u:hunter2@127.0.0.1:9 user-pw=hunter2 ! nonsense",
       "gst:rtspsrc location=rtsp://u:***@127.0.0.1:9 user-pw=*** ! nonsense"}};
  for (const Address& address : addresses) {
    const std::vector<SourceSpec> specs = resolve({address.text});
    ASSERT_THAT(specs, SizeIs(1));
    EXPECT_EQ(name_of(specs[0]), address.name);
    const std::string error = error_of(address.text);
    EXPECT_THAT(error, ::testing::StartsWith(std::string(address.name) + ": ")) << error;
    EXPECT_EQ(error.find("ter2"), std::string::npos) << error;
  }
}

TEST(StemOfAddress, IsAFileNameWithoutSecrets) {
  const std::vector<Address> addresses = {
      {"rtsp://admin:hunter2@127.0.0.1", "127.0.0.1"},
      {"rtsp://admin:hunter2@127.0.0.1:554/", "127.0.0.1_554"},
      {"rtsp://admin:hun/ter2@cam", "cam"},
      {"http://u:hunter2@cam/yard/door.mjpg?token=hunter2", "door"},
      {"http://cam/yard/door", "door"},
      {"http://hunter2@cam", "cam"},
      {"rtsp://10.0.0.2/user=admin_password=hunter2_channel=1", "user=admin_password=***"},
      {"udp://@239.0.0.1:1234", "239.0.0.1_1234"},
      {"x://", "stream"}};
  for (const Address& address : addresses) EXPECT_EQ(stem_of_address(address.text), address.name) << address.text;
}

}  // namespace
}  // namespace zoo::pipeline
