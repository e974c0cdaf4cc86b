#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "apps/commands.h"
#include "apps/input_tensor.h"
#include "apps/model_flags.h"
#include "apps/output.h"
#include "apps/run_inputs.h"
#include "models/results.h"
#include "nn/engine/executable.h"
#include "nn/weights/safetensors.h"

namespace zoo::apps {
namespace {

struct RunFlags {
  ModelFlags model;
  WeightFlags weights;
  std::string input;
  std::string output;
  std::string engine = "onednn";
  OutputsFlag outputs;
  int threads = 0;
  std::optional<engine::Precision> precision;
  KernelFlags kernels;
};

/// The tensor `input` of a file, [N, C, H, W] with the network's channels. Throws WeightError and UsageError.
Tensor read_input(const std::string& path, int64_t channels) {
  const weights::SafetensorsFile file = weights::SafetensorsFile::open(path);
  const weights::StoredTensor& stored = input_tensor(file, path);
  const Shape& shape = stored.shape;
  if (shape.rank() != 4 || shape[1] != channels || shape.elements() == 0) {
    throw WeightError(fmt::format("{}: tensor \"input\" is {}, expected Nx{}xHxW", path, shape.to_string(), channels));
  }
  return {shape, weights::to_float(stored)};
}

int run(const RunFlags& flags) {
  const std::shared_ptr<const models::Model> model =
      load_model(flags.model, flags.weights, nullptr, weights::FileUse::kInPlace);
  const auto run_files = files_with_calibration(flags.model, *model);
  run_files->add_input(flags.input, "the input tensor");
  claim_output(*run_files, flags.output, "--output");
  const graph::Graph& graph = model->network().graph;
  flags.outputs.check(graph);
  const Tensor input = read_input(flags.input, graph.in_channels());

  engine::CompileOptions options;
  options.engine = flags.engine == "reference" ? engine::EngineKind::kReference : engine::EngineKind::kOneDnn;
  const int threads = flags.threads > 0 ? flags.threads : model->config().runtime.threads;
  options.tuned_threads = threads;
  options.precision = flags.precision;
  options.outputs = flags.outputs.names;
  options.kernels = flags.kernels.options();
  const std::shared_ptr<const engine::Executable> executable = model->compile(input.shape, options);
  note_reporter()(executable->note());
  const std::unique_ptr<engine::Runner> runner = executable->new_runner(threads);
  std::ranges::copy(input.data, runner->input().begin());
  runner->run();

  const auto results = models::collect_results(model->config(), *executable, *runner);
  for (const auto& [name, tensor] : results) spdlog::info("{}: {}", name, tensor.shape.to_string());
  weights::write_safetensors(flags.output, results);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : results) names.push_back(name);
  report_written(flags.output, fmt::format("{}", fmt::join(names, ", ")));
  return kExitDone;
}

}  // namespace

Action setup_run(CLI::App& app) {
  auto flags = std::make_shared<RunFlags>();
  flags->model.add_to(app);
  flags->weights.add_to(app);
  app.add_option("--input,-i", flags->input, "Safetensors file with the tensor `input` [N, C, H, W]; any size")
      ->required()
      ->type_name("FILE");
  app.add_option("--output,-o", flags->output, "Safetensors file for the results")->required()->type_name("FILE");
  flags->outputs.add_to(
      app, "all; where all raw maps of a detector are among them, its anchors and final detections follow");
  app.add_option("--engine", flags->engine, "Fast kernels, or slow plain loops for comparison")
      ->check(CLI::IsMember({"onednn", "reference"}))
      ->capture_default_str();
  add_threads_flag(app, flags->threads);
  add_precision_flag(app, flags->precision);
  flags->kernels.add_to(app);
  flags->weights.add_calibration_to(app);
  return [flags] { return run(*flags); };
}

}  // namespace zoo::apps
