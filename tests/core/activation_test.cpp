#include "nn/core/activation.h"

#include <gtest/gtest.h>

#include "nn/core/activation_config.h"
#include "tests/core/config_test_support.h"

namespace zoo {
namespace {

TEST(Activation, FindsEveryListedName) {
  for (const std::string& name : activation_names()) {
    EXPECT_TRUE(activation_from_name(name).has_value()) << name;
  }
}

TEST(Activation, PrintsTheNameItWasFoundBy) {
  for (const std::string& name : activation_names()) {
    if (name == "swish") continue;
    EXPECT_EQ(to_string(*activation_from_name(name)), name);
  }
}

TEST(Activation, CallsSwishSilu) {
  EXPECT_EQ(activation_from_name("swish"), ActivationKind::kSilu);
  EXPECT_EQ(to_string(ActivationKind::kSilu), "silu");
}

TEST(Activation, IgnoresCase) {
  EXPECT_EQ(activation_from_name("Hard_Swish"), ActivationKind::kHardSwish);
  EXPECT_EQ(activation_from_name("RELU6"), ActivationKind::kRelu6);
}

TEST(Activation, KnowsNoOtherNames) {
  for (const char* name : {"", "rel", "relu66", "hardswish", "tanh", " relu"}) {
    EXPECT_EQ(activation_from_name(name), std::nullopt) << name;
  }
}

TEST(Norm, FindsAndPrintsEveryListedName) {
  EXPECT_EQ(norm_names(), (std::vector<std::string>{"batch_norm", "instance_norm"}));
  EXPECT_EQ(norm_from_name("Batch_Norm"), NormKind::kBatchNorm);
  EXPECT_EQ(norm_from_name("layer_norm"), std::nullopt);
  EXPECT_EQ(to_string(NormKind::kInstanceNorm), "instance_norm");
}

TEST(DecodeActivation, ReadsNamesOfAnyCase) {
  const std::vector<std::string> problems = problems_of("act_type: RELU\n", [](const ConfigNode& root) {
    EXPECT_EQ(decode_activation(root.at("act_type"), ActivationKind::kIdentity), ActivationKind::kRelu);
    EXPECT_EQ(decode_activation(root.find("other"), ActivationKind::kGelu), ActivationKind::kGelu);
  });
  EXPECT_EQ(problems, std::vector<std::string>{});
}

TEST(DecodeActivation, RecordsUnknownNames) {
  const std::vector<std::string> problems = problems_of("act_type: hardswish\n", [](const ConfigNode& root) {
    EXPECT_EQ(decode_activation(root.at("act_type"), ActivationKind::kRelu), ActivationKind::kRelu);
  });
  EXPECT_EQ(problems, std::vector<std::string>{
                          "x.yaml:1:11: act_type: unknown activation \"hardswish\"; did you mean \"hard_swish\"?"});
}

}  // namespace
}  // namespace zoo
