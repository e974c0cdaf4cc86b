#include "tests/serve/fake_inference.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "nn/core/error.h"

namespace zoo::test {
namespace {

using serve::Datatype;
using serve::InferFailure;
using serve::InferReply;
using serve::InferRequest;
using serve::NamedTensor;
using serve::ServedModelInfo;
using Numbers = std::vector<float>;
using Texts = std::vector<std::string>;
using Whole = std::vector<int64_t>;

constexpr int64_t kClassCount = 3;

ServedModelInfo fake_model(const std::string& name, std::vector<serve::TensorInfo> outputs) {
  return {.name = name,
          .version = 2,
          .inputs = {{"images", Datatype::kBytes, {-1}},
                     {"pixels", Datatype::kUint8, {-1, -1, -1, 3}},
                     {"input", Datatype::kFp32, {-1, 3, 1, 2}}},
          .outputs = std::move(outputs),
          .labels = {"cat", "dog", "a: b"},
          .model = nullptr};
}

Numbers first_three_of_rows(const Numbers& values, int64_t rows) {
  const size_t row_size = values.size() / static_cast<size_t>(rows);
  Numbers firsts;
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    for (size_t i = 0; i < kClassCount; ++i) firsts.push_back(values[row * row_size + i]);
  }
  return firsts;
}

std::shared_ptr<const ServedModelInfo> find(const std::map<std::string, std::shared_ptr<const ServedModelInfo>>& models,
                                            const std::string& name) {
  const auto found = models.find(name);
  return found == models.end() ? nullptr : found->second;
}

}  // namespace

ServedModelInfo fake_classifier(const std::string& name) {
  return fake_model(name, {{"labels", Datatype::kBytes, {-1, -1}},
                           {"scores", Datatype::kFp32, {-1, -1}},
                           {"classes", Datatype::kInt64, {-1, -1}},
                           {"known", Datatype::kBool, {-1}},
                           {"logits", Datatype::kFp32, {-1, kClassCount}}});
}

ServedModelInfo fake_detector(const std::string& name) {
  return fake_model(name, {{"boxes", Datatype::kFp32, {-1, 4}},
                           {"scores", Datatype::kFp32, {-1}},
                           {"classes", Datatype::kInt64, {-1}},
                           {"labels", Datatype::kBytes, {-1}},
                           {"counts", Datatype::kInt64, {-1}}});
}

ServedModelInfo fake_segmenter(const std::string& name) {
  return fake_model(name, {{"masks", Datatype::kBytes, {-1}}});
}

FakeInference::FakeInference(std::vector<ServedModelInfo> models) {
  for (ServedModelInfo& model : models) {
    std::string name = model.name;
    models_.emplace(std::move(name), std::make_shared<ServedModelInfo>(std::move(model)));
  }
}

bool FakeInference::ready() const { return is_ready; }

std::shared_ptr<const ServedModelInfo> FakeInference::model(const std::string& name,
                                                            std::optional<int64_t> version) const {
  std::shared_ptr<const ServedModelInfo> found = find(models_, name);
  return found && version.value_or(found->version) == found->version ? found : nullptr;
}

std::vector<serve::RepositoryEntry> FakeInference::index() const {
  std::vector<serve::RepositoryEntry> entries;
  for (const auto& [name, model] : models_) entries.push_back({.name = name, .version = model->version});
  for (const auto& [name, model] : unloaded_) {
    entries.push_back({.name = name,
                       .version = model->version,
                       .state = serve::RepositoryEntry::State::kUnavailable,
                       .reason = "unloaded",
                       .unloaded = true});
  }
  entries.insert(entries.end(), waiting.begin(), waiting.end());
  return entries;
}

std::vector<serve::ModelStatistics> FakeInference::statistics(const std::string& name) const {
  std::vector<serve::ModelStatistics> all;
  for (const auto& [known, model] : models_) {
    if (!name.empty() && name != known) continue;
    all.push_back({.name = known,
                   .version = model->version,
                   .last_inference_ms = 7,
                   .inference_count = 6,
                   .execution_count = 5,
                   .success = {4, 400},
                   .fail = {3, 300},
                   .queue = {2, 200},
                   .compute_input = {1, 100},
                   .compute_infer = {8, 800},
                   .compute_output = {9, 900}});
  }
  return all;
}

InferReply FakeInference::reply(const ServedModelInfo& model, const InferRequest& request) const {
  const int64_t rows = request.input.shape.front();
  const auto count = static_cast<size_t>(rows);
  const auto* files = std::get_if<Texts>(&request.input.data);
  if (files != nullptr && files->front() == "no picture") throw Error("images[0]: no format that is known");
  std::vector<NamedTensor> all;
  if (model.outputs.front().name == "boxes") {
    all = {{"boxes", Datatype::kFp32, {3, 4}, Numbers{0, 1, 20.4F, 30.6F, 5, 6, 7, 8, 9, 10, 11, 12}},
           {"scores", Datatype::kFp32, {3}, Numbers{0.3F, 0.9F, 0.5F}},
           {"classes", Datatype::kInt64, {3}, Whole{2, 1, 0}},
           {"labels", Datatype::kBytes, {3}, Texts{"car", best_label, "cat"}},
           {"counts", Datatype::kInt64, {1}, Whole{3}}};
  } else if (model.outputs.front().name == "masks") {
    all = {{"masks", Datatype::kBytes, {1}, Texts{"\x89PNG" + (files == nullptr ? std::string() : files->front())}}};
  } else {
    Numbers logits;
    if (const auto* values = std::get_if<Numbers>(&request.input.data)) {
      logits = first_three_of_rows(*values, rows);
    } else {
      for (size_t row = 0; row < count; ++row) logits.insert(logits.end(), {first_logit, 2.5F, -0.0F});
    }
    Texts labels;
    Numbers scores;
    Whole classes;
    for (size_t row = 0; row < count; ++row) {
      labels.insert(labels.end(), {"dog", "cat"});
      scores.insert(scores.end(), {0.75F, 0.1F});
      classes.insert(classes.end(), {1, 0});
    }
    all = {{"labels", Datatype::kBytes, {rows, 2}, labels},
           {"scores", Datatype::kFp32, {rows, 2}, scores},
           {"classes", Datatype::kInt64, {rows, 2}, classes},
           {"known", Datatype::kBool, {rows}, std::vector<uint8_t>(count, 1)},
           {"logits", Datatype::kFp32, {rows, kClassCount}, logits}};
  }
  InferReply reply{.model = model.name, .version = model.version, .outputs = {}};
  std::vector<std::string> wanted = request.outputs;
  if (wanted.empty() && request.input.name == "input") wanted = {"logits"};
  for (NamedTensor& tensor : all) {
    const bool is_answer = wanted.empty() && tensor.name != "logits";
    if (is_answer) reply.outputs.push_back(tensor);
  }
  for (const std::string& name : wanted) {
    reply.outputs.push_back(*std::ranges::find(all, name, &NamedTensor::name));
  }
  return reply;
}

void FakeInference::submit(serve::InferCall call, serve::Responder responder) {
  const auto fail = [&](const InferFailure& failure) {
    responder.answer(call.fail ? call.fail(failure) : serve::failure_response(failure));
  };
  const std::shared_ptr<const ServedModelInfo> found = model(call.model, call.version);
  if (!found) return fail({.status = 404, .message = "there is no model \"" + call.model + "\" of that version"});
  if (const auto failure = failures.find(call.model); failure != failures.end()) return fail(failure->second);
  try {
    responder.answer(call.encode(*found, reply(*found, call.decode(*found))));
  } catch (const std::exception& error) {
    fail(serve::failure_of(error));
  }
}

void FakeInference::load(const std::string& name, std::function<void(std::optional<InferFailure>)> done) {
  if (const auto unloaded = unloaded_.find(name); unloaded != unloaded_.end()) {
    models_.insert(unloaded_.extract(unloaded));
    return done(std::nullopt);
  }
  done(find(models_, name) ? std::nullopt
                           : std::optional(InferFailure{.status = 404, .message = "no model \"" + name + "\""}));
}

void FakeInference::unload(const std::string& name, std::function<void(std::optional<InferFailure>)> done) {
  const auto found = models_.find(name);
  if (found == models_.end()) return done(InferFailure{.status = 404, .message = "no model \"" + name + "\""});
  unloaded_.insert(models_.extract(found));
  done(std::nullopt);
}

namespace {

serve::HttpServerOptions any_port(const std::string& token) {
  serve::HttpServerOptions options;
  options.listen.port = 0;
  options.token = token;
  return options;
}

}  // namespace

FakeInferenceServer::FakeInferenceServer(FakeInference& service, const std::string& detector, const std::string& token)
    : server_(any_port(token)) {
  serve::add_infer_routes(server_, service, {.server_version = "1.2.3", .max_body = 100'000, .detector = detector});
  server_.start();
}

}  // namespace zoo::test
