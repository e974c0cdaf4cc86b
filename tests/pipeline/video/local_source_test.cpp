// Files and pipes as sources: nothing leads elsewhere, content says what it is.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include "pipeline/video/frame_source.h"
#include "tests/pipeline/video/reading.h"
#include "tests/support/ffprobe.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_folder.h"

namespace zoo::pipeline {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(LocalSource, NeverReachesTheNetwork) {
  test::HttpServer server([](const test::HttpRequest&) { return test::HttpReply{}; });
  const test::TempFolder folder;
  const std::string head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n";
  std::ofstream(folder / "list.m3u8") << head << server.url("/a.ts") << "\n#EXT-X-ENDLIST\n";
  std::ofstream(folder / "list") << head << server.url("/a.ts") << "\n#EXT-X-ENDLIST\n";
  std::ofstream(folder / "list.ffconcat") << "ffconcat version 1.0\nfile '" << server.url("/a.ts") << "'\n";
  std::ofstream(folder / "session.sdp") << "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
                                           "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n";
  for (const char* name : {"list.m3u8", "list", "list.ffconcat", "session.sdp"}) {
    resolve_sources(std::vector<std::string>{folder / name});
    try {
      open_source(SourceSpec{SourceKind::kVideoFile, folder / name, {}});
      ADD_FAILURE() << name;
    } catch (const IoError& error) {
      EXPECT_EQ(
          error.what(),
          (folder / name) + ": it names an address, and a file may not open the network; give that address itself");
    }
  }
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST(LocalSource, LocalPlaylistsOfFilesAreRead) {
  const test::TempFolder folder;
  fs::copy(test::video_folder() / "plain.ts", folder / "a.ts");
  std::ofstream(folder / "list.m3u8")
      << "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.2,\na.ts\n#EXT-X-ENDLIST\n";
  EXPECT_EQ(read_all(*open_source(folder / "list.m3u8")).frames.size(), 12U);
}

TEST(LocalSource, FramesSayHowLongTheyAreShown) {
  for (const char* name : {"plain.mp4", "plain.mkv", "plain.avi", "plain.ts"}) {
    const Read read = read_all(*open_source((test::video_folder() / name).string()));
    for (const Frame& frame : read.frames) EXPECT_NEAR(frame.duration_s, 0.1, 1e-6) << name;
  }
  const Read picture = read_all(*open_source((test::video_folder() / "cover.png").string()));
  EXPECT_EQ(picture.frames.at(0).duration_s, 0.0);
}

TEST(LocalSource, TimeGoesOnWhereACameraStartedAnew) {
  const test::TempFolder folder;
  for (const int seconds : {30, 700, 4000}) {
    const std::string later = folder / "later.ts";
    const std::string command = "ffmpeg -nostdin -v error -y -i '" + (test::video_folder() / "plain.ts").string() +
                                "' -c copy -output_ts_offset " + std::to_string(seconds) + " '" + later + "'";
    ASSERT_EQ(std::system(command.c_str()), 0);
    std::ofstream(folder / "joined.ts", std::ios::binary) << content_of(fs::path(later)) << content_of("plain.ts");
    const Read read = read_all(*open_source(folder / "joined.ts"));
    ASSERT_EQ(read.frames.size(), 24U) << seconds;
    for (size_t i = 0; i < read.frames.size(); ++i) {
      EXPECT_NEAR(read.frames[i].time_s, 0.1 * static_cast<double>(i), 1e-6) << seconds;
    }
  }
}

TEST(LocalSource, SaysTheShapeOfPixels) {
  const test::TempFolder folder;
  const auto make = [&](const char* name, const char* more) {
    test::run_ffmpeg(fmt::format("-f lavfi -i testsrc=d=0.2:s=72x58 -vf setsar=16/11 {} {}", more, folder / name));
    return open_source(folder / name)->info().pixel_aspect;
  };
  EXPECT_EQ(make("clip.mp4", ""), (ffmpeg::PixelAspect{16, 11}));
  EXPECT_EQ(make("clip.mkv", "-c:v mpeg4"), (ffmpeg::PixelAspect{16, 11}));
  EXPECT_EQ(make("clip.ts", "-c:v mpeg2video -aspect 16:9"), (ffmpeg::PixelAspect{116, 81}));
  EXPECT_EQ(open_source((test::video_folder() / "plain.mp4").string())->info().pixel_aspect, ffmpeg::PixelAspect{});
  make("flat.mp4", "");
  test::run_ffmpeg(fmt::format("-i {} -c copy -metadata:s:v rotate=90 {}", folder / "flat.mp4", folder / "turned.mp4"));
  EXPECT_EQ(open_source(folder / "turned.mp4")->info().pixel_aspect, (ffmpeg::PixelAspect{11, 16}));
}

TEST(LocalSource, NamesAreNoProtocolsAndNoPatterns) {
  const test::TempFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  for (const char* name : {"http:a.mp4", "cam-12:30:00.mp4", "a%03d.mp4", "a*[x].gif", "-.mp4", "pipe:0.mp4"}) {
    fs::copy_file(test::video_folder() / (fs::path(name).extension() == ".gif" ? "plain.gif" : "plain.mp4"), name);
    EXPECT_EQ(read_all(*open_source(name)).frames.size(), 12U) << name;
  }
  fs::current_path(before);
}

TEST(LocalSource, ContentTellsRawVideosWithoutAnExtension) {
  const test::TempFolder folder;
  for (const char* name : {"raw.h264", "raw.hevc", "raw.mjpeg", "raw.y4m", "raw.ivf", "plain.gif", "plain.asf",
                           "disc.vob", "disc.m2ts", "raw.m2v"}) {
    fs::copy_file(test::video_folder() / name, folder / "film", fs::copy_options::overwrite_existing);
    const auto source = open_source(folder / "film");
    EXPECT_EQ(source->info().kind, SourceKind::kVideoFile) << name;
    EXPECT_EQ(read_all(*source).frames.size(),
              read_all(*open_source((test::video_folder() / name).string())).frames.size())
        << name;
  }
}

TEST(LocalSource, OneJpegIsAPictureWhateverItIsCalled) {
  const test::TempFolder folder;
  const std::string all = content_of("raw.mjpeg");
  const std::string first = all.substr(0, all.find("\xFF\xD8", 2));
  for (const char* name : {"one", "one.mjpeg", "one.mp4"}) {
    std::ofstream(folder / name, std::ios::binary) << first;
    EXPECT_EQ(open_source(folder / name)->info().kind, SourceKind::kImages) << name;
  }
  std::ofstream(folder / "two.jpg", std::ios::binary) << first << first;
  EXPECT_EQ(open_source(folder / "two.jpg")->info().kind, SourceKind::kImages) << "as pictures are read";
  // As cameras with two lenses and telephones write it.
  std::ofstream(folder / "mpf", std::ios::binary)
      << first.substr(0, 2) << std::string("\xFF\xE2\0\x08MPF\0\0\0", 10) << first.substr(2) << first;
  EXPECT_EQ(open_source(folder / "mpf")->info().kind, SourceKind::kImages);
}

TEST(LocalSource, FilmIsAFilmThoughItIsCalledAPicture) {
  const test::TempFolder folder;
  for (const char* name : {"plain.mp4", "plain.ts", "plain.gif"}) {
    fs::copy_file(test::video_folder() / name, folder / "film.jpg", fs::copy_options::overwrite_existing);
    const auto source = open_source(folder / "film.jpg");
    EXPECT_EQ(source->info().kind, SourceKind::kVideoFile) << name;
    EXPECT_EQ(read_all(*source).frames.size(), 12U) << name;
  }
  std::ofstream(folder / "text.jpg") << "no picture, and not a film either\n";
  EXPECT_EQ(open_source(folder / "text.jpg")->info().kind, SourceKind::kImages);
}

TEST(LocalSource, PicturesOfABillionPixelsAreRefusedInWords) {
  const test::TempFolder folder;
  std::ofstream(folder / "big.y4m") << "YUV4MPEG2 W30000 H30000 F25:1 Ip A1:1 C420jpeg\nFRAME\n"
                                    << std::string(1000, 'x');
  EXPECT_THAT(error_of(folder / "big.y4m"), HasSubstr("promises pictures that are too large"));
}

TEST(LocalSource, SoundIsNoVideo) {
  const test::TempFolder folder;
  const fs::path sound(folder / "sound.m4a");
  const std::string command = "ffmpeg -nostdin -v error -i '" + (test::video_folder() / "longsound.mp4").string() +
                              "' -vn -c copy '" + sound.string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  fs::copy(sound, folder / "sound.mp4");
  EXPECT_EQ(error_of(folder / "sound.mp4"), (folder / "sound.mp4") + ": holds no video, only sound");
  for (const char* name : {"sound", "sound.m4a", "sound.jpg"}) {
    if (name != std::string_view("sound.m4a")) fs::copy_file(sound, folder / name);
    EXPECT_EQ(error_of(folder / name), (folder / name) + ": holds no video, only sound");
  }
  for (const char* name : {"sound.mp3", "sound.wav", "sound.mka", "sound.ogg"}) {
    const std::string convert = "ffmpeg -nostdin -v error -i '" + sound.string() + "' '" + (folder / name) + "'";
    ASSERT_EQ(std::system(convert.c_str()), 0);
    EXPECT_EQ(error_of(folder / name), (folder / name) + ": holds no video, only sound");
  }
  const std::string with_cover =
      "ffmpeg -nostdin -v error -i '" + sound.string() + "' -i '" + (test::video_folder() / "cover.png").string() +
      "' -map 0 -map 1 -c copy -disposition:v:0 attached_pic '" + (folder / "cover.mp4") + "'";
  ASSERT_EQ(std::system(with_cover.c_str()), 0);
  EXPECT_THAT(error_of(folder / "cover.mp4"), EndsWith("holds no video, only sound and a cover picture"));
}

/// Writes into a named pipe, once somebody reads it.
class Writer {
 public:
  Writer(std::string pipe, std::string bytes)
      : thread_([pipe = std::move(pipe), bytes = std::move(bytes)] {
          const int descriptor = open(pipe.c_str(), O_WRONLY | O_CLOEXEC);
          size_t written = 0;
          while (written < bytes.size()) {
            const ssize_t count = write(descriptor, bytes.data() + written, bytes.size() - written);
            if (count <= 0) break;
            written += static_cast<size_t>(count);
          }
          close(descriptor);
        }) {}

 private:
  std::jthread thread_;
};

TEST(PipeSource, ContentTellsWhatComes) {
  const test::TempFolder folder;
  struct Case {
    const char* pipe;
    const char* content;
    size_t frames;
    SourceKind kind;
  };
  for (const Case& test :
       {Case{"pipe.jpg", "plain.mp4", 12, SourceKind::kPipe}, Case{"pipe", "plain.ts", 12, SourceKind::kPipe},
        Case{"pipe.mp4", "raw.mjpeg", 12, SourceKind::kPipe}, Case{"pipe.ts", "cover.png", 1, SourceKind::kImages}}) {
    const std::string pipe = folder / test.pipe;
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    const Writer writer(pipe, content_of(test.content));
    const auto source = open_source(pipe);
    EXPECT_EQ(source->info().kind, test.kind) << test.pipe;
    EXPECT_FALSE(source->info().live);
    const Read read = read_all(*source);
    EXPECT_EQ(read.frames.size(), test.frames) << test.pipe;
    EXPECT_THAT(read.failures, IsEmpty());
  }
}

TEST(PipeSource, SlowOneIsReadFromWhatItHasSentInTime) {
  const test::TempFolder folder;
  const std::string all = content_of("plain.ts");
  const std::string pipe = folder / "slow";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const std::jthread writer([&] {
    const int descriptor = open(pipe.c_str(), O_WRONLY | O_CLOEXEC);
    const size_t half = all.size() / 2;
    EXPECT_EQ(write(descriptor, all.data(), half), static_cast<ssize_t>(half));
    std::this_thread::sleep_for(milliseconds(900));
    EXPECT_EQ(write(descriptor, all.data() + half, all.size() - half), static_cast<ssize_t>(all.size() - half));
    close(descriptor);
  });
  const Read read = read_all(*open_source(pipe, {.open_timeout = milliseconds(300)}));
  EXPECT_EQ(read.frames.size(), 12U);
  EXPECT_THAT(read.failures, IsEmpty());
}

TEST(PipeSource, TooLittleIsSaidInTime) {
  const test::TempFolder folder;
  const std::string pipe = folder / "little";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::atomic<bool> done = false;
  const std::jthread writer([&] {
    const int descriptor = open(pipe.c_str(), O_WRONLY | O_CLOEXEC);
    const std::string begin = content_of("plain.ts").substr(0, 400);
    EXPECT_EQ(write(descriptor, begin.data(), begin.size()), std::ssize(begin));
    while (!done) std::this_thread::sleep_for(milliseconds(20));
    close(descriptor);
  });
  EXPECT_THAT(error_of(pipe, {.open_timeout = milliseconds(300)}), HasSubstr("only 400 bytes came within 0.3 s"));
  done = true;
}

TEST(PipeSource, NobodyWritesIsSaidInTime) {
  const test::TempFolder folder;
  const std::string pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(error_of(pipe, {.open_timeout = milliseconds(200)}), HasSubstr("nothing came within 0.2 s"));
  const Writer writer(pipe, "");
  EXPECT_THAT(error_of(pipe, {.open_timeout = milliseconds(5000)}), HasSubstr("nothing came before the end"));
}

}  // namespace
}  // namespace zoo::pipeline
