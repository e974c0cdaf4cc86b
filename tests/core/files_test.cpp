#include "nn/core/files.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/core/free_name.h"
#include "tests/support/temp_folder.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Files : public ::testing::Test {
 protected:
  fs::path path(const std::string& name) const { return folder_.path() / name; }
  static void put(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }
  static std::string text_of(const fs::path& file) {
    std::ifstream stream(file);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
  }
  size_t entries() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }
  template <typename Act>
  static std::string error_of(const Act& act) {
    try {
      act();
    } catch (const IoError& error) {
      return error.what();
    }
    return "no error";
  }

  test::TempFolder folder_;
};

TEST_F(Files, NewFileHasItsNameWhenItIsWhole) {
  put(path("a.txt"), "older");
  NewFile file(path("a.txt"));
  file.write("new");
  EXPECT_EQ(text_of(path("a.txt")), "older");
  EXPECT_THAT(file.part().filename().string(), StartsWith(".zoo-"));
  EXPECT_TRUE(file.part().is_absolute());
  file.write("er");
  file.publish();
  EXPECT_EQ(text_of(path("a.txt")), "newer");
  EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, NewFileBesideOthersReplacesNone) {
  put(path("a.b.txt"), "older");
  for (const char* name : {"a.b-2.txt", "a.b-3.txt"}) {
    NewFile file(path("a.b.txt"));
    file.write("new");
    EXPECT_FALSE(fs::exists(path(name)));
    file.publish_beside();
    EXPECT_EQ(file.name(), path(name));
    EXPECT_EQ(text_of(path(name)), "new");
  }
  EXPECT_EQ(text_of(path("a.b.txt")), "older");
  EXPECT_EQ(entries(), 3U);
}

int refuse(const char* /*from*/, const char* /*to*/) {
  errno = EPERM;
  return -1;
}

TEST_F(Files, GetAFreeNameOnFileSystemsThatLackTheSimpleWays) {
  const NamingCalls all = system_naming_calls();
  for (const NamingCalls& calls :
       {all, NamingCalls{refuse, all.link, all.rename}, NamingCalls{refuse, refuse, all.rename}}) {
    put(path("part"), "new");
    put(path("taken"), "older");
    EXPECT_FALSE(rename_to_free(path("part"), path("taken"), calls));
    EXPECT_EQ(errno, EEXIST);
    EXPECT_EQ(text_of(path("taken")), "older");
    EXPECT_TRUE(rename_to_free(path("part"), path("free"), calls));
    EXPECT_EQ(text_of(path("free")), "new");
    fs::remove(path("free"));
    EXPECT_EQ(entries(), 1U);
  }
}

TEST_F(Files, KeepTheirNameWhereNoWayIsKnown) {
  put(path("part"), "new");
  EXPECT_FALSE(rename_to_free(path("part"), path("free"), {refuse, refuse, refuse}));
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(text_of(path("part")), "new");
  EXPECT_EQ(entries(), 1U) << "the name is not reserved any more";
}

TEST_F(Files, NewFileThatIsKeptStaysWithoutItsName) {
  fs::path part;
  {
    NewFile file(path("a.txt"));
    file.write("new");
    part = file.keep_part();
  }
  EXPECT_EQ(text_of(part), "new");
  EXPECT_FALSE(fs::exists(path("a.txt")));
}

TEST_F(Files, NewFileThatIsGivenUpLeavesNothing) {
  put(path("a.txt"), "older");
  {
    NewFile file(path("a.txt"));
    file.write("new");
  }
  EXPECT_EQ(text_of(path("a.txt")), "older");
  EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, OlderFileOutlivesAFullDisk) {
  put(path("a.txt"), "older");
  const pid_t child = fork();
  if (child == 0) {
    // A limit of the process stands for the full disk.
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 8192, .rlim_max = 8192};
    setrlimit(RLIMIT_FSIZE, &limit);
    const std::string error = error_of([&] { write_file(path("a.txt"), std::string(100'000, 'x')); });
    _exit(error.find("a.txt: writing failed: File too large") == std::string::npos ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(text_of(path("a.txt")), "older");
  EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, LinksAreNeitherFollowedNorReplaced) {
  put(path("precious"), "original");
  fs::create_symlink("precious", path("link"));
  fs::create_symlink("nothing", path("dangling"));
  EXPECT_EQ(error_of([&] { write_file(path("link"), "new"); }),
            path("link").string() +
                ": cannot be written: it is a link to precious; links are not followed: name the "
                "file itself, or remove the link");
  EXPECT_THAT(error_of([&] { write_file(path("dangling"), "new"); }), HasSubstr("it is a link to nothing"));
  EXPECT_EQ(text_of(path("precious")), "original");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_FALSE(fs::exists(path("nothing")));
}

TEST_F(Files, HardLinksPart) {
  put(path("precious"), "original");
  fs::create_hard_link(path("precious"), path("link"));
  write_file(path("link"), "new");
  EXPECT_EQ(text_of(path("precious")), "original");
  EXPECT_EQ(text_of(path("link")), "new");
}

TEST_F(Files, DevicesAreWrittenAsTheyStand) {
  fs::create_symlink("/dev/null", path("null"));
  write_file(path("null"), "text");
  EXPECT_TRUE(fs::is_symlink(path("null")));
  EXPECT_EQ(error_of([] { write_file("/dev/full", "text"); }), "/dev/full: writing failed: No space left on device");
}

TEST_F(Files, WhatCannotBeWrittenIsNoticedAtOnce) {
  put(path("file"), "");
  fs::create_directory(path("folder"));
  const auto opening = [](const fs::path& file) { return error_of([&] { NewFile{file}; }); };
  EXPECT_EQ(opening(path("folder")), path("folder").string() + ": cannot be written: it is a folder");
  EXPECT_EQ(opening(path("file/below")), path("file/below").string() + ": cannot be written: Not a directory");
  EXPECT_EQ(opening(path("none/below")),
            path("none/below").string() + ": cannot be written: No such file or directory");
  const std::string name(300, 'x');
  EXPECT_EQ(opening(path(name)), path(name).string() + ": cannot be written: File name too long");
}

TEST_F(Files, FileIdIsTheSameForEveryName) {
  put(path("a"), "");
  put(path("b"), "");
  fs::create_symlink("a", path("link"));
  fs::create_hard_link(path("a"), path("twin"));
  EXPECT_EQ(file_id(path("a")), file_id(path("link")));
  EXPECT_EQ(file_id(path("a")), file_id(path("twin")));
  EXPECT_NE(file_id(path("a")), file_id(path("b")));
  EXPECT_EQ(file_id(path("none")), std::nullopt);
}

}  // namespace
}  // namespace zoo
