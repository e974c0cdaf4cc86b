// Models that answer what a test can work out by hand.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "serve/http/http_server.h"
#include "serve/inference/infer_routes.h"
#include "serve/inference/inference_service.h"

namespace zoo::test {

/// Inputs "images", "pixels" and "input" FP32 [-1, 3, 1, 2]; classes "cat", "dog", "a: b". Its "logits" of a tensor are
/// the first three numbers of each row, of a picture 0.1, 2.5, -0.0; it is sure of dogs, and knows every picture.
serve::ServedModelInfo fake_classifier(const std::string& name);
/// Finds in every picture a car of 0.3, a dog of 0.9 and a cat of 0.5, in this order.
serve::ServedModelInfo fake_detector(const std::string& name);
/// Its mask of every picture are the bytes "\x89PNG" and the picture.
serve::ServedModelInfo fake_segmenter(const std::string& name);

/// Answers in the caller's thread.
class FakeInference : public serve::InferenceService {
 public:
  explicit FakeInference(std::vector<serve::ServedModelInfo> models);

  bool ready() const override;
  std::shared_ptr<const serve::ServedModelInfo> model(const std::string& name,
                                                      std::optional<int64_t> version) const override;
  std::vector<serve::RepositoryEntry> index() const override;
  std::vector<serve::ModelStatistics> statistics(const std::string& name) const override;
  void submit(serve::InferCall call, serve::Responder responder) override;
  void load(const std::string& name, std::function<void(std::optional<serve::InferFailure>)> done) override;
  void unload(const std::string& name, std::function<void(std::optional<serve::InferFailure>)> done) override;

  std::vector<serve::RepositoryEntry> waiting;          ///< further entries of the index, that do not run
  std::map<std::string, serve::InferFailure> failures;  ///< what a model answers instead
  bool is_ready = true;
  float first_logit = 0.1F;        ///< of a picture
  std::string best_label = "dog";  ///< of the detector's best box

 private:
  serve::InferReply reply(const serve::ServedModelInfo& model, const serve::InferRequest& request) const;

  std::map<std::string, std::shared_ptr<const serve::ServedModelInfo>> models_;
  std::map<std::string, std::shared_ptr<const serve::ServedModelInfo>> unloaded_;
};

/// Serves it on any free port of the loopback.
class FakeInferenceServer {
 public:
  explicit FakeInferenceServer(FakeInference& service, const std::string& detector = {}, const std::string& token = {});

  int port() const { return server_.address().port; }

 private:
  serve::HttpServer server_;
};

}  // namespace zoo::test
