#include "serve/inference/loaded_model.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/results.h"
#include "nn/core/shown_text.h"
#include "nn/core/stopwatch.h"
#include "serve/inference/answer_tensors.h"
#include "serve/inference/inference_service.h"
#include "serve/inference/model_info.h"
#include "serve/inference/request_tensors.h"
#include "serve/inference/tensor_names.h"

namespace zoo::serve {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

void add_times(InferWork& work, const pipeline::StageTimes& times) {
  ++work.executions;
  work.input_ms += times.preprocess_ms;
  work.infer_ms += times.infer_ms + times.compile_ms;
}

/// What fails here for the reason of the machine, not of the request, is the server's fault.
template <typename Work>
auto computed(Work work) {
  try {
    return work();
  } catch (const EngineError& error) {
    throw InferError({.status = 500, .message = error.what()});
  } catch (const IoError& error) {
    throw InferError({.status = 500, .message = error.what()});
  }
}

/// In the order of `wanted`; a tensor may be asked for twice.
std::vector<NamedTensor> in_order(const std::vector<NamedTensor>& tensors, const std::vector<std::string>& wanted) {
  std::vector<NamedTensor> ordered;
  for (const std::string& name : wanted) ordered.push_back(*std::ranges::find(tensors, name, &NamedTensor::name));
  return ordered;
}

}  // namespace

LoadedModel::LoadedModel(const std::string& name, std::shared_ptr<const streams::ServedModel> served,
                         const pipeline::NetworkOptions& options)
    : served_(std::move(served)),
      info_(std::make_shared<const ServedModelInfo>(describe_model(name, served_->version, served_->model, options))),
      networks_(served_->model, options) {
  const models::ModelConfig& config = served_->model->config();
  results_ = models::result_outputs(config);
  if (config.detection) {
    if (config.detection->joins_levels) results_ = {"cls_logits", "bbox_regression"};
    results_.emplace_back("anchors");
  }
  std::vector<std::string> of_network = results_;
  for (const graph::Output& output : served_->model->network().graph.outputs) of_network.push_back(output.name);
  for (const TensorInfo& output : info_->outputs) {
    if (!contains(of_network, output.name)) answers_.push_back(output.name);
  }
}

std::vector<NamedTensor> LoadedModel::infer(InferRequest request, InferWork& work) const {
  const bool of_pictures = checked_input(*info_, request.input).datatype != Datatype::kFp32;
  check_outputs(request.outputs, of_pictures);
  work.pictures = request.input.shape.front();
  if (request.outputs.empty()) request.outputs = of_pictures ? answers_ : results_;
  return of_pictures ? infer_pictures(std::move(request.input), request.outputs, work)
                     : infer_tensor(request.input, request.outputs, work);
}

std::vector<NamedTensor> LoadedModel::infer_pictures(NamedTensor input, const std::vector<std::string>& wanted,
                                                     InferWork& work) const {
  Stopwatch watch;
  const std::vector<cv::Mat> pictures = pictures_of(std::move(input));
  work.input_ms += watch.lap_ms();
  std::vector<NamedTensor> tensors;
  if (std::ranges::any_of(wanted, [this](const std::string& name) { return is_answer(name); })) {
    std::vector<pipeline::TaskResult> results;
    for (const cv::Mat& picture : pictures) {
      results.push_back(computed([&] { return served_->predict(picture, 1); }));
      add_times(work, pipeline::times_of(results.back()));
    }
    watch.lap_ms();
    tensors = answer_tensors(results);
    work.output_ms += watch.lap_ms();
  }
  if (std::ranges::any_of(wanted, [this](const std::string& name) { return !is_answer(name); })) {
    std::vector<NetworkPool::Results> results;
    for (const cv::Mat& picture : pictures) {
      pipeline::StageTimes times;
      results.push_back(computed([&] { return networks_.run(picture, needed_for(wanted), times); }));
      add_times(work, times);
    }
    watch.lap_ms();
    for (NamedTensor& tensor : network_tensors(std::move(results))) tensors.push_back(std::move(tensor));
    work.output_ms += watch.lap_ms();
  }
  return in_order(tensors, wanted);
}

std::vector<NamedTensor> LoadedModel::infer_tensor(const NamedTensor& input, const std::vector<std::string>& wanted,
                                                   InferWork& work) const {
  pipeline::StageTimes times;
  std::vector<NetworkPool::Results> results;
  results.push_back(computed([&] {
    return networks_.run(Shape(input.shape), std::get<std::vector<float>>(input.data), needed_for(wanted), times);
  }));
  add_times(work, times);
  Stopwatch watch;
  const std::vector<NamedTensor> tensors = network_tensors(std::move(results));
  std::vector<NamedTensor> ordered = in_order(tensors, wanted);
  work.output_ms += watch.lap_ms();
  return ordered;
}

void LoadedModel::check_outputs(const std::vector<std::string>& wanted, bool of_pictures) const {
  for (const std::string& name : wanted) {
    if (std::ranges::find(info_->outputs, name, &TensorInfo::name) == info_->outputs.end()) {
      std::vector<std::string> names;
      for (const TensorInfo& output : info_->outputs) names.push_back(output.name);
      throw InferError({.status = 404,
                        .message = fmt::format("output \"{}\": model {} has no such output; it has {}", shortened(name),
                                               info_->name, fmt::join(names, ", "))});
    }
    if (!of_pictures && is_answer(name)) {
      throw Error(fmt::format("output \"{}\" is of pictures: send \"{}\" or \"{}\"; of tensors there are {}", name,
                              kImages, kPixels, fmt::join(results_, ", ")));
    }
  }
}

bool LoadedModel::is_answer(const std::string& output) const { return contains(answers_, output); }

NetworkOutputs LoadedModel::needed_for(const std::vector<std::string>& outputs) const {
  const bool enough = std::ranges::all_of(
      outputs, [this](const std::string& name) { return is_answer(name) || contains(results_, name); });
  return enough ? NetworkOutputs::kResults : NetworkOutputs::kAll;
}

}  // namespace zoo::serve
