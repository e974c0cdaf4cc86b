#include "models/bench.h"

#include <string>

#include <gtest/gtest.h>

#include "nn/core/error.h"

namespace zoo::models {
namespace {

using std::chrono::duration;

std::string config(const std::string& name) { return std::string(ZOO_SOURCE_DIR "/configs/") + name; }

TEST(Bench, CountsTheRunsOfAllStreamsButNotTheWarmUp) {
  Bench bench(config("demo/emoji.yaml"), {.random_weights = true},
              {.input_size = {{32, 48}}, .batch = 2, .streams = 3, .threads = 1});
  EXPECT_EQ(bench.figures().runs, 0);
  bench.warm_up(duration<double>(0.0));
  EXPECT_EQ(bench.figures().runs, 0);
  bench.measure(duration<double>(0.0));
  bench.measure(duration<double>(0.0));
  const BenchFigures figures = bench.figures();
  EXPECT_EQ(figures.input, (Shape{2, 3, 32, 48}));
  EXPECT_EQ(figures.threads, 1);
  EXPECT_EQ(figures.runs, 6);
  EXPECT_GT(figures.min_ms, 0.0);
  EXPECT_LE(figures.min_ms, figures.median_ms);
  EXPECT_LE(figures.median_ms, figures.p90_ms);
  EXPECT_GT(figures.images_per_s, 0.0);
  EXPECT_GT(figures.load_ms, 0.0);
  EXPECT_GT(figures.first_ms, 0.0);
  EXPECT_GT(figures.memory_mb, 0.0);
}

TEST(Bench, TakesTheSizeAndTheThreadsFromTheModelFile) {
  LoadModelOptions load = {.random_weights = true};
  load.overrides.push_back(ConfigOverride::parse("runtime.threads=2"));
  const BenchFigures figures = Bench(config("demo/emoji_detection.yaml"), load).figures();
  EXPECT_EQ(figures.input, (Shape{1, 3, 160, 160}));
  EXPECT_EQ(figures.threads, 2);
}

TEST(Bench, ThrowsWhatLoadingThrows) {
  EXPECT_THROW(Bench(config("nowhere.yaml"), {}), Error);
  EXPECT_THROW(Bench(config("demo/emoji.yaml"), {.checkpoint = "/nowhere.safetensors"}), Error);
}

TEST(Bench, OptionsOutOfRangeAreRefused) {
  const auto make = [](const BenchOptions& options) {
    Bench(config("demo/emoji.yaml"), {.random_weights = true}, options);
  };
  for (const int number : {0, -1, 100'000}) EXPECT_THROW(make({.streams = number}), EngineError) << number;
  for (const int threads : {-1, 100'000}) EXPECT_THROW(make({.threads = threads}), EngineError) << threads;
  for (const int number : {0, -1}) {
    EXPECT_THROW(make({.batch = number}), EngineError) << number;
    EXPECT_THROW(make({.input_size = {{number, 32}}}), GraphError) << number;
  }
}

}  // namespace
}  // namespace zoo::models
