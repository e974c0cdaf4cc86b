#include "streams/file_watch.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace zoo::streams {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }

TEST(FileWatch, SeesFilesRewrittenReplacedRemovedAndMade) {
  const test::TempFolder folder;
  const fs::path model = folder / "model.yaml";
  const fs::path labels = folder / "labels.txt";
  write(model, "one");
  FileWatch watch;
  watch.set_files({model, labels, ""});
  EXPECT_FALSE(watch.changed());
  write(model, "longer");
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
  write(folder / "new", "longer");
  fs::rename(folder / "new", model);
  EXPECT_TRUE(watch.changed());
  write(labels, "cat");
  EXPECT_TRUE(watch.changed());
  fs::remove(model);
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
  write(folder / "other", "x");
  EXPECT_FALSE(watch.changed());
}

TEST(FileWatch, SeesWhereALinkLeads) {
  const test::TempFolder folder;
  write(folder / "one", "same");
  write(folder / "two", "same");
  fs::create_symlink("one", folder / "model.yaml");
  FileWatch watch;
  watch.set_files({folder / "model.yaml"});
  fs::create_symlink("two", folder / "link");
  fs::rename(folder / "link", folder / "model.yaml");
  EXPECT_TRUE(watch.changed());
}

TEST(FileWatch, RemembersWhatStaysWhenTheFilesChange) {
  const test::TempFolder folder;
  write(folder / "one", "1");
  write(folder / "two", "2");
  FileWatch watch;
  watch.set_files({folder / "one"});
  write(folder / "one", "11");
  write(folder / "two", "22");
  watch.set_files({folder / "one", folder / "two"});
  EXPECT_TRUE(watch.changed());
  watch.set_files({folder / "two"});
  write(folder / "one", "111");
  EXPECT_FALSE(watch.changed());
}

// Would wait for an hour.
TEST(FileWatch, WakesWhenAFileIsSavedOrSomebodyAsks) {
  const test::TempFolder folder;
  write(folder / "model.yaml", "one");
  FileWatch watch;
  watch.set_files({folder / "model.yaml"});
  std::jthread asking([&] { watch.wake(); });
  watch.wait(1h);
  asking.join();
  std::jthread saving([&] { write(folder / "model.yaml", "another"); });
  watch.wait(1h);
}

}  // namespace
}  // namespace zoo::streams
