#include "serve/inference/inference_metrics.h"

#include <utility>

namespace zoo::serve {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;
using Type = MetricFamily::Type;

Labels labels_of(const ModelSnapshot& model) { return {{"model", model.name}}; }

Labels with(Labels labels, const char* name, std::string_view value) {
  labels.emplace_back(name, value);
  return labels;
}

template <typename Value>
MetricFamily each(const char* name, const char* help, Type type, const std::vector<ModelSnapshot>& models,
                  Value value) {
  MetricFamily family{.name = name, .help = help, .type = type};
  for (const ModelSnapshot& model : models) {
    family.metrics.push_back({labels_of(model), static_cast<double>(value(model, model.figures->statistics()))});
  }
  return family;
}

MetricFamily failures(const std::vector<ModelSnapshot>& models) {
  MetricFamily family{
      .name = "nv_inference_request_failure", .help = "Requests that failed, by reason.", .type = Type::kCounter};
  for (const ModelSnapshot& model : models) {
    for (size_t i = 0; i < kFailureReasons; ++i) {
      const auto reason = static_cast<FailureReason>(i);
      family.metrics.push_back(
          {with(labels_of(model), "reason", to_string(reason)), static_cast<double>(model.figures->failures(reason))});
    }
  }
  return family;
}

MetricFamily stages(const std::vector<ModelSnapshot>& models) {
  MetricFamily family{.name = "zoo_stage_duration_seconds",
                      .help = "Where the time of an answered request went.",
                      .type = Type::kHistogram};
  for (const ModelSnapshot& model : models) {
    for (size_t i = 0; i < kStages; ++i) {
      const auto stage = static_cast<Stage>(i);
      family.metrics.push_back({with(labels_of(model), "stage", to_string(stage)), 0.0, model.figures->stage(stage)});
    }
  }
  return family;
}

MetricFamily infos(const std::vector<ModelSnapshot>& models) {
  MetricFamily family{.name = "zoo_model_info", .help = "The models that run.", .type = Type::kGauge};
  for (const ModelSnapshot& model : models) {
    if (!model.ready) continue;
    const Labels labels = with(labels_of(model), "version", std::to_string(model.version));
    family.metrics.push_back({with(with(labels, "name", model.model), "task", model.task), 1.0});
  }
  return family;
}

}  // namespace

std::vector<MetricFamily> inference_metrics(const std::vector<ModelSnapshot>& models) {
  const auto duration = [&](const char* name, const char* help, Duration ModelStatistics::*of) {
    return each(name, help, Type::kCounter, models,
                [of](const ModelSnapshot&, const ModelStatistics& counts) { return (counts.*of).ns / 1000; });
  };
  return {
      each("nv_inference_request_success", "Requests that were answered.", Type::kCounter, models,
           [](const ModelSnapshot&, const ModelStatistics& counts) { return counts.success.count; }),
      failures(models),
      each("nv_inference_count", "Pictures, or rows of tensors, that were answered.", Type::kCounter, models,
           [](const ModelSnapshot&, const ModelStatistics& counts) { return counts.inference_count; }),
      each("nv_inference_exec_count", "Runs of the network.", Type::kCounter, models,
           [](const ModelSnapshot&, const ModelStatistics& counts) { return counts.execution_count; }),
      duration("nv_inference_request_duration_us", "From arrival to answer, summed, microseconds.",
               &ModelStatistics::success),
      duration("nv_inference_queue_duration_us", "Waiting for a worker, summed, microseconds.",
               &ModelStatistics::queue),
      duration("nv_inference_compute_input_duration_us", "Reading, decoding, preprocessing, summed, microseconds.",
               &ModelStatistics::compute_input),
      duration("nv_inference_compute_infer_duration_us", "The network, summed, microseconds.",
               &ModelStatistics::compute_infer),
      duration("nv_inference_compute_output_duration_us", "Making and writing answers, summed, microseconds.",
               &ModelStatistics::compute_output),
      each("nv_inference_pending_request_count", "Requests that wait for a worker.", Type::kGauge, models,
           [](const ModelSnapshot& model, const ModelStatistics&) { return model.waiting; }),
      stages(models),
      infos(models),
      each("zoo_model_ready", "1 where requests are taken.", Type::kGauge, models,
           [](const ModelSnapshot& model, const ModelStatistics&) { return model.ready ? 1 : 0; }),
      each("zoo_model_swaps_total", "How often the model was replaced.", Type::kCounter, models,
           [](const ModelSnapshot& model, const ModelStatistics&) { return model.swaps; }),
      each("zoo_model_failed_swaps_total", "How often a changed file was wrong and the model went on.", Type::kCounter,
           models, [](const ModelSnapshot& model, const ModelStatistics&) { return model.failed_swaps; }),
  };
}

}  // namespace zoo::serve
