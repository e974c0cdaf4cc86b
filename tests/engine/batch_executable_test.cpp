// A batch spread over threads gives what one image after the other does.
#include "nn/engine/batch_executable.h"

#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

using ::testing::Each;
using ::testing::Gt;

/// A planar map and a vector as outputs.
graph::BoundGraph two_outputs() {
  graph::GraphBuilder b(3);
  const graph::NodeId stem = b.conv(b.input(), "stem", {.out_channels = 24, .kernel = 3, .stride = 2});
  const graph::NodeId x = b.activation(stem, "act", ActivationKind::kHardSwish);
  b.output("features", x);
  b.output("logits", b.linear(b.flatten(b.global_avg_pool(x, "pool"), "flat"), "classifier", 10, true));
  return bind_formula(b.take());
}

TEST(SplitBatch, GivesEveryThreadAsManyPartsOfUpToEight) {
  struct Case {
    int64_t images;
    int threads;
    int64_t part_images, parts;
  };
  for (const Case& c : std::vector<Case>{{64, 2, 8, 8},
                                         {64, 4, 8, 8},
                                         {8, 2, 4, 2},
                                         {8, 8, 1, 8},
                                         {7, 2, 4, 2},
                                         {65, 2, 7, 10},
                                         {5, 4, 2, 3},
                                         {2, 2, 1, 2}}) {
    const BatchSplit split = split_batch(c.images, c.threads);
    EXPECT_EQ(split.part_images, c.part_images) << c.images << " on " << c.threads;
    EXPECT_EQ(split.parts, c.parts) << c.images << " on " << c.threads;
    EXPECT_GE(split.part_images * split.parts, c.images);
  }
}

TEST(BatchExecutable, ComputesWhatSingleImagesDo) {
  const graph::BoundGraph network = two_outputs();
  for (const int64_t images : {2, 3, 7, 16, 17}) {
    for (const int threads : {2, 3}) {
      SCOPED_TRACE(fmt::format("{} images on {} threads", images, threads));
      expect_engines_agree(network, {images, 3, 20, 12}, threads);
    }
  }
}

TEST(BatchExecutable, EveryImageHasItsOwnResult) {
  const graph::BoundGraph network = two_outputs();
  const auto batch = Executable::compile(network, {7, 3, 16, 16}, {.threads = 2});
  const auto single = Executable::compile(network, {1, 3, 16, 16});
  const auto batch_runner = batch->new_runner();
  const auto single_runner = single->new_runner();
  const size_t image_size = single_runner->input().size();
  for (int round = 0; round < 3; ++round) {
    const Tensor images = weights::formula_input({7, 3, 16, 16}, "round" + std::to_string(round));
    std::ranges::copy(images.data, batch_runner->input().begin());
    batch_runner->run();
    for (size_t image = 0; image < 7; ++image) {
      std::ranges::copy(std::span(images.data).subspan(image * image_size, image_size), single_runner->input().begin());
      single_runner->run();
      for (size_t output = 0; output < 2; ++output) {
        const std::span<const float> expected = single_runner->output(output);
        EXPECT_TRUE(test::close_to_max(batch_runner->output(output).subspan(image * expected.size(), expected.size()),
                                       expected, 1e-5))
            << "image " << image;
      }
    }
  }
}

TEST(BatchExecutable, SharesTheWeightsAndTellsItsSize) {
  const graph::BoundGraph network = two_outputs();
  const auto batch = Executable::compile(network, {16, 3, 16, 16}, {.threads = 2});
  const auto single = Executable::compile(network, {1, 3, 16, 16});
  EXPECT_EQ(batch->input_shape(), (Shape{16, 3, 16, 16}));
  EXPECT_EQ(batch->outputs()[0].shape, (Shape{16, 24, 8, 8}));
  EXPECT_EQ(batch->outputs()[1].shape, (Shape{16, 10}));
  EXPECT_EQ(batch->weight_bytes(), single->weight_bytes());
  int64_t macs = 0;
  for (const StepInfo& step : batch->steps()) macs += step.macs * step.runs;
  int64_t single_macs = 0;
  for (const StepInfo& step : single->steps()) single_macs += step.macs * step.runs;
  EXPECT_EQ(macs, 16 * single_macs);
}

TEST(BatchExecutable, TimesItsSteps) {
  const auto batch = Executable::compile(two_outputs(), {4, 3, 16, 16}, {.threads = 2});
  const auto runner = batch->new_runner();
  std::vector<int64_t> step_ns(batch->steps().size(), -1);
  runner->run_timed(step_ns);
  EXPECT_THAT(step_ns, Each(Gt(0)));
}

/// Also what the thread sanitizer is to see: runners of one executable at the same time, each with threads of its own.
TEST(BatchExecutable, RunnersOfOneExecutableWorkAtTheSameTime) {
  const graph::BoundGraph network = two_outputs();
  for (const int64_t images : {1, 6}) {
    const Shape shape = {images, 3, 16, 16};
    const CompileOptions options = {.threads = 2};
    const auto expected = run_network(network, shape, options);
    const auto executable = Executable::compile(network, shape, options);
    std::vector<std::jthread> users;
    for (int user = 0; user < 3; ++user) {
      users.emplace_back([&] {
        const auto runner = executable->new_runner();
        const Tensor image = weights::formula_input(shape, "test");
        for (int round = 0; round < 5; ++round) {
          std::ranges::copy(image.data, runner->input().begin());
          runner->run();
          EXPECT_TRUE(test::close_to_max(runner->output(1), expected[1], 1e-6));
        }
      });
    }
  }
}

}  // namespace
}  // namespace zoo::engine
