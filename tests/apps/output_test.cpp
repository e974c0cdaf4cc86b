#include "apps/output.h"

#include <csignal>
#include <filesystem>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "sinks/text_output.h"
#include "tests/apps/program_runner.h"

namespace zoo::apps {
namespace {

namespace fs = std::filesystem;
using test::read_text;
using test::write_text;

class OutputTest : public ::testing::Test {
 protected:
  test::TempFolder folder_;
  std::string file_ = folder_ / "file";
};

TEST_F(OutputTest, LinesReplaceAnOlderFileWithTheFirst) {
  write_text(file_, "older\nlines\n");
  {
    sinks::TextOutput out(file_);
    EXPECT_EQ(read_text(file_), "older\nlines\n");
  }
  EXPECT_EQ(read_text(file_), "older\nlines\n") << "nothing was written";
  sinks::TextOutput out(file_);
  out.line("a");
  EXPECT_EQ(read_text(file_), "a\n");
  out.line("b");
  EXPECT_EQ(read_text(file_), "a\nb\n");
  out.finish();
  sinks::TextOutput(file_).finish();
  EXPECT_EQ(read_text(file_), "");
}

TEST_F(OutputTest, WritesThroughNoHardLink) {
  write_text(folder_ / "original", "a picture");
  std::filesystem::create_hard_link(folder_ / "original", file_);
  EXPECT_THAT([&] { sinks::TextOutput out(file_); },
              ::testing::ThrowsMessage<IoError>(::testing::HasSubstr("hard link")));
  EXPECT_EQ(read_text(folder_ / "original"), "a picture");
}

TEST_F(OutputTest, LineThatDoesNotFitIsTakenBack) {
  const pid_t child = fork();
  if (child == 0) {
    // A limit of the process stands for the full disk.
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 100, .rlim_max = 100};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      sinks::TextOutput out(file_);
      for (int i = 0; i < 10; ++i) out.line(std::string(29, 'x'));
    } catch (const IoError&) {
      _exit(0);
    }
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(fs::file_size(file_), 90U);
}

TEST_F(OutputTest, LinksAreRefusedAndDevicesAreNot) {
  write_text(folder_ / "precious", "original");
  fs::create_symlink("precious", file_);
  EXPECT_THROW(sinks::TextOutput{file_}, IoError);
  EXPECT_THROW(sinks::DocumentOutput{file_}, IoError);
  EXPECT_EQ(read_text(folder_ / "precious"), "original");
  fs::remove(file_);
  fs::create_symlink("/dev/null", file_);
  sinks::TextOutput(file_).line("x");
  sinks::DocumentOutput document(file_);
  document.write("x");
  document.finish();
  EXPECT_TRUE(fs::is_symlink(file_));
}

TEST_F(OutputTest, DocumentReplacesAnOlderOneWhenItIsWhole) {
  write_text(file_, "older");
  {
    sinks::DocumentOutput document(file_);
    document.write("new");
    EXPECT_EQ(read_text(file_), "older");
  }
  EXPECT_EQ(read_text(file_), "older");
  sinks::DocumentOutput document(file_);
  document.write("new");
  document.write("er");
  document.finish();
  EXPECT_EQ(read_text(file_), "newer");
}

}  // namespace
}  // namespace zoo::apps
