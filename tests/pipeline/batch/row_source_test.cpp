// Rows that cannot be read: whose fault it is decides whether they are failures.
#include "pipeline/batch/row_source.h"

#include <filesystem>
#include <functional>
#include <string>
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

TEST_F(Rows, AreToBeAnsweredLaterWhereTheRootIsAnother) {
  fs::rename(folder_ / "root", folder_ / "old");
  EXPECT_THAT(error_of("bad.jpg", 3), HasSubstr("is not there as it was"));
  fs::create_directory(folder_ / "root");  // the mount point without what was mounted
  EXPECT_THAT(error_of("bad.jpg", 3), AllOf(HasSubstr("mounted"), HasSubstr("--resume")));
}

}  // namespace
}  // namespace zoo::batch
