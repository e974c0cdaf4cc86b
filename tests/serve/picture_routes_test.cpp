// Pictures by /predict and by DeepStack's form: every answer, every failure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/inference/base64.h"
#include "tests/serve/inference_client.h"

namespace zoo::test {
namespace {

using namespace std::string_literals;
using nlohmann::json;
using ::testing::HasSubstr;

class PictureRoutes : public InferenceClient {};

TEST_F(PictureRoutes, PredictsPictures) {
  EXPECT_EQ(json_of(post("/predict/pets", "x", "Content-Type: image/jpeg\r\n")),
            json::parse(R"({"model":"pets","version":"2","top":[{"index":1,"label":"dog","score":0.75},
                            {"index":0,"label":"cat","score":0.1}],"known":true})"));
  EXPECT_EQ(json_of(post("/predict/cars", "x")), json::parse(R"({"model":"cars","version":"2","boxes":[
              {"index":1,"label":"dog","score":0.9,"box":[5,6,7,8]},{"index":0,"label":"cat","score":0.5,
               "box":[9,10,11,12]},{"index":2,"label":"car","score":0.3,"box":[0,1,20.4,30.6]}]})"));
}

TEST_F(PictureRoutes, PredictsMasks) {
  const json roads = json_of(post("/predict/roads", "x", "Accept: */*\r\n"));
  EXPECT_EQ(roads["mask"], serve::base64_from("\x89PNGx"));
  EXPECT_EQ(roads["labels"], json({"cat", "dog", "a: b"}));
  for (const char* accept : {"text/html, image/png;q=0.9", "image/*"}) {
    const Answer png = post("/predict/roads", "x", "Accept: "s + accept + "\r\n");
    EXPECT_EQ(header(png, "Content-Type"), "image/png");
    EXPECT_EQ(png.body, "\x89PNGx");
  }
  EXPECT_EQ(header(post("/predict/pets", "x", "Accept: image/png\r\n"), "Content-Type"), "application/json");
}

TEST_F(PictureRoutes, SaysWhyItPredictsNothing) {
  EXPECT_EQ(failure(post("/predict/pets", "")), "400 the body is empty; a picture is expected");
  EXPECT_EQ(failure(post("/predict/pets", "no picture")), "400 images[0]: no format that is known");
  const std::string other = "415 the body is the picture itself, e.g. curl --data-binary @FILE; no form, no JSON";
  EXPECT_EQ(failure(post("/predict/pets", "{}", "Content-Type: application/json\r\n")), other);
  EXPECT_EQ(failure(post("/predict/pets", "x", "Content-Type: multipart/form-data; boundary=b\r\n")), other);
  EXPECT_EQ(failure(post("/predict/pets?topk=1", "x")),
            "400 ?topk: nothing is asked for in this address; how much an answer holds is said when the server is "
            "started: --topk, --score-thresh");
  EXPECT_EQ(post("/predict/pets?token=none%20is%20asked%20for", "x").status, 200);
  EXPECT_EQ(failure(post("/predict/pats", "x")),
            "404 there is no model \"pats\", did you mean pets? (there are cars, pets, roads)");
  EXPECT_EQ(header(get("/predict/pets"), "Allow"), "POST");
  EXPECT_EQ(failure(get("/predict/pets")), "405 GET is not for this address; send POST");
}

/// As Python's requests sends {"image": bytes}, which is what Frigate's plugin does.
std::string form(const std::string& picture, const std::string& more = {}) {
  return "--b\r\nContent-Disposition: form-data; name=\"api_key\"\r\n\r\n\r\n" + more +
         "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"image\"\r\n\r\n" + picture +
         "\r\n--b--\r\n";
}
constexpr const char* kForm = "Content-Type: multipart/form-data; boundary=b\r\n";

std::string field(const std::string& name, const std::string& value) {
  return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}

TEST_F(PictureRoutes, DetectsForDeepStacksClients) {
  const json dog = {{"label", "dog"}, {"confidence", 0.9}, {"x_min", 5}, {"y_min", 6}, {"x_max", 7}, {"y_max", 8}};
  const json cat = {{"label", "cat"}, {"confidence", 0.5}, {"x_min", 9}, {"y_min", 10}, {"x_max", 11}, {"y_max", 12}};
  const json car = {{"label", "car"}, {"confidence", 0.3}, {"x_min", 0}, {"y_min", 1}, {"x_max", 20}, {"y_max", 31}};
  const auto answer = [](const json& predictions) { return json{{"success", true}, {"predictions", predictions}}; };
  const std::string path = "/v1/vision/detection";
  EXPECT_EQ(json_of(post(path, form("x"), kForm)), answer({dog, cat}));
  EXPECT_EQ(json_of(post(path, form("x", field("min_confidence", "0.2")), kForm)), answer({dog, cat, car}));
  EXPECT_EQ(json_of(post(path, form("x", field("min_confidence", "0.95")), kForm)), answer(json::array()));
  EXPECT_EQ(json_of(post(path + "?max=1", form("x"), kForm)), answer(json::array({dog})));
  EXPECT_EQ(json_of(post("/v1/vision/custom/cars", form("x"), kForm)), answer({dog, cat}));
}

TEST_F(PictureRoutes, TellsDeepStacksClientsWhatIsWrong) {
  const auto failed = [](const Answer& answer) {
    const json body = json_of(answer);
    EXPECT_EQ(body.value("success", true), false);
    return std::to_string(answer.status) + " " + body.value("error", "");
  };
  const std::string path = "/v1/vision/detection";
  EXPECT_EQ(failed(post(path, "x")), "415 a form with a picture is expected, e.g. curl -F image=@FILE");
  EXPECT_EQ(failed(post(path, "--b--", kForm)), "400 the form has no part named \"image\", the picture");
  EXPECT_EQ(failed(post(path, "", kForm)), "400 the form has no part: its boundary is not there");
  EXPECT_EQ(failed(post(path, form("no picture"), kForm)), "400 images[0]: no format that is known");
  EXPECT_EQ(failed(post(path, form("x", field("image", "y")), kForm)),
            "400 the form has two parts named \"image\"; one picture at a time");
  EXPECT_EQ(failed(post(path, form("x", field("min_confidence", "50")), kForm)),
            "400 min_confidence: \"50\" is no number from 0 to 1");
  EXPECT_EQ(failed(post(path, form("x", field("min_confidence", "nan")), kForm)),
            "400 min_confidence: \"nan\" is no number from 0 to 1");
  EXPECT_EQ(failed(post(path + "?max=-1", form("x"), kForm)), "400 max: \"-1\" is no number of boxes");
  EXPECT_EQ(failed(post("/v1/vision/custom/pets", form("x"), kForm)), "400 the model \"pets\" does not detect");
  EXPECT_THAT(failed(post("/v1/vision/custom/pats", form("x"), kForm)), HasSubstr("404 "));
}

TEST(DeepStack, AsksTheDetectorThatIsChosen) {
  FakeInference service({fake_detector("cars"), fake_detector("dogs"), fake_classifier("pets")});
  const FakeInferenceServer undecided(service);
  const std::string headers = kHost + std::string(kForm);
  const Answer answer = ask(undecided.port(), "POST", "/v1/vision/detection", form("x"), headers);
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(answer.body, HasSubstr("ask one of /v1/vision/custom/cars, /v1/vision/custom/dogs"));
  const FakeInferenceServer decided(service, "dogs");
  EXPECT_EQ(ask(decided.port(), "POST", "/v1/vision/detection", form("x"), headers).status, 200);
  FakeInference none({fake_classifier("pets")});
  const FakeInferenceServer without(none);
  EXPECT_THAT(ask(without.port(), "POST", "/v1/vision/detection", form("x"), headers).body,
              HasSubstr("no model that is served detects"));
}

TEST(DeepStack, TakesTheTokenFromTheForm) {
  FakeInference service({fake_detector("cars"), fake_classifier("pets")});
  const FakeInferenceServer server(service, "", "s3cret");
  const auto status = [&](const std::string& body, const std::string& more_headers = {},
                          const std::string& path = "/v1/vision/detection") {
    return ask(server.port(), "POST", path, body, kHost + more_headers).status;
  };
  const std::string with_key = form("x", field("api_key", "s3cret"));
  EXPECT_EQ(status(with_key, kForm), 200);
  EXPECT_EQ(status(with_key, kForm, "/v1/vision/custom/cars"), 200);
  EXPECT_EQ(status(form("x"), kForm + "Authorization: Bearer s3cret\r\n"s), 200);
  EXPECT_EQ(status(form("x"), kForm, "/v1/vision/detection?token=s3cret"), 200);
  EXPECT_EQ(status(form("x"), kForm), 401);  // which has an empty one
  EXPECT_EQ(status(form("x", field("api_key", "s3cre")), kForm), 401);
  EXPECT_EQ(status("x"), 401);
  EXPECT_EQ(status(with_key, kForm + "Content-Encoding: gzip\r\n"s), 401);
  // Neither is it told which models there are, nor is the field good for anything else.
  EXPECT_EQ(status(form("x"), kForm, "/v1/vision/custom/pats"), 401);
  EXPECT_EQ(status(with_key, kForm, "/predict/cars"), 401);
  const Answer refusal = ask(server.port(), "POST", "/v1/vision/detection", form("x"), kHost + std::string(kForm));
  EXPECT_EQ(json_of(refusal).value("success", true), false);
}

TEST(DeepStack, LeavesOutWhatHasNoName) {
  FakeInference service({fake_detector("cars")});
  service.best_label = "N/A";
  const FakeInferenceServer server(service);
  const Answer answer = ask(server.port(), "POST", "/v1/vision/detection?max=1", form("x"), kHost + std::string(kForm));
  ASSERT_EQ(json_of(answer)["predictions"].size(), 1U);
  EXPECT_EQ(json_of(answer)["predictions"][0]["label"], "cat");
}

}  // namespace
}  // namespace zoo::test
