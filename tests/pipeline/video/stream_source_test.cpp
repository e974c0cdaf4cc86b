// Addresses as sources: what fails is said, what ends is lost.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include "pipeline/images/image_io.h"
#include "pipeline/video/frame_source.h"
#include "tests/pipeline/video/reading.h"
#include "tests/support/http_server.h"

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

}  // namespace
}  // namespace zoo::pipeline
