#include "streams/source_opener.h"

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "streams/left_threads.h"
#include "tests/support/http_server.h"

namespace zoo::streams {
namespace {

TEST(SourceOpener, ThatIsGivenUpIsCounted) {
  std::optional<test::HttpServer> server;
  server.emplace([](const test::HttpRequest&) { return test::HttpReply{.stall = true, .raw = "HTTP/1.1 200 OK\r\n"}; });
  const pipeline::SourceSpec spec{pipeline::SourceKind::kStream, server->url("/hangs.mjpg"), {}};
  std::atomic<bool> stop = false;
  EXPECT_THROW(open_source_within(spec, std::chrono::milliseconds(1), stop), IoError);
  EXPECT_EQ(threads_left_behind(), 1);
  stop = true;
  EXPECT_EQ(open_source_within(spec, std::chrono::minutes(1), stop), nullptr);
  EXPECT_EQ(threads_left_behind(), 2);
  server.reset();
  while (threads_left_behind() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

}  // namespace
}  // namespace zoo::streams
