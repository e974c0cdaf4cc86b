#include "nn/core/walk_folder.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WalkFolder : public ::testing::Test {
 protected:
  void add(const std::string& name) const {
    fs::create_directories((root() / name).parent_path());
    std::ofstream(root() / name) << "x";
  }
  void link(const std::string& target, const std::string& name) const {
    fs::create_directories((root() / name).parent_path());
    fs::create_symlink(target, root() / name);
  }
  fs::path root() const { return folder_.path(); }
  std::vector<std::string> below(const std::vector<fs::path>& paths) const {
    std::vector<std::string> names;
    for (const fs::path& path : paths) names.push_back(path.lexically_relative(root()));
    return names;
  }

  test::TempFolder folder_;
};

TEST_F(WalkFolder, YieldsFilesByPathAndLeavesOutWhatIsHidden) {
  for (const char* name : {"b.txt", "a/2", "a/1", "a-b/1", ".hidden", ".folder/file", "a/.x"}) add(name);
  const FolderWalk all = walk_folder(root(), WalkDepth::kSubfolders);
  EXPECT_THAT(below(all.files), ElementsAre("a/1", "a/2", "a-b/1", "b.txt"));
  EXPECT_THAT(below(all.folders), ElementsAre("a", "a-b"));
  EXPECT_THAT(all.problems, IsEmpty());
  const FolderWalk here = walk_folder(root(), WalkDepth::kThisFolder);
  EXPECT_THAT(below(here.files), ElementsAre("b.txt"));
  EXPECT_THAT(below(here.folders), ElementsAre("a", "a-b"));
}

TEST_F(WalkFolder, VisitsEveryFolderOnce) {
  add("a/picture");
  for (const char* name : {"a/loop", "b/loop", "c/loop"}) link("..", name);
  link("a", "z");
  link("self", "self");
  const FolderWalk walk = walk_folder(root(), WalkDepth::kSubfolders);
  EXPECT_THAT(below(walk.files), ElementsAre("a/picture", "self"));
  EXPECT_THAT(walk.problems, IsEmpty());
}

TEST_F(WalkFolder, FollowsLinksOutOfTheFolder) {
  add("outside/picture");
  link("../outside", "data/link");
  link("../outside/picture", "data/picture");
  link("nowhere", "data/dangling");
  EXPECT_THAT(below(walk_folder(root() / "data", WalkDepth::kSubfolders).files),
              ElementsAre("data/dangling", "data/link/picture", "data/picture"));
}

TEST_F(WalkFolder, WhatCannotBeReadIsAProblemAndNoException) {
  EXPECT_THAT(walk_folder("/nowhere", WalkDepth::kSubfolders).problems,
              ElementsAre("/nowhere: cannot be read: No such file or directory"));
  add("file");
  EXPECT_THAT(walk_folder(root() / "file", WalkDepth::kThisFolder).problems,
              ElementsAre((root() / "file").string() + ": cannot be read: Not a directory"));
  if (geteuid() == 0) return;  // may read everything
  add("closed/file");
  fs::permissions(root() / "closed", fs::perms::none);
  const FolderWalk walk = walk_folder(root(), WalkDepth::kSubfolders);
  fs::permissions(root() / "closed", fs::perms::owner_all);
  EXPECT_THAT(below(walk.files), ElementsAre("file"));
  EXPECT_THAT(walk.problems, ElementsAre((root() / "closed").string() + ": cannot be read: Permission denied"));
}

}  // namespace
}  // namespace zoo
