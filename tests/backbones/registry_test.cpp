#include "backbones/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"

namespace zoo::backbones {
namespace {

using ::testing::ElementsAre;

TEST(BackboneRegistry, KnowsTheBuiltInFamilies) {
  EXPECT_THAT(BackboneRegistry::global().names(),
              ElementsAre("mobilenetv1", "mobilenetv2", "mobilenetv3", "mobilenetv4"));
  EXPECT_NE(BackboneRegistry::global().find("mobilenetv3"), nullptr);
}

TEST(BackboneRegistry, FindsNothingUnderAnUnknownName) {
  EXPECT_EQ(BackboneRegistry::global().find("mobilenetv33"), nullptr);
}

TEST(BackboneRegistry, TakesAFamilyOfTheUser) {
  BackboneRegistry registry;
  registry.add("mine",
               [](const ConfigNode&) { return BackboneDefinition{.in_channels = 7, .build = {}, .features = {}}; });
  EXPECT_THAT(registry.names(), ElementsAre("mine"));
  const ConfigDocument document = ConfigDocument::parse("name: mine\n", "x.yaml");
  EXPECT_EQ(registry.find("mine")->decoder(document.root()).in_channels, 7);
}

TEST(BackboneRegistry, RefusesATakenName) {
  BackboneRegistry registry;
  registry.add("mine", {});
  EXPECT_THAT([&] { registry.add("mine", {}); },
              ::testing::ThrowsMessage<Error>("backbone \"mine\" is registered already"));
}

}  // namespace
}  // namespace zoo::backbones
