// Rows that cannot be read: whose fault it is decides whether they are failures.
#include "pipeline/batch/row_source.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "tests/support/temp_folder.h"

namespace zoo::batch {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Rows : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(folder_ / "root");
    write_file(folder_ / "root/bad.jpg", "bad");
    place_ = {.root = folder_ / "root", .root_id = file_id(folder_ / "root")};
  }

  pipeline::FailureKind kind_of(const std::string& path, int64_t bytes) const {
    RowSource source(place_, {{7, bytes, path}});
    const auto failure = std::get<pipeline::FrameFailure>(*source.next());
    EXPECT_EQ(failure.index, 7);
    EXPECT_EQ(failure.source, path);
    return failure.kind;
  }

  std::string error_of(const std::string& path, int64_t bytes) const {
    RowSource source(place_, {{7, bytes, path}});
    try {
      source.next();
    } catch (const IoError& error) {
      return error.what();
    }
    return "";
  }

  test::TempFolder folder_;
  RowPlace place_;
};

TEST_F(Rows, AreFailuresWhereTheFileIsAtFault) {
  EXPECT_EQ(kind_of("bad.jpg", 3), pipeline::FailureKind::kNotAnImage);
  EXPECT_EQ(kind_of("bad.jpg", 4), pipeline::FailureKind::kChanged);
  EXPECT_EQ(kind_of("none.jpg", 4), pipeline::FailureKind::kMissing);
  EXPECT_EQ(kind_of("bad.jpg/below.jpg", 4), pipeline::FailureKind::kMissing);
  EXPECT_EQ(kind_of(std::string(300, 'x') + ".jpg", 4), pipeline::FailureKind::kMissing);
  fs::create_symlink("loop.jpg", folder_ / "root/loop.jpg");
  EXPECT_EQ(kind_of("loop.jpg", 0), pipeline::FailureKind::kMissing);
}

TEST_F(Rows, AreToBeAnsweredLaterWhereTheStorageIsAtFault) {
  // A file that opens, and whose reading ends with EIO.
  fs::create_symlink("/proc/self/mem", folder_ / "root/broken_disk.jpg");
  EXPECT_THAT(error_of("broken_disk.jpg", 0), AllOf(HasSubstr("Input/output error"), HasSubstr("--resume")));
}

// A picture of 8 MB that becomes 192 MB, in a process that may have 100 MB more than it has.
TEST_F(Rows, AreToBeAnsweredLaterWhereThereIsNoMemoryForTheirPixels) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers want all addresses";
#endif
  const std::string head = "P4 8000 8000\n";
  const auto bytes = static_cast<int64_t>(head.size()) + 8000 * 8000 / 8;
  write_file(folder_ / "root/large.pbm", head);
  fs::resize_file(folder_ / "root/large.pbm", static_cast<uintmax_t>(bytes));
  RowSource enough(place_, {{7, bytes, "large.pbm"}});
  EXPECT_TRUE(std::holds_alternative<pipeline::Frame>(*enough.next()));
  const pid_t process = ::fork();
  ASSERT_GE(process, 0);
  if (process == 0) {
    int64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlimit limit{static_cast<rlim_t>(pages * ::sysconf(_SC_PAGESIZE)) + 100'000'000, RLIM_INFINITY};
    ::setrlimit(RLIMIT_AS, &limit);
    const std::string error = error_of("large.pbm", bytes);
    const bool is_right = error.find("give the task more memory") != std::string::npos;
    ::_exit(is_right && error.find("--resume goes on here") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(process, &status, 0), process);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(Rows, AreToBeAnsweredLaterWhereTheRootIsAnother) {
  fs::rename(folder_ / "root", folder_ / "old");
  EXPECT_THAT(error_of("bad.jpg", 3), HasSubstr("is not there as it was"));
  fs::create_directory(folder_ / "root");  // the mount point without what was mounted
  EXPECT_THAT(error_of("bad.jpg", 3), AllOf(HasSubstr("mounted"), HasSubstr("--resume")));
}

}  // namespace
}  // namespace zoo::batch
