#include "streams/queue/allowed_folder.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/support/temp_folder.h"

namespace zoo::streams {
namespace {

namespace fs = std::filesystem;
constexpr size_t kMost = 100;

class AllowedFolderTest : public ::testing::Test {
 protected:
  AllowedFolderTest() {
    fs::create_directories(folder_ / "root/inner");
    write("root/a.jpg", "picture");
    write("root/inner/b.jpg", "other");
    write("secret", "secret");
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
  /// "none" where there is no such file.
  std::string read(const std::string& name) const {
    const auto bytes = AllowedFolder(folder_ / "root").read(name, kMost);
    return bytes ? std::string(bytes->begin(), bytes->end()) : "none";
  }

  test::TempFolder folder_;
};

TEST_F(AllowedFolderTest, ReadsWhatLiesBelow) {
  EXPECT_EQ(read("a.jpg"), "picture");
  EXPECT_EQ(read("inner/b.jpg"), "other");
  EXPECT_EQ(read("inner/../a.jpg"), "picture");
  EXPECT_EQ(read((fs::canonical(folder_.path()) / "root/a.jpg").string()), "picture");
  EXPECT_EQ(read("b.jpg"), "none");
  EXPECT_EQ(read("a.jpg/b"), "none");
}

TEST_F(AllowedFolderTest, LeadsNowhereElse) {
  fs::create_symlink(folder_ / "secret", folder_ / "root/link");
  fs::create_symlink("../secret", folder_ / "root/inner/link");
  fs::create_directory_symlink(folder_.path(), folder_ / "root/up");
  fs::create_symlink("a.jpg", folder_ / "root/inside");
  fs::create_symlink("loop", folder_ / "root/loop");
  for (const std::string name : {"../secret", "inner/../../secret", "/etc/passwd", "link", "inner/link", "up/secret",
                                 "loop", "", ".", "/", "inner", "up/root/../secret", "/proc/self/environ"}) {
    EXPECT_EQ(read(name), "none") << name;
  }
  EXPECT_EQ(read(std::string("a.jpg\0x", 7)), "none");
  EXPECT_EQ(read(std::string(10'000, 'x')), "none");
  EXPECT_EQ(read("inside"), "picture");
  // One that begins alike is another one.
  fs::create_directory(folder_ / "root2");
  write("root2/c.jpg", "c");
  EXPECT_EQ(read("../root2/c.jpg"), "none");
}

TEST_F(AllowedFolderTest, AbsoluteNamesMayGoThroughTheLinkThatTheFolderWasGivenBy) {
  fs::create_directory_symlink("root", folder_ / "alias");
  for (const std::string given : {"alias", "alias/"}) {
    const AllowedFolder allowed(folder_ / given);
    EXPECT_TRUE(allowed.read(folder_ / "alias/inner/b.jpg", kMost)) << given;
    EXPECT_TRUE(allowed.read(fs::canonical(folder_ / "root/a.jpg"), kMost)) << given;
    EXPECT_FALSE(allowed.read(folder_ / "alias/../secret", kMost)) << given;
    EXPECT_FALSE(allowed.read(folder_ / "alias2/a.jpg", kMost)) << given;
  }
}

TEST_F(AllowedFolderTest, AFolderThatIsAwayIsNotOneWithoutTheFile) {
  const AllowedFolder allowed(folder_ / "root");
  EXPECT_FALSE(allowed.read("none.jpg", kMost));
  fs::rename(folder_ / "root", folder_ / "elsewhere");
  EXPECT_THROW(allowed.read("a.jpg", kMost), IoError);
  fs::create_directory(folder_ / "root");
  EXPECT_THROW(allowed.read("a.jpg", kMost), IoError) << "as a mount point without what was mounted";
  fs::remove(folder_ / "root");
  fs::rename(folder_ / "elsewhere", folder_ / "root");
  EXPECT_TRUE(allowed.read("a.jpg", kMost));
}

TEST_F(AllowedFolderTest, TakesRegularFilesOnly) {
  ASSERT_EQ(mkfifo((folder_ / "root/pipe").c_str(), 0600), 0);
  EXPECT_EQ(read("pipe"), "none") << "and does not wait for it";
}

TEST_F(AllowedFolderTest, LargeFilesAreRefused) {
  write("root/large.jpg", std::string(kMost + 1, 'x'));
  EXPECT_THROW(read("large.jpg"), FileTooLarge);
  write("root/just.jpg", std::string(kMost, 'x'));
  EXPECT_EQ(read("just.jpg").size(), kMost);
}

TEST_F(AllowedFolderTest, IsAFolder) {
  EXPECT_THROW(AllowedFolder(folder_ / "none"), IoError);
  EXPECT_THROW(AllowedFolder(folder_ / "secret"), IoError);
}

}  // namespace
}  // namespace zoo::streams
