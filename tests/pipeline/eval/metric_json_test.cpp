// Metrics that travel as JSON add up to what one metric would have gathered.
#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "pipeline/eval/coco_metric.h"
#include "pipeline/eval/iou_metric.h"
#include "pipeline/eval/multi_label_metric.h"
#include "pipeline/eval/top_k_metric.h"

namespace zoo::eval {
namespace {

constexpr int64_t kClasses = 7;
constexpr int kPictures = 60;

/// What `add` puts into one metric, and into one each that are written, read and put together.
template <typename Metric, typename Setup, typename Add>
std::pair<Metric, Metric> both_ways(const Setup& setup, Add add) {
  std::mt19937 random(5);
  Metric whole(setup);
  std::vector<std::string> parts;
  for (int picture = 0; picture < kPictures; ++picture) {
    const std::mt19937 before = random;
    add(whole, picture, random);
    random = before;
    Metric part(setup);
    add(part, picture, random);
    parts.push_back(part.to_json());
  }
  Metric merged(setup);
  for (size_t i = 0; i < parts.size(); ++i) merged.merge_json(parts[(7 * i) % parts.size()]);
  return {std::move(whole), std::move(merged)};
}

double share(std::mt19937& random) { return static_cast<double>(random()) / static_cast<double>(std::mt19937::max()); }

/// A class.
int64_t pick(std::mt19937& random) { return static_cast<int64_t>(random() % 7); }

TEST(MetricJson, TopKIsTheSameByWayOfFiles) {
  const auto [whole, merged] = both_ways<TopKMetric>(kClasses, [](TopKMetric& metric, int, std::mt19937& random) {
    const std::vector<int64_t> guesses = {pick(random), pick(random), pick(random)};
    metric.add(pick(random), guesses, {share(random), share(random), -3.0 * share(random)});
  });
  EXPECT_EQ(merged.summary().all.top1, whole.summary().all.top1);
  EXPECT_EQ(merged.summary().all.top5, whole.summary().all.top5);
  EXPECT_EQ(merged.summary().class_mean, whole.summary().class_mean);
  EXPECT_EQ(merged.summary().confusion.counts(), whole.summary().confusion.counts());
  const auto energies = [](const TopKMetric& metric) {
    std::vector<double> list;
    for (const auto& one : metric.summary().certainties) list.push_back(one.energy + one.margin + one.max_probability);
    std::ranges::sort(list);
    return list;
  };
  EXPECT_EQ(energies(merged), energies(whole));
}

TEST(MetricJson, IouIsTheSameByWayOfFiles) {
  const auto [whole, merged] = both_ways<IouMetric>(kClasses, [](IouMetric& metric, int, std::mt19937& random) {
    std::vector<uint8_t> truth;
    std::vector<uint8_t> found;
    for (int i = 0; i < 50; ++i) {
      truth.push_back(static_cast<uint8_t>(random() % 9 == 0 ? 255 : random() % 7));
      found.push_back(static_cast<uint8_t>(random() % 9 == 0 ? 255 : random() % 7));
    }
    metric.add(truth, found);
  });
  EXPECT_EQ(merged.summary().mean, whole.summary().mean);
  EXPECT_EQ(merged.summary().void_pixels, whole.summary().void_pixels);
  EXPECT_EQ(merged.summary().confusion.counts(), whole.summary().confusion.counts());
}

TEST(MetricJson, PrecisionOfBoxesIsTheSameByWayOfFiles) {
  const auto [whole, merged] = both_ways<CocoMetric>(kClasses, [](CocoMetric& metric, int id, std::mt19937& random) {
    std::vector<CocoTruth> truths;
    std::vector<CocoFound> founds;
    for (int i = 0; i < 4; ++i) {
      const CocoBox box{200.0 * share(random), 200.0 * share(random), 10 + 90.0 * share(random), 50.0};
      const int64_t index = pick(random);
      truths.push_back({index, box, box.width * box.height, random() % 11 == 0});
      const CocoBox near{box.x + 9.0 * share(random), box.y, box.width, box.height};
      founds.push_back({random() % 5 == 0 ? 0 : index, 0.1 * static_cast<double>(random() % 10), near});
    }
    metric.add(id, truths, founds);
  });
  const CocoSummary one = whole.summary();
  const CocoSummary other = merged.summary();
  EXPECT_EQ(other.ap, one.ap);
  EXPECT_GT(one.ap.value(), 0.1);
  EXPECT_EQ(other.ap75, one.ap75);
  EXPECT_EQ(other.ap_small, one.ap_small);
  EXPECT_EQ(other.ar10, one.ar10);
  EXPECT_EQ(other.pictures, one.pictures);
  EXPECT_EQ(other.objects, one.objects);
}

TEST(MetricJson, LabelsAreTheSameByWayOfFiles) {
  const auto [whole, merged] =
      both_ways<MultiLabelMetric>(std::vector<double>(3, 0.5), [](MultiLabelMetric& metric, int, std::mt19937& random) {
        const std::vector<double> scores = {share(random), share(random), share(random)};
        std::vector<int64_t> truth;
        for (int64_t i = 0; i < 3; ++i) {
          if (random() % 2 == 0) truth.push_back(i);
        }
        metric.add(scores, truth);
      });
  EXPECT_EQ(merged.summary().map, whole.summary().map);
  EXPECT_EQ(merged.summary().micro_f1, whole.summary().micro_f1);
  EXPECT_EQ(merged.summary().exact, whole.summary().exact);
}

TEST(MetricJson, WhatNoMetricWouldWriteIsRefused) {
  for (const char* text : {"", "[]", "{}", R"({"classes":[[7,1,1,1]],"confusion":[],"certainties":[]})",
                           R"({"classes":[[0,-1,1,1]],"confusion":[],"certainties":[]})",
                           R"({"classes":[],"confusion":[[0,8,1]],"certainties":[]})",
                           R"({"classes":[],"confusion":[],"certainties":[[1,2,null]]})",
                           R"({"classes":{},"confusion":[],"certainties":[]})"}) {
    EXPECT_THROW(TopKMetric(kClasses).merge_json(text), IoError) << text;
  }
  EXPECT_THROW(IouMetric(kClasses).merge_json(R"({"void":1.5,"confusion":[]})"), IoError);
  EXPECT_THROW(CocoMetric(kClasses).merge_json(R"({"pictures":1,"records":[[0,1,[1,1,1],[]]]})"), IoError);
  EXPECT_THROW(
      CocoMetric(kClasses).merge_json(R"({"pictures":1,"records":[[0,1,[1,1,1,1],[[0.5,[70000,0,0,0],[0,0,0,0]]]]]})"),
      IoError);
  EXPECT_THROW(
      MultiLabelMetric({0.5}).merge_json(R"({"pictures":2,"exact":1,"counts":[[1,1,1]],"scores":[0.5],"truth":[1]})"),
      IoError);
  EXPECT_THROW(
      MultiLabelMetric({0.5}).merge_json(R"({"pictures":1,"exact":1,"counts":[[1,1,1]],"scores":[0.5],"truth":[2]})"),
      IoError);
}

}  // namespace
}  // namespace zoo::eval
