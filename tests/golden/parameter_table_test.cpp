// One network of every family and form over numbers of classes and input channels, sizes and batches. Small pictures
// are compared with the reference engine; large ones, for which it is too slow, picture by picture with batches of one.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "models/model_config.h"
#include "nn/engine/executable.h"
#include "nn/weights/synthetic.h"
#include "tests/golden/reference_records.h"
#include "tests/support/compare.h"
#include "tests/support/family_configs.h"

namespace zoo {
namespace {

constexpr double kTolerance = 1e-4;  // as engine_agreement_test.cpp
constexpr double kGain = 2.5;

struct Network {
  std::string file;
  std::vector<ConfigOverride> narrower;  ///< keeps the reference engine fast
};

std::vector<Network> forms() {
  const std::string params = "model.architecture.backbone.params.";
  return {
      {"timm/mobilenetv1_100.yaml", {{params + "width_multiplier", "0.25"}}},
      {"lucid/mobilenet.yaml", {{params + "width_multiplier", "0.25"}}},
      {"timm/mobilenetv2_100.yaml", {}},
      {"timm/mobilenetv3_small_050.yaml", {}},
      {"lucid/mobilenet_v3_small.yaml", {}},
      {"timm/mobilenetv4_conv_small_035.yaml", {}},
      {"timm/mobilenetv4_hybrid_medium_075.yaml", {}},
      {"lucid/mobilenet_v4_conv_small.yaml", {}},
  };
}

// Those, and one of every family that is not among them.
const std::vector<Network>& networks() {
  static const std::vector<Network> networks = [] {
    std::vector<Network> all = forms();
    std::vector<std::string> files;
    for (const Network& network : all) files.push_back(network.file);
    const std::vector<std::string> every = test::with_every_family(files);
    for (size_t i = files.size(); i < every.size(); ++i) all.push_back({every[i], {}});
    return all;
  }();
  return networks;
}

// The network for so many classes and input channels, as a user sets them with --set.
graph::BoundGraph load(const Network& network, int64_t classes, int64_t in_channels) {
  std::vector<ConfigOverride> overrides = network.narrower;
  const std::string backbone = "model.architecture.backbone.";
  overrides.push_back({"model.num_classes", std::to_string(classes)});
  if (classes != 1000) overrides.push_back({"model.labels", "~"});
  if (in_channels != 3) {
    overrides.push_back({backbone + "params.in_channels", std::to_string(in_channels)});
    if (network.file.starts_with("lucid/mobilenet_v4")) {
      overrides.push_back({backbone + "cfg.conv0.block_specs[0][0]", std::to_string(in_channels)});
    }
  }
  if (in_channels == 1) overrides.push_back({"preprocess", "{mean: [0.5], std: [0.25], color: gray}"});
  if (in_channels == 4) overrides.push_back({"preprocess", "~"});
  graph::BoundGraph bound;
  bound.graph = models::build_graph(
      models::load_model_config(std::filesystem::path(ZOO_SOURCE_DIR) / "configs" / network.file, overrides));
  bound.values = weights::formula_values(bound.graph.parameters, {"table", kGain});
  return bound;
}

struct Output {
  std::string name;
  Shape shape;
  std::vector<float> values;

  // The values of one picture of the batch.
  std::span<const float> picture(int64_t index) const {
    const auto length = values.size() / static_cast<size_t>(shape[0]);
    return std::span(values).subspan(static_cast<size_t>(index) * length, length);
  }
};

std::vector<Output> run(const graph::BoundGraph& network, const Tensor& images, engine::EngineKind kind) {
  engine::CompileOptions options;
  options.engine = kind;
  const auto executable = engine::Executable::compile(network, images.shape, options);
  const auto runner = executable->new_runner();
  std::copy(images.data.begin(), images.data.end(), runner->input().begin());
  runner->run();
  std::vector<Output> outputs;
  for (size_t i = 0; i < executable->outputs().size(); ++i) {
    const auto& [name, shape] = executable->outputs()[i];
    outputs.push_back({name, shape, {runner->output(i).begin(), runner->output(i).end()}});
  }
  return outputs;
}

std::string network_name(const Network& network) { return test::test_name(network.file); }

class ClassesAndChannels : public ::testing::TestWithParam<Network> {};

TEST_P(ClassesAndChannels, OfAnyNumberAgreeWithTheReferenceEngine) {
  for (const int64_t classes : {1, 2, 1000}) {
    for (const int64_t in_channels : {1, 3, 4}) {
      SCOPED_TRACE(fmt::format("{} classes, {} input channels", classes, in_channels));
      const graph::BoundGraph network = load(GetParam(), classes, in_channels);
      const Tensor images = weights::formula_input({2, in_channels, 32, 47}, "table");
      const auto actual = run(network, images, engine::EngineKind::kOneDnn);
      const auto expected = run(network, images, engine::EngineKind::kReference);
      ASSERT_EQ(actual.front().name, "logits");
      EXPECT_EQ(actual.front().shape, (Shape{2, classes}));
      for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_TRUE(test::close_to_max(actual.at(i).values, expected[i].values, kTolerance)) << expected[i].name;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, ClassesAndChannels, ::testing::ValuesIn(networks()),
                         [](const auto& test) { return network_name(test.param); });

struct Size {
  int64_t height;
  int64_t width;
};

class SizesAndBatches : public ::testing::TestWithParam<std::tuple<Network, Size>> {};

// The same pictures, repeated as often as it takes to fill the batch.
Tensor batch_of(const std::vector<Tensor>& pictures, int64_t size) {
  Tensor batch;
  batch.shape = pictures.front().shape;
  batch.shape[0] = size;
  for (size_t i = 0; i < static_cast<size_t>(size); ++i) {
    const Tensor& picture = pictures[i % pictures.size()];
    batch.data.insert(batch.data.end(), picture.data.begin(), picture.data.end());
  }
  return batch;
}

void expect_shapes(const std::vector<Output>& outputs, const models::ModelConfig& config, const Shape& input) {
  ASSERT_EQ(outputs.size(), config.backbone.features.size() + 1);
  EXPECT_EQ(outputs[0].shape, (Shape{input[0], config.num_classes}));
  for (size_t i = 0; i < config.backbone.features.size(); ++i) {
    const auto& level = config.backbone.features[i];
    const auto rows = [&](size_t axis) { return (input[axis] + level.stride - 1) / level.stride; };
    EXPECT_EQ(outputs[i + 1].shape, (Shape{input[0], level.channels, rows(2), rows(3)})) << outputs[i + 1].name;
  }
}

TEST_P(SizesAndBatches, YieldTheSameForEveryPicture) {
  constexpr size_t kPictures = 3;
  const auto& [file, size] = GetParam();
  const graph::BoundGraph network = load(file, 1000, 3);
  const models::ModelConfig config =
      models::load_model_config(std::filesystem::path(ZOO_SOURCE_DIR) / "configs" / file.file, file.narrower);
  std::vector<Tensor> pictures;
  std::vector<std::vector<Output>> alone;
  for (size_t i = 0; i < kPictures; ++i) {
    pictures.push_back(weights::formula_input({1, 3, size.height, size.width}, fmt::format("table {}", i)));
    alone.push_back(run(network, pictures.back(), engine::EngineKind::kOneDnn));
  }
  expect_shapes(alone[0], config, pictures[0].shape);
  if (size.height * size.width <= 64 * 160) {
    const auto expected = run(network, pictures[0], engine::EngineKind::kReference);
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(test::close_to_max(alone[0].at(i).values, expected[i].values, kTolerance)) << expected[i].name;
    }
  }
  for (const int64_t count : {2, 5, 16}) {
    SCOPED_TRACE(fmt::format("batch of {}", count));
    const Tensor batch = batch_of(pictures, count);
    const std::vector<Output> together = run(network, batch, engine::EngineKind::kOneDnn);
    expect_shapes(together, config, batch.shape);
    for (size_t i = 0; i < together.size(); ++i) {
      for (int64_t picture = 0; picture < count; ++picture) {
        const Output& expected = alone[static_cast<size_t>(picture) % kPictures].at(i);
        ASSERT_TRUE(test::close_to_max(together[i].picture(picture), expected.values, kTolerance))
            << expected.name << " of picture " << picture;
      }
    }
  }
}

std::string case_name(const ::testing::TestParamInfo<SizesAndBatches::ParamType>& info) {
  const auto& [file, size] = info.param;
  return fmt::format("{}_{}x{}", network_name(file), size.height, size.width);
}

INSTANTIATE_TEST_SUITE_P(Families, SizesAndBatches,
                         ::testing::Combine(::testing::ValuesIn(networks()),
                                            ::testing::Values(Size{32, 32}, Size{33, 33}, Size{64, 160}, Size{225, 225},
                                                              Size{512, 512}, Size{511, 257})),
                         case_name);

}  // namespace
}  // namespace zoo
