#include "nn/core/run_files.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/support/temp_folder.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class RunFilesTest : public ::testing::Test {
 protected:
  fs::path add(const std::string& name) const {
    fs::create_directories((folder_.path() / name).parent_path());
    std::ofstream(folder_.path() / name) << "x";
    return folder_.path() / name;
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
  std::string claim(const fs::path& file) {
    return error_of([&] { run_.claim(file, "--json"); });
  }

  test::TempFolder folder_;
  RunFiles run_;
};

TEST_F(RunFilesTest, InputsAreRefusedUnderEveryName) {
  const fs::path model = add("model.yaml");
  fs::create_symlink(model, folder_.path() / "soft");
  fs::create_hard_link(model, folder_.path() / "hard");
  run_.add_input(model, "the model file");
  run_.add_input(folder_.path() / "none.pth", "the checkpoint");
  for (const char* name : {"model.yaml", "./x/../model.yaml", "soft", "hard"}) {
    fs::create_directories(folder_.path() / "x");
    EXPECT_THAT(claim(folder_.path() / name),
                AllOf(StartsWith("--json "), HasSubstr(": is the model file of this run, which writing would destroy")))
        << name;
  }
  EXPECT_THAT(claim(folder_.path() / "x/../none.pth"),
              HasSubstr("an input or another output of this run has this name"));
}

TEST_F(RunFilesTest, MissingInputsTakeTheirOwnNamesOnly) {
  run_.add_input("no_such_file", "a file");
  run_.add_input("", "a file");
  run_.add_input(folder_.path() / "none", "a file");
  fs::create_symlink("nothing", folder_.path() / "dangling");
  run_.add_input(folder_.path() / "dangling", "a file");
  EXPECT_EQ(claim(folder_.path() / "out.json"), "no error");
  EXPECT_THAT(claim("no_such_file"), HasSubstr("an input or another output"));
  EXPECT_THAT(claim(folder_.path() / "none"), HasSubstr("an input or another output"));
  EXPECT_THAT(claim(folder_.path() / "nothing"), HasSubstr("an input or another output"));
}

TEST_F(RunFilesTest, TwoOutputsDoNotShareAFile) {
  fs::create_directories(folder_.path() / "x");
  fs::create_directory_symlink("x", folder_.path() / "y");
  EXPECT_EQ(claim(folder_.path() / "x/out.json"), "no error");
  EXPECT_THAT(claim(folder_.path() / "y/out.json"), HasSubstr("another output of this run has this name"));
  EXPECT_EQ(claim("/dev/null"), "no error");
  EXPECT_EQ(claim("/dev/null"), "no error");
}

TEST_F(RunFilesTest, FoldersOfSourcesAreRefused) {
  run_.add_source(add("in/a.png"));
  add("far/b.png");
  fs::create_symlink("../far/b.png", folder_.path() / "in/b.png");
  run_.add_source(folder_.path() / "in/b.png");
  fs::create_directory_symlink("in", folder_.path() / "link");
  for (const char* name : {"in", "link", "far", "in/../in"}) {
    EXPECT_THAT(error_of([&] { run_.check_folder(folder_.path() / name); }), HasSubstr("sources come from this folder"))
        << name;
  }
  EXPECT_EQ(error_of([&] { run_.check_folder(folder_.path()); }), "no error");
}

TEST_F(RunFilesTest, NumberedNamesTakeAllTheirNumbers) {
  RunFiles run;
  run.take({"/out/clip", ".png", true});
  EXPECT_FALSE(run.is_free({"/out/clip_000012", ".png", false}));
  EXPECT_FALSE(run.is_free({"/out/clip_1234567", ".png", false}));
  EXPECT_FALSE(run.is_free({"/out/clip", ".png", true}));
  EXPECT_TRUE(run.is_free({"/out/clip", ".png", false}));
  EXPECT_TRUE(run.is_free({"/out/clip_12", ".png", false}));
  EXPECT_TRUE(run.is_free({"/out/clip_000012", ".jpg", false}));
  EXPECT_TRUE(run.is_free({"/out/clip_000012", "_mask.png", false}));
  RunFiles other;
  other.take({"/out/clip_000012", ".png", false});
  EXPECT_FALSE(other.is_free({"/out/clip", ".png", true}));
  EXPECT_TRUE(other.is_free({"/out/clip_000013", ".png", false}));
  EXPECT_EQ(OutputName({"/out/clip", ".png", true}).file(12), "/out/clip_000012.png");
}

}  // namespace
}  // namespace zoo
