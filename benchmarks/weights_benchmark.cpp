// What a copy of the weights costs against using them in place: loading a safetensors file of a network's size that
// lies in the page cache, and the first compilation, which reads it.
#include <filesystem>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "models/model.h"
#include "nn/weights/safetensors.h"

namespace zoo::benchmarks {
namespace {

/// The network's own weights by its own names, in the folder for temporary files.
class WeightsFile {
 public:
  explicit WeightsFile(const std::string& config) {
    models::LoadModelOptions options;
    options.random_weights = true;
    const models::Model model = models::Model::load(config, options);
    std::vector<std::pair<std::string, Tensor>> tensors;
    const graph::BoundGraph& network = model.network();
    for (size_t id = 0; id < network.graph.parameters.size(); ++id) {
      const std::span<const float> values = network.values.views[id];
      tensors.emplace_back(network.graph.parameters[id].name,
                           Tensor{network.graph.parameters[id].shape, {values.begin(), values.end()}});
    }
    weights::write_safetensors(path_, tensors);
  }
  WeightsFile(const WeightsFile&) = delete;
  WeightsFile& operator=(const WeightsFile&) = delete;
  ~WeightsFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("zoo_weights_benchmark_" + std::to_string(::getpid()) + ".safetensors");
};

void load(benchmark::State& state, const std::string& model_file, weights::FileUse use, bool compile) {
  const std::string config = std::string(ZOO_SOURCE_DIR "/configs/") + model_file;
  const WeightsFile file(config);
  const models::ModelConfig decoded = models::load_model_config(config);
  models::LoadModelOptions options;
  options.checkpoint = file.path();
  options.file_use = use;
  engine::CompileOptions how;
  how.kernels.wanted = "onednn";  // nothing is measured
  for (auto _ : state) {
    const models::Model model = models::Model::load(decoded, options);
    if (compile) benchmark::DoNotOptimize(model.compile({1, 3, 224, 224}, how));
    benchmark::DoNotOptimize(model.network().values.views.data());
  }
  state.counters["file_MB"] = static_cast<double>(std::filesystem::file_size(file.path())) * 1e-6;
}

constexpr const char* kSmall = "timm/mobilenetv4_conv_small.yaml";
constexpr const char* kMedium = "timm/mobilenetv4_conv_medium.yaml";

BENCHMARK_CAPTURE(load, small_copy, kSmall, weights::FileUse::kCopy, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, small_in_place, kSmall, weights::FileUse::kInPlace, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, medium_copy, kMedium, weights::FileUse::kCopy, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, medium_in_place, kMedium, weights::FileUse::kInPlace, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, medium_copy_compiled, kMedium, weights::FileUse::kCopy, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, medium_in_place_compiled, kMedium, weights::FileUse::kInPlace, true)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace zoo::benchmarks
