// What models compute as the protocol's tensors.
#include "serve/inference/oip_response.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/inference/answer_tensors.h"
#include "serve/inference/classification.h"
#include "serve/inference/inference_service.h"
#include "tests/serve/fake_inference.h"

namespace zoo::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(OipResponse, WritesFloatsThatReadBackBitForBit) {
  const std::vector<float> values = {0.1F,   1.0F / 3, -0.0F, 16'777'216.0F, std::numeric_limits<float>::max(),
                                     1e-45F, 0,        1e10F, -2.5F,         std::numeric_limits<float>::min()};
  InferReply reply{.model = "m", .outputs = {{"logits", Datatype::kFp32, {1, 10}, values}}};
  const HttpResponse response = write_oip_response({}, test::fake_classifier("m"), reply);
  const nlohmann::json json = nlohmann::json::parse(response.body);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto back = static_cast<float>(json["outputs"][0]["data"][i].get<double>());
    EXPECT_EQ(back, values[i]);
    EXPECT_EQ(std::signbit(back), std::signbit(values[i]));
  }
}

TEST(OipResponse, RefusesWhatJsonHasNot) {
  const InferReply reply{.model = "m", .outputs = {{"logits", Datatype::kFp32, {1, 1}, std::vector<float>{INFINITY}}}};
  try {
    write_oip_response({}, test::fake_classifier("m"), reply);
    FAIL();
  } catch (const InferError& error) {
    EXPECT_EQ(error.failure().status, 500);
    EXPECT_THAT(error.what(), HasSubstr("\"logits\" has values that JSON has not (inf)"));
  }
  OipRequest binary;
  binary.binary_outputs = true;
  EXPECT_EQ(write_oip_response(binary, test::fake_classifier("m"), reply)
                .body.substr(write_oip_response(binary, test::fake_classifier("m"), reply).body.size() - 4),
            std::string("\0\0\x80\x7f", 4));
}

TEST(Classification, NamesTheBest) {
  const NamedTensor scores{"y", Datatype::kFp32, {2, 4}, std::vector<float>{1, 5, 10, 5, NAN, -1, 0.1F, -1}};
  const NamedTensor best = classification_of(scores, 3, {});
  EXPECT_THAT(best.shape, ElementsAre(2, 3));
  EXPECT_EQ(best.datatype, Datatype::kBytes);
  EXPECT_THAT(std::get<std::vector<std::string>>(best.data),
              ElementsAre("10:2", "5:1", "5:3", "0.1:2", "-1:1", "-1:3"));
  const NamedTensor all = classification_of(scores, 9, {"a", "b", "c:c", "d"});
  EXPECT_THAT(all.shape, ElementsAre(2, 4));
  EXPECT_EQ(std::get<std::vector<std::string>>(all.data)[0], "10:2:c:c");
  EXPECT_EQ(std::get<std::vector<std::string>>(all.data)[7], "nan:0:a");
}

using Outputs = std::vector<std::pair<std::string, Tensor>>;

/// As of a detector that has found so many objects.
Outputs raw_detections(int64_t found, float logit) {
  return {{"cls_logits", {{1, 1, 2}, {logit, logit + 1}}},
          {"anchors", {{1, 4}, {1, 2, 3, 4}}},
          {"det.0.scores", {{found}, std::vector<float>(static_cast<size_t>(found), 0.5F)}}};
}

TEST(NetworkTensors, JoinsWhatIsWantedOfPicturesWithUnequalNumbersOfObjects) {
  const std::vector<std::string> wanted = {"anchors", "cls_logits", "labels"};
  const std::vector<NamedTensor> tensors = network_tensors({raw_detections(2, 5), raw_detections(1, 7)}, wanted);
  ASSERT_EQ(tensors.size(), 2U);
  EXPECT_EQ(tensors[0].name, "cls_logits");
  EXPECT_THAT(tensors[0].shape, ElementsAre(2, 1, 2));
  EXPECT_THAT(std::get<std::vector<float>>(tensors[0].data), ElementsAre(5, 6, 7, 8));
  EXPECT_THAT(tensors[1].shape, ElementsAre(1, 4));
}

TEST(NetworkTensors, RefusesShapesThatDiffer) {
  const std::vector<std::string> wanted = {"map"};
  const Outputs small = {{"map", {{1, 1}, {1}}}};
  const Outputs large = {{"map", {{1, 2}, {1, 2}}}};
  EXPECT_THROW(network_tensors({small, large}, wanted), Error);
  EXPECT_THROW(network_tensors({small, {}}, wanted), Error);
}

}  // namespace
}  // namespace zoo::serve
