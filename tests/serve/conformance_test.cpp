// The Open Inference Protocol v2 over HTTP as its text has it (kserve/open-inference-protocol, inference_rest.md), with
// Triton's extensions (binary data, classification, statistics, model repository, configuration). Every address, every
// failure.
#include <cmath>
#include <zlib.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/inference/base64.h"
#include "tests/serve/inference_client.h"

namespace zoo::test {
namespace {

using namespace std::string_literals;
using nlohmann::json;
using serve::RepositoryEntry;
using ::testing::HasSubstr;
using ::testing::Not;

std::string bytes(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::string with_length(const std::string& text) {
  const auto size = static_cast<uint32_t>(text.size());
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + text;
}

class Conformance : public InferenceClient {
 protected:
  Answer infer(const std::string& request, const std::string& binary = {}) const {
    const std::string length = "Inference-Header-Content-Length: " + std::to_string(request.size()) + "\r\n";
    return post("/v2/models/pets/infer", request + binary, binary.empty() ? "" : length);
  }
};

constexpr const char* kTensor =
    R"("inputs":[{"name":"input","shape":[1,3,1,2],"datatype":"FP32","data":[1,5,3,4,2,6]}])";
constexpr const char* kPicture = R"("inputs":[{"name":"images","shape":[1],"datatype":"BYTES","data":["eA=="]}])";

TEST_F(Conformance, TellsAboutTheServer) {
  const json about = json_of(get("/v2"));
  EXPECT_EQ(about["name"], "backbone-zoo");
  EXPECT_EQ(about["version"], "1.2.3");
  EXPECT_EQ(about["extensions"],
            json({"binary_tensor_data", "classification", "model_configuration", "model_repository", "statistics"}));
}

TEST_F(Conformance, TellsWhetherItLivesAndIsReady) {
  EXPECT_EQ(json_of(get("/v2/health/live")), json({{"live", true}}));
  EXPECT_EQ(json_of(get("/v2/health/ready")), json({{"live", true}, {"ready", true}}));
  service_.is_ready = false;
  EXPECT_EQ(get("/v2/health/live").status, 200);
  EXPECT_EQ(failure(get("/v2/health/ready")), "503 not all models are ready");
}

TEST_F(Conformance, TellsAboutModels) {
  for (const char* path : {"/v2/models/pets", "/v2/models/pets/versions/2"}) {
    const json model = json_of(get(path));
    EXPECT_EQ(model["name"], "pets");
    EXPECT_EQ(model["versions"], json({"2"}));
    EXPECT_EQ(model["platform"], "backbone_zoo");
    EXPECT_EQ(model["inputs"][0], json({{"name", "images"}, {"datatype", "BYTES"}, {"shape", {-1}}}));
    EXPECT_EQ(model["inputs"][2], json({{"name", "input"}, {"datatype", "FP32"}, {"shape", {-1, 3, 1, 2}}}));
    EXPECT_EQ(model["outputs"][4], json({{"name", "logits"}, {"datatype", "FP32"}, {"shape", {-1, 3}}}));
    EXPECT_EQ(json_of(get(path + "/ready"s)), json({{"name", "pets"}, {"ready", true}}));
    const json config = json_of(get(path + "/config"s));
    EXPECT_EQ(config["max_batch_size"], 0);
    EXPECT_EQ(config["input"][0], json({{"name", "images"}, {"data_type", "TYPE_STRING"}, {"dims", {-1}}}));
    EXPECT_EQ(model["parameters"]["labels"], json({"cat", "dog", "a: b"}));
    EXPECT_EQ(config["parameters"]["labels"]["string_value"], R"(["cat","dog","a: b"])");
    EXPECT_EQ(config["output"][4], json({{"name", "logits"}, {"data_type", "TYPE_FP32"}, {"dims", {-1, 3}}}));
  }
}

TEST_F(Conformance, KnowsNoOtherModels) {
  service_.waiting = {{.name = "slow", .state = RepositoryEntry::State::kLoading},
                      {.name = "bad", .state = RepositoryEntry::State::kUnavailable, .reason = "bad.yaml:3:1: why"}};
  for (const char* end : {"", "/ready", "/config", "/stats"}) {
    EXPECT_EQ(failure(get("/v2/models/pats"s + end)),
              "404 there is no model \"pats\", did you mean pets? (there are cars, pets, roads, slow, bad)");
    EXPECT_EQ(failure(get("/v2/models/pets/versions/1"s + end)), "404 the model \"pets\" has no version 1; 2 runs");
    EXPECT_EQ(failure(get("/v2/models/pets/versions/v2"s + end)), "404 \"v2\" is no version; versions are numbers");
    EXPECT_EQ(failure(get("/v2/models/slow"s + end)), "503 the model \"slow\" is not ready");
    EXPECT_EQ(failure(get("/v2/models/bad"s + end)), "503 the model \"bad\" is not ready: bad.yaml:3:1: why");
  }
  EXPECT_EQ(post("/v2/models/pats/infer", "{}").status, 404);
  EXPECT_EQ(post("/v2/models/pets/versions/1/infer", "{}").status, 404);
  EXPECT_EQ(post("/v2/models/pets/versions/9999999999999999999999/infer", "{}").status, 404);
  EXPECT_EQ(post("/predict/pats", "x").status, 404);
  EXPECT_EQ(failure(get("/v2/models/..%2f..%2fetc%2fpasswd")),
            "404 there is no model \"../../etc/passwd\" (there are cars, pets, roads, slow, bad)");
}

TEST_F(Conformance, AnswersTheProtocolsExample) {
  const Answer answer = infer(R"({"id":"42",)"s + kTensor + R"(,"outputs":[{"name":"logits"}]})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(header(answer, "Inference-Header-Content-Length"), "");
  EXPECT_EQ(json_of(answer), json::parse(R"({"model_name":"pets","model_version":"2","id":"42",
                            "outputs":[{"name":"logits","datatype":"FP32","shape":[1,3],"data":[1,5,3]}]})"));
  const Answer version = post("/v2/models/pets/versions/2/infer", "{"s + kTensor + "}");
  EXPECT_EQ(json_of(version)["outputs"][0]["data"], json({1, 5, 3}));
  EXPECT_FALSE(json_of(version).contains("id"));
}

TEST_F(Conformance, AnswersPicturesByTheirTask) {
  const json pets = json_of(infer("{"s + kPicture + R"(,"parameters":{"camera":"door","n":3}})"));
  EXPECT_EQ(pets["parameters"], json({{"camera", "door"}, {"n", 3}}));
  ASSERT_EQ(pets["outputs"].size(), 4U);
  EXPECT_EQ(pets["outputs"][0]["data"], json({"dog", "cat"}));
  EXPECT_EQ(pets["outputs"][2],
            json({{"name", "classes"}, {"datatype", "INT64"}, {"shape", {1, 2}}, {"data", {1, 0}}}));
  EXPECT_EQ(pets["outputs"][3]["data"], json::array({true}));
  const json roads = json_of(post("/v2/models/roads/infer", "{"s + kPicture + "}"));
  EXPECT_EQ(roads["outputs"][0]["parameters"]["content_type"], "base64");
  EXPECT_EQ(serve::bytes_from_base64(roads["outputs"][0]["data"][0].get<std::string>()), "\x89PNGx");
  EXPECT_EQ(failure(infer(R"({"inputs":[{"name":"images","shape":[1],"datatype":"BYTES","data":[")" +
                          serve::base64_from("no picture") + "\"]}]}")),
            "400 images[0]: no format that is known");
}

TEST_F(Conformance, SpeaksBinary) {
  const std::string request =
      R"({"inputs":[{"name":"input","shape":[2,3,1,2],"datatype":"FP32","parameters":{"binary_data_size":48}}],)"
      R"("parameters":{"binary_data_output":true}})";
  const Answer answer = infer(request, bytes({1, 2, 3, 4, 5, 6, -7, 8, -9, 10, 11, 12}));
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(header(answer, "Content-Type"), "application/octet-stream");
  const size_t json_size = std::stoul(header(answer, "Inference-Header-Content-Length"));
  EXPECT_EQ(answer.body.substr(json_size), bytes({1, 2, 3, -7, 8, -9}));
  EXPECT_EQ(
      json::parse(answer.body.substr(0, json_size))["outputs"][0],
      json({{"name", "logits"}, {"datatype", "FP32"}, {"shape", {2, 3}}, {"parameters", {{"binary_data_size", 24}}}}));
}

TEST_F(Conformance, MixesBinaryAndJson) {
  const Answer answer =
      infer("{"s + kPicture +
            R"(,"parameters":{"binary_data_output":true},"outputs":[{"name":"labels"},{"name":"classes","parameters":)"
            R"({"binary_data":false}},{"name":"known"}]})");
  ASSERT_EQ(answer.status, 200);
  const size_t json_size = std::stoul(header(answer, "Inference-Header-Content-Length"));
  const json body = json::parse(answer.body.substr(0, json_size));
  EXPECT_EQ(body["outputs"][0]["parameters"]["binary_data_size"], 14);
  EXPECT_EQ(body["outputs"][1]["data"], json({1, 0}));
  EXPECT_EQ(answer.body.substr(json_size), with_length("dog") + with_length("cat") + "\x01");
}

TEST_F(Conformance, TakesAPictureWithoutJson) {
  const Answer answer = post("/v2/models/roads/infer", "x", "Inference-Header-Content-Length: 0\r\n");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.substr(std::stoul(header(answer, "Inference-Header-Content-Length"))), with_length("\x89PNGx"));
}

TEST_F(Conformance, Classifies) {
  const std::string wanted = R"(,"outputs":[{"name":"logits","parameters":{"classification":2}}]})";
  const json tensor = json_of(infer("{"s + kTensor + wanted));
  EXPECT_EQ(tensor["outputs"][0],
            json({{"name", "logits"}, {"datatype", "BYTES"}, {"shape", {1, 2}}, {"data", {"5:1:dog", "3:2:a: b"}}}));
  const json picture = json_of(infer("{"s + kPicture + wanted));
  EXPECT_EQ(picture["outputs"][0]["data"], json({"2.5:1:dog", "0.1:0:cat"}));
}

TEST_F(Conformance, ReadsCompressedRequests) {
  const std::string request = "{"s + kTensor + "}";
  std::string packed(compressBound(request.size()), '\0');
  uLongf size = packed.size();
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(request.data()),
           request.size());
  packed.resize(size);
  const std::string path = "/v2/models/pets/infer";
  EXPECT_EQ(json_of(post(path, packed, "Content-Encoding: deflate\r\n"))["outputs"][0]["data"], json({1, 5, 3}));
  EXPECT_EQ(failure(post(path, request, "Content-Encoding: deflate\r\n")),
            "400 the body is not what its Content-Encoding says: it cannot be inflated");
  EXPECT_EQ(failure(post(path, request, "Content-Encoding: br\r\n")),
            "415 Content-Encoding \"br\" is not read; send gzip, deflate or none");
  std::string bomb(compressBound(10'000'000), '\0');
  size = bomb.size();
  const std::string zeros(10'000'000, '\0');
  compress(reinterpret_cast<Bytef*>(bomb.data()), &size, reinterpret_cast<const Bytef*>(zeros.data()), zeros.size());
  bomb.resize(size);
  for (const char* to : {"/v2/models/pets/infer", "/predict/pets"}) {
    EXPECT_EQ(failure(post(to, bomb, "Content-Encoding: deflate\r\n")),
              "413 the inflated body has more than 100000 bytes");
  }
}

TEST_F(Conformance, SaysWhyThereIsNoAnswer) {
  EXPECT_EQ(failure(infer("")), "400 the body is empty; a JSON object with \"inputs\" is expected");
  EXPECT_EQ(failure(infer("{")), "400 the request is not valid JSON (at byte 2)");
  EXPECT_EQ(failure(post("/v2/models/pets/infer", "{}", "Inference-Header-Content-Length: 7\r\n")),
            "400 Inference-Header-Content-Length is 7, but the body has 2 bytes");
  EXPECT_EQ(failure(post("/v2/models/pets/infer", "{}", "Inference-Header-Content-Length: x\r\n")),
            "400 Inference-Header-Content-Length: \"x\" is no number of bytes");
  // Nobody reads so much in a microsecond. 0 is Triton's way to ask for the server's own timeout.
  EXPECT_EQ(failure(infer(std::string(90'000, ' ') + "{" + kTensor + R"(,"parameters":{"timeout":1}})")),
            "504 the request's timeout of 1 us was over before its work began");
  for (const char* timeout : {"0", "9223372036854775", "9223372036854775807"}) {
    EXPECT_EQ(infer("{"s + kTensor + R"(,"parameters":{"timeout":)" + timeout + "}}").status, 200) << timeout;
  }
  EXPECT_EQ(failure(get("/v2/models/pets/infer")), "405 GET is not for this address; send POST");
  EXPECT_EQ(failure(post("/v2", "{}")), "405 POST is not for this address; send GET");
  EXPECT_EQ(failure(get("/v2/nothing")), "404 there is nothing at this address");
  EXPECT_EQ(failure(infer(std::string(100'001, ' '))), "413 the body has 100001 bytes; at most 100000 are taken here");
  service_.first_logit = NAN;
  EXPECT_THAT(failure(infer("{"s + kPicture + R"(,"outputs":[{"name":"logits"}]})")),
              HasSubstr("500 output \"logits\" has values that JSON has not (nan)"));
}

TEST_F(Conformance, HandsOnTheFailuresOfModels) {
  using namespace std::chrono_literals;
  service_.failures = {{"pets", {.status = 503, .message = "64 requests wait", .retry_after = 2s}},
                       {"cars", {.status = 500, .message = "the model failed"}}};
  const Answer busy = infer("{"s + kTensor + "}");
  EXPECT_EQ(failure(busy), "503 64 requests wait");
  EXPECT_EQ(header(busy, "Retry-After"), "2");
  EXPECT_EQ(failure(post("/predict/cars", "x")), "500 the model failed");
}

TEST_F(Conformance, CountsByTritonsNames) {
  const json all = json_of(get("/v2/models/stats"));
  EXPECT_EQ(all["model_stats"].size(), 3U);
  for (const char* path : {"/v2/models/pets/stats", "/v2/models/pets/versions/2/stats"}) {
    EXPECT_EQ(json_of(get(path)), json::parse(R"({"model_stats":[{"name":"pets","version":"2","last_inference":7,
      "inference_count":6,"execution_count":5,"inference_stats":{"success":{"count":4,"ns":400},
      "fail":{"count":3,"ns":300},"queue":{"count":2,"ns":200},"compute_input":{"count":1,"ns":100},
      "compute_infer":{"count":8,"ns":800},"compute_output":{"count":9,"ns":900},"cache_hit":{"count":0,"ns":0},
      "cache_miss":{"count":0,"ns":0}},"batch_stats":[]}]})"));
  }
}

TEST_F(Conformance, ListsLoadsAndUnloads) {
  service_.waiting = {{.name = "bad", .state = RepositoryEntry::State::kUnavailable, .reason = "bad.yaml:3:1: why"}};
  const json bad = {{"name", "bad"}, {"version", "1"}, {"state", "UNAVAILABLE"}, {"reason", "bad.yaml:3:1: why"}};
  const json pets = {{"name", "pets"}, {"version", "2"}, {"state", "READY"}, {"reason", ""}};
  const std::string index = "/v2/repository/index";
  EXPECT_THAT(json_of(post(index, "{}")), ::testing::AllOf(::testing::Contains(bad), ::testing::Contains(pets)));
  EXPECT_THAT(json_of(post(index, R"({"ready":true})")), Not(::testing::Contains(bad)));
  EXPECT_EQ(json_of(post(index, "")).size(), 4U);
  EXPECT_EQ(failure(post(index, R"({"ready":1})")), "400 ready: true or false is expected");
  EXPECT_EQ(failure(post(index, "[]")), "400 the body is no JSON object");
  EXPECT_EQ(failure(post(index, std::string(60'000, '['))), "400 the body is nested too deep");
  EXPECT_EQ(failure(get(index)), "405 GET is not for this address; send POST");

  const std::string model = "/v2/repository/models/pets";
  EXPECT_EQ(post(model + "/unload", R"({"parameters":{"unload_dependents":false}})").status, 200);
  EXPECT_EQ(failure(get("/v2/models/pets/ready")), "404 the model \"pets\" does not run: unloaded");
  EXPECT_EQ(post(model + "/load", "{}").status, 200);
  EXPECT_EQ(get("/v2/models/pets/ready").status, 200);
  EXPECT_EQ(post(model + "/load", "").status, 200);
  EXPECT_EQ(failure(post(model + "/load", R"({"parameters":{"config":"{}"}})")),
            "400 a model is loaded from its own file; \"config\" and files are not taken");
  EXPECT_EQ(failure(post("/v2/repository/models/pats/load", "{}")),
            "404 there is no model \"pats\", did you mean pets? (there are cars, pets, roads, bad)");
  EXPECT_EQ(failure(post("/v2/repository/models/pats/unload", "{}")),
            "404 there is no model \"pats\", did you mean pets? (there are cars, pets, roads, bad)");
}

}  // namespace
}  // namespace zoo::test
