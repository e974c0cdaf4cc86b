#include "streams/source_probe.h"

#include <memory>

#include <gtest/gtest.h>

#include "tests/support/http_server.h"

namespace zoo::streams {
namespace {

using pipeline::SourceKind;

TEST(SourceProbe, TellsWhetherAPortAccepts) {
  auto server = std::make_unique<test::HttpServer>([](const test::HttpRequest&) { return test::HttpReply{}; });
  const std::string url = server->url("/camera");
  const SourceProbe probe = make_source_probe({.kind = SourceKind::kStream, .text = url, .images = {}});
  EXPECT_TRUE(probe());
  const std::string named = "HTTP://user:p%40ss@localhost" + url.substr(url.rfind(':'));
  EXPECT_TRUE(make_source_probe({.kind = SourceKind::kStream, .text = named, .images = {}})());
  server.reset();
  EXPECT_FALSE(probe());
  EXPECT_FALSE(make_source_probe({.kind = SourceKind::kStream, .text = "rtsp://[::1]:9/camera", .images = {}})());
  EXPECT_FALSE(make_source_probe({.kind = SourceKind::kStream, .text = "rtsp://no-such-host.invalid", .images = {}})());
}

TEST(SourceProbe, LooksForTheDeviceOfACamera) {
  EXPECT_FALSE(make_source_probe({.kind = SourceKind::kCamera, .text = "4711", .images = {}})());
}

TEST(SourceProbe, IsNoneWhereThereIsNobodyToAsk) {
  for (const char* const address : {"udp://127.0.0.1:5000", "srt://127.0.0.1:5000", "rtp://127.0.0.1:5000",
                                    "tcp://127.0.0.1", "rtsp://", "rtsp:///camera"}) {
    EXPECT_FALSE(make_source_probe({.kind = SourceKind::kStream, .text = address, .images = {}})) << address;
  }
  EXPECT_FALSE(make_source_probe({.kind = SourceKind::kVideoFile, .text = "a.mp4", .images = {}}));
  EXPECT_FALSE(make_source_probe({.kind = SourceKind::kGStreamer, .text = "videotestsrc", .images = {}}));
}

}  // namespace
}  // namespace zoo::streams
