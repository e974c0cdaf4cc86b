#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/model_config.h"
#include "sinks/csv_rows.h"
#include "sinks/csv_sink.h"
#include "tests/support/temp_folder.h"

namespace zoo::sinks {
namespace {

pipeline::ProcessedFrame frame_with(pipeline::TaskResult result) {
  pipeline::ProcessedFrame item;
  item.frame = {.image = cv::Mat(20, 30, CV_8UC3), .source = "clip.mp4", .index = 7, .time_s = 0.28};
  item.result = std::move(result);
  return item;
}

std::string text_of(const std::string& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(CsvRows, OfAClassificationAreItsGuesses) {
  EXPECT_EQ(csv_header(Task::kClassification), "source,frame,time_s,rank,index,label,score,error");
  EXPECT_EQ(csv_rows(frame_with(pipeline::Classification{{{3, "cat", 0.8123456789, 7.0}, {5, "dog", 0.1, 2.0}}, {}}),
                     Task::kClassification),
            "clip.mp4,7,0.28,1,3,cat,0.812346,\n"
            "clip.mp4,7,0.28,2,5,dog,0.1,\n");
}

TEST(CsvRows, OfAModelWithUnknownAndSmoothingHaveTheirColumns) {
  models::ModelConfig config;
  config.task = Task::kClassification;
  config.answers.unknown.emplace();
  config.answers.smoothing.emplace();
  const CsvColumns columns(config);
  EXPECT_EQ(csv_header(columns), "source,frame,time_s,rank,index,label,score,error,known,steady");
  pipeline::Classification result{{{3, "cat", 0.5, 7.0}, {5, "dog", 0.25, 2.0}}, {}};
  result.known = false;
  result.steady = pipeline::SteadyLabel{.index = 8, .label = "a, b"};
  EXPECT_EQ(csv_rows(frame_with(result), columns),
            "clip.mp4,7,0.28,1,3,cat,0.5,,false,\"a, b\"\n"
            "clip.mp4,7,0.28,2,5,dog,0.25,,false,\"a, b\"\n");
  result.top.clear();
  result.known = true;
  result.steady.reset();
  EXPECT_EQ(csv_rows(frame_with(result), columns), "clip.mp4,7,0.28,,,,,,true,\n");
  const pipeline::FrameFailure failure{"a.jpg", 2, pipeline::FailureKind::kEmpty, "empty"};
  EXPECT_EQ(csv_rows(failure, columns), "a.jpg,2,,,,,,empty,,\n");
}

TEST(CsvRows, OfADetectionAreItsBoxes) {
  EXPECT_EQ(csv_header(Task::kDetection), "source,frame,time_s,index,label,score,x0,y0,x1,y1,error");
  EXPECT_EQ(csv_rows(frame_with(pipeline::FoundObjects{{{17, "cat", 0.75, {1.25F, 2.0F, 10.5F, 20.0F}}}, {}}),
                     Task::kDetection),
            "clip.mp4,7,0.28,17,cat,0.75,1.25,2,10.5,20,\n");
  EXPECT_EQ(csv_rows(frame_with(pipeline::FoundObjects{}), Task::kDetection), "clip.mp4,7,0.28,,,,,,,,\n")
      << "a frame without boxes is in the table";
}

TEST(CsvRows, OfASegmentationAreItsClasses) {
  EXPECT_EQ(csv_header(Task::kSegmentation), "source,frame,time_s,index,label,share,error");
  pipeline::Segmentation result;
  result.classes = {{0, "background", 0.7}, {8, "cat", 0.3}};
  EXPECT_EQ(csv_rows(frame_with(result), Task::kSegmentation),
            "clip.mp4,7,0.28,0,background,0.7,\n"
            "clip.mp4,7,0.28,8,cat,0.3,\n");
}

TEST(CsvRows, EveryRowHasAsManyFieldsAsTheHeader) {
  const pipeline::FrameFailure failure{"a.jpg", 2, pipeline::FailureKind::kEmpty, "the file is empty"};
  for (const Task task : {Task::kClassification, Task::kDetection, Task::kSegmentation}) {
    const std::string header = csv_header(task);
    const std::string row = csv_rows(failure, task);
    EXPECT_EQ(std::ranges::count(row, ','), std::ranges::count(header, ','));
    EXPECT_THAT(row, ::testing::StartsWith("a.jpg,2,,"));
    EXPECT_THAT(row, ::testing::EndsWith(",the file is empty\n"));
  }
}

TEST(CsvRows, QuoteWhatWouldBreakTheTable) {
  pipeline::ProcessedFrame item = frame_with(pipeline::Classification{{{0, "tabby, \"cat\"\nor so", 1.0, 0.0}}, {}});
  item.frame.source = "a,b.jpg";
  EXPECT_EQ(csv_rows(item, Task::kClassification), "\"a,b.jpg\",7,0.28,1,0,\"tabby, \"\"cat\"\"\nor so\",1,\n");
}

TEST(CsvSink, WritesTheHeaderOnceAndAlways) {
  const test::TempFolder folder;
  CsvSink sink(folder / "a.csv", Task::kDetection);
  sink.write(frame_with(pipeline::FoundObjects{}));
  sink.write(frame_with(pipeline::FoundObjects{}));
  sink.finish();
  const std::string header = csv_header(Task::kDetection) + "\n";
  const std::string row = "clip.mp4,7,0.28,,,,,,,,\n";
  EXPECT_EQ(text_of(folder / "a.csv"), header + row + row);
  CsvSink empty(folder / "b.csv", Task::kDetection);
  empty.finish();
  EXPECT_EQ(text_of(folder / "b.csv"), header);
}

}  // namespace
}  // namespace zoo::sinks
