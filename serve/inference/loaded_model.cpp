#include "serve/inference/loaded_model.h"

#include <algorithm>
#include <chrono>
#include <optional>
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
  ordered.reserve(wanted.size());
  for (const std::string& name : wanted) ordered.push_back(*std::ranges::find(tensors, name, &NamedTensor::name));
  return ordered;
}

void check_count(const NamedTensor& input, const char* what, const InferLimits& limits) {
  if (input.shape.front() <= limits.pictures) return;
  throw Error(
      fmt::format("input \"{}\": {} {}, but a request may have at most {} (--max-pictures); send several requests",
                  input.name, input.shape.front(), what, limits.pictures));
}

/// Of all pictures of a request but the first.
constexpr size_t kMaxNetworkBytes = size_t{256} << 20;

}  // namespace

/// The results of a request's pictures, of each only what is asked for.
class LoadedModel::Collected {
 public:
  explicit Collected(const std::vector<std::string>& wanted) : wanted_(wanted) {}

  void add(pipeline::TaskResult result) {
    const bool is_mask = std::holds_alternative<pipeline::Segmentation>(result);
    results_.push_back(std::move(result));
    if (!is_mask) return;
    // As large as the picture; its PNG is small.
    std::vector<NamedTensor> one = answer_tensors(results_);
    results_.clear();
    if (masks_.empty()) {
      masks_ = std::move(one);
      return;
    }
    auto& files = std::get<std::vector<std::string>>(masks_.front().data);
    for (std::string& file : std::get<std::vector<std::string>>(one.front().data)) files.push_back(std::move(file));
    ++masks_.front().shape.front();
  }

  /// Throws Error where they are too large together.
  void add(NetworkPool::Results outputs) {
    std::erase_if(outputs, [this](const auto& output) { return !contains(wanted_, output.first); });
    for (const auto& [name, tensor] : outputs) bytes_ += tensor.data.size() * sizeof(float);
    if (!network_.empty() && bytes_ > kMaxNetworkBytes) {
      throw Error(fmt::format("the outputs of {} pictures have more than {} MiB; send fewer pictures at a time",
                              network_.size() + 1, kMaxNetworkBytes >> 20));
    }
    network_.push_back(std::move(outputs));
  }

  std::vector<NamedTensor> tensors() {
    std::vector<NamedTensor> all = std::move(masks_);
    if (!results_.empty()) all = answer_tensors(results_);
    if (network_.empty()) return all;
    for (NamedTensor& tensor : network_tensors(std::move(network_), wanted_)) all.push_back(std::move(tensor));
    return all;
  }

 private:
  const std::vector<std::string>& wanted_;
  std::vector<pipeline::TaskResult> results_;
  std::vector<NamedTensor> masks_;
  std::vector<NetworkPool::Results> network_;
  size_t bytes_ = 0;
};

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

std::vector<NamedTensor> LoadedModel::infer(InferRequest request, const InferLimits& limits, InferWork& work) const {
  const bool of_pictures = checked_input(*info_, request.input).datatype != Datatype::kFp32;
  check_count(request.input, of_pictures ? "pictures" : "rows", limits);
  check_outputs(request.outputs, of_pictures);
  work.pictures = request.input.shape.front();
  if (request.outputs.empty()) request.outputs = of_pictures ? answers_ : results_;
  return of_pictures ? infer_pictures(std::move(request.input), request.outputs, limits, work)
                     : infer_tensor(request.input, request.outputs, work);
}

std::vector<NamedTensor> LoadedModel::infer_pictures(NamedTensor input, const std::vector<std::string>& wanted,
                                                     const InferLimits& limits, InferWork& work) const {
  const auto answer = [this](const std::string& name) { return is_answer(name); };
  const bool wants_answers = std::ranges::any_of(wanted, answer);
  const bool wants_network = !std::ranges::all_of(wanted, answer);
  Stopwatch watch;
  PictureReader pictures(std::move(input));
  Collected collected(wanted);
  while (true) {
    if (limits.ended && limits.ended())
      throw InferError({.status = 503, .message = "the server ends", .retry_after = std::chrono::seconds(1)});
    watch.lap_ms();
    const std::optional<cv::Mat> picture = pictures.next();
    work.input_ms += watch.lap_ms();
    if (!picture) break;
    if (wants_answers) {
      pipeline::TaskResult result = computed([&] { return served_->predict(*picture, 1); });
      add_times(work, pipeline::times_of(result));
      watch.lap_ms();
      collected.add(std::move(result));
      work.output_ms += watch.lap_ms();
    }
    if (wants_network) {
      pipeline::StageTimes times;
      collected.add(computed([&] { return networks_.run(*picture, needed_for(wanted), times); }));
      add_times(work, times);
    }
  }
  std::vector<NamedTensor> tensors = in_order(collected.tensors(), wanted);
  work.output_ms += watch.lap_ms();
  return tensors;
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
  const std::vector<NamedTensor> tensors = network_tensors(std::move(results), wanted);
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
