#include "backbones/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"

namespace zoo::backbones {
namespace {

using ::testing::ElementsAre;

TEST(BackboneRegistry, KnowsTheBuiltInFamilies) {
  const std::vector<std::string> names = BackboneRegistry::global().names();
  EXPECT_THAT(names, ::testing::IsSupersetOf({"mobilenetv1", "mobilenetv4"}));
  for (const std::string& name : names) {
    const BackboneEntry* family = BackboneRegistry::global().find(name);
    ASSERT_NE(family, nullptr) << name;
    EXPECT_TRUE(family->decoder) << name;
    EXPECT_FALSE(family->names.empty()) << name << ": no ecosystem has checkpoints for it?";
  }
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
