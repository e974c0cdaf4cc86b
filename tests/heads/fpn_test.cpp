#include "heads/fpn.h"

#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/heads/level_test_support.h"

namespace zoo::heads {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<int64_t> kChannels = {5, 6, 7, 8};

NeckDefinition define(const std::string& params, const std::vector<int64_t>& channels = kChannels) {
  const ConfigDocument document = ConfigDocument::parse("name: fpn\nparams: " + params, "x.yaml");
  document.root().find("name").as_string();
  NeckDefinition definition = define_fpn(document.root(), {.features = levels_of(channels)});
  document.finish();
  return definition;
}

struct Built {
  graph::Graph graph;
  std::vector<FeatureLevel> levels;
};

Built build(const NeckDefinition& definition) {
  graph::GraphBuilder builder(3);
  const std::vector<FeatureLevel> features = add_levels(builder, kChannels);
  Built built;
  built.levels = definition.build(builder, features);
  built.graph = builder.take();
  return built;
}

// Lines of the nodes behind image and levels, for a picture of 64 x 96.
std::vector<std::string> structure_of(const std::string& params) {
  return structure(build(define(params)).graph, 1 + kChannels.size(), {1, 3, 64, 96});
}

std::vector<std::tuple<int64_t, int64_t>> widths_and_strides(const std::vector<FeatureLevel>& levels) {
  std::vector<std::tuple<int64_t, int64_t>> result;
  for (const FeatureLevel& level : levels) result.emplace_back(level.channels, level.stride);
  return result;
}

TEST(Fpn, AddsEveryLevelToTheFinerOne) {
  EXPECT_THAT(structure_of("{num_outs: 4, start_level: 0, end_level: -1, add_extra_convs: False, "
                           "relu_before_extra_convs: False}"),
              ElementsAre("lateral0 Conv2d(level0) 1x8x16x24", "lateral1 Conv2d(level1) 1x8x8x12",
                          "lateral2 Conv2d(level2) 1x8x4x6", "lateral3 Conv2d(level3) 1x8x2x3",
                          "enlarge3 Resize(lateral3 lateral2) 1x8x4x6", "add2 Add(lateral2 enlarge3) 1x8x4x6",
                          "enlarge2 Resize(add2 lateral1) 1x8x8x12", "add1 Add(lateral1 enlarge2) 1x8x8x12",
                          "enlarge1 Resize(add1 lateral0) 1x8x16x24", "add0 Add(lateral0 enlarge1) 1x8x16x24",
                          "output0 Conv2d(add0) 1x8x16x24", "output1 Conv2d(add1) 1x8x8x12",
                          "output2 Conv2d(add2) 1x8x4x6", "output3 Conv2d(lateral3) 1x8x2x3"));
}

TEST(Fpn, TakesEverySecondValueForExtraLevels) {
  const auto lines = structure_of("{num_outs: 6, start_level: 2}");
  EXPECT_THAT(lines, ElementsAre("lateral0 Conv2d(level2) 1x8x4x6", "lateral1 Conv2d(level3) 1x8x2x3",
                                 "enlarge1 Resize(lateral1 lateral0) 1x8x4x6", "add0 Add(lateral0 enlarge1) 1x8x4x6",
                                 "output0 Conv2d(add0) 1x8x4x6", "output1 Conv2d(lateral1) 1x8x2x3",
                                 "output2 MaxPool2d(output1) 1x8x1x2", "output3 MaxPool2d(output2) 1x8x1x1",
                                 "output4 MaxPool2d(output3) 1x8x1x1", "output5 MaxPool2d(output4) 1x8x1x1"));
}

struct ExtraCase {
  std::string value;
  std::string first_source;
};

class FpnExtraConvs : public ::testing::TestWithParam<ExtraCase> {};

TEST_P(FpnExtraConvs, BeginWhereTheyAreToldTo) {
  const auto lines = structure_of("{num_outs: 4, start_level: 2, add_extra_convs: " + GetParam().value + "}");
  ASSERT_EQ(lines.size(), 8U);
  EXPECT_EQ(lines[6], "output2 Conv2d(" + GetParam().first_source + ") 1x8x1x2");
  EXPECT_EQ(lines[7], "output3 Conv2d(output2) 1x8x1x1");
}

INSTANTIATE_TEST_SUITE_P(Sources, FpnExtraConvs,
                         ::testing::Values(ExtraCase{"True", "level3"}, ExtraCase{"on_input", "level3"},
                                           ExtraCase{"on_lateral", "lateral1"}, ExtraCase{"on_output", "output1"}),
                         [](const auto& test) { return test.param.value; });

TEST(Fpn, RectifiesBeforeTheSecondExtraConvolution) {
  const auto lines =
      structure_of("{num_outs: 3, start_level: 3, add_extra_convs: on_output, relu_before_extra_convs: True}");
  EXPECT_THAT(lines, ElementsAre("lateral0 Conv2d(level3) 1x8x2x3", "output0 Conv2d(lateral0) 1x8x2x3",
                                 "output1 Conv2d(output0) 1x8x1x2", "relu2 Activation(output1) 1x8x1x2",
                                 "output2 Conv2d(relu2) 1x8x1x1"));
}

TEST(Fpn, LeavesLevelsOutButIsAsWideAsTheLast) {
  for (const char* params : {"{num_outs: 2, start_level: 1, end_level: 2}",
                             "{num_outs: 2, start_level: 1, end_level: 2, add_extra_convs: True}"}) {
    EXPECT_THAT(structure_of(params),
                ElementsAre("lateral0 Conv2d(level1) 1x8x8x12", "lateral1 Conv2d(level2) 1x8x4x6",
                            "enlarge1 Resize(lateral1 lateral0) 1x8x8x12", "add0 Add(lateral0 enlarge1) 1x8x8x12",
                            "output0 Conv2d(add0) 1x8x8x12", "output1 Conv2d(lateral1) 1x8x4x6"));
  }
}

TEST(Fpn, SaysWhichLevelsItWillYield) {
  for (const char* params : {"{num_outs: 6, start_level: 1}", "{num_outs: 6, start_level: 1, end_level: 3}"}) {
    const NeckDefinition definition = define(params);
    EXPECT_THAT(widths_and_strides(definition.levels),
                ElementsAre(std::tuple(8, 8), std::tuple(8, 16), std::tuple(8, 32), std::tuple(8, 64),
                            std::tuple(8, 128), std::tuple(8, 256)));
    EXPECT_EQ(widths_and_strides(build(definition).levels), widths_and_strides(definition.levels));
  }
}

TEST(Fpn, HasBiasesAndPlacesForItsParameters) {
  const Built built = build(define("{num_outs: 5, add_extra_convs: on_input}"));
  std::vector<std::tuple<std::string, std::string, int>> places;
  for (const Parameter& parameter : built.graph.parameters) {
    if (parameter.role.section != Section::kNeck || parameter.role.field != Field::kBias) continue;
    EXPECT_EQ(parameter.shape, (Shape{8}));
    places.emplace_back(parameter.name, parameter.role.part, parameter.role.count("level").value());
  }
  EXPECT_THAT(places, ElementsAre(std::tuple("lateral0.bias", "lateral", 0), std::tuple("lateral1.bias", "lateral", 1),
                                  std::tuple("lateral2.bias", "lateral", 2), std::tuple("lateral3.bias", "lateral", 3),
                                  std::tuple("output0.bias", "output", 0), std::tuple("output1.bias", "output", 1),
                                  std::tuple("output2.bias", "output", 2), std::tuple("output3.bias", "output", 3),
                                  std::tuple("output4.bias", "output", 4)));
}

struct BadFpn {
  std::string name;
  std::string params;
  std::string problem;
};

class FpnRejects : public ::testing::TestWithParam<BadFpn> {};

TEST_P(FpnRejects, WhatDoesNotFitTheLevels) {
  const auto decode = [](const ConfigNode& neck) { decode_fpn(neck, {.features = levels_of(kChannels)}); };
  EXPECT_EQ(problems_of("params: " + GetParam().params, decode), GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    Params, FpnRejects,
    ::testing::Values(
        BadFpn{"NoNumber", "{start_level: 0}", R"(x.yaml:1:9: params: missing key "num_outs")"},
        BadFpn{"StartBeyond", "{num_outs: 4, start_level: 4}",
               "x.yaml:1:36: params.start_level: 4 is not a level; the neck reads 4, counted from 0"},
        BadFpn{"StartNegative", "{num_outs: 4, start_level: -1}",
               "x.yaml:1:36: params.start_level: -1 is not a level; the neck reads 4, counted from 0"},
        BadFpn{"EndBeyond", "{num_outs: 4, end_level: 9}",
               "x.yaml:1:34: params.end_level: 9 is not a level; the neck reads 4, counted from 0"},
        BadFpn{"EndNegative", "{num_outs: 4, end_level: -2}",
               "x.yaml:1:34: params.end_level: -2 is not a level; the neck reads 4, counted from 0"},
        BadFpn{"StartBehindEnd", "{num_outs: 4, start_level: 2, end_level: 1}",
               "x.yaml:1:36: params.start_level: 2 is behind end_level 1"},
        BadFpn{"TooFew", "{num_outs: 3}",
               "x.yaml:1:20: params.num_outs: 3, but levels 0 to 3 are 4; start_level and end_level leave some out"},
        BadFpn{
            "ExtraBehindAnInnerLevel", "{num_outs: 4, end_level: 2}",
            "x.yaml:1:20: params.num_outs: 4, but levels 0 to 2 are 3; there are extra ones only behind the last, 3"},
        BadFpn{"ExtraConvsMisspelt", "{num_outs: 4, add_extra_convs: on_ouput}",
               "x.yaml:1:40: params.add_extra_convs: unknown source of extra convolutions \"on_ouput\"; did you mean "
               "\"on_output\"?"},
        BadFpn{"ExtraConvsNumber", "{num_outs: 4, add_extra_convs: 1}",
               "x.yaml:1:40: params.add_extra_convs: expected true or false, found 1"},
        BadFpn{"ReluText", "{num_outs: 4, relu_before_extra_convs: relu}",
               "x.yaml:1:48: params.relu_before_extra_convs: expected true or false, found \"relu\""},
        BadFpn{"UnknownKey", "{num_outs: 4, out_channels: 256}",
               "x.yaml:1:23: params.out_channels: unknown key; known here: start_level, end_level, num_outs, "
               "add_extra_convs, relu_before_extra_convs"}),
    [](const auto& test) { return test.param.name; });

TEST(Fpn, SaysNothingAboutTheLevelsOfAWrongBackbone) {
  EXPECT_THAT(define("{num_outs: 3, start_level: 7, end_level: 2}", {}).levels, IsEmpty());
}

}  // namespace
}  // namespace zoo::heads
