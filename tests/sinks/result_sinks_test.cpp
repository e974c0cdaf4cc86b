// Sinks as a run uses them: several sources, failures among the frames, and an end that comes too early.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

#include "nn/core/error.h"
#include "nn/core/run_files.h"
#include "pipeline/images/mask_png.h"
#include "sinks/annotated_sink.h"
#include "sinks/coco_sink.h"
#include "sinks/json_lines_sink.h"
#include "sinks/mask_sink.h"
#include "tests/support/temp_folder.h"

namespace zoo::sinks {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

class ResultSinks : public ::testing::Test {
 protected:
  /// Two pictures and a video.
  ResultSinks() {
    pipeline::SourceSpec pictures;
    pictures.images = {"in/a.jpg", "in/b.jpg"};
    pictures.roots = {"in"};
    sources_ = {pictures, {pipeline::SourceKind::kVideoFile, "in/clip.mp4", {}, {"in"}}};
  }

  std::shared_ptr<ResultFolders> folders(const std::string& annotated, const std::string& masks) const {
    return std::make_shared<ResultFolders>(
        sources_, ResultFolderNames{annotated.empty() ? "" : temp_ / annotated, masks.empty() ? "" : temp_ / masks},
        std::make_shared<RunFiles>());
  }
  pipeline::SourceInfo info(size_t stream) const {
    return {.kind = sources_[stream].kind,
            .name = pipeline::name_of(sources_[stream]),
            .stem = pipeline::stem_of(sources_[stream]),
            .fps = 10.0};
  }
  /// A frame whose left half is class 3.
  static pipeline::ProcessedFrame frame(size_t stream, int64_t index, const std::string& source) {
    pipeline::ProcessedFrame item;
    item.frame.image = cv::Mat(16, 16, CV_8UC3, cv::Scalar(10, 20, 30));
    item.frame.source = source;
    item.frame.index = index;
    item.frame.time_s = static_cast<double>(index) / 10.0;
    item.frame.stream = stream;
    pipeline::Segmentation result;
    result.labels = cv::Mat(16, 16, CV_8UC1, cv::Scalar(0));
    result.labels.colRange(0, 8).setTo(3);
    result.classes = {{.index = 0, .label = "background", .share = 0.5}, {.index = 3, .label = "cat", .share = 0.5}};
    item.result = std::move(result);
    return item;
  }
  static pipeline::FrameFailure failure(size_t stream) {
    return {.source = "in/b.jpg",
            .index = 1,
            .kind = pipeline::FailureKind::kEmpty,
            .message = "in/b.jpg: the file is empty",
            .stream = stream};
  }
  std::vector<Json> lines_of(const std::string& file) const {
    std::ifstream stream(temp_ / file);
    std::vector<Json> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(Json::parse(line));
    return lines;
  }

  test::TempFolder temp_;
  std::vector<pipeline::SourceSpec> sources_;
};

TEST_F(ResultSinks, JsonLinesAreWrittenAtOnceAndNameMasks) {
  JsonLinesSink sink(temp_ / "out.jsonl", folders("", "masks"));
  sink.write(frame(0, 0, "in/a.jpg"));
  sink.write(failure(0));
  ASSERT_EQ(lines_of("out.jsonl").size(), 2U) << "before the end";
  sink.write(frame(1, 7, "in/clip.mp4"));
  sink.finish();
  const std::vector<Json> lines = lines_of("out.jsonl");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]["mask"]["file"], temp_ / "masks/a.png");
  EXPECT_EQ(lines[1]["kind"], "empty");
  EXPECT_EQ(lines[2]["mask"]["file"], temp_ / "masks/clip_000007.png");
}

TEST_F(ResultSinks, JsonLinesWithoutMasksCarryRunLengthsThatPrepareMade) {
  JsonLinesSink sink(temp_ / "out.jsonl");
  pipeline::ProcessedFrame item = frame(0, 0, "in/a.jpg");
  sink.prepare(item);
  ASSERT_EQ(item.mask_counts.size(), 2U);
  sink.write(item);
  sink.write(frame(0, 1, "in/a.jpg"));  // nobody prepared it
  sink.finish();
  const std::vector<Json> lines = lines_of("out.jsonl");
  EXPECT_EQ(lines.at(0)["mask"], lines.at(1)["mask"]);
}

TEST_F(ResultSinks, MasksAreCountedOnce) {
  MaskSink sink(folders("", "masks"));
  sink.write(frame(0, 0, "in/a.jpg"));
  sink.write(failure(0));
  EXPECT_THAT(sink.saved(), ElementsAre("1 mask in " + temp_ / "masks"));
  EXPECT_THAT(sink.saved(), IsEmpty());
  EXPECT_EQ(cv::countNonZero(pipeline::read_mask_png(temp_ / "masks/a.png") == 3), 8 * 16);
  EXPECT_FALSE(sink.wants_drawing());
}

TEST_F(ResultSinks, CocoNumbersTheFramesOfAllSources) {
  {
    CocoSink sink(temp_ / "out.json");
    sink.write(frame(0, 0, "in/a.jpg"));
    sink.write(failure(0));
    sink.write(frame(1, 0, "in/clip.mp4"));
    sink.finish();
  }
  std::ifstream stream(temp_ / "out.json");
  const Json entries = Json::parse(stream);
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_EQ(entries[0]["image_id"], 1);
  EXPECT_EQ(entries[3]["image_id"], 2);
}

TEST_F(ResultSinks, CocoWithoutAnEndIsStillAnArray) {
  { CocoSink(temp_ / "out.json").write(frame(0, 0, "in/a.jpg")); }
  std::ifstream stream(temp_ / "out.json");
  EXPECT_EQ(Json::parse(stream).size(), 2U);
}

TEST_F(ResultSinks, AnnotatedFramesGoToTheFileOfTheirSource) {
  AnnotatedSink sink(folders("out", ""));
  EXPECT_TRUE(sink.wants_drawing());
  sink.begin(0, info(0));
  sink.begin(1, info(1));  // sources may overlap
  sink.write(frame(0, 0, "in/a.jpg"));
  for (int i = 0; i < 3; ++i) sink.write(frame(1, i, "in/clip.mp4"));
  sink.write(failure(0));
  sink.end(0, {});
  EXPECT_THAT(sink.saved(), ElementsAre(temp_ / "out/a.jpg"));
  EXPECT_FALSE(fs::exists(temp_ / "out/clip.mp4")) << "before it is whole";
  sink.end(1, {});
  EXPECT_THAT(sink.saved(), ElementsAre(temp_ / "out/clip.mp4"));
  EXPECT_TRUE(fs::exists(temp_ / "out/clip.mp4"));
}

TEST_F(ResultSinks, OutputsThatCannotBeOpenedAreNoticedBeforeTheWork) {
  EXPECT_THROW(JsonLinesSink(temp_ / "no/such/folder.jsonl"), IoError);
  EXPECT_THROW(CocoSink(temp_ / "no/such/folder.json"), IoError);
  std::ofstream(temp_ / "file") << "x";
  EXPECT_THROW(folders("file", ""), IoError);
}

}  // namespace
}  // namespace zoo::sinks
