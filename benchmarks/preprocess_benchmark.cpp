// A 1080p frame to a network's input: shorter side to 256, centre crop 224, one thread.
#include <vector>

#include <benchmark/benchmark.h>
#include <opencv2/core.hpp>

#include "pipeline/preprocess/preprocess.h"

namespace zoo::benchmarks {
namespace {

void preprocess_1080p(benchmark::State& state, models::Interpolation interpolation) {
  models::PreprocessConfig config;
  config.interpolation = interpolation;
  pipeline::Preprocessor preprocessor(config);
  cv::Mat frame(1080, 1920, CV_8UC3);
  cv::randu(frame, 0, 256);
  std::vector<float> input(3 * 224 * 224);
  for (auto _ : state) {
    preprocessor.run(frame, input);
    benchmark::DoNotOptimize(input.data());
  }
}
BENCHMARK_CAPTURE(preprocess_1080p, nearest, models::Interpolation::kNearest)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(preprocess_1080p, bilinear, models::Interpolation::kBilinear)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(preprocess_1080p, bicubic, models::Interpolation::kBicubic)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(preprocess_1080p, lanczos, models::Interpolation::kLanczos)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace zoo::benchmarks
