#include "models/answer_config.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/model_config.h"
#include "models/threshold_edit.h"
#include "nn/core/error.h"

namespace zoo::models {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::ThrowsMessage;

const std::vector<std::string> kLabels = {"cat", "dog", "bird"};

AnswerConfig decoded(const std::string& text) {
  const ConfigDocument document = ConfigDocument::parse(text, "model.yaml");
  AnswerConfig config = decode_answers(document.root(), kLabels, 3);
  document.finish();
  return config;
}

TEST(AnswerConfig, IsEmptyWhereNothingIsSaid) {
  EXPECT_EQ(decoded("{}"), AnswerConfig());
  EXPECT_EQ(decoded("{unknown: ~, smoothing: ~, multi_label: ~}"), AnswerConfig());
}

TEST(AnswerConfig, ReadsScoreAndThreshold) {
  for (const CertaintyScore score : kCertaintyScores) {
    const std::string name(to_string(score));
    EXPECT_EQ(decoded("unknown: {score: " + name + ", threshold: 0.25}").unknown, (UnknownConfig{score, 0.25}));
    EXPECT_EQ(certainty_score_from(name), score);
  }
  EXPECT_EQ(decoded("unknown: {score: energy, threshold: -3}").unknown->threshold, -3.0) << "no probability";
  EXPECT_EQ(certainty_score_from("entropy"), std::nullopt);
}

TEST(AnswerConfig, SmoothingHasDefaults) {
  EXPECT_EQ(decoded("smoothing: {}").smoothing, (SmoothingConfig{1.0, 0.1}));
  EXPECT_EQ(decoded("smoothing: {window_s: 0.5, hysteresis: 0}").smoothing, (SmoothingConfig{0.5, 0.0}));
}

TEST(AnswerConfig, ThresholdsAreByLabelOrIndex) {
  EXPECT_THAT(decoded("multi_label: {}").multi_label->thresholds, ElementsAre(0.5, 0.5, 0.5));
  EXPECT_THAT(decoded("multi_label: {threshold: 0.4, thresholds: {dog: 0.3, \"2\": 1}}").multi_label->thresholds,
              ElementsAre(0.4, 0.3, 1.0));
}

TEST(AnswerConfig, SaysItselfInWords) {
  const AnswerConfig config = decoded("{unknown: {score: margin, threshold: 0.6}, smoothing: {}}");
  EXPECT_THAT(texts_of(config, kLabels),
              ElementsAre(Pair("unknown", "margin below 0.6"), Pair("smoothing", "over 1 s, hysteresis 0.1")));
  EXPECT_THAT(texts_of(decoded("multi_label: {thresholds: {dog: 0.3}}"), kLabels),
              ElementsAre(Pair("multi_label", "every class from 0.5 (dog 0.3)")));
}

/// A whole model file with this in place of KEYS.
std::string model_file(const std::string& keys) {
  return "# A net.\nmodel:\n  task: classification  # names one thing\n  name: net\n  num_classes: 3\n" + keys +
         "  architecture:\n"
         "    backbone:\n"
         "      name: mobilenetv3\n"
         "      stage_params:\n"
         "        - {in_channels: [16], kernel_sizes: [3], expanded_channels: [16], out_channels: [16], use_se: "
         "[False], "
         "act_type: [relu], stride: [2]}\n"
         "    head: {name: fc, params: {num_layers: 1}}  # the last line";
}

const UnknownConfig kChosen{CertaintyScore::kEnergy, 5.25};

std::string edited(const std::string& text) { return with_unknown(text, "net.yaml", kChosen); }

std::string replaced(std::string text, const std::string& before, const std::string& after) {
  const size_t at = text.find(before);
  EXPECT_NE(at, std::string::npos) << before;
  return text.replace(at, before.size(), after);
}

TEST(ThresholdEdit, AddsALineBelowTheTask) {
  const std::string before = model_file("");
  EXPECT_EQ(edited(before),
            replaced(before, "one thing\n", "one thing\n  unknown: {score: energy, threshold: 5.25}\n"));
}

TEST(ThresholdEdit, ReplacesTheValuesThatAreThereAndNothingElse) {
  for (const std::string keys :
       {"  unknown: {score: max_probability, threshold: 0.5}  # measured\n",
        "  unknown: {threshold: 0.5, score: max_probability}\n",
        "  unknown:\n    # the score\n    score: \"max_probability\"  # by Hendrycks\n    threshold: 0.5\n"}) {
    const std::string before = model_file(keys);
    std::string wanted = replaced(before, "0.5", "5.25");
    wanted = wanted.find('"') == std::string::npos ? replaced(wanted, "max_probability", "energy")
                                                   : replaced(wanted, "\"max_probability\"", "energy");
    EXPECT_EQ(edited(before), wanted);
  }
}

TEST(ThresholdEdit, KeepsTheEndsOfLines) {
  std::string before;
  for (const char c : model_file("")) before += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_EQ(edited(before),
            replaced(before, "one thing\r\n", "one thing\r\n  unknown: {score: energy, threshold: 5.25}\r\n"));
}

TEST(ThresholdEdit, LeavesWhatItCannotPlaceToAPerson) {
  const auto refused = ThrowsMessage<ConfigError>(HasSubstr(
      "net.yaml: laid out so that only a person can put this in its place; write it yourself, in the place of "
      "`unknown` under `model`: unknown: {score: energy, threshold: 5.25}"));
  EXPECT_THAT([] { edited(model_file("  unknown: ~\n")); }, refused);
  EXPECT_THAT([] { edited(replaced(model_file(""), "  task:", "  \"task\":")); }, refused);
  EXPECT_THAT([] { edited("model: {task: classification}"); }, refused) << "on one line with other keys";
  EXPECT_THAT([] { edited(replaced(model_file(""), "  task: classification", "  task: detection")); }, refused);
}

TEST(ThresholdEdit, WhatItWritesCanBeRead) {
  const std::string text = edited(model_file(""));
  const ModelConfig config = decode_model_config(ConfigDocument::parse(text, "net.yaml"), "net.yaml");
  EXPECT_EQ(config.answers.unknown, kChosen);
  EXPECT_EQ(with_unknown(text, "net.yaml", kChosen), text);
}

}  // namespace
}  // namespace zoo::models
