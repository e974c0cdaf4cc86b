#include "nn/core/name_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"

namespace zoo {
namespace {

ParameterRole role(const std::string& block, const std::string& part, Layer layer = Layer::kWeighted) {
  return {.block = block, .part = part, .counts = {{"stage", 2}, {"block", 1}}, .layer = layer};
}

const NameTable& table() {
  static const NameTable table{
      {"stem", "conv1", "bn1"},
      {"residual.first", "layer{stage}.{block}.conv1", "layer{stage}.{block}.bn1", "act.{word}"},
      {"residual.scale", {}, "norm"},
      {"residual.lost", "{depth}"}};
  return table;
}

TEST(NameTable, FillsCountsIntoPatterns) {
  EXPECT_EQ(table().find(role("", "stem")), "conv1.weight");
  EXPECT_EQ(table().find(role("residual", "first")), "layer2.1.conv1.weight");
  ParameterRole variance = role("residual", "first", Layer::kNorm);
  variance.field = Field::kRunningVar;
  EXPECT_EQ(table().find(variance), "layer2.1.bn1.running_var");
}

TEST(NameTable, TakesWordsThatItsCallerComputes) {
  const std::vector<NameWord> words = {NameWord("word", "x7")};
  EXPECT_EQ(table().find(role("residual", "first", Layer::kActivation), words), "act.x7.weight");
}

TEST(NameTable, RefusesWhatNoRowNames) {
  EXPECT_EQ(table().find(role("", "first")), std::nullopt) << "a part outside its block";
  EXPECT_EQ(table().find(role("residual", "second")), std::nullopt);
  EXPECT_EQ(table().find(role("residual", "scale")), std::nullopt) << "no weighted layer";
  EXPECT_EQ(table().find(role("", "stem", Layer::kActivation)), std::nullopt);
}

TEST(NameTable, MissesACountThatTheBuilderDoesNotGive) {
  EXPECT_THAT([] { table().find(role("residual", "lost")); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("no count \"depth\"")));
}

TEST(ParameterRole, HasCountsByName) {
  ParameterRole place;
  EXPECT_EQ(place.count("stage"), std::nullopt);
  place.set_count("stage", 3);
  place.set_count("block", 0);
  place.set_count("stage", 4);
  EXPECT_THAT(place.counts, ::testing::ElementsAre(Count{"stage", 4}, Count{"block", 0}));
}

TEST(NetworkNames, KnowNoFamilyThatIsNotListed) {
  const FamilyNames family = {
      {Ecosystem::kTimm,
       {.backbone = table(), .sections = {{"classifier.", Section::kHead}}, .training_only = {"aux."}}}};
  const HeadNames head = {{Ecosystem::kTimm, NameTable{{"fc.classifier", "classifier"}}},
                          {Ecosystem::kTorchvision, NameTable{{"fc.classifier", "classifier.1"}}}};
  const NetworkNames names(Task::kClassification, family, {}, head);
  const Parameter stem{"backbone.stem.conv.weight", Shape{8}, role("", "stem")};
  Parameter classifier{
      "head.classifier.weight", Shape{8}, {.section = Section::kHead, .block = "fc", .part = "classifier"}};
  EXPECT_EQ(names.tensor(Ecosystem::kTimm, stem)->name, "conv1.weight");
  EXPECT_EQ(names.tensor(Ecosystem::kTimm, classifier)->name, "classifier.weight");
  EXPECT_FALSE(names.tensor(Ecosystem::kTorchvision, stem));
  EXPECT_FALSE(names.tensor(Ecosystem::kTorchvision, classifier)) << "of a family that torchvision has not";
  EXPECT_EQ(names.tensor(Ecosystem::kOwn, stem)->name, stem.name);
  EXPECT_EQ(names.section(Ecosystem::kTimm, "classifier.bias"), Section::kHead);
  EXPECT_EQ(names.section(Ecosystem::kTorchvision, "classifier.bias"), Section::kBackbone);
  EXPECT_EQ(names.section(Ecosystem::kOwn, "neck.lateral0.weight"), Section::kNeck);
  EXPECT_TRUE(names.is_training_only(Ecosystem::kTimm, "aux.0.weight"));
  EXPECT_FALSE(names.is_training_only(Ecosystem::kOwn, "aux.0.weight"));
}

TEST(NetworkNames, ReachHeadsByTheFamily) {
  const HeadNames head = {
      {Ecosystem::kTorchvision, NameTable{{"fc.classifier", "classifier.1"}, {"fc.hidden", "classifier.0"}}}};
  const FamilyNames own_head = {{Ecosystem::kTorchvision, {.head = NameTable{{"fc.classifier", "fc"}}}}};
  const FamilyNames usual_head = {{Ecosystem::kTorchvision, {}}};
  const Parameter classifier{"c", Shape{8}, {.section = Section::kHead, .block = "fc", .part = "classifier"}};
  const Parameter hidden{"h", Shape{8}, {.section = Section::kHead, .block = "fc", .part = "hidden"}};
  const NetworkNames with(Task::kClassification, own_head, {}, head);
  EXPECT_EQ(with.tensor(Ecosystem::kTorchvision, classifier)->name, "fc.weight");
  EXPECT_FALSE(with.tensor(Ecosystem::kTorchvision, hidden)) << "its networks have no such layer";
  const NetworkNames without(Task::kClassification, usual_head, {}, head);
  EXPECT_EQ(without.tensor(Ecosystem::kTorchvision, classifier)->name, "classifier.1.weight");
}

}  // namespace
}  // namespace zoo
