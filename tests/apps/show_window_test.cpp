// `--show` on a display of its own (Xvfb).
#include <array>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "apps/window_size.h"
#include "tests/apps/program_runner.h"

namespace zoo::test {
namespace {

using ::testing::HasSubstr;

/// An X server without a screen, 1280x1024, on a number that nobody else has.
class Display {
 public:
  Display() {
    const std::string number_file = folder_ / "number";
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, number_file.c_str(), O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::array<std::string, 6> words = {"Xvfb", "-displayfd", "1", "-screen", "0", "1280x1024x24"};
    std::array<char*, 7> arguments{};
    for (size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
    started_ = posix_spawnp(&server_, "Xvfb", &actions, nullptr, arguments.data(), environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    if (!started_) return;
    wait_until([&] { return read_text(number_file).ends_with("\n"); });
    name_ = ":" + read_text(number_file);
    name_.erase(name_.find_last_not_of('\n') + 1);
  }
  ~Display() {
    if (!started_) return;
    kill(server_, SIGTERM);
    waitpid(server_, nullptr, 0);
  }
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  std::string variable() const { return "DISPLAY=" + name_; }

  /// The line that xwininfo has about a window of this title, empty where there is none.
  std::string window(const std::string& title) const {
    const std::string command = "xwininfo -display " + name_ + " -root -tree 2>/dev/null";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    std::string text;
    std::array<char, 4096> buffer;
    while (size_t count = fread(buffer.data(), 1, buffer.size(), pipe.get())) text.append(buffer.data(), count);
    for (const std::string& line : lines_of(text)) {
      if (line.find("\"" + title + "\"") != std::string::npos) return line;
    }
    return "";
  }

 private:
  TempFolder folder_;
  pid_t server_ = 0;
  bool started_ = false;
  std::string name_;
};

TEST(WindowSize, IsThePicturesWithinTheScreen) {
  using apps::window_size;
  EXPECT_EQ(window_size({640, 480}, {1920, 1080}), cv::Size(640, 480));
  EXPECT_EQ(window_size({4000, 3000}, {1920, 1080}), cv::Size(1296, 972));
  EXPECT_EQ(window_size({3000, 100}, {1000, 1000}), cv::Size(900, 30));
  EXPECT_EQ(window_size({64, 48}, {1920, 1080}), cv::Size(256, 192));
  EXPECT_EQ(window_size({4000, 3000}, {0, 0}), cv::Size(864, 648));
  EXPECT_EQ(window_size({1, 100000}, {1000, 1000}), cv::Size(1, 900));
}

TEST(ShowWindow, HasThePicturesSizeItsNameAndCountAndSaysTheKeys) {
  const Display display;
  const std::string picture = demo_sample("apple.jpg");
  const cv::Size size = cv::imread(picture).size();
  RunningProgram program({"predict", demo_model(), picture, demo_sample("dog.jpg"), "--show"}, {display.variable()});
  ASSERT_TRUE(wait_until([&] { return !display.window("apple.jpg (1/2)").empty(); }));
  const std::string expected = " " + std::to_string(size.width) + "x" + std::to_string(size.height) + "+";
  EXPECT_TRUE(wait_until([&] { return display.window("apple.jpg (1/2)").find(expected) != std::string::npos; }))
      << display.window("apple.jpg (1/2)") << ", expected" << expected;
  program.send(SIGINT);
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGINT);
  EXPECT_THAT(result.err, HasSubstr("--show: any key shows the next picture, q or Esc ends\n"));
}

}  // namespace
}  // namespace zoo::test
