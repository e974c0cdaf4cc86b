#include "serve/inference/model_json.h"

#include <string>

#include "serve/inference/json_response.h"

namespace zoo::serve {
namespace {

using Json = nlohmann::ordered_json;

/// "project_format", for people to read.
constexpr const char* kPlatform = "backbone_zoo";

Json tensors_json(const std::vector<TensorInfo>& tensors) {
  Json list = Json::array();
  for (const TensorInfo& tensor : tensors) {
    list.push_back({{"name", tensor.name}, {"datatype", to_string(tensor.datatype)}, {"shape", tensor.shape}});
  }
  return list;
}

/// Triton calls BYTES a string here.
Json tensors_config(const std::vector<TensorInfo>& tensors) {
  Json list = Json::array();
  for (const TensorInfo& tensor : tensors) {
    const std::string type = tensor.datatype == Datatype::kBytes ? "STRING" : std::string(to_string(tensor.datatype));
    list.push_back({{"name", tensor.name}, {"data_type", "TYPE_" + type}, {"dims", tensor.shape}});
  }
  return list;
}

Json duration_json(const Duration& duration) { return {{"count", duration.count}, {"ns", duration.ns}}; }

const char* state_name(RepositoryEntry::State state) {
  switch (state) {
    case RepositoryEntry::State::kLoading:
      return "LOADING";
    case RepositoryEntry::State::kReady:
      return "READY";
    case RepositoryEntry::State::kUnloading:
      return "UNLOADING";
    case RepositoryEntry::State::kUnavailable:
      return "UNAVAILABLE";
  }
  return "";
}

}  // namespace

Json metadata_json(const ServedModelInfo& model) {
  Json metadata = {{"name", model.name},
                   {"versions", Json::array({std::to_string(model.version)})},
                   {"platform", kPlatform},
                   {"inputs", tensors_json(model.inputs)},
                   {"outputs", tensors_json(model.outputs)}};
  if (!model.labels.empty()) metadata["parameters"] = {{"labels", model.labels}};
  return metadata;
}

Json config_json(const ServedModelInfo& model) {
  // 0: shapes have their first dimension, that of the batch.
  Json config = {{"name", model.name},
                 {"platform", kPlatform},
                 {"backend", kPlatform},
                 {"max_batch_size", 0},
                 {"input", tensors_config(model.inputs)},
                 {"output", tensors_config(model.outputs)}};
  // Triton's parameters are texts.
  if (!model.labels.empty()) config["parameters"] = {{"labels", {{"string_value", compact_json(model.labels)}}}};
  return config;
}

Json statistics_json(const std::vector<ModelStatistics>& statistics) {
  Json list = Json::array();
  for (const ModelStatistics& model : statistics) {
    list.push_back({{"name", model.name},
                    {"version", std::to_string(model.version)},
                    {"last_inference", model.last_inference_ms},
                    {"inference_count", model.inference_count},
                    {"execution_count", model.execution_count},
                    {"inference_stats",
                     {{"success", duration_json(model.success)},
                      {"fail", duration_json(model.fail)},
                      {"queue", duration_json(model.queue)},
                      {"compute_input", duration_json(model.compute_input)},
                      {"compute_infer", duration_json(model.compute_infer)},
                      {"compute_output", duration_json(model.compute_output)},
                      {"cache_hit", duration_json({})},
                      {"cache_miss", duration_json({})}}},
                    {"batch_stats", Json::array()}});
  }
  return {{"model_stats", std::move(list)}};
}

Json index_json(const std::vector<RepositoryEntry>& entries, bool ready_only) {
  Json list = Json::array();
  for (const RepositoryEntry& entry : entries) {
    if (ready_only && entry.state != RepositoryEntry::State::kReady) continue;
    list.push_back({{"name", entry.name},
                    {"version", std::to_string(entry.version)},
                    {"state", state_name(entry.state)},
                    {"reason", entry.reason}});
  }
  return list;
}

}  // namespace zoo::serve
