#include "pipeline/batch/manifest.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "pipeline/batch/manifest_writer.h"
#include "tests/support/temp_folder.h"

namespace zoo::batch {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ManifestFiles : public ::testing::Test {
 protected:
  std::string write(const std::string& text) const {
    const std::string file = folder_ / "list.tsv";
    write_file(file, text);
    return file;
  }

  std::vector<std::string> problems(const std::string& text) const {
    try {
      read_manifest(write(text), {});
    } catch (const ConfigError& error) {
      std::vector<std::string> lines = error.problems();
      EXPECT_THAT(lines.back(), HasSubstr("backbone-zoo manifest DIR -o FILE"));
      lines.pop_back();
      for (std::string& line : lines) line.erase(0, folder_.path().native().size() + 1);
      return lines;
    }
    return {};
  }

  void add(const std::string& path, const std::string& content) const {
    fs::create_directories((folder_.path() / path).parent_path());
    std::ofstream(folder_.path() / path) << content;
  }

  static std::string text_of(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  test::TempFolder folder_;
};

bool is_picture(const fs::path& path) { return path.extension() == ".jpg"; }

TEST_F(ManifestFiles, HoldWhatFoldersHoldSortedEachOnceWhateverItIsCalled) {
  add("photos/b.jpg", "12345");
  add("photos/2024/a\tb\\c\n.jpg", "1");
  add("photos/2024/bad\xff.jpg", "");
  add("photos/a.txt", "left out");
  add("photos/\xc3\xa4.jpg", "123");
  const std::vector<fs::path> folders = {folder_ / "photos", folder_ / "photos/2024"};
  const std::string root = fs::canonical(folder_.path()) / "photos";
  const auto [listed_root, rows, bytes, left_out] = write_manifest(folders, is_picture, folder_ / "list.tsv");
  EXPECT_EQ(listed_root, root);
  EXPECT_EQ(rows, 4);
  EXPECT_TRUE(left_out.empty());
  EXPECT_EQ(bytes, 9);
  const std::string text = text_of(folder_ / "list.tsv");
  EXPECT_EQ(text, "backbone-zoo-manifest\t1\t4\t" + root +
                      "\n"
                      "0\t1\t2024/a\\x09b\\\\c\\x0a.jpg\n"
                      "1\t0\t2024/bad\\xff.jpg\n"
                      "2\t5\tb.jpg\n"
                      "3\t3\t\xc3\xa4.jpg\n");
  const Manifest manifest = read_manifest(write(text), {1, 2});
  EXPECT_EQ(manifest.rows, 4);
  EXPECT_EQ(manifest.root, root);
  ASSERT_EQ(manifest.part.size(), 2U);
  EXPECT_EQ(manifest.part[0].row, 2);
  EXPECT_EQ(manifest.part[0].bytes, 5);
  EXPECT_EQ(manifest.part[1].path, "\xc3\xa4.jpg");
  EXPECT_EQ(read_manifest(write(text), {}).part[0].path, "2024/a\tb\\c\n.jpg");
}

TEST_F(ManifestFiles, RootsBelowTheManifestMoveWithIt) {
  EXPECT_EQ(read_manifest(write("backbone-zoo-manifest\t1\t1\tdata\n0\t1\ta.jpg\n"), {}).root, folder_.path() / "data");
}

TEST_F(ManifestFiles, AreRefusedWithEveryProblemAndItsLine) {
  EXPECT_THAT(problems(""), ElementsAre("list.tsv:1: the file is empty"));
  EXPECT_THAT(problems("a.jpg\nb.jpg\n"), ElementsAre(HasSubstr("list.tsv:1: expected `backbone-zoo-manifest`")));
  EXPECT_THAT(problems("backbone-zoo-manifest\t2\t1\t/\n0\t1\ta\n"), ElementsAre(HasSubstr("expected version 1")));
  EXPECT_THAT(problems("backbone-zoo-manifest\t1\t-1\t/\n"), ElementsAre(HasSubstr("expected the number of rows")));
  const std::string head = "backbone-zoo-manifest\t1\t3\t/data\n";
  EXPECT_THAT(problems(head + "0\t1\ta.jpg\n1\tmany\tb.jpg\n2\t1\n"),
              ElementsAre("list.tsv:3: expected a number of bytes, found `many`",
                          "list.tsv:4: expected row, bytes and path with tabs between, found 2 fields"));
  EXPECT_THAT(problems(head + "0\t1\tb.jpg\n1\t1\ta.jpg\n2\t1\tb.jpg\n"),
              ElementsAre(HasSubstr("list.tsv:3: the path is not behind the one before"),
                          HasSubstr("list.tsv:4: the path is not behind the one before")));
  EXPECT_THAT(problems(head + "0\t1\t../a.jpg\n1\t1\t/etc/b.jpg\n2\t1\tc/../../d.jpg\n"),
              ElementsAre(HasSubstr("must stay below the root"), HasSubstr("must stay below the root"),
                          HasSubstr("must stay below the root")));
  EXPECT_THAT(problems(head + "0\t1\ta\\q.jpg\n2\t1\tb.jpg\n"),
              ElementsAre(HasSubstr("an escape that there is not"), "list.tsv:3: expected row 1, found `2`"));
  EXPECT_THAT(problems(head + "0\t1\ta\n1\t1\tb\n"),
              ElementsAre(HasSubstr("there are 2 rows, but the first line says 3")));
  EXPECT_THAT(problems(head + "0\t1\ta\n1\t1\tb\n2\t1\tc"),
              ElementsAre(HasSubstr("list.tsv:4: the last line has no end")));
  std::string many = "backbone-zoo-manifest\t1\t100\t/data\n";
  for (int i = 0; i < 100; ++i) many += "x\n";
  EXPECT_EQ(problems(many).size(), 20U);
}

TEST_F(ManifestFiles, OneRowTooManyOrOneTabIsOneProblem) {
  const std::string head = "backbone-zoo-manifest\t1\t4\t/data\n";
  EXPECT_THAT(problems(head + "0\t1\ta\n1\t1\tb\n1\t1\tb\n2\t1\tc\n3\t1\td\n"),
              ElementsAre("list.tsv:4: expected row 2, found `1`"));
  EXPECT_THAT(problems(head + "0\t1\ta\n1\t1\t\tb\n2\t1\tc\n3\t1\td\n"),
              ElementsAre(HasSubstr("list.tsv:3: expected row, bytes and path with tabs between, found 4 fields")));
  EXPECT_THAT(problems(head + "0\t1\ta\n2\t1\tc\n3\t1\td\n"), ElementsAre("list.tsv:3: expected row 1, found `2`"));
}

TEST_F(ManifestFiles, LineEndsOfWindowsAreRefused) {
  const std::string head = "backbone-zoo-manifest\t1\t2\t/data";
  EXPECT_THAT(problems(head + "\r\n0\t1\ta.jpg\r\n1\t1\tb.jpg\r\n"),
              ElementsAre(AllOf(HasSubstr("list.tsv:1: the file has CRLF line ends"), HasSubstr("sed -i"))));
  EXPECT_THAT(problems(head + "\n0\t1\ta.jpg\n1\t1\tb.jpg\r\n"),
              ElementsAre(HasSubstr("list.tsv:3: the file has CRLF line ends")));
}

TEST_F(ManifestFiles, ThatAreNoFilesAreFaultsOfTheCommand) {
  EXPECT_THROW(read_manifest(folder_ / "nowhere.tsv", {}), ConfigError);
  EXPECT_THROW(read_manifest(folder_.path(), {}), ConfigError);
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THROW(read_manifest(folder_ / "pipe", {}), ConfigError);
}

TEST_F(ManifestFiles, FoldersThatCannotBeListedAreRefused) {
  const std::vector<fs::path> nowhere = {folder_ / "nowhere"};
  EXPECT_THROW(write_manifest(nowhere, is_picture, folder_ / "list.tsv"), IoError);
  const std::vector<fs::path> empty = {folder_.path()};
  EXPECT_THROW(write_manifest(empty, is_picture, folder_ / "list.tsv"), IoError);
  EXPECT_FALSE(fs::exists(folder_ / "list.tsv"));
}

TEST_F(ManifestFiles, HoldRegularFilesOnlyAndSayWhatIsLeftOut) {
  add("photos/a.jpg", "1");
  fs::create_symlink("a.jpg", folder_ / "photos/b.jpg");
  fs::create_symlink("nowhere", folder_ / "photos/c.jpg");
  fs::create_symlink("d.jpg", folder_ / "photos/d.jpg");
  ASSERT_EQ(::mkfifo((folder_ / "photos/e.jpg").c_str(), 0600), 0);
  fs::create_symlink("nowhere", folder_ / "photos/not_wanted.txt");
  const std::vector<fs::path> folders = {folder_ / "photos", folder_ / "photos"};
  const ManifestTotals written = write_manifest(folders, is_picture, folder_ / "list.tsv");
  EXPECT_EQ(written.rows, 2);
  const fs::path root = fs::canonical(folder_.path()) / "photos";
  EXPECT_THAT(written.left_out, ElementsAre(root / "c.jpg", root / "d.jpg", root / "e.jpg"));
}

// Each file a run of its own, more of them than are open at a time; a few in each; all in memory.
TEST_F(ManifestFiles, AreTheSameWhateverFitsIntoTheMemory) {
  for (int i = 0; i < 300; ++i)
    add(fmt::format("photos/{}/{}\n{}.jpg", i % 7, i * 37 % 300, i), std::string(i % 5, 'x'));
  add("photos/a/b.jpg", "");
  add("photos/a.jpg", "");  // before a/b.jpg, as bytes count
  add("photos/a-b.jpg", "");
  fs::create_directory(folder_ / "out");
  const std::vector<fs::path> folders = {folder_ / "photos/3", folder_ / "photos", folder_ / "photos"};
  const std::string file = folder_ / "out/list.tsv";
  EXPECT_EQ(write_manifest(folders, is_picture, file).rows, 303);
  const std::string text = text_of(file);
  EXPECT_EQ(read_manifest(file, {}).part.size(), 303U);
  for (const size_t most_memory : {1, 1'000, 20'000}) {
    const ManifestTotals written = write_manifest(folders, is_picture, file, most_memory);
    EXPECT_EQ(text_of(file), text) << most_memory;
    EXPECT_EQ(written.rows, 303);
    EXPECT_EQ(written.bytes, 600);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "out"), {}), 1) << "nothing else is left there";
  }
}

}  // namespace
}  // namespace zoo::batch
