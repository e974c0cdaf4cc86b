#include "nn/weights/synthetic.h"

#include <cmath>
#include <ostream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/weights/mobilenetv3_parameters.h"

namespace zoo::weights {
namespace {

const FormulaOptions kDev = {.seed = "dev", .gain = 6.0};

/// The formula's u of element `index`, written down from its definition.
float reference_u(const std::string& name, uint64_t index) {
  uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : "dev/" + name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3U;
  uint64_t z = hash + (index + 1) * 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return static_cast<float>(static_cast<double>((z ^ (z >> 31U)) >> 40U) / 16777216.0);
}

// Check values that came with the reference data: seed "dev", the first four u times 2^24.
const std::vector<std::pair<std::string, std::vector<float>>> kCheckValues = {
    {"input", {13855563, 12553022, 6365812, 5649573}},
    {"conv_stem.weight", {4244102, 15497499, 10053094, 6713930}},
    {"bn1.running_mean", {13067972, 2554839, 8691952, 6341908}},
    {"features.0.0.weight", {2731193, 5474756, 5866672, 770556}},
    {"backbone.conv_first.block.conv.weight", {13088300, 1445487, 6238871, 8397531}}};

TEST(Synthetic, ReferenceOfThisTestHasTheCheckValues) {
  for (const auto& [name, values] : kCheckValues) {
    for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(reference_u(name, i) * 0x1p24F, values[i]) << name;
  }
}

TEST(Synthetic, StreamHasTheCheckValues) {
  for (const auto& [name, values] : kCheckValues) {
    if (name == "input") {
      const Tensor input = formula_input(Shape{4}, "dev");
      for (size_t i = 0; i < 4; ++i) EXPECT_EQ(input.data[i], 2.0F * (2.0F * values[i] * 0x1p-24F - 1.0F));
    } else if (name.ends_with(".weight")) {
      const Tensor tensor = formula_tensor(name, Shape{4, 6}, kDev);  // scale 1
      for (size_t i = 0; i < 4; ++i) EXPECT_EQ(tensor.data[i], 2.0F * values[i] * 0x1p-24F - 1.0F) << name;
    } else {
      const Tensor tensor = formula_tensor(name, Shape{4}, kDev);
      for (size_t i = 0; i < 4; ++i) EXPECT_EQ(tensor.data[i], 0.2F * (2.0F * values[i] * 0x1p-24F - 1.0F)) << name;
    }
  }
}

struct Rule {
  std::string name;
  Shape shape;
  float (*value)(float u);
};

std::ostream& operator<<(std::ostream& stream, const Rule& rule) {
  return stream << rule.name << " " << rule.shape.to_string();
}

class FormulaRule : public testing::TestWithParam<Rule> {};

TEST_P(FormulaRule, FollowsFromNameAndDimensions) {
  const Rule& rule = GetParam();
  const Tensor tensor = formula_tensor(rule.name, rule.shape, kDev);
  ASSERT_EQ(tensor.shape, rule.shape);
  ASSERT_EQ(static_cast<int64_t>(tensor.data.size()), rule.shape.elements());
  for (size_t i = 0; i < tensor.data.size(); ++i) {
    ASSERT_EQ(tensor.data[i], rule.value(reference_u(rule.name, i))) << "element " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Synthetic, FormulaRule,
    testing::Values(Rule{"bn1.running_mean", Shape{64}, [](float u) { return 0.2F * (2.0F * u - 1.0F); }},
                    Rule{"bn1.running_var", Shape{64}, [](float u) { return 0.5F + u; }},
                    Rule{"bn1.num_batches_tracked", Shape{}, [](float) { return 0.0F; }},
                    Rule{"layer_scale.gamma", Shape{64}, [](float u) { return 0.1F * (0.5F + u); }},
                    Rule{"fc.bias", Shape{64}, [](float u) { return 0.2F * (2.0F * u - 1.0F); }},
                    Rule{"bn1.weight", Shape{64}, [](float u) { return 0.5F + u; }},
                    Rule{"weight", Shape{64}, [](float u) { return 0.5F + u; }},
                    Rule{"fc.weight", Shape{8, 24}, [](float u) { return (2.0F * u - 1.0F) * 0.5F; }},
                    Rule{"conv.weight", Shape{8, 6, 2, 2}, [](float u) { return (2.0F * u - 1.0F) * 0.5F; }}));

TEST(Synthetic, ScaleIsRoundedFromDoubleThenMultiplied) {
  const Tensor tensor = formula_tensor("conv_stem.weight", Shape{1, 27}, kDev);
  const float u = 4244102.0F * 0x1p-24F;
  EXPECT_EQ(tensor.data[0], (2.0F * u - 1.0F) * static_cast<float>(std::sqrt(6.0 / 27.0)));
}

TEST(Synthetic, SeedAndNameDecideTheStream) {
  const std::vector<float> values = formula_tensor("a.weight", Shape{2, 8}, kDev).data;
  EXPECT_NE(values, formula_tensor("b.weight", Shape{2, 8}, kDev).data);
  EXPECT_NE(values, formula_tensor("a.weight", Shape{2, 8}, {.seed = "other", .gain = 6.0}).data);
}

TEST(Synthetic, InputIsScaled) {
  const Tensor full = formula_input(Shape{1, 3, 4, 4}, "dev");
  const Tensor half = formula_input(Shape{1, 3, 4, 4}, "dev", 0.5F);
  EXPECT_EQ(full.shape, (Shape{1, 3, 4, 4}));
  for (size_t i = 0; i < full.data.size(); ++i) EXPECT_EQ(half.data[i], 0.5F * full.data[i]);
}

TEST(Synthetic, ValuesByOwnNames) {
  const std::vector<Parameter> parameters = list_parameters(tiny_network());
  const ParameterValues values = formula_values(parameters, kDev);
  ASSERT_EQ(values.views.size(), parameters.size());
  for (size_t id = 0; id < parameters.size(); ++id) {
    const Tensor expected = formula_tensor(parameters[id].name, parameters[id].shape, kDev);
    EXPECT_TRUE(std::ranges::equal(values.views[id], expected.data)) << parameters[id].name;
  }
}

TEST(Synthetic, ValuesByNamesOfEveryEcosystem) {
  const std::vector<Parameter> parameters = list_parameters(tiny_network());
  for (const Ecosystem ecosystem : all_ecosystems()) {
    const ParameterValues values = formula_values(parameters, ecosystem, kDev);
    ASSERT_EQ(values.views.size(), parameters.size());
    for (size_t id = 0; id < parameters.size(); ++id) {
      const ExpectedTensor tensor = expected_tensor(ecosystem, parameters[id]).value();
      const Tensor expected = formula_tensor(tensor.name, tensor.shape, kDev);
      EXPECT_TRUE(std::ranges::equal(values.views[id], expected.data)) << to_string(ecosystem) << " " << tensor.name;
    }
  }
}

TEST(Synthetic, ParameterWithoutNameInTheEcosystemIsAnError) {
  NetworkSpec network = tiny_network();
  network.learned_activations = true;
  try {
    formula_values(list_parameters(network), Ecosystem::kTimm, kDev);
    FAIL() << "no exception";
  } catch (const WeightError& error) {
    EXPECT_STREQ(error.what(), "timm has no tensor for backbone.stem.act.weight");
  }
}

TEST(Synthetic, CopiesShareTheValues) {
  const std::vector<Parameter> parameters = list_parameters(tiny_network());
  ParameterValues copy;
  {
    const ParameterValues values = formula_values(parameters, kDev);
    copy = values;
  }
  EXPECT_EQ(copy.views[0][0], formula_tensor(parameters[0].name, parameters[0].shape, kDev).data[0]);
}

TEST(Synthetic, RefusesAGainThatHasNoRoot) {
  for (const double gain : {-1.0, std::nan(""), HUGE_VAL}) {
    EXPECT_THROW(formula_tensor("a.weight", {4, 3, 1, 1}, {.gain = gain}), WeightError) << gain;
  }
}

}  // namespace
}  // namespace zoo::weights
