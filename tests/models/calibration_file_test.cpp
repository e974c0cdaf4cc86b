#include "models/calibration_file.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/graph/graph_builder.h"
#include "nn/weights/synthetic.h"

namespace zoo::models {
namespace {

using ::testing::ElementsAre;

graph::BoundGraph network() {
  graph::GraphBuilder builder(3);
  const graph::NodeId conv = builder.conv(builder.input(), "stem.conv", {.out_channels = 8, .kernel = 3});
  builder.output("y", builder.activation(conv, "stem.act", ActivationKind::kRelu));
  graph::BoundGraph result;
  result.graph = builder.take();
  result.values = weights::formula_values(result.graph.parameters, {});
  return result;
}

CalibrationFile example() {
  CalibrationFile file;
  file.model = "tiny";
  file.images = 12;
  file.method = engine::RangeMethod::kPercentile;
  file.calibration = {engine::fingerprint(network()), {-2.117904F, -2.0F, -1.5F}, {2.25F, 2.5F, 2.64F}, {}};
  file.calibration.ranges = {{"stem.act", 0.0F, 3.1415927F}};
  return file;
}

std::vector<std::string> problems_of(const std::string& text) {
  try {
    parse_calibration(text, "t.yaml", network());
  } catch (const ConfigError& error) {
    return error.problems();
  }
  return {};
}

std::string replaced(std::string text, const std::string& part, const std::string& by) {
  const size_t at = text.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  return text.replace(at, part.size(), by);
}

TEST(CalibrationFile, ReadsWhatItWritesExactly) {
  const CalibrationFile written = example();
  const CalibrationFile read = parse_calibration(to_yaml(written), "t.yaml", network());
  EXPECT_EQ(read.model, "tiny");
  EXPECT_EQ(read.images, 12);
  EXPECT_EQ(read.method, engine::RangeMethod::kPercentile);
  EXPECT_EQ(read.calibration.fingerprint, written.calibration.fingerprint);
  EXPECT_EQ(read.calibration.input_low, written.calibration.input_low);
  EXPECT_EQ(read.calibration.input_high, written.calibration.input_high);
  ASSERT_EQ(read.calibration.ranges.size(), 1U);
  EXPECT_EQ(read.calibration.ranges[0].value, "stem.act");
  EXPECT_EQ(read.calibration.ranges[0].high, 3.1415927F);
}

TEST(CalibrationFile, ReadsWhatItWritesWhateverTheNames) {
  for (const std::string name : {"a\"b: c", "a\\", "\\\"", "it's", "a # b", "- a", "{a: b}", " a ", "a\nb\tc\x01\x7f",
                                 "null", "1.5", "'", "%", "caf\u00e9 \u732b \U0001F431", "\u0085 \u2028 \ufeff", ""}) {
    SCOPED_TRACE(name);
    graph::GraphBuilder builder(3);
    const graph::NodeId conv = builder.conv(builder.input(), "stem", {.out_channels = 8, .kernel = 3});
    builder.output("y", builder.activation(conv, name.empty() ? "a" : name, ActivationKind::kRelu));
    graph::BoundGraph named{builder.take(), {}};
    named.values = weights::formula_values(named.graph.parameters, {});
    CalibrationFile written = example();
    written.model = name;
    written.calibration.fingerprint = engine::fingerprint(named);
    written.calibration.ranges = {{named.graph.nodes.back().name, 0.0F, 1.0F}};
    const CalibrationFile read = parse_calibration(to_yaml(written), "t.yaml", named);
    EXPECT_EQ(read.model, name);
    ASSERT_EQ(read.calibration.ranges.size(), 1U);
    EXPECT_EQ(read.calibration.ranges[0].value, written.calibration.ranges[0].value);
  }
}

TEST(CalibrationFile, LiesBesideTheCheckpoint) {
  EXPECT_EQ(calibration_path("weights/a.safetensors"), "weights/a.safetensors.calibration.yaml");
}

TEST(CalibrationFile, ReportsEveryProblemWithItsPlace) {
  std::string text = to_yaml(example());
  text = replaced(text, "version: 2", "version: 3");
  text = replaced(text, "percentile", "percentil");
  text = replaced(text, "stem.act: [0, 3.1415927]", "stem.act: [1, 3, 4]");
  EXPECT_THAT(problems_of(text),
              ElementsAre("t.yaml:3:12: calibration.version: this program reads version 2; "
                          "`backbone-zoo calibrate` makes the table anew",
                          "t.yaml:7:11: calibration.method: unknown method \"percentil\"; did you mean \"percentile\"?",
                          "t.yaml:10:15: calibration.ranges.\"stem.act\": expected 2 values, found 3"));
}

TEST(CalibrationFile, KnowsTheValuesOfTheNetwork) {
  EXPECT_THAT(problems_of(replaced(to_yaml(example()), "stem.act:", "stem.acd:")),
              ElementsAre("t.yaml:10:15: calibration.ranges.\"stem.acd\": the network has no such value; did you mean "
                          "\"stem.act\"?"));
}

TEST(CalibrationFile, RefusesRangesWithoutZero) {
  EXPECT_THAT(problems_of(replaced(to_yaml(example()), "[0, 3.1415927]", "[0.5, 3]")),
              ElementsAre("t.yaml:10:15: calibration.ranges.\"stem.act\": must enclose 0, found 0.5 to 3"));
}

TEST(CalibrationFile, BelongsToItsWeights) {
  const std::string print = engine::fingerprint(network());
  EXPECT_THAT(problems_of(replaced(to_yaml(example()), print, "0000000000000000")),
              ElementsAre("t.yaml:5:16: calibration.fingerprint: made for another network or other weights: this one's "
                          "is " +
                          print + "; `backbone-zoo calibrate` makes the table anew"));
}

/// A table of before: its fingerprint did not cover what a network computes.
TEST(CalibrationFile, OfAnOlderVersionIsRefusedWithTheWayOut) {
  std::string text = replaced(to_yaml(example()), "version: 2", "version: 1");
  text = replaced(text, engine::fingerprint(network()), "6382c053a1e56ab8");
  EXPECT_THAT(problems_of(text), ElementsAre("t.yaml:3:12: calibration.version: this program reads version 2; "
                                             "`backbone-zoo calibrate` makes the table anew"));
}

}  // namespace
}  // namespace zoo::models
