// `live` through the real program while its camera dies and its model file is saved.
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/program_runner.h"
#include "tests/support/demo_model.h"
#include "tests/support/rtsp_server.h"

namespace zoo::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kCamera = "gst:videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=20/1";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(LiveCamera, ThatDiesIsBackWhenItsServerIs) {
  auto camera = std::make_unique<RtspServer>();
  const std::string port = camera->port();
  RunningProgram running({"live", demo_model(), "--source", "door=" + camera->url("/cam", "admin:hunter2"), "--json"});
  ASSERT_TRUE(running.wait_for_output(R"("frame":5)"));
  camera.reset();
  ASSERT_TRUE(running.wait_for_output(R"("kind":"lost","cause":"ended","epoch":0)"));
  camera = std::make_unique<RtspServer>(RtspCamera{.port = port, .width = 320, .height = 240});
  ASSERT_TRUE(running.wait_for_output(R"("epoch":1)"));
  EXPECT_THAT(running.out_so_far(), HasSubstr(R"("size":[240,320])"));
  running.send(SIGTERM);
  const ProgramResult result = running.wait();
  EXPECT_EQ(result.exit_code, 143) << result.err;
  EXPECT_EQ(count_of(result.out, R"("kind":"lost")"), 1);
  EXPECT_THAT(result.out + result.err, Not(HasSubstr("hunter2")));
}

TEST(LiveModel, IsSwappedWhenItsFileIsSavedAndStaysWhenThatIsWrong) {
  const TempFolder folder;
  const std::string file = copy_demo_classifier(folder.path());
  const std::string text = read_text(file);
  RunningProgram running({"live", file, "--source", std::string("cam=") + kCamera, "--json"});
  ASSERT_TRUE(running.wait_for_output(R"("model_version":1)"));
  save_text(file, replaced(text, "resize", "resice"));
  ASSERT_TRUE(wait_until([&] { return running.err_so_far().find("resice") != std::string::npos; }));
  save_text(file, replaced(text, "mobilenet_v3_demo_emoji", "another"));
  ASSERT_TRUE(running.wait_for_output(R"("model_version":2)"));
  running.send(SIGHUP);
  ASSERT_TRUE(running.wait_for_output(R"("model_version":3)"));
  running.send(SIGTERM);
  const ProgramResult result = running.wait();
  EXPECT_EQ(result.exit_code, 143) << result.err;
  EXPECT_EQ(count_of(result.err, "resice"), 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("another (version 2) runs from now on"));
  EXPECT_EQ(result.out.find(R"("kind":"lost")"), std::string::npos);
}

}  // namespace
}  // namespace zoo::test
