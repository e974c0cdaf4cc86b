// The progress line among other messages, on a pseudo-terminal.
#include "apps/progress.h"

#include <array>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/output.h"

namespace zoo::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// What a user sees of text with returns, steps up and erasures; an empty last line is left out.
std::vector<std::string> shown(std::string_view text) {
  constexpr std::string_view kErase = "\033[J";
  constexpr std::string_view kUp = "\033[A";
  std::vector<std::string> lines(1);
  size_t row = 0;
  size_t column = 0;
  while (!text.empty()) {
    if (text.starts_with(kErase)) {
      lines.resize(row + 1);
      lines[row].resize(column);
      text.remove_prefix(kErase.size());
      continue;
    }
    if (text.starts_with(kUp)) {
      row = row > 0 ? row - 1 : 0;
      text.remove_prefix(kUp.size());
      continue;
    }
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '\n') {
      if (++row == lines.size()) lines.emplace_back();
    } else if (c != '\r') {
      if (column == lines[row].size()) lines[row] += ' ';
      lines[row][column] = c;
    }
    column = c == '\n' || c == '\r' ? 0 : column + 1;
  }
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

/// Standard error is a terminal while this lives.
class Terminal {
 public:
  Terminal() : reader_(posix_openpt(O_RDWR | O_NOCTTY)), before_(dup(STDERR_FILENO)) {
    if (reader_ < 0 || grantpt(reader_) != 0 || unlockpt(reader_) != 0) return;
    const char* name = ptsname(reader_);
    const int writer = name == nullptr ? -1 : open(name, O_RDWR | O_NOCTTY);
    if (writer < 0) return;
    dup2(writer, STDERR_FILENO);
    close(writer);
    is_open_ = true;
  }
  ~Terminal() {
    dup2(before_, STDERR_FILENO);
    close(before_);
    if (reader_ >= 0) close(reader_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// False where the machine has no pseudo-terminals, as in a chroot without /dev/pts.
  bool is_open() const { return is_open_; }

  std::vector<std::string> lines() {
    constexpr std::string_view kEnd = "<end>";
    EXPECT_EQ(write(STDERR_FILENO, kEnd.data(), kEnd.size()), static_cast<ssize_t>(kEnd.size()));
    std::string text;
    while (!text.ends_with(kEnd)) {
      std::array<char, 1024> buffer{};
      const ssize_t count = read(reader_, buffer.data(), buffer.size());
      if (count <= 0) break;
      text.append(buffer.data(), static_cast<size_t>(count));
    }
    return shown(std::string_view(text).substr(0, text.rfind(kEnd)));
  }

 private:
  int reader_;
  int before_;
  bool is_open_ = false;
};

class OnATerminal : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!terminal.is_open()) GTEST_SKIP() << "this machine has no pseudo-terminals";
  }

  Terminal terminal;
};
class StatusOnATerminal : public OnATerminal {};
class ProgressOnATerminal : public OnATerminal {};

TEST_F(StatusOnATerminal, StaysBelowWhatIsReported) {
  show_status("a long first state");
  show_status("half");
  note_reporter()("a note");
  report("a problem");
  show_status("done");
  const std::vector<std::string> lines = terminal.lines();
  EXPECT_THAT(lines, ElementsAre("backbone-zoo: a note", "backbone-zoo: a problem", "done"));
  show_status({});
}

TEST_F(StatusOnATerminal, LeavesNothingBehind) {
  show_status("half");
  show_status({});
  report("a problem");
  EXPECT_THAT(terminal.lines(), ElementsAre("backbone-zoo: a problem"));
}

TEST_F(StatusOnATerminal, OfSeveralLinesIsReplacedWhole) {
  show_status("door  running\nyard  waiting\nhall  running");
  report("a problem");
  show_status("door  running\nhall  running");
  EXPECT_THAT(terminal.lines(), ElementsAre("backbone-zoo: a problem", "door  running", "hall  running"));
  show_status({});
  EXPECT_THAT(terminal.lines(), IsEmpty());
}

TEST_F(StatusOnATerminal, KeepsMessagesOfThreadsWhole) {
  constexpr int kThreads = 4;
  constexpr int kMessages = 5;  // short of what a terminal holds unread
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([] {
      for (int message = 0; message < kMessages; ++message) {
        show_status("state");
        report("message");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  show_status({});
  EXPECT_EQ(terminal.lines(), std::vector<std::string>(size_t{kThreads} * kMessages, "backbone-zoo: message"));
}

TEST_F(ProgressOnATerminal, AppearsAfterTwoSecondsAndStaysBelowNotes) {
  {
    Progress progress(10);
    progress.update(1);
    report("at once");
    std::this_thread::sleep_for(std::chrono::milliseconds(2050));
    progress.update(5);
    report("meanwhile");
    const std::vector<std::string> lines = terminal.lines();
    EXPECT_THAT(lines, ElementsAre("backbone-zoo: at once", "backbone-zoo: meanwhile", HasSubstr("50 %  5/10")));
  }
  EXPECT_THAT(terminal.lines(), IsEmpty());
}

}  // namespace
}  // namespace zoo::apps
