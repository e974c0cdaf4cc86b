// Addresses and pipes as sources: what fails is said, what ends is lost, nothing leads elsewhere.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include "pipeline/images/image_io.h"
#include "pipeline/video/frame_source.h"
#include "tests/pipeline/video/video_cases.h"
#include "tests/support/ffprobe.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_folder.h"

namespace zoo::pipeline {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string content_of(const char* video) { return content_of(test::video_folder() / video); }

std::string error_of(const std::string& address, const ReadOptions& options = {}) {
  try {
    open_source(address, options);
  } catch (const IoError& error) {
    return error.what();
  }
  return "no error";
}

struct Read {
  std::vector<Frame> frames;
  std::vector<FrameFailure> failures;
};

Read read_all(FrameSource& source) {
  Read read;
  while (std::optional<FrameResult> result = source.next()) {
    if (auto* frame = std::get_if<Frame>(&*result)) {
      read.frames.push_back(std::move(*frame));
    } else {
      read.failures.push_back(std::get<FrameFailure>(*result));
    }
  }
  EXPECT_EQ(source.next(), std::nullopt);
  return read;
}

/// Motion JPEG as cameras send it.
std::string multipart(int frames) {
  const std::string all = content_of("raw.mjpeg");
  const size_t end = all.find("\xFF\xD8", 2);
  const std::string picture = all.substr(0, end);
  std::string body;
  for (int i = 0; i < frames; ++i) {
    body += "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: " + std::to_string(picture.size()) + "\r\n\r\n" +
            picture + "\r\n";
  }
  return body;
}

std::string camera_reply(int frames) {
  return "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n" + multipart(frames);
}

TEST(HttpSource, SaysWhatTheServerAnswers) {
  struct Case {
    int status;
    const char* text;
  };
  for (const Case& test : {Case{400, "the server refuses the request"}, Case{401, "wants a user name and a password"},
                           Case{403, "forbids it (403)"}, Case{404, "nothing at this address (404)"},
                           Case{500, "the server failed (5xx)"}, Case{503, "the server failed (5xx)"}}) {
    test::HttpServer server([&](const test::HttpRequest&) { return test::HttpReply{.status = test.status}; });
    EXPECT_THAT(error_of(server.url("/door.mp4?token=hunter2")),
                AllOf(StartsWith(server.url("/door.mp4?token=***")), HasSubstr(test.text), Not(HasSubstr("hunter2"))));
  }
}

TEST(HttpSource, SaysWhyThereIsNoContent) {
  struct Case {
    std::string reply;
    const char* text;
  };
  const std::string picture = content_of("cover.png");
  for (const Case& test :
       {Case{"HTTP/1.1 204 No Content\r\n\r\n", "sends no content"},
        Case{"HTTP/1.1 302 Found\r\nLocation: /a.mp4\r\nContent-Length: 0\r\n\r\n", "without end"},
        Case{"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
             "may not open; name that one itself"},
        Case{"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(2 * picture.size()) + "\r\n\r\n" + picture,
             "broke off after"}}) {
    test::HttpServer server([&](const test::HttpRequest&) { return test::HttpReply{.raw = test.reply}; });
    EXPECT_THAT(error_of(server.url("/a.mp4")), HasSubstr(test.text));
  }
}

TEST(HttpSource, SaysWhyThereIsNoAnswer) {
  EXPECT_THAT(error_of("http://127.0.0.1:9/a.mp4"), HasSubstr("connection refused"));
  EXPECT_THAT(error_of("http://no-such-host.invalid/a.mp4"), HasSubstr("the name no-such-host.invalid is not known"));
  EXPECT_THAT(error_of("gopher://127.0.0.1/a"), HasSubstr("an address begins with http, https, rtsp"));
  test::HttpServer silent([](const test::HttpRequest&) { return test::HttpReply{.silent = true}; });
  EXPECT_THAT(error_of(silent.url("/a.mp4")), HasSubstr("closed the connection"));
  test::HttpServer text([](const test::HttpRequest&) { return test::HttpReply{.body = "no video, only a text\n"}; });
  EXPECT_THAT(error_of(text.url("/a.mp4")), HasSubstr("not a video that FFmpeg knows"));
  for (const char* address : {"http://127.0.0.1:99999/x", "http://127.0.0.1:0/x", "tcp://127.0.0.1:65536",
                              "rtsp://user:hunter2@127.0.0.1:99999/x", "http://[::1]:99999/x"}) {
    EXPECT_THAT(error_of(address), AllOf(HasSubstr("its port is none"), Not(HasSubstr("hunter2")))) << address;
  }
}

/// What opening says beside the words.
LossCause cause_of_opening(const std::string& address, const ReadOptions& options = {}) {
  try {
    open_source(address, options);
  } catch (const IoError& error) {
    return cause_of(error);
  }
  return LossCause::kNone;
}

TEST(HttpSource, SaysTheCauseAsACode) {
  int status = 200;
  test::HttpServer server([&](const test::HttpRequest&) { return test::HttpReply{.status = status}; });
  for (const auto& [answer, cause] : std::vector<std::pair<int, LossCause>>{{401, LossCause::kAuthentication},
                                                                            {403, LossCause::kAuthentication},
                                                                            {404, LossCause::kNotFound},
                                                                            {418, LossCause::kOther},
                                                                            {503, LossCause::kOther}}) {
    status = answer;
    EXPECT_EQ(cause_of_opening(server.url("/a.mp4")), cause) << answer;
  }
  test::HttpServer text([](const test::HttpRequest&) { return test::HttpReply{.body = "no video, only a text\n"}; });
  EXPECT_EQ(cause_of_opening(text.url("/a.mp4")), LossCause::kCodec);
  test::HttpServer leading([](const test::HttpRequest&) {
    return test::HttpReply{.raw = "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"};
  });
  EXPECT_EQ(cause_of_opening(leading.url("/a.mp4")), LossCause::kOther);
  EXPECT_EQ(cause_of_opening("http://127.0.0.1:99999/x"), LossCause::kOther);
  test::HttpServer hanging([](const test::HttpRequest&) { return test::HttpReply{.stall = true, .raw = "HTTP/1.1 "}; });
  EXPECT_EQ(cause_of_opening(hanging.url("/a.mp4"), {.open_timeout = milliseconds(100)}), LossCause::kTimeout);
  EXPECT_EQ(cause_of_opening("http://127.0.0.1:9/a.mp4"), LossCause::kRefused);
  EXPECT_EQ(cause_of_opening("http://no-such-host.invalid/a.mp4"), LossCause::kNotFound);
  EXPECT_EQ(cause_of_opening("4711"), LossCause::kNotFound);  // a camera
}

TEST(HttpSource, WithoutALengthTheEndIsTheEnd) {
  std::string body;
  test::HttpServer server([&](const test::HttpRequest&) {
    return test::HttpReply{.raw = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body};
  });
  const std::string line = "<p>no video</p>";
  for (const size_t lines : {1, 100, 10'000}) {
    body.clear();
    for (size_t i = 0; i < lines; ++i) body += line;
    EXPECT_EQ(cause_of_opening(server.url("/a")), LossCause::kCodec) << lines;
    EXPECT_THAT(error_of(server.url("/a")), HasSubstr("not a video that FFmpeg knows")) << lines;
  }
  body = multipart(1).substr(0, 300);
  EXPECT_EQ(cause_of_opening(server.url("/a")), LossCause::kEnded) << "the beginning of a video";
  body = content_of("cover.png");
  EXPECT_EQ(read_all(*open_source(server.url("/a"))).frames.size(), 1U);
}

TEST(HttpSource, GivesUpInTimeOrAtOnceWhenStopped) {
  test::HttpServer server([](const test::HttpRequest&) { return test::HttpReply{.stall = true, .raw = "HTTP/1.1 "}; });
  EXPECT_THAT(error_of(server.url("/a.mp4"), {.open_timeout = milliseconds(100)}),
              HasSubstr("nothing came within 0.1 s"));
  const std::atomic<bool> stop = true;
  EXPECT_THAT(error_of(server.url("/a.mp4"), {.stop = &stop}), EndsWith("stopped while it was being opened"));
}

TEST(HttpSource, PictureIsAPictureWithTheSamePixels) {
  const fs::path file = test::video_folder() / "cover.png";
  test::HttpServer server([&](const test::HttpRequest&) { return test::HttpReply{.body = content_of(file)}; });
  const auto source = open_source(server.url("/pictures/cover?size=1"));
  EXPECT_EQ(source->info().kind, SourceKind::kImages);
  const Read read = read_all(*source);
  ASSERT_EQ(read.frames.size(), 1U);
  EXPECT_EQ(cv::norm(read.frames[0].image, read_image(file), cv::NORM_INF), 0.0);
  server.set_handler([&](const test::HttpRequest&) {
    const std::string all = content_of(file);
    return test::HttpReply{.body = all.substr(0, all.size() / 2)};
  });
  const Read cut = read_all(*open_source(server.url("/cover.png")));
  ASSERT_EQ(cut.failures.size(), 1U);
  EXPECT_EQ(cut.failures[0].kind, FailureKind::kTruncated);
}

TEST(HttpSource, VideoIsReadAsFromAFile) {
  test::HttpServer server([](const test::HttpRequest& request) {
    return file_reply(request, content_of(request.path.substr(1).c_str()), "\"1\"");
  });
  for (const char* name : {"plain.mp4", "trimmed.mov", "shortsound.mkv", "raw.mjpeg"}) {
    const auto source = open_source(server.url(std::string("/") + name));
    EXPECT_FALSE(source->info().live) << name;
    const Read remote = read_all(*source);
    const Read local = read_all(*open_source((test::video_folder() / name).string()));
    EXPECT_THAT(remote.failures, IsEmpty()) << name;
    ASSERT_EQ(remote.frames.size(), local.frames.size()) << name;
    for (size_t i = 0; i < local.frames.size(); ++i) {
      EXPECT_EQ(cv::norm(remote.frames[i].image, local.frames[i].image, cv::NORM_INF), 0.0) << name << " " << i;
      EXPECT_EQ(remote.frames[i].time_s, local.frames[i].time_s) << name << " " << i;
    }
  }
}

TEST(HttpSource, VideoThatBreaksOffIsLost) {
  const std::string video = content_of("plain.mkv");
  test::HttpServer server(
      [&](const test::HttpRequest&) { return test::HttpReply{.body = video, .send = video.size() * 2 / 3}; });
  const Read read = read_all(*open_source(server.url("/plain.mkv")));
  EXPECT_THAT(read.frames, Not(IsEmpty()));
  ASSERT_EQ(read.failures.size(), 1U);
  EXPECT_EQ(read.failures[0].kind, FailureKind::kLost);
  EXPECT_EQ(read.failures[0].cause, LossCause::kEnded);
  EXPECT_THAT(read.failures[0].message, HasSubstr("the connection was lost after"));
}

TEST(HttpSource, CameraThatClosesOrStallsIsLostOnce) {
  struct Case {
    bool stall;
    const char* text;
  };
  for (const Case& test :
       {Case{false, ": the peer ended the stream after "}, Case{true, ": no frame for 0.3 s after "}}) {
    test::HttpServer server(
        [&](const test::HttpRequest&) { return test::HttpReply{.stall = test.stall, .raw = camera_reply(300)}; });
    const auto source = open_source(server.url("/camera"), {.stall_timeout = milliseconds(300)});
    EXPECT_TRUE(source->info().live);
    EXPECT_TRUE(source->info().ends_stalls);
    const Read read = read_all(*source);
    EXPECT_GT(read.frames.size(), 290U);
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].kind, FailureKind::kLost);
    EXPECT_THAT(read.failures[0].message, HasSubstr(test.text));
  }
}

TEST(HttpSource, StoppedIsNotLost) {
  test::HttpServer server(
      [&](const test::HttpRequest&) { return test::HttpReply{.stall = true, .raw = camera_reply(300)}; });
  std::atomic<bool> stop = false;
  const auto source = open_source(server.url("/camera"), {.stop = &stop});
  ASSERT_TRUE(source->next());
  stop = true;
  EXPECT_EQ(source->next(), std::nullopt);
}

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
