#include "sinks/row_lines.h"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/utf8.h"

namespace zoo::sinks {
namespace {

using ::testing::EndsWith;

pipeline::ProcessedFrame frame_with(pipeline::TaskResult result) {
  pipeline::ProcessedFrame item;
  item.frame = {.image = cv::Mat(480, 640, CV_8UC3), .source = "a/b.jpg", .index = 12, .capture_ms = 3.25};
  item.result = std::move(result);
  item.draw_ms = 2.0;
  return item;
}

const pipeline::FrameFailure kFailure{
    .source = "a/b.mp4", .index = 7, .kind = pipeline::FailureKind::kTruncated, .message = "a/b.mp4: it is cut off"};

TEST(RowLines, JsonBeginsWithTheRowAndHasNoTimes) {
  const auto item = frame_with(pipeline::Classification{{{3, "tabby", 0.8123456789, 7.25}}, {.infer_ms = 1.4}});
  EXPECT_EQ(row_lines(item, {12, 0}, RowFormat::kJsonLines, Task::kClassification),
            R"({"row":12,"frame":0,"source":"a/b.jpg","time_s":0.0,"size":[480,640],)"
            R"("top":[{"index":3,"label":"tabby","score":0.812346,"logit":7.25}]})"
            "\n");
  EXPECT_EQ(row_lines(kFailure, {5, 7}, RowFormat::kJsonLines, Task::kClassification),
            R"({"row":5,"frame":7,"source":"a/b.mp4","error":"a/b.mp4: it is cut off","kind":"truncated"})"
            "\n");
}

// As manifests have them, so that two names that differ stay different in every form.
TEST(RowLines, OddNamesStayDifferentNames) {
  auto item = frame_with(pipeline::Classification{{{3, "cat", 0.5, 7.25}}, {}});
  for (const RowFormat format : {RowFormat::kJsonLines, RowFormat::kFlat, RowFormat::kCsv}) {
    const std::string byte = format == RowFormat::kCsv ? R"(\xfe)" : R"(\\xfe)";
    std::set<std::string> lines;
    for (const std::string name : {"\xfe.jpg", "\xff.jpg", "\\xfe.jpg", "\\\\xfe.jpg", "\x01.jpg", "\\x01.jpg"}) {
      item.frame.source = name;
      const std::string line = row_lines(item, {1, 0}, format, Task::kClassification);
      EXPECT_TRUE(is_utf8(line)) << line;
      EXPECT_TRUE(lines.insert(line).second) << line;
    }
    item.frame.source = "\xfe.jpg";
    EXPECT_NE(row_lines(item, {1, 0}, format, Task::kClassification).find(byte + ".jpg"), std::string::npos);
    const pipeline::FrameFailure failure{.source = "a\xfe", .kind = pipeline::FailureKind::kEmpty, .message = "m"};
    EXPECT_NE(row_lines(failure, {1, 0}, format, Task::kClassification).find("a" + byte), std::string::npos);
  }
}

TEST(RowLines, FlatLinesHaveTheSameKeysWhateverWasFound) {
  const auto found = frame_with(pipeline::FoundObjects{{{17, "cat", 0.75, {1.25F, 2.0F, 10.5F, 20.0F}}}, {}});
  EXPECT_EQ(row_lines(found, {3, 0}, RowFormat::kFlat, Task::kDetection),
            R"({"row":3,"source":"a/b.jpg","frame":0,"time_s":0.0,"height":480,"width":640,"index":17,"label":"cat",)"
            R"("score":0.75,"x0":1.25,"y0":2.0,"x1":10.5,"y1":20.0,"error":null,"listed_bytes":null})"
            "\n");
  EXPECT_EQ(row_lines(frame_with(pipeline::FoundObjects{}), {4, 0}, RowFormat::kFlat, Task::kDetection),
            R"({"row":4,"source":"a/b.jpg","frame":0,"time_s":0.0,"height":480,"width":640,"index":null,"label":null,)"
            R"("score":null,"x0":null,"y0":null,"x1":null,"y1":null,"error":null,"listed_bytes":null})"
            "\n");
  EXPECT_EQ(row_lines(kFailure, {5, 7}, RowFormat::kFlat, Task::kDetection),
            R"({"row":5,"source":"a/b.mp4","frame":7,"time_s":null,"height":null,"width":null,"index":null,)"
            R"("label":null,"score":null,"x0":null,"y0":null,"x1":null,"y1":null,"error":"a/b.mp4: it is cut off",)"
            R"("listed_bytes":null})"
            "\n");
}

TEST(RowLines, FlatClassificationsAreALinePerGuess) {
  CsvColumns columns = Task::kClassification;
  columns.known = true;
  pipeline::Classification result{{{3, "cat", 0.5, 7.25}, {1, "dog", 0.25, 6.0}}, {}};
  result.known = true;
  EXPECT_EQ(row_lines(frame_with(result), {3, 0}, RowFormat::kFlat, columns),
            R"({"row":3,"source":"a/b.jpg","frame":0,"time_s":0.0,"height":480,"width":640,"rank":1,"index":3,)"
            R"("label":"cat","score":0.5,"error":null,"known":true,"listed_bytes":null})"
            "\n"
            R"({"row":3,"source":"a/b.jpg","frame":0,"time_s":0.0,"height":480,"width":640,"rank":2,"index":1,)"
            R"("label":"dog","score":0.25,"error":null,"known":true,"listed_bytes":null})"
            "\n");
}

TEST(RowLines, TablesHaveTheRowAsTheirFirstColumn) {
  const auto item = frame_with(pipeline::Classification{{{3, "tabby, \"a\ncat\"", 0.5, 7.25}}, {}});
  EXPECT_EQ(row_head(RowFormat::kCsv, Task::kClassification),
            "row,source,frame,time_s,rank,index,label,score,error,listed_bytes\n");
  EXPECT_EQ(row_head(RowFormat::kFlat, Task::kClassification), "");
  EXPECT_EQ(row_lines(item, {12, 0}, RowFormat::kCsv, Task::kClassification),
            "12,a/b.jpg,0,0,1,3,\"tabby, \"\"a\ncat\"\"\",0.5,,\n");
  EXPECT_EQ(row_lines(kFailure, {5, 7}, RowFormat::kCsv, Task::kClassification),
            "5,a/b.mp4,7,,,,,,a/b.mp4: it is cut off,\n");
}

TEST(RowLines, OfAFileWithAnotherSizeSayWhatIsListed) {
  const auto item = frame_with(pipeline::Classification{{{3, "cat", 0.5, 7.25}}, {}});
  const RowNumber number{.row = 12, .frame = 0, .listed_bytes = 3000};
  EXPECT_THAT(row_lines(item, number, RowFormat::kJsonLines, Task::kClassification),
              EndsWith("\"logit\":7.25}],\"listed_bytes\":3000}\n"));
  EXPECT_THAT(row_lines(item, number, RowFormat::kFlat, Task::kClassification),
              EndsWith("\"error\":null,\"listed_bytes\":3000}\n"));
  EXPECT_EQ(row_lines(item, number, RowFormat::kCsv, Task::kClassification), "12,a/b.jpg,0,0,1,3,cat,0.5,,3000\n");
}

}  // namespace
}  // namespace zoo::sinks
