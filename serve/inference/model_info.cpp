#include "serve/inference/model_info.h"

#include <algorithm>
#include <array>
#include <utility>

#include "pipeline/preprocess/preprocess.h"
#include "serve/inference/tensor_names.h"

namespace zoo::serve {
namespace {

constexpr int64_t kAny = -1;

std::vector<TensorInfo> answers_of(const models::ModelConfig& config) {
  switch (*config.task) {
    case Task::kClassification: {
      std::vector<TensorInfo> answers = {{kLabels, Datatype::kBytes, {kAny, kAny}},
                                         {kScores, Datatype::kFp32, {kAny, kAny}},
                                         {kClasses, Datatype::kInt64, {kAny, kAny}}};
      if (config.answers.unknown) answers.push_back({kKnown, Datatype::kBool, {kAny}});
      return answers;
    }
    case Task::kDetection:
      return {{kBoxes, Datatype::kFp32, {kAny, 4}},
              {kScores, Datatype::kFp32, {kAny}},
              {kClasses, Datatype::kInt64, {kAny}},
              {kLabels, Datatype::kBytes, {kAny}},
              {kCounts, Datatype::kInt64, {kAny}}};
    case Task::kSegmentation:
      return {{kMasks, Datatype::kBytes, {kAny}}};
  }
  return {};
}

std::optional<std::array<int64_t, 2>> fixed_size(const models::ModelConfig& config,
                                                 const pipeline::NetworkOptions& options) {
  return options.input_size ? options.input_size : config.preprocess.output_size();
}

/// As models::collect_results names and shapes them.
std::vector<TensorInfo> network_outputs(const models::Model& model, const pipeline::NetworkOptions& options) {
  const models::ModelConfig& config = model.config();
  const graph::Graph& graph = model.network().graph;
  const auto fixed = fixed_size(config, options);
  const auto [height, width] = fixed.value_or(models::usual_input_size(config));
  const std::vector<Shape> shapes = graph::infer_shapes(graph, {1, graph.in_channels(), height, width});
  std::vector<TensorInfo> outputs;
  const auto add_rows = [&](const std::string& name, int64_t columns) {
    outputs.push_back({name, Datatype::kFp32, {kAny, kAny, columns}});
  };
  const bool joins = config.detection && config.detection->joins_levels;
  if (joins) {
    add_rows("cls_logits", config.detection->classes);
    add_rows("bbox_regression", 4);
  }
  for (const graph::Output& output : graph.outputs) {
    if (config.detection) {
      const auto is_in = [&](const std::vector<std::string>& names) {
        return std::ranges::find(names, output.name) != names.end();
      };
      const bool scores = is_in(config.detection->class_outputs);
      if (scores || is_in(config.detection->box_outputs)) {
        if (!joins) add_rows(output.name, scores ? config.detection->classes : 4);
        continue;
      }
    }
    TensorInfo info{output.name, Datatype::kFp32, shapes[static_cast<size_t>(output.node)].dims};
    info.shape.front() = kAny;
    if (!fixed && info.shape.size() == 4) info.shape[2] = info.shape[3] = kAny;
    outputs.push_back(std::move(info));
  }
  if (config.detection) outputs.push_back({"anchors", Datatype::kFp32, {kAny, 4}});
  return outputs;
}

}  // namespace

ServedModelInfo describe_model(const std::string& name, int64_t version, std::shared_ptr<const models::Model> model,
                               const pipeline::NetworkOptions& options) {
  const models::ModelConfig& config = model->config();
  ServedModelInfo info;
  info.name = name;
  info.version = version;
  info.labels = config.labels;
  const auto fixed = fixed_size(config, options);
  info.inputs = {
      {kImages, Datatype::kBytes, {kAny}},
      {kPixels, Datatype::kUint8, {kAny, kAny, kAny, 3}},
      {kInput,
       Datatype::kFp32,
       {kAny, model->network().graph.in_channels(), fixed ? (*fixed)[0] : kAny, fixed ? (*fixed)[1] : kAny}}};
  info.outputs = answers_of(config);
  for (TensorInfo& output : network_outputs(*model, options)) info.outputs.push_back(std::move(output));
  info.model = std::move(model);
  return info;
}

}  // namespace zoo::serve
