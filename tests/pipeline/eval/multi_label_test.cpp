#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "pipeline/eval/label_table.h"
#include "pipeline/eval/multi_label_metric.h"
#include "tests/support/temp_folder.h"

namespace zoo::eval {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

constexpr double kTolerance = 1e-9;

using Scores = std::vector<double>;
using Classes = std::vector<int64_t>;

TEST(MultiLabelMetric, IsWhatTheDefinitionSays) {
  MultiLabelMetric metric({0.5, 0.5, 0.5});
  metric.add(Scores{0.9, 0.6, 0.1}, Classes{0});     // finds 0 and a wrong 1
  metric.add(Scores{0.8, 0.4, 0.1}, Classes{1});     // a wrong 0, misses 1
  metric.add(Scores{0.7, 0.3, 0.1}, Classes{0, 1});  // misses 1
  metric.add(Scores{0.2, 0.2, 0.1}, Classes{});      // right
  const MultiLabelSummary summary = metric.summary();
  EXPECT_EQ(summary.pictures, 4);
  // Class 0: ranks 1 and 3 of 4 are right: (1/1 + 2/3) / 2. Class 1: ranks 2 and 3: (1/2 + 2/3) / 2.
  EXPECT_NEAR(*summary.classes[0].ap, (1.0 + 2.0 / 3.0) / 2.0, kTolerance);
  EXPECT_NEAR(*summary.classes[1].ap, (0.5 + 2.0 / 3.0) / 2.0, kTolerance);
  EXPECT_FALSE(summary.classes[2].ap) << "no picture of it";
  EXPECT_NEAR(*summary.map, (*summary.classes[0].ap + *summary.classes[1].ap) / 2.0, kTolerance);
  const LabelCount& first = summary.classes[0].count;
  EXPECT_NEAR(*first.precision(), 2.0 / 3.0, kTolerance);
  EXPECT_NEAR(*first.recall(), 1.0, kTolerance);
  EXPECT_NEAR(*first.f1(), 0.8, kTolerance);
  EXPECT_NEAR(*summary.classes[1].count.f1(), 0.0, kTolerance);
  EXPECT_FALSE(summary.classes[2].count.f1());
  EXPECT_NEAR(*summary.macro_f1, 0.4, kTolerance);
  EXPECT_NEAR(*summary.micro_f1, 2.0 * 2.0 / (4.0 + 4.0), kTolerance);
  EXPECT_NEAR(*summary.exact, 0.25, kTolerance);
}

TEST(MultiLabelMetric, EqualScoresAreOneStep) {
  MultiLabelMetric metric({0.5});
  metric.add(Scores{0.7}, Classes{0});
  metric.add(Scores{0.7}, Classes{});
  EXPECT_NEAR(*metric.summary().map, 0.5, kTolerance) << "whichever of the two came first";
}

TEST(MultiLabelMetric, MergesInAnyOrder) {
  MultiLabelMetric one({0.5});
  MultiLabelMetric other({0.5});
  one.add(Scores{0.9}, Classes{0});
  one.add(Scores{0.3}, Classes{0});
  other.add(Scores{0.6}, Classes{});
  MultiLabelMetric both = other;
  both.merge(one);
  one.merge(other);
  EXPECT_EQ(one.summary().map, both.summary().map);
  EXPECT_EQ(one.summary().exact, both.summary().exact);
  EXPECT_NEAR(*one.summary().map, (1.0 + 2.0 / 3.0) / 2.0, kTolerance);
}

TEST(MultiLabelMetric, WithoutPicturesHasNoFigures) {
  const MultiLabelSummary summary = MultiLabelMetric({0.5, 0.5}).summary();
  EXPECT_FALSE(summary.map || summary.macro_f1 || summary.micro_f1 || summary.exact);
}

class LabelTable : public ::testing::Test {
 protected:
  std::vector<LabelItem> read(const std::string& text) {
    const std::string file = folder_ / "labels.csv";
    std::ofstream(file) << text;
    return read_label_table(file, folder_.path(), kLabels, 3);
  }
  std::string picture(const std::string& name) { return (folder_.path() / name).string(); }

  const std::vector<std::string> kLabels = {"cat", "ice cream", "dog"};
  test::TempFolder folder_;
};

TEST_F(LabelTable, ReadsPicturesAndTheirClasses) {
  const auto items = read(
      "\xEF\xBB\xBF"
      "file,labels\r\na.jpg,dog; cat;dog\n\n\"b, \"\"c\"\".jpg\",ice_cream\nsub/d.jpg,2\ne.jpg,\n");
  ASSERT_THAT(items, SizeIs(4));
  EXPECT_EQ(items[0].picture, picture("a.jpg"));
  EXPECT_THAT(items[0].classes, ElementsAre(0, 2));
  EXPECT_EQ(items[1].picture, picture("b, \"c\".jpg"));
  EXPECT_THAT(items[1].classes, ElementsAre(1));
  EXPECT_EQ(items[2].picture, picture("sub/d.jpg"));
  EXPECT_THAT(items[2].classes, ElementsAre(2));
  EXPECT_THAT(items[3].classes, IsEmpty());
}

TEST_F(LabelTable, PicturesLieInTheFolderOfPicturesWhereThereIsOne) {
  std::filesystem::create_directory(folder_.path() / "images");
  EXPECT_EQ(read("file,labels\na.jpg,dog\n").front().picture, picture("images/a.jpg"));
}

TEST_F(LabelTable, SaysEverythingThatIsWrong) {
  EXPECT_THAT(
      [&] { read("file,labels\na.jpg,dgo\na.jpg,cat\n../b.jpg,cat\nc.jpg,cat,dog\n\"d.jpg,cat\nx\"y,cat\n"); },
      ThrowsMessage<ConfigError>(AllOf(
          HasSubstr("labels.csv:2: "), HasSubstr("did you mean \"dog\"?"),
          HasSubstr("labels.csv:3: \"a.jpg\" has line 2 already"),
          HasSubstr("labels.csv:4: \"../b.jpg\" is not in the folder of the pictures"),
          HasSubstr(
              "labels.csv:5: expected 2 fields (file,labels), found 3; several labels are separated by semicolons"),
          HasSubstr("labels.csv:6: a quote that is not closed"),
          HasSubstr("labels.csv:7: a quote that is not closed"))));
}

TEST_F(LabelTable, NeedsItsHeaderAndPictures) {
  EXPECT_THAT([&] { read("a.jpg,dog\n"); },
              ThrowsMessage<ConfigError>(HasSubstr("labels.csv:1: expected the header file,labels, found a.jpg,dog")));
  EXPECT_THAT([&] { read(""); }, ThrowsMessage<ConfigError>(HasSubstr("labels.csv: expected the header file,labels")));
  EXPECT_THAT([&] { read("file,labels\n"); }, ThrowsMessage<ConfigError>(HasSubstr("no pictures below the header")));
  EXPECT_THAT([&] { read_label_table(folder_ / "none.csv", folder_.path(), kLabels, 3); },
              ThrowsMessage<ConfigError>(HasSubstr("none.csv: No such file or directory; expected the header")));
}

}  // namespace
}  // namespace zoo::eval
