// Counts heap allocations of a run: after the first inference there are none of ours.
#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "tests/engine/bf16_sets.h"
#include "tests/engine/formula_calibration.h"
#include "tests/engine/network_fixture.h"

namespace {

std::atomic<long> allocations{0};

void* counted(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

// oneDNN is a shared library with an operator new of its own binding; what reaches these is counted all the same.
void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace zoo::engine {
namespace {

/// Own kernels only: not one allocation may happen.
TEST(Allocations, OwnStepsAllocateNothing) {
  graph::GraphBuilder b(24);
  const graph::NodeId pooled = b.flatten(b.global_avg_pool(b.input(), "pool"), "flat");
  b.output("logits", b.linear(b.activation(b.linear(pooled, "hidden", 64, true), "act", ActivationKind::kHardSwish),
                              "classifier", 10, true));
  const auto executable = Executable::compile(bind_formula(b.take()), {1, 24, 14, 14});
  const auto runner = executable->new_runner();
  std::fill(runner->input().begin(), runner->input().end(), 0.5F);
  runner->run();
  const long before = allocations;
  for (int i = 0; i < 10; ++i) runner->run();
  EXPECT_EQ(allocations - before, 0);
}

/// Convolutions that run some rows at a time, a depthwise one and layers.
graph::BoundGraph small_network() {
  graph::GraphBuilder b(3);
  graph::NodeId node = b.conv(b.input(), "stem", {.out_channels = 32, .kernel = 3, .stride = 2});
  node = b.conv(b.activation(node, "act", ActivationKind::kRelu), "project", {.out_channels = 80});
  node = b.conv(node, "depthwise", {.out_channels = 80, .kernel = 3, .groups = 80});
  b.output("logits", b.linear(b.flatten(b.global_avg_pool(node, "pool"), "flat"), "classifier", 10, true));
  return bind_formula(b.take());
}

void expect_no_allocations(CompileOptions options, const std::string& step) {
  options.kernels.wanted = step;
  const Shape image = {1, 3, 160, 160};
  const graph::BoundGraph network = small_network();
  EXPECT_THAT(implementations(network, image, options), ::testing::Contains(::testing::HasSubstr(step)));
  const auto runner = Executable::compile(network, image, options)->new_runner();
  std::ranges::fill(runner->input(), 0.5F);
  runner->run();
  const long before = allocations;
  for (int i = 0; i < 10; ++i) runner->run();
  EXPECT_EQ(allocations - before, 0);
}

TEST(Allocations, NetworksInBf16AllocateNothing) {
  if (!why_unavailable(Precision::kBf16).empty()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  for (const Bf16Set& set : bf16_sets()) {
    CompileOptions options;
    options.precision = Precision::kBf16;
    options.kernels.isa = set.held_to;
    expect_no_allocations(options, set.prefix + "rows");
  }
}

TEST(Allocations, NetworksInInt8AllocateNothing) {
  if (!why_unavailable(Precision::kInt8).empty()) GTEST_SKIP() << why_unavailable(Precision::kInt8);
  CompileOptions options;
  options.precision = Precision::kInt8;
  options.calibration = calibration_of(small_network(), {1, 3, 160, 160});
  expect_no_allocations(options, "rows_int8");
}

/// oneDNN builds its argument table anew for every primitive: that is its own set, constant per convolution.
TEST(Allocations, ConvolutionsAllocateOnlyInsideOneDnn) {
  const auto allocations_per_run = [](int convolutions) {
    graph::GraphBuilder b(16);
    graph::NodeId x = b.input();
    for (int i = 0; i < convolutions; ++i) {
      x = b.activation(b.conv(x, "conv" + std::to_string(i), {.out_channels = 16}), "act" + std::to_string(i),
                       ActivationKind::kRelu);
    }
    b.output("y", x);
    const auto executable = Executable::compile(bind_formula(b.take()), {1, 16, 14, 14});
    const auto runner = executable->new_runner();
    std::fill(runner->input().begin(), runner->input().end(), 0.5F);
    runner->run();
    const long before = allocations;
    for (int i = 0; i < 10; ++i) runner->run();
    return static_cast<double>(allocations - before) / 10.0;
  };
  const double none = allocations_per_run(0);
  EXPECT_EQ(none, 0.0);
  const double one = allocations_per_run(1);
  EXPECT_EQ(allocations_per_run(4), 4 * one);
}

}  // namespace
}  // namespace zoo::engine
