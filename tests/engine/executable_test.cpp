#include "nn/engine/executable.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// stem -> two inverted residuals -> classifier, with a feature tap.
graph::BoundGraph small_network() {
  graph::GraphBuilder b(3);
  graph::NodeId x = b.activation(
      b.batch_norm(b.conv(b.input(), "stem", {.out_channels = 16, .kernel = 3, .stride = 2}), "stem_norm", 1e-3),
      "stem_act", ActivationKind::kHardSwish);
  for (const std::string name : {"one", "two"}) {
    graph::NodeId y = b.conv(x, name + "_expand", {.out_channels = 48});
    y = b.activation(b.batch_norm(y, name + "_norm", 1e-3), name + "_act", ActivationKind::kRelu);
    y = b.conv(y, name + "_dw", {.out_channels = 48, .kernel = 3, .groups = 48});
    y = b.conv(y, name + "_project", {.out_channels = 16});
    x = b.add(y, x, name + "_sum");
    b.output("feature." + name, x);
  }
  const graph::NodeId pooled = b.flatten(b.global_avg_pool(x, "pool"), "flat");
  b.output("logits", b.linear(pooled, "classifier", 10, true));
  return bind_formula(b.take());
}

TEST(Executable, ProducesOnlyWhatIsAskedFor) {
  const auto all = Executable::compile(small_network(), {1, 3, 32, 32});
  EXPECT_EQ(all->outputs().size(), 3U);
  CompileOptions options;
  options.outputs = {"feature.one"};
  const auto one = Executable::compile(small_network(), {1, 3, 32, 32}, options);
  ASSERT_EQ(one->outputs().size(), 1U);
  EXPECT_EQ(one->outputs()[0].name, "feature.one");
  EXPECT_EQ(one->outputs()[0].shape, (Shape{1, 16, 16, 16}));
  EXPECT_LT(one->steps().size(), all->steps().size());
  EXPECT_LT(one->weight_bytes(), all->weight_bytes());
}

TEST(Executable, FoldsAndFusesEverything) {
  CompileOptions options;
  options.outputs = {"logits"};
  const auto executable = Executable::compile(small_network(), {1, 3, 32, 32}, options);
  for (const StepInfo& step : executable->steps()) {
    EXPECT_THAT(step.implementation, Not(HasSubstr("ref"))) << step.node;
    EXPECT_THAT(step.op, ::testing::AnyOf("Conv2d", "GlobalAvgPool", "Linear", "Relayout")) << step.node;
  }
  // Stem, twice three convolutions, pool, classifier, logits to row-major.
  EXPECT_EQ(executable->steps().size(), 1U + 6U + 1U + 1U + 1U);
}

TEST(Executable, KeepsItsInputSoThatItCanRunAgain) {
  const auto executable = Executable::compile(small_network(), {2, 3, 32, 32});
  const auto runner = executable->new_runner();
  const Tensor image = weights::formula_input({2, 3, 32, 32}, "test");
  std::copy(image.data.begin(), image.data.end(), runner->input().begin());
  runner->run();
  const std::vector<float> first(runner->output(2).begin(), runner->output(2).end());
  runner->run();
  EXPECT_EQ(std::vector<float>(runner->output(2).begin(), runner->output(2).end()), first);
}

TEST(Executable, IsSharedByRunnersOnSeveralThreads) {
  const auto executable = Executable::compile(small_network(), {1, 3, 32, 32});
  const auto run = [&](const std::string& seed) {
    const auto runner = executable->new_runner();
    const Tensor image = weights::formula_input({1, 3, 32, 32}, seed);
    std::vector<float> logits;
    for (int i = 0; i < 20; ++i) {
      std::copy(image.data.begin(), image.data.end(), runner->input().begin());
      runner->run();
      logits.assign(runner->output(2).begin(), runner->output(2).end());
    }
    return logits;
  };
  const std::vector<float> expected_a = run("a");
  const std::vector<float> expected_b = run("b");
  std::vector<float> a;
  std::vector<float> b;
  std::thread first([&] { a = run("a"); });
  std::thread second([&] { b = run("b"); });
  first.join();
  second.join();
  EXPECT_EQ(a, expected_a);
  EXPECT_EQ(b, expected_b);
  EXPECT_NE(a, b);
}

TEST(Executable, SetsParametersAsideOnceTheyArePacked) {
  struct Owner : ValuesOwner {
    void set_aside() const override { ++calls; }
    mutable int calls = 0;
  };
  graph::BoundGraph network = small_network();
  const auto owner = std::make_shared<const Owner>();
  network.values.owners.push_back(owner);
  const auto executable = Executable::compile(network, {1, 3, 32, 32});
  EXPECT_EQ(owner->calls, 1);
}

TEST(Executable, RunnerKeepsTheExecutableAlive) {
  auto executable = Executable::compile(small_network(), {1, 3, 32, 32});
  const auto runner = executable->new_runner();
  executable.reset();
  std::fill(runner->input().begin(), runner->input().end(), 0.5F);
  EXPECT_NO_THROW(runner->run());
}

TEST(Executable, RefusesAnInputWithOtherChannels) {
  for (EngineKind engine : {EngineKind::kOneDnn, EngineKind::kReference}) {
    CompileOptions options;
    options.engine = engine;
    EXPECT_THROW(Executable::compile(small_network(), {1, 4, 32, 32}, options), GraphError) << to_string(engine);
  }
}

/// Two levels of a pyramid, of other sizes, through one layer.
graph::BoundGraph pyramid(int64_t kernel) {
  graph::GraphBuilder b(3);
  const graph::NodeId large = b.conv(b.input(), "large", {.out_channels = 32, .kernel = 3, .stride = 2});
  const graph::NodeId small = b.conv(large, "small", {.out_channels = 32, .kernel = 3, .stride = 2});
  const graph::NodeId layer = b.conv(large, "layer", {.out_channels = 64, .kernel = kernel, .bias = true});
  b.output("large", layer);
  b.output("small", b.repeat(layer, small, "again"));
  return bind_formula(b.take());
}

TEST(Executable, PacksALayerThatLevelsShareOnce) {
  for (const int64_t kernel : {3, 5}) {
    for (const std::string wanted : {"own", "onednn"}) {
      CompileOptions options;
      options.kernels.wanted = wanted;
      options.outputs = {"large"};
      const auto one = Executable::compile(pyramid(kernel), {1, 3, 48, 64}, options);
      options.outputs = {};
      const auto both = Executable::compile(pyramid(kernel), {1, 3, 48, 64}, options);
      // Beside it there is only the convolution that makes the small level.
      constexpr size_t kSmall = 16 * 32 * 32 * sizeof(float);
      EXPECT_LT(both->weight_bytes(), one->weight_bytes() + kSmall + 4096) << wanted << " k" << kernel;
      expect_engines_agree(pyramid(kernel), {1, 3, 48, 64}, 1, wanted);
    }
  }
}

TEST(Executable, RefusesAnUnknownOutput) {
  CompileOptions options;
  options.outputs = {"boxes"};
  EXPECT_THROW(Executable::compile(small_network(), {1, 3, 32, 32}, options), GraphError);
}

}  // namespace
}  // namespace zoo::engine
