// Top-k, IoU, the confusion matrix, its picture, and the threads between which pictures are shared out.
#include <atomic>
#include <cstdint>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include "nn/core/error.h"
#include "pipeline/eval/confusion_picture.h"
#include "pipeline/eval/evaluate.h"
#include "pipeline/eval/iou_metric.h"
#include "pipeline/eval/shards.h"
#include "pipeline/eval/top_k_metric.h"

namespace zoo::eval {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

void add(TopKMetric& metric, int64_t truth, std::vector<int64_t> guesses) { metric.add(truth, guesses); }

TEST(TopKMetric, CountsTheBestGuessAndTheBestFive) {
  TopKMetric metric(7);
  add(metric, 0, {0, 1, 2, 3, 4});
  add(metric, 0, {1, 2, 3, 4, 0});
  add(metric, 0, {1, 2, 3, 4, 5, 0});  // sixth: too late
  add(metric, 3, {3, 2, 1, 4, 5});
  const TopKSummary summary = metric.summary();
  EXPECT_EQ(summary.all.pictures, 4);
  EXPECT_DOUBLE_EQ(*summary.all.top1_share(), 2.0 / 4.0);
  EXPECT_DOUBLE_EQ(*summary.all.top5_share(), 3.0 / 4.0);
  EXPECT_DOUBLE_EQ(*summary.classes[0].top1_share(), 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(*summary.class_mean, (1.0 / 3.0 + 1.0) / 2.0) << "classes without pictures do not count";
  EXPECT_FALSE(summary.classes[1].top1_share());
  EXPECT_EQ(summary.confusion.at(0, 1), 2);
  EXPECT_EQ(summary.confusion.at(3, 3), 1);
  EXPECT_EQ(summary.confusion.at(1, 0), 0);
}

TEST(TopKMetric, PartsMakeTheWhole) {
  TopKMetric whole(3);
  TopKMetric a(3);
  TopKMetric b(3);
  for (int64_t i = 0; i < 30; ++i) {
    const std::vector<int64_t> guesses = {(i * 7) % 3, (i * 7 + 1) % 3};
    add(whole, i % 3, guesses);
    add(i % 4 == 0 ? a : b, i % 3, guesses);
  }
  b.merge(a);
  EXPECT_EQ(b.summary().all.top1, whole.summary().all.top1);
  EXPECT_EQ(b.summary().all.top5, whole.summary().all.top5);
  EXPECT_EQ(b.summary().confusion.counts(), whole.summary().confusion.counts());
}

void add(IouMetric& metric, std::vector<uint8_t> truth, std::vector<uint8_t> found) { metric.add(truth, found); }

// truth  0 0 0 1 1 2 255 255
// found  0 0 1 1 2 2 2   0     -> IoU 2/3, 1/3, 1/2; void truth counts nowhere
TEST(IouMetric, DividesCommonPixelsByAllPixelsOfAClass) {
  IouMetric metric(4);
  add(metric, {0, 0, 0, 1, 1, 2, 255, 255}, {0, 0, 1, 1, 2, 2, 2, 0});
  const IouSummary summary = metric.summary();
  EXPECT_DOUBLE_EQ(*summary.classes[0].iou(), 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(*summary.classes[1].iou(), 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(*summary.classes[2].iou(), 1.0 / 2.0);
  EXPECT_FALSE(summary.classes[3].iou());
  EXPECT_DOUBLE_EQ(*summary.mean, (2.0 / 3.0 + 1.0 / 3.0 + 0.5) / 3.0) << "class 3 is nowhere";
  EXPECT_DOUBLE_EQ(*summary.mean_without_background, (1.0 / 3.0 + 0.5) / 2.0);
  EXPECT_DOUBLE_EQ(*summary.pixel_accuracy, 4.0 / 6.0);
  EXPECT_DOUBLE_EQ(*summary.void_share(), 2.0 / 8.0);
  EXPECT_FALSE(summary.looks_binary());
}

TEST(IouMetric, TellsHowMuchIsVoid) {
  IouMetric metric(3);
  EXPECT_FALSE(metric.summary().void_share()) << "no pixels";
  EXPECT_FALSE(metric.summary().looks_binary());
  add(metric, {0, 0, 0}, {0, 1, 255});
  EXPECT_DOUBLE_EQ(*metric.summary().void_share(), 0.0);
  EXPECT_FALSE(metric.summary().looks_binary()) << "all background";
  IouMetric voids(3);
  add(voids, {255, 255, 255}, {0, 1, 255});
  EXPECT_DOUBLE_EQ(*voids.summary().void_share(), 1.0);
  EXPECT_TRUE(voids.summary().looks_binary());
  metric.merge(voids);
  EXPECT_DOUBLE_EQ(*metric.summary().void_share(), 0.5);
  EXPECT_TRUE(metric.summary().looks_binary());
  add(metric, {2}, {0});
  EXPECT_FALSE(metric.summary().looks_binary()) << "a class is there";
}

TEST(IouMetric, CountsWhatACropHidAsWrong) {
  IouMetric metric(2);
  add(metric, {1, 1, 1, 1, 255}, {1, 1, 1, 255, 255});
  const IouSummary summary = metric.summary();
  EXPECT_DOUBLE_EQ(*summary.classes[1].iou(), 0.75);
  EXPECT_DOUBLE_EQ(*summary.pixel_accuracy, 0.75);
  EXPECT_EQ(summary.confusion.at(1, summary.confusion.nothing()), 1);
}

TEST(IouMetric, CountsAClassThatIsFoundWhereThereIsNone) {
  IouMetric metric(3);
  add(metric, {0, 0}, {0, 2});
  EXPECT_DOUBLE_EQ(*metric.summary().mean, (0.5 + 0.0) / 2.0);
}

TEST(IouMetric, AddsPixelsNotPictures) {
  IouMetric a(2);
  IouMetric b(2);
  add(a, {1}, {0});
  add(b, {1, 1, 1}, {1, 1, 1});
  a.merge(b);
  EXPECT_DOUBLE_EQ(*a.summary().classes[1].iou(), 0.75);
  EXPECT_FALSE(IouMetric(2).summary().mean);
}

TEST(ConfusionPicture, ShadesCellsByTheirShareOfTheRow) {
  ConfusionMatrix confusion(3);
  confusion.add(0, 0, 10);
  confusion.add(1, 0, 5);
  confusion.add(1, 2, 5);
  const std::vector<std::string> labels = {"cat", "dog", "a label that is far too long to be shown as a whole"};
  const cv::Mat image = draw_confusion(confusion, labels);
  const int right = image.cols;
  const int bottom = image.rows;
  // The matrix of three cells of 36 pixels ends two margins of 12 before the lower edge.
  const auto corner = [&](int row, int column, const cv::Mat& of) {
    int x = of.cols - 1;
    while (of.at<cv::Vec3b>(bottom - 24 - 36, x) == cv::Vec3b(255, 255, 255)) --x;
    return of.at<cv::Vec3b>(bottom - 24 - 36 * (3 - row) + 3, x - 36 * (3 - column) + 3);
  };
  EXPECT_GT(right, 200);
  const cv::Vec3b whole = corner(0, 0, image);
  const cv::Vec3b half = corner(1, 0, image);
  EXPECT_LT(whole[2], half[2]) << "darker";
  EXPECT_EQ(half, corner(1, 2, image));
  EXPECT_EQ(corner(0, 1, image), cv::Vec3b(255, 255, 255));
  EXPECT_EQ(corner(2, 0, image), cv::Vec3b(232, 232, 232)) << "a class that never occurred";
}

TEST(ConfusionPicture, TakesAnyNumberOfClasses) {
  for (const int64_t classes : {1, 2, 25, 81, 1000}) {
    ConfusionMatrix confusion(classes);
    for (int64_t i = 0; i < classes; ++i) confusion.add(i, (i * i) % (classes + 1));
    const cv::Mat image = draw_confusion(confusion, {});
    EXPECT_LE(image.rows, 2600) << classes;
    EXPECT_GE(image.cols, classes) << classes;
  }
}

TEST(EvenlyChosen, SpreadsOverAllItems) {
  std::vector<int> items(10);
  std::iota(items.begin(), items.end(), 0);
  EXPECT_THAT(evenly_chosen(items, 4), ElementsAre(0, 2, 5, 7));
  EXPECT_EQ(evenly_chosen(items, 10), items);
  EXPECT_EQ(evenly_chosen(items, 99), items);
}

TEST(RunSharded, DoesEveryItemOnce) {
  for (const size_t shards : {1U, 2U, 5U}) {
    std::vector<std::vector<int64_t>> seen(shards);
    std::vector<ShardWork> works;
    for (size_t i = 0; i < shards; ++i) {
      works.emplace_back([&seen, i](int64_t item) { seen[i].push_back(item); });
    }
    int64_t last = 0;
    const ShardedRun run = run_sharded(100, works, {.progress = [&](int64_t done) {
                                         EXPECT_GT(done, last);
                                         last = done;
                                       }});
    std::multiset<int64_t> all;
    for (const auto& part : seen) all.insert(part.begin(), part.end());
    EXPECT_THAT(all, SizeIs(100));
    EXPECT_EQ(std::set<int64_t>(all.begin(), all.end()).size(), 100U);
    EXPECT_EQ(run.done, 100);
    EXPECT_THAT(run.failures, IsEmpty());
  }
  EXPECT_EQ(run_sharded(0, std::vector<ShardWork>{[](int64_t) {}}).done, 0);
}

TEST(RunSharded, ListsItemsThatFailByTheirOrder) {
  const ShardWork work = [](int64_t item) {
    if (item % 10 == 3) throw IoError(fmt::format("item {}", item));
  };
  const ShardedRun run = run_sharded(40, std::vector<ShardWork>(3, work));
  ASSERT_THAT(run.failures, SizeIs(4));
  EXPECT_EQ(run.failures[0].item, 3);
  EXPECT_EQ(run.failures[3].message, "item 33");
  EXPECT_EQ(run.done, 40);
}

TEST(RunSharded, EndsWithTheFirstOtherError) {
  std::atomic<int> count = 0;
  const ShardWork work = [&](int64_t item) {
    ++count;
    if (item == 5) throw std::runtime_error("broken");
  };
  EXPECT_THROW(run_sharded(100000, std::vector<ShardWork>(2, work)), std::runtime_error);
  EXPECT_LT(count, 100000);
}

TEST(RunSharded, BeginsNothingOnceStopped) {
  std::atomic<bool> stop = false;
  const ShardWork work = [&](int64_t item) {
    if (item == 4) stop = true;
  };
  EXPECT_EQ(run_sharded(100, std::vector<ShardWork>{work}, {.stop = &stop}).done, 5);
}

TEST(RunSharded, PassesOnWhatProgressThrows) {
  const ShardOptions options{.progress = [](int64_t) { throw std::runtime_error("closed"); }};
  EXPECT_THROW(run_sharded(50, std::vector<ShardWork>(2, [](int64_t) {}), options), std::runtime_error);
}

}  // namespace
}  // namespace zoo::eval
