#include "sinks/result_folders.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>

#include "nn/core/error.h"
#include "pipeline/images/mask_png.h"
#include "tests/support/temp_folder.h"

namespace zoo::sinks {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

std::string text_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// A run that writes what `predict --save --masks --json` would write, without a network and without decoding.
class SavingRun {
 public:
  SavingRun(const std::vector<std::string>& sources, const ResultFolderNames& names, fs::path json = {})
      : sources_(pipeline::resolve_sources(sources)), files_(std::make_shared<RunFiles>()), json_(std::move(json)) {
    add_sources(sources_, *files_);
    if (!json_.empty()) files_->claim(json_, "--json");
    folders_.emplace(sources_, names, files_);
  }

  void write_all() {
    for (size_t i = 0; i < sources_.size(); ++i) write(i);
    if (json_.empty()) return;
    write_file(json_, "{}\n");
    written_.emplace("json", json_);
  }

  /// By what they are made of.
  const std::multimap<std::string, fs::path>& written() const { return written_; }

 private:
  void write(size_t number) {
    const pipeline::SourceSpec& spec = sources_[number];
    const pipeline::SourceInfo info{
        .kind = spec.kind, .name = pipeline::name_of(spec), .stem = pipeline::stem_of(spec), .fps = 10.0};
    std::unique_ptr<FrameWriter> writer;
    if (folders_->saves_annotated()) writer = folders_->new_writer(number, info);
    const bool is_video = spec.kind != pipeline::SourceKind::kImages;
    for (int64_t index = 0; index < (is_video ? 2 : static_cast<int64_t>(spec.images.size())); ++index) {
      pipeline::Frame frame;
      frame.image = cv::Mat(16, 16, CV_8UC3, cv::Scalar::all(7));
      frame.source = is_video ? info.name : spec.images[static_cast<size_t>(index)].string();
      frame.index = index;
      frame.stream = number;
      if (writer) writer->write(frame);
      if (!folders_->saves_masks()) continue;
      const fs::path mask = folders_->mask_file(frame);
      pipeline::write_mask_png(mask, cv::Mat(4, 4, CV_8UC1, cv::Scalar(1)));
      const std::string what = fmt::format("{} {}", frame.source, is_video ? index : 0);
      written_.emplace("mask of " + what, mask);
    }
    if (!writer) return;
    writer->finish();
    for (size_t i = 0; i < writer->files().size(); ++i) {
      written_.emplace(is_video ? info.name : spec.images[i].string(), writer->files()[i]);
    }
  }

  std::vector<pipeline::SourceSpec> sources_;
  std::shared_ptr<RunFiles> files_;
  fs::path json_;
  std::optional<ResultFolders> folders_;
  std::multimap<std::string, fs::path> written_;
};

class ResultFoldersTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_ / name; }
  void add(const std::string& name) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name)) << name;
  }
  /// What lies below a folder after the run, links and hidden files included.
  std::vector<std::string> outputs_of(const std::vector<std::string>& sources, const ResultFolderNames& names,
                                      const std::string& folder) const {
    std::vector<std::string> paths;
    for (const std::string& source : sources) paths.push_back(source.starts_with("gst:") ? source : path(source));
    ResultFolderNames full;
    if (!names.annotated.empty()) full.annotated = path(names.annotated);
    if (!names.masks.empty()) full.masks = path(names.masks);
    SavingRun(paths, full).write_all();
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(path(folder))) {
      if (!entry.is_directory()) found.push_back(entry.path().lexically_relative(path(folder)));
    }
    std::ranges::sort(found);
    return found;
  }
  std::string refusal(const std::vector<std::string>& sources, const ResultFolderNames& names) const {
    try {
      outputs_of(sources, names, "");
    } catch (const IoError& error) {
      return error.what();
    }
    return "no error";
  }

  test::TempFolder folder_;
};

TEST_F(ResultFoldersTest, PicturesKeepTheirPathBelowWhatNamesThem) {
  for (const char* name : {"data/a/rgb.png", "data/b/rgb.png", "data/b/deep.png", "one/x.png"}) add(name);
  EXPECT_THAT(outputs_of({"data/*/rgb.png"}, {"out", ""}, "out"), ElementsAre("a/rgb.png", "b/rgb.png"));
  EXPECT_THAT(outputs_of({"data/a/*.png", "one/x.png"}, {"flat", ""}, "flat"), ElementsAre("rgb.png", "x.png"));
  EXPECT_THAT(outputs_of({"data/b", "data/a"}, {"both", ""}, "both"),
              ElementsAre("a/rgb.png", "b/deep.png", "b/rgb.png"));
  EXPECT_THAT(outputs_of({"data/a", "data/b"}, {"", "masks"}, "masks"),
              ElementsAre("a/rgb.png", "b/deep.png", "b/rgb.png"));
}

TEST_F(ResultFoldersTest, WhatNamesAFileMostCloselyCounts) {
  for (const char* name : {"in/a.png", "b.png", "data/x/c.png"}) add(name);
  EXPECT_THAT(outputs_of({"in", "b.png", "data/*/c.png"}, {"out", ""}, "out"),
              ElementsAre("a.png", "b.png", "x/c.png"));
}

TEST_F(ResultFoldersTest, NamesDoNotDependOnTheOrder) {
  for (const char* name : {"a/x.png", "b/x.png", "b/x.jpg"}) add(name);
  std::vector<std::multimap<std::string, fs::path>> runs;
  std::vector<std::string> sources = {path("a/x.png"), path("b/x.jpg"), path("b/x.png")};
  do {
    SavingRun run(sources, {path("out"), path("masks")});
    run.write_all();
    runs.push_back(run.written());
    EXPECT_EQ(runs.back(), runs.front());
  } while (std::ranges::next_permutation(sources).found);
  EXPECT_EQ(runs.size(), 6U);
}

TEST_F(ResultFoldersTest, OneFolderForBothHoldsBoth) {
  for (const char* name : {"in/cat.png", "in/cat_mask.png", "in/dog.jpg"}) add(name);
  const std::vector<std::string> found = outputs_of({"in"}, {"out", "./x/../out"}, "out");
  EXPECT_EQ(found.size(), 6U);
  EXPECT_THAT(found, ::testing::IsSupersetOf({"cat.png", "dog.jpg", "dog_mask.png"}));
}

TEST_F(ResultFoldersTest, NestedFoldersDoNotMeet) {
  for (const char* name : {"in/m/a.png", "in/n/a.png", "other/m/a.png"}) add(name);
  EXPECT_EQ(outputs_of({"in/*/a.png"}, {"out", "out/m"}, "out").size(), 4U);
}

TEST_F(ResultFoldersTest, FoldersOfSourcesAreRefusedBeforeAnythingIsWritten) {
  for (const char* name : {"in/a.png", "in/clip.mp4", "in/clip.mov", "far/b.png"}) add(name);
  fs::create_directory_symlink("in", path("link"));
  fs::create_symlink("../far/b.png", path("in/b.png"));
  for (const char* source : {"in", "in/a.png", "in/*.png", "in/clip.mp4", "in/clip.mov"}) {
    for (const char* folder : {"in", "link", "in/../in"}) {
      EXPECT_THAT(refusal({source}, {folder, ""}), HasSubstr("sources come from this folder")) << source << folder;
      EXPECT_THAT(refusal({source}, {"", folder}), HasSubstr("sources come from this folder")) << source << folder;
    }
  }
  EXPECT_THAT(refusal({"in/b.png"}, {"far", ""}), HasSubstr("sources come from this folder"));
  EXPECT_EQ(text_of(path("in/a.png")), "in/a.png");
  EXPECT_EQ(text_of(path("far/b.png")), "far/b.png");
}

TEST_F(ResultFoldersTest, SubfoldersWithSourcesAreRefused) {
  for (const char* name : {"in/x/a.png", "in/y/a.png", "out/x/b.png"}) add(name);
  EXPECT_THAT(refusal({"in/*/a.png", "out/x/b.png"}, {"out", ""}), HasSubstr("sources come from this folder"));
  EXPECT_EQ(text_of(path("out/x/b.png")), "out/x/b.png");
}

TEST_F(ResultFoldersTest, LinksInTheFolderAreNotFollowed) {
  for (const char* name : {"in/a.png", "in/x/c.png", "in/y/c.png", "elsewhere/precious"}) add(name);
  fs::create_directories(path("out"));
  fs::create_symlink("../elsewhere/precious", path("out/a.png"));
  fs::create_directory_symlink("../elsewhere", path("out/x"));
  EXPECT_THAT(refusal({"in/a.png"}, {"out", ""}), HasSubstr("out/a.png: cannot be written: it is a link"));
  EXPECT_THAT(refusal({"in/*/c.png"}, {"out", ""}), HasSubstr("out/x: cannot be written into: it is a link"));
  fs::remove(path("out/a.png"));
  fs::create_symlink("../in/a.png", path("out/a.png"));
  EXPECT_THAT(refusal({"in/a.png"}, {"out", ""}), HasSubstr("is a source of this run"));
  EXPECT_EQ(text_of(path("elsewhere/precious")), "elsewhere/precious");
  EXPECT_EQ(text_of(path("in/a.png")), "in/a.png");
}

TEST_F(ResultFoldersTest, SourcesOfOneNameAreNumbered) {
  const std::string pipeline = "gst:videotestsrc";
  EXPECT_THAT(outputs_of({pipeline, pipeline}, {"out", "masks"}, "out"), ElementsAre("gst-2.mp4", "gst.mp4"));
  EXPECT_THAT(outputs_of({pipeline, pipeline}, {"out", "masks"}, "masks"),
              ElementsAre("gst-2_000000.png", "gst-2_000001.png", "gst_000000.png", "gst_000001.png"));
}

TEST_F(ResultFoldersTest, FilesOfPipelinesAreInputs) {
  add("gst.mp4");
  EXPECT_THAT(refusal({"gst:filesrc location=\"" + path("gst.mp4") + "\" ! decodebin"}, {".", ""}),
              HasSubstr("gst.mp4: is a file of the GStreamer pipeline of this run"));
  EXPECT_EQ(text_of(path("gst.mp4")), "gst.mp4");
}

TEST_F(ResultFoldersTest, LongNamesThatOccurTwiceEndNothing) {
  const std::string name = std::string(246, 'n') + ".jpg";
  for (const char* folder : {"a/", "b/"}) add(folder + name);
  EXPECT_EQ(outputs_of({"a/" + name, "b/" + name}, {"out", "masks"}, "out").size(), 2U);
  EXPECT_EQ(outputs_of({"a/" + name, "b/" + name}, {"all", "all"}, "all").size(), 4U);
}

/// A folder tree with links of every kind, and a run with random flags in it.
class RandomTree {
 public:
  RandomTree(const fs::path& root, unsigned seed) : root_(root), random_(seed) {
    for (const char* folder : {"p", "q", "p/r", "out", "out/p", "s"}) fs::create_directories(root_ / folder);
    for (int i = 0; i < 12; ++i) add_file();
    for (int i = 0; i < 4; ++i) add_link();
  }

  std::string folder() {
    return pick({"p", "q", "p/r", "out", "out/p", "s", "new", "p/../q", "fl0", "fl1", "out/new"});
  }
  std::string source() {
    switch (below(4)) {
      case 0:
        return (root_ / folder()).string();
      case 1:
        return (root_ / pick({"*/*.png", "p/*", "*/a*", "*/*/*.jpg", "q/*.mp4"})).string();
      default:
        return (root_ / folder() / name()).string();
    }
  }
  std::string name() {
    return pick({"a.png", "a.jpg", "b.png", "a_mask.png", "v.mp4", "v_000000.png", "v.mov", "a.webp"});
  }
  size_t below(size_t count) { return random_() % count; }

 private:
  std::string pick(const std::vector<std::string>& of) { return of[below(of.size())]; }
  void add_file() {
    const fs::path file = root_ / pick({"p", "q", "p/r", "out", "out/p", "s"}) / name();
    std::ofstream(file) << file.string();
  }
  void add_link() {
    std::error_code error;
    const fs::path target = root_ / pick({"p", "q", "out", "s"}) / name();
    const fs::path link = root_ / pick({"p", "q", "out", "out/p", "s"}) / ("l" + name());
    switch (below(4)) {
      case 0:
        fs::create_hard_link(target, link, error);
        break;
      case 1:
        fs::create_directory_symlink(root_ / pick({"p", "q", "out"}), root_ / pick({"fl0", "fl1", "out/new"}), error);
        break;
      default:
        fs::create_symlink(target, below(2) == 0 ? link : root_ / "out" / name(), error);
    }
  }

  fs::path root_;
  std::mt19937 random_;
};

TEST_F(ResultFoldersTest, NoOutputIsAnInputOrAnotherOutput) {
  int done = 0;
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    test::TempFolder root;
    RandomTree tree(root.path(), seed);
    std::vector<std::string> sources(1 + tree.below(3));
    for (std::string& source : sources) source = tree.source();
    ResultFolderNames names;
    if (tree.below(4) != 0) names.annotated = root.path() / tree.folder();
    if (tree.below(3) != 0) names.masks = root.path() / tree.folder();
    const fs::path json = tree.below(2) == 0 ? fs::path() : root.path() / tree.folder() / tree.name();

    std::map<std::string, std::string> inputs;
    std::optional<SavingRun> run;
    try {
      for (const pipeline::SourceSpec& spec : pipeline::resolve_sources(sources)) {
        for (const fs::path& picture : spec.images) inputs[picture.string()] = text_of(picture);
        if (spec.kind == pipeline::SourceKind::kVideoFile) inputs[spec.text] = text_of(spec.text);
      }
      run.emplace(sources, names, json);
      run->write_all();
      ++done;
    } catch (const IoError&) {  // refused, or no such source: nothing may be lost all the same
    }
    for (const auto& [input, text] : inputs) EXPECT_EQ(text_of(input), text) << input << " was written to";
    if (!run) continue;
    std::map<FileId, std::string> outputs;
    for (const auto& [what, file] : run->written()) {
      const auto id = file_id(file);
      ASSERT_TRUE(id) << file;
      const auto [place, is_new] = outputs.emplace(*id, what);
      EXPECT_TRUE(is_new || place->second == what) << file << ": " << what << " and " << place->second;
    }
  }
  EXPECT_GT(done, 40) << "nearly everything was refused";
}

}  // namespace
}  // namespace zoo::sinks
