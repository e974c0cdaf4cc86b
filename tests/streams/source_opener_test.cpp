#include "streams/source_opener.h"

#include <atomic>
#include <chrono>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/core/left_threads.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_folder.h"

namespace zoo::streams {
namespace {

TEST(SourceOpener, AddressesGiveUpByThemselves) {
  test::HttpServer server(
      [](const test::HttpRequest&) { return test::HttpReply{.stall = true, .raw = "HTTP/1.1 200 OK\r\n"}; });
  const pipeline::SourceSpec spec{pipeline::SourceKind::kStream, server.url("/hangs.mjpg"), {}};
  try {
    open_source_within(spec, {.open_timeout = std::chrono::milliseconds(200)});
    ADD_FAILURE() << "opened";
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr(": nothing came within 0.2 s"));
  }
  std::atomic<bool> stop = true;
  EXPECT_EQ(open_source_within(spec, {.open_timeout = std::chrono::hours(1), .stop = &stop}), nullptr);
  while (threads_left_behind() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

TEST(SourceOpener, WhatHangsAllTheSameIsLeftBehind) {
  const test::TempFolder folder;
  const std::string pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  // As a file: the system waits for somebody who writes, and nothing ends that.
  const pipeline::SourceSpec spec{pipeline::SourceKind::kVideoFile, pipe, {}};
  std::atomic<bool> stop = true;
  EXPECT_EQ(open_source_within(spec, {.stop = &stop}), nullptr);
  EXPECT_EQ(threads_left_behind(), 1);
  close(open(pipe.c_str(), O_WRONLY | O_CLOEXEC));
  while (threads_left_behind() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

}  // namespace
}  // namespace zoo::streams
