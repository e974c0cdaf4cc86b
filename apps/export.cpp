#include <array>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/model_flags.h"
#include "apps/output.h"
#include "apps/run_inputs.h"
#include "models/export_onnx.h"

namespace zoo::apps {
namespace {

struct ExportFlags {
  ModelFlags model;
  WeightFlags weights;
  SizeFlag size;
  OutputsFlag outputs;
  std::string onnx;
  int64_t batch = 1;
  std::string precision = "f32";
};

int export_model(const ExportFlags& flags) {
  const std::shared_ptr<const models::Model> model =
      load_model(flags.model, flags.weights, nullptr, weights::FileUse::kInPlace);
  claim_output(*files_with_calibration(flags.model, *model), flags.onnx, "--onnx");
  const graph::Graph& graph = model->network().graph;
  flags.outputs.check(graph);
  const auto [height, width] = flags.size.value_or_default(model->config());
  const Shape input = {flags.batch, graph.in_channels(), height, width};
  models::write_onnx(flags.onnx, *model, {input, flags.outputs.names, flags.precision == "int8", ZOO_VERSION});
  report_written(flags.onnx, fmt::format("{}, input {}", model->config().name, input.to_string()));
  return kExitDone;
}

}  // namespace

Action setup_export(CLI::App& app) {
  auto flags = std::make_shared<ExportFlags>();
  flags->model.add_to(app);
  flags->weights.add_to(app);
  flags->size.add_to(app);
  constexpr int64_t kMaxBatch = 4096;
  app.add_option("--batch", flags->batch, "Images in one input; the file is for this number and size only")
      ->check(CLI::Range(int64_t{1}, kMaxBatch))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--onnx", flags->onnx, "ONNX file to write (opset 17)")->required()->type_name("FILE");
  flags->outputs.add_to(app, "what the head hands out");
  app.add_option("--precision", flags->precision, "int8: values and weights in 8 bits, by the table of `calibrate`")
      ->check(CLI::IsMember({"f32", "fp32", "int8"}))
      ->capture_default_str();
  flags->weights.add_calibration_to(app);
  return [flags] { return export_model(*flags); };
}

}  // namespace zoo::apps
