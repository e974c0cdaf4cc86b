// Options out of range are errors with a text, whatever they would have done.
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/engine/compile/calibrator.h"
#include "nn/engine/executable.h"
#include "nn/engine/machine/thread_pool.h"
#include "nn/engine/plan/quantization.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

graph::BoundGraph network() {
  graph::GraphBuilder b(3);
  b.output("y", b.conv(b.input(), "conv", {.out_channels = 8, .kernel = 3, .bias = true}));
  return bind_formula(b.take());
}

template <typename E>
std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(CompileOptions, ThreadsOutOfRangeAreRefusedByBothEngines) {
  for (const EngineKind engine : {EngineKind::kOneDnn, EngineKind::kReference}) {
    for (const int64_t images : {1, 4}) {
      for (const int threads : {0, -1, kMaxThreads + 1, 100'000, std::numeric_limits<int>::min()}) {
        CompileOptions options;
        options.engine = engine;
        options.tuned_threads = threads;
        EXPECT_EQ(message_of<EngineError>([&] {
                    Executable::compile(network(), {images, 3, 8, 8}, options);
                  }),
                  "CompileOptions::tuned_threads: expected 1 to 1024, found " + std::to_string(threads));
      }
    }
  }
}

TEST(Executable, RefusesARunnerWithThreadsOutOfRange) {
  CompileOptions reference;
  reference.engine = EngineKind::kReference;
  CompileOptions fastest;
  fastest.precision = Precision::kAuto;
  for (const auto& [options, images] :
       {std::pair{CompileOptions(), 1}, {CompileOptions(), 8}, {reference, 1}, {fastest, 1}}) {
    const auto executable = Executable::compile(network(), {images, 3, 8, 8}, options);
    for (const int threads : {0, -1, kMaxThreads + 1, std::numeric_limits<int>::min()}) {
      EXPECT_EQ(message_of<EngineError>([&] { (void)executable->new_runner(threads); }),
                "Executable::new_runner: threads: expected 1 to 1024, found " + std::to_string(threads));
    }
  }
}

TEST(CompileOptions, KernelsWithoutANameAreRefused) {
  CompileOptions options;
  options.kernels.wanted = "";
  EXPECT_THAT(message_of<EngineError>([&] {
                Executable::compile(network(), {1, 3, 8, 8}, options);
              }),
              ::testing::StartsWith("KernelOptions::wanted: is empty; give auto"));
}

TEST(CompileOptions, ImpossibleShapesAreGraphErrors) {
  const std::vector<Shape> shapes = {{0, 3, 8, 8}, {-1, 3, 8, 8}, {1, 3, 0, 8}, {1, 3, 8, -5}, {3, 8, 8}, Shape{}};
  for (const Shape& shape : shapes) {
    for (const int threads : {1, 3}) {
      EXPECT_THROW(Executable::compile(network(), shape, {.tuned_threads = threads}), GraphError) << shape.to_string();
    }
  }
}

TEST(Calibrator, RefusesThreadsOutOfRange) {
  for (const int threads : {0, -3, 100'000}) {
    EXPECT_EQ(message_of<EngineError>([&] {
                Calibrator(network(), {1, 3, 8, 8}, threads);
              }),
              "threads: expected 1 to 1024, found " + std::to_string(threads));
  }
}

TEST(ThreadPool, RefusesNumbersOutOfRange) {
  for (const int threads : {0, -1, 100'000}) EXPECT_THROW(ThreadPool{threads}, EngineError) << threads;
}

/// Ends the process: 0 if a pool that the system has no room for throws EngineError.
[[noreturn]] void make_pool_without_room() {
  std::ifstream statm("/proc/self/statm");
  rlim_t pages = 0;
  statm >> pages;
  // Room for a few stacks of 8 MB.
  const rlim_t bytes = pages * 4096 + (rlim_t{64} << 20U);
  const rlimit limit = {bytes, bytes};
  if (setrlimit(RLIMIT_AS, &limit) != 0) std::_Exit(3);
  try {
    const ThreadPool pool(kMaxThreads);
  } catch (const EngineError& error) {
    std::_Exit(std::string(error.what()).starts_with("the system starts no further thread") ? 0 : 2);
  }
  std::_Exit(1);
}

TEST(ThreadPool, TheSystemsRefusalIsAnEngineError) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(make_pool_without_room(), ::testing::ExitedWithCode(0), "");
}

TEST(QuantizationTable, ImpossibleRangesAreRefused) {
  const graph::BoundGraph bound = network();
  const std::vector<Shape> shapes = graph::infer_shapes(bound.graph, {1, 3, 8, 8});
  Calibration right;
  right.input_low = {-1.0F, -1.0F, -1.0F};
  right.input_high = {1.0F, 1.0F, 1.0F};
  right.ranges = {{"conv", -1.0F, 2.0F}};
  EXPECT_NO_THROW(QuantizationTable(bound.graph, shapes, right));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const auto& [low, high] :
       {std::pair{nan, 1.0F}, {-1.0F, nan}, {-infinity, 1.0F}, {-1.0F, infinity}, {1.0F, 2.0F}}) {
    Calibration wrong = right;
    wrong.ranges[0] = {"conv", low, high};
    EXPECT_THROW(QuantizationTable(bound.graph, shapes, wrong), GraphError) << low << " to " << high;
    wrong = right;
    wrong.input_low[1] = low;
    wrong.input_high[1] = high;
    EXPECT_THROW(QuantizationTable(bound.graph, shapes, wrong), GraphError) << low << " to " << high;
  }
  Calibration shorter = right;
  shorter.input_high.pop_back();
  EXPECT_THROW(QuantizationTable(bound.graph, shapes, shorter), GraphError);
}

TEST(QuantizationTable, StepsAndTheirInversesAreFloats) {
  const graph::BoundGraph bound = network();
  const std::vector<Shape> shapes = graph::infer_shapes(bound.graph, {1, 3, 8, 8});
  for (const float high : {0.0F, 1e-45F, 1e-38F, 1e-36F, 1.0F, 3.4e38F}) {
    Calibration calibration;
    calibration.input_low = {0.0F, 0.0F, 0.0F};
    calibration.input_high = {high, high, high};
    calibration.ranges = {{"conv", 0.0F, high}};
    const QuantizationTable table(bound.graph, shapes, calibration);
    for (const graph::NodeId id : {0, 1}) {
      EXPECT_GT(table.of(id)->step[0], 0.0F) << high;
      EXPECT_TRUE(std::isfinite(table.of(id)->inverse_step[0])) << high;
    }
  }
}

/// Whichever engine: what runs in one thread refuses another.
TEST(Runner, RefusesASecondThreadOrServesItAfterTheFirst) {
  CompileOptions slow;
  slow.engine = EngineKind::kReference;
  for (const auto& [options, images] : {std::pair{CompileOptions(), 1}, {slow, 1}, {CompileOptions(), 8}}) {
    const auto executable = Executable::compile(network(), {images, 3, 16, 16}, options);
    const auto runner = executable->new_runner(images > 1 ? 2 : 1);
    std::ranges::fill(runner->input(), 0.5F);
    runner->run();
    const std::vector<float> expected(runner->output(0).begin(), runner->output(0).end());
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 300; ++i) {
          try {
            runner->run();
          } catch (const Error& error) {
            EXPECT_THAT(error.what(), ::testing::HasSubstr("one thread at a time; make one per thread"));
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    runner->run();
    EXPECT_EQ(std::vector<float>(runner->output(0).begin(), runner->output(0).end()), expected);
  }
}

}  // namespace
}  // namespace zoo::engine
