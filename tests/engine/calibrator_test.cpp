#include "nn/engine/calibrator.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

constexpr int64_t kSide = 8;

/// stem (conv, norm, hard_swish) -> project (conv, norm) + stem -> pool -> logits.
graph::BoundGraph small_network(const std::string& logits = "logits") {
  graph::GraphBuilder builder(3);
  graph::NodeId stem = builder.conv(builder.input(), "stem.conv", {.out_channels = 8, .kernel = 3});
  stem = builder.batch_norm(stem, "stem.norm", 1e-3);
  stem = builder.activation(stem, "stem.act", ActivationKind::kHardSwish);
  const graph::NodeId conv = builder.conv(stem, "project.conv", {.out_channels = 8});
  const graph::NodeId sum = builder.add(builder.batch_norm(conv, "project.norm", 1e-3), stem, "sum");
  builder.output("feature.0", sum);
  const graph::NodeId flat = builder.flatten(builder.global_avg_pool(sum, "pool"), "flat");
  builder.output(logits, builder.linear(flat, logits, 4, true));
  return bind_formula(builder.take());
}

Calibration calibrate(const graph::BoundGraph& network, int images = 2) {
  Calibrator calibrator(network, {1, 3, kSide, kSide});
  for (int i = 0; i < images; ++i) {
    const Tensor image = weights::formula_input({1, 3, kSide, kSide}, std::to_string(i));
    std::ranges::copy(image.data, calibrator.input().begin());
    calibrator.observe();
  }
  return calibrator.finish(RangeMethod::kMinMax);
}

std::vector<std::string> names(const Calibration& calibration) {
  std::vector<std::string> result;
  for (const ValueRange& range : calibration.ranges) result.push_back(range.value);
  return result;
}

TEST(Calibrator, NamesValuesAsTheyAreCalledInTheNetworkAsBuilt) {
  // The convolutions have taken in their norms and yield what those yielded.
  EXPECT_THAT(names(calibrate(small_network())),
              ::testing::ElementsAre("stem.norm", "stem.act", "project.norm", "sum", "pool", "flat", "logits"));
}

TEST(Calibrator, RangesAreThoseOfTheValues) {
  const graph::BoundGraph network = small_network();
  const Calibration calibration = calibrate(network, 1);
  const auto outputs = run_network(network, {1, 3, kSide, kSide}, {.outputs = {"feature.0"}});
  // run_network's image has another seed; calibrate on it.
  Calibrator calibrator(network, {1, 3, kSide, kSide});
  const Tensor image = weights::formula_input({1, 3, kSide, kSide}, "test");
  std::ranges::copy(image.data, calibrator.input().begin());
  calibrator.observe();
  const Calibration same = calibrator.finish(RangeMethod::kMinMax);
  const auto [low, high] = std::ranges::minmax(outputs[0]);
  EXPECT_FLOAT_EQ(same.ranges[3].low, std::min(0.0F, low));
  EXPECT_FLOAT_EQ(same.ranges[3].high, std::max(0.0F, high));
  const auto red = std::span(image.data).first(kSide * kSide);
  EXPECT_EQ(same.input_low[0], std::min(0.0F, *std::ranges::min_element(red)));
  EXPECT_EQ(same.input_high.size(), 3U);
  EXPECT_EQ(same.fingerprint, calibration.fingerprint);
}

TEST(Calibrator, MoreImagesWidenTheRanges) {
  const graph::BoundGraph network = small_network();
  const Calibration one = calibrate(network, 1);
  const Calibration many = calibrate(network, 6);
  for (size_t i = 0; i < one.ranges.size(); ++i) {
    EXPECT_LE(many.ranges[i].low, one.ranges[i].low);
    EXPECT_GE(many.ranges[i].high, one.ranges[i].high);
  }
}

TEST(Calibrator, NamesAValueThatIsNoNumber) {
  Calibrator calibrator(small_network(), {1, 3, kSide, kSide});
  std::ranges::fill(calibrator.input(), std::numeric_limits<float>::infinity());
  calibrator.observe();
  try {
    calibrator.finish(RangeMethod::kMinMax);
    FAIL() << "expected EngineError";
  } catch (const EngineError& error) {
    EXPECT_STREQ(error.what(), "value \"stem.norm\": not a finite number for one of the images");
  }
}

TEST(Fingerprint, ChangesWithStructureNamesAndWeights) {
  const graph::BoundGraph network = small_network();
  const std::string print = fingerprint(network);
  EXPECT_EQ(print.size(), 16U);
  EXPECT_EQ(print, fingerprint(small_network()));
  EXPECT_NE(print, fingerprint(small_network("scores")));

  graph::BoundGraph other = network;
  std::vector<float> changed(other.values.views[0].begin(), other.values.views[0].end());
  changed.back() += 1e-3F;
  other.values.views[0] = changed;
  EXPECT_NE(print, fingerprint(other));
}

}  // namespace
}  // namespace zoo::engine
