// What stands in the bodies of requests: good ones, wrong ones with their messages, hostile ones.
#include "serve/inference/oip_request.h"

#include <cmath>
#include <limits>
#include <zlib.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "serve/inference/base64.h"
#include "serve/inference/classification.h"
#include "serve/inference/content_coding.h"
#include "serve/inference/inference_service.h"
#include "serve/inference/multipart.h"
#include "serve/inference/oip_response.h"
#include "serve/inference/oip_tensor.h"
#include "tests/serve/fake_inference.h"

namespace zoo::serve {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

OipRequest read(const std::string& json, const std::string& binary = {}) {
  static const ServedModelInfo kModel = test::fake_classifier("pets");
  const std::optional<size_t> json_bytes = binary.empty() ? std::nullopt : std::optional(json.size());
  return read_oip_request(json + binary, json_bytes, kModel);
}

std::string problem(const std::string& json, const std::string& binary = {}) {
  try {
    read(json, binary);
  } catch (const Error& error) {
    return error.what();
  }
  return "no problem";
}

std::string of_input(const std::string& input) { return R"({"inputs":[)" + input + "]}"; }

/// An input "input" with this shape and data.
std::string tensor(const std::string& shape, const std::string& data) {
  return of_input(R"({"name":"input","datatype":"FP32","shape":)" + shape + R"(,"data":)" + data + "}");
}

template <typename Element>
std::string bytes(std::vector<Element> elements) {
  return {reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(Element)};
}

std::string with_length(const std::string& text) {
  return bytes<uint32_t>({static_cast<uint32_t>(text.size())}) + text;
}

const std::vector<float>& numbers(const OipRequest& request) {
  return std::get<std::vector<float>>(request.infer.input.data);
}

TEST(OipRequest, ReadsNumbersFlatAndNested) {
  for (const char* data : {"[1,-2,3.5,4e0,5,6]", "[[[[1,-2]],[[3.5,4]],[[5,6]]]]"}) {
    const OipRequest request = read(tensor("[1,3,1,2]", data));
    EXPECT_THAT(numbers(request), ElementsAre(1, -2, 3.5F, 4, 5, 6)) << data;
    EXPECT_THAT(request.infer.input.shape, ElementsAre(1, 3, 1, 2));
    EXPECT_FALSE(request.id);
    EXPECT_THAT(request.infer.outputs, ElementsAre());
  }
}

TEST(OipRequest, ReadsKeysInAnyOrder) {
  const OipRequest request = read(
      R"({"outputs":[{"parameters":{"classification":2,"binary_data":false},"name":"logits"}],
          "inputs":[{"data":[0,128,255],"shape":[1,1,1,3],"parameters":{"content_type":"np"},"datatype":"UINT8",
          "name":"pixels"}],"parameters":{"binary_data_output":true,"timeout":5000,"camera":"door","gate":-3,"f":0.5,
          "deep":true,"none":null,"priority":1},"id":"42","model_name":"ignored"})");
  EXPECT_THAT(std::get<std::vector<uint8_t>>(request.infer.input.data), ElementsAre(0, 128, 255));
  EXPECT_EQ(request.id, "42");
  EXPECT_TRUE(request.binary_outputs);
  EXPECT_EQ(request.timeout, std::chrono::milliseconds(5));
  ASSERT_EQ(request.outputs.size(), 1U);
  EXPECT_EQ(request.outputs[0].classes, 2);
  EXPECT_EQ(request.outputs[0].binary, false);
  EXPECT_THAT(request.infer.outputs, ElementsAre("logits"));
  const OipParameters expected = {{"camera", "door"s}, {"gate", int64_t{-3}}, {"f", 0.5}, {"deep", true}};
  EXPECT_EQ(request.parameters, expected);
}

TEST(OipRequest, RoundsToTheNearestFp32) {
  // Halfway between two FP32, and a little more: as a double it would be halfway, and go to the even one.
  const OipRequest request =
      read(tensor("[1,3,1,2]", "[1.00000005960464477539062500001,16777217,0.1,1e-50,-0.0,3e38]"));
  EXPECT_THAT(numbers(request), ElementsAre(std::nextafter(1.0F, 2.0F), 16'777'216.0F, 0.1F, 0.0F, -0.0F, 3e38F));
  EXPECT_TRUE(std::signbit(numbers(request)[4]));
}

TEST(OipRequest, ReadsBinaryData) {
  const std::string json =
      of_input(R"({"name":"input","datatype":"FP32","shape":[1,3,1,2],"parameters":{"binary_data_size":24}})");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(numbers(read(json, bytes<float>({1, 2, 3, 4, 5, -6}))), ElementsAre(1, 2, 3, 4, 5, -6));
  EXPECT_TRUE(std::isnan(numbers(read(json, bytes<float>({nan, 2, 3, 4, 5, 6})))[0]));
}

TEST(OipRequest, ReadsFiles) {
  const std::string binary = with_length("\xff\0 one"s) + with_length("two");
  const OipRequest request =
      read(of_input(R"({"name":"images","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":)" +
                    std::to_string(binary.size()) + "}}"),
           binary);
  EXPECT_THAT(std::get<std::vector<std::string>>(request.infer.input.data), ElementsAre("\xff\0 one"s, "two"));
  const OipRequest json = read(
      of_input(R"({"name":"images","datatype":"BYTES","shape":[2],"data":["/wAg","data:image/png;base64,dHdv"]})"));
  EXPECT_THAT(std::get<std::vector<std::string>>(json.infer.input.data), ElementsAre("\xff\0 "s, "two"));
}

TEST(OipRequest, TakesABodyWithoutJsonForAPicture) {
  const OipRequest request = read_oip_request("\xff\xd8 a JPEG", 0, test::fake_classifier("pets"));
  EXPECT_EQ(request.infer.input.name, "images");
  EXPECT_THAT(request.infer.input.shape, ElementsAre(1));
  EXPECT_THAT(std::get<std::vector<std::string>>(request.infer.input.data), ElementsAre("\xff\xd8 a JPEG"));
  EXPECT_TRUE(request.binary_outputs);
}

struct WrongJson {
  const char* name;
  std::string json;
  const char* message;
};

class OipWrongJson : public ::testing::TestWithParam<WrongJson> {};

TEST_P(OipWrongJson, SaysWhatIsWrong) { EXPECT_EQ(problem(GetParam().json), GetParam().message); }

const WrongJson kWrong[] = {
    {"Empty", "", "the body is empty; a JSON object with \"inputs\" is expected"},
    {"NoObject", "[]", "the request: an object is expected"},
    {"Number", "7", "the request: an object is expected"},
    {"CutOff", R"({"inputs":[{"name")", "the request is not valid JSON (at byte 19)"},
    {"Nul", "{\"inputs\":[]}\0x"s, "the request is not valid JSON (at byte 14)"},
    {"TwoDocuments", "{} {}", "the request is not valid JSON (at byte 4)"},
    {"NotUtf8", "{\"id\":\"\xff\"}", "the request is not valid JSON (at byte 8)"},
    {"NoInputs", "{}", "one of the inputs images, pixels, input makes a request, found 0"},
    {"InputsNull", R"({"inputs":null})", "inputs: a list is expected"},
    {"UnknownKey", R"({"input":[]})", "input: is unknown, did you mean inputs?"},
    {"FarKey", R"({"zzzzzzzz":1})",
     "zzzzzzzz: is unknown; there are id, parameters, inputs, outputs, model_name, model_version"},
    {"TwiceKey", R"({"id":"1","id":"2"})", "id: is there twice"},
    {"IdNumber", R"({"id":5})", "id: a text is expected"},
    {"InputIsText", R"({"inputs":["x"]})", "inputs[0]: an object is expected"},
    {"InputsObject", R"({"inputs":{}})", "inputs: a list is expected"},
    {"ParameterObject", R"({"parameters":{"a":{}}})", "parameters.a: a text, a number, true or false is expected"},
    {"ParametersList", R"({"parameters":[]})", "parameters: an object is expected"},
    {"Misspelt", R"({"parameters":{"binary_data_outputs":true}})",
     "parameters.binary_data_outputs: is unknown, did you mean binary_data_output?"},
    {"BinaryText", R"({"parameters":{"binary_data_output":"yes"}})",
     "parameters.binary_data_output: true or false is expected"},
    {"Timeout", R"({"parameters":{"timeout":-1}})", "parameters.timeout: -1 is negative"},
    {"UnknownInput", of_input(R"({"name":"image","datatype":"BYTES","shape":[1],"data":["eA=="]})"),
     "input \"image\" is unknown, did you mean images? (there are images, pixels, input)"},
    {"NoName", of_input(R"({"datatype":"BYTES","shape":[1],"data":["eA=="]})"),
     "an input has no name; there are images, pixels, input"},
    {"TwoInputs", of_input(R"({"name":"input"},{"name":"input"})"),
     "input \"input\" is there twice; one of the inputs images, pixels, input makes a request, found 2"},
    {"Everything", R"({"inputs":[{"name":"input","shape":[1],"datatype":"FP32"}],"outputs":[{"name":"logit"},{}]})",
     "input \"input\": shape [1] does not fit [-1, 3, 1, 2]; output \"logit\" is unknown, did you mean logits? (there "
     "are "
     "labels, scores, classes, known, logits); an output has no name; there are labels, scores, classes, known, "
     "logits"},
    {"OutputTwice", R"({"inputs":[],"outputs":[{"name":"logits"},{"name":"logits"}]})",
     "one of the inputs images, pixels, input makes a request, found 0; output \"logits\" is there twice"},
    {"ClassesOfTexts", R"({"inputs":[],"outputs":[{"name":"labels","parameters":{"classification":1}}]})",
     "one of the inputs images, pixels, input makes a request, found 0; output \"labels\": classification is of a "
     "network's output with one score per class, not of BYTES [-1, -1]"},
    {"NoClasses", R"({"outputs":[{"name":"logits","parameters":{"classification":0}}]})",
     "outputs[0].parameters.classification: 0 is no number of classes"},
    {"SharedMemory", R"({"outputs":[{"name":"logits","parameters":{"shared_memory_region":"x"}}]})",
     "outputs[0].parameters.shared_memory_region: memory is not shared with clients here; send the data, e.g. as "
     "binary_data"},
    {"NoDatatype", of_input(R"({"name":"input","shape":[1,3,1,2],"data":[]})"),
     "input \"input\": \"datatype\" is missing; it is FP32"},
    {"OtherDatatype", of_input(R"({"name":"input","datatype":"FP16","shape":[1,3,1,2],"data":[]})"),
     "input \"input\": datatype FP16 is not taken here; it is FP32"},
    {"UnknownDatatype", of_input(R"({"name":"input","datatype":"FP23","shape":[1,3,1,2],"data":[]})"),
     "input \"input\": datatype \"FP23\" is unknown, did you mean FP32?; it is FP32"},
    {"NoShape", of_input(R"({"name":"input","datatype":"FP32","data":[]})"),
     "input \"input\": \"shape\" is missing; it is [-1, 3, 1, 2]"},
    {"OtherShape", tensor("[1,3,2,1]", "[1,2,3,4,5,6]"),
     "input \"input\": shape [1, 3, 2, 1] does not fit [-1, 3, 1, 2]"},
    {"ZeroSize", tensor("[0,3,1,2]", "[]"), "input \"input\": shape [0, 3, 1, 2] has no elements"},
    {"NegativeSize", tensor("[-1,3,1,2]", "[]"), "inputs[0].shape[0]: -1 is negative"},
    {"HugeSize", tensor("[9223372036854775808,3,1,2]", "[]"),
     "inputs[0].shape[0]: 9223372036854775808 is more than 9223372036854775807"},
    {"Overflow", tensor("[9223372036854775807,3,1,2]", "[]"),
     "input \"input\": shape [9223372036854775807, 3, 1, 2] has more elements than can be counted"},
    {"HugeShape", tensor("[1000000000000,3,1,2]", "[1]"),
     "input \"input\": shape [1000000000000, 3, 1, 2] has 6000000000000 elements, \"data\" has 1"},
    {"FractionSize", tensor("[1.5,3,1,2]", "[]"), "inputs[0].shape[0]: a whole number is expected"},
    {"Rank", tensor("[1,1,1,1,1,1,1,1,1]", "[1]"), "inputs[0].shape[8]: a shape has at most 8 dimensions"},
    {"NoData", of_input(R"({"name":"input","datatype":"FP32","shape":[1,3,1,2]})"),
     "input \"input\": has no data: neither \"data\" nor \"binary_data_size\""},
    {"TooFew", tensor("[1,3,1,2]", "[1,2,3]"), "input \"input\": shape [1, 3, 1, 2] has 6 elements, \"data\" has 3"},
    {"TooMany", tensor("[1,3,1,2]", "[1,2,3,4,5,6,7]"), "inputs[0].data[6]: the shape has no more than 6 elements"},
    {"LateShape", of_input(R"({"name":"input","datatype":"FP32","data":[1,2,3,4,5,6,7],"shape":[1,3,1,2]})"),
     "input \"input\": shape [1, 3, 1, 2] has 6 elements, \"data\" has 7"},
    {"Uneven", tensor("[1,3,1,2]", "[[1,2],[3]]"),
     "inputs[0].data[3]: lists are uneven: one has 2 elements, another 1"},
    {"Mixed", tensor("[1,3,1,2]", "[1,[2]]"), "inputs[0].data[1]: elements and lists stand side by side"},
    {"MixedBack", tensor("[1,3,1,2]", "[[1],2]"), "inputs[0].data[1]: elements and lists stand side by side"},
    {"MixedEmpty", tensor("[1,3,1,2]", "[[],2]"), "inputs[0].data[0]: elements and lists stand side by side"},
    {"Transposed", tensor("[1,3,1,2]", "[[1,2,3],[4,5,6]]"),
     "input \"input\": \"data\" is nested as [2, 3], which is neither flat nor the shape [1, 3, 1, 2]"},
    {"Deep", tensor("[1,3,1,2]", std::string(100'000, '[')), "inputs[0].data[0]: lists are nested deeper than 8"},
    {"NotANumber", tensor("[1,3,1,2]", "[NaN]"),
     "the request is not valid JSON (at byte 72); NaN and Infinity are no JSON: send such values as binary data"},
    {"Infinity", tensor("[1,3,1,2]", "[1,-Infinity]"),
     "the request is not valid JSON (at byte 75); NaN and Infinity are no JSON: send such values as binary data"},
    {"TooLarge", tensor("[1,3,1,2]", "[1,1e39]"), "inputs[0].data[1]: 1e+39 is more than an FP32 holds"},
    {"FarTooLarge", tensor("[1,3,1,2]", "[1,1e999]"), "inputs[0].data[1]: a number is more than an FP32 holds"},
    {"NullElement", tensor("[1,3,1,2]", "[null]"), "inputs[0].data[0]: null is no element"},
    {"ObjectElement", tensor("[1,3,1,2]", "[{}]"), "inputs[0].data[0]: a list of numbers, or of texts is expected"},
    {"DataNumber", tensor("[1,3,1,2]", "5"), "inputs[0].data: a list is expected"},
    {"Bools", tensor("[1,3,1,2]", "[true,true,true,true,true,true]"), "input \"input\": true and false are no FP32"},
    {"Texts", tensor("[1,3,1,2]", R"(["1","2","3","4","5","6"])"), "input \"input\": a text is no FP32"},
    {"Pixel", of_input(R"({"name":"pixels","datatype":"UINT8","shape":[1,1,1,3],"data":[1,256,3]})"),
     "inputs[0].data[1]: 256 is no UINT8, a whole number from 0 to 255"},
    {"LatePixel", of_input(R"({"name":"pixels","data":[1,2.5,3],"datatype":"UINT8","shape":[1,1,1,3]})"),
     "input \"pixels\": data[1]: 2.5 is no UINT8, a whole number from 0 to 255"},
    {"NumberAsFile", of_input(R"({"name":"images","datatype":"BYTES","shape":[1],"data":[1]})"),
     "input \"images\": a number is no BYTES, which are texts in JSON"},
    {"NoBase64", of_input(R"({"name":"images","datatype":"BYTES","shape":[1],"data":["cat.jpg"]})"),
     "input \"images\": data[0] is not base64, which files are in JSON; else send them as binary data"},
    {"NoHeader", of_input(R"({"name":"images","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":0}})"),
     "binary_data_size needs the header Inference-Header-Content-Length, the length of the JSON"},
    {"BinaryNegative", of_input(R"({"name":"images","parameters":{"binary_data_size":-5}})"),
     "inputs[0].parameters.binary_data_size: -5 is negative"},
};

INSTANTIATE_TEST_SUITE_P(All, OipWrongJson, ::testing::ValuesIn(kWrong),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(OipRequest, SaysWhatIsWrongWithBinaryData) {
  const auto images = [](const std::string& shape, size_t size) {
    return of_input(R"({"name":"images","datatype":"BYTES","shape":)" + shape +
                    R"(,"parameters":{"binary_data_size":)" + std::to_string(size) + "}}");
  };
  EXPECT_EQ(problem(images("[1]", 5), "abcd"),
            "input \"images\": binary_data_size is 5, but 4 of 4 bytes behind the JSON are left");
  EXPECT_EQ(problem(images("[1]", 5), "abcdef"), "1 byte behind the JSON belong to no input's binary_data_size");
  EXPECT_EQ(problem(images("[1]", 8), "\xff\xff\xff\xff...."s),
            "input \"images\": element 0 has 4294967295 bytes by its length, 4 are left");
  EXPECT_EQ(problem(images("[1]", 6), with_length("") + "xy"),
            "input \"images\": 2 bytes are left over after element 1");
  EXPECT_EQ(problem(images("[1]", 8), with_length("") + with_length("")),
            "input \"images\": more elements than the shape's 1");
  EXPECT_EQ(problem(images("[2]", 8), with_length("four")),
            "input \"images\": 1 element in its binary data, the shape has 2");
  EXPECT_EQ(
      problem(images("[9223372036854775807]", 4), with_length("")),
      "input \"images\": shape [9223372036854775807] has 9223372036854775807 elements, each behind 4 bytes of its "
      "length; \"binary_data_size\" is 4");
  const auto input = [](size_t size, const char* more = "") {
    return of_input(R"({"name":"input","datatype":"FP32","shape":[1,3,1,2],"parameters":{"binary_data_size":)" +
                    std::to_string(size) + "}" + more + "}");
  };
  EXPECT_EQ(problem(input(23), std::string(23, 'x')),
            "input \"input\": shape [1, 3, 1, 2] has 6 elements of 4 bytes, \"binary_data_size\" is 23");
  EXPECT_EQ(problem(input(4, R"(,"data":[1,2,3,4,5,6])"), "abcd"),
            "input \"input\": has both \"data\" and \"binary_data_size\"; send one of them");
  const ServedModelInfo model = test::fake_classifier("pets");
  EXPECT_THROW(read_oip_request("{}", 3, model), Error);
  EXPECT_THROW(read_oip_request("", 0, model), Error);
  EXPECT_THROW(json_bytes_of("-1"), Error);
  EXPECT_THROW(json_bytes_of("99999999999999999999999"), Error);
}

TEST(OipRequest, SurvivesEveryBeginningAndFlippedBytes) {
  const std::string good =
      R"({"id":"1","inputs":[{"name":"input","shape":[1,3,1,2],"datatype":"FP32","data":[[[[1,2]],)"
      R"([[3,4]],[[5,6e1]]]],"parameters":{"a":1}}],"outputs":[{"name":"logits"}]})";
  EXPECT_EQ(problem(good), "no problem");
  for (size_t size = 0; size < good.size(); ++size) EXPECT_NE(problem(good.substr(0, size)), "no problem") << size;
  for (size_t i = 0; i < good.size(); ++i) {
    for (const char c : "\0\"[]{},:-9eN\xff"s) {
      std::string flipped = good;
      flipped[i] = c;
      problem(flipped);  // whatever it says
    }
  }
}

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
            bytes<float>({INFINITY}));
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

TEST(Base64, ReadsWhatItWrites) {
  const std::pair<std::string, std::string> kPairs[] = {// RFC 4648, 10
                                                        {"", ""},
                                                        {"f", "Zg=="},
                                                        {"fo", "Zm8="},
                                                        {"foo", "Zm9v"},
                                                        {"foob", "Zm9vYg=="},
                                                        {"fooba", "Zm9vYmE="},
                                                        {"\0\xff\xfe"s, "AP/+"}};
  for (const auto& [plain, text] : kPairs) {
    EXPECT_EQ(base64_from(plain), text);
    EXPECT_EQ(bytes_from_base64(text), plain);
  }
  EXPECT_EQ(bytes_from_base64("Zm8"), "fo");
  EXPECT_EQ(bytes_from_base64("Zm\r\n8="), "fo");
  for (const char* wrong : {"Z", "Zg=", "Zg===", "Zm9v=", "Z=g=", "Zm8=Zm8=", "a.jpg", "Zm_v", "data:,Zm9v", "===="}) {
    EXPECT_FALSE(bytes_from_base64(wrong)) << wrong;
  }
}

std::string compressed(const std::string& text) {
  std::string result(compressBound(text.size()), '\0');
  uLongf size = result.size();
  compress(reinterpret_cast<Bytef*>(result.data()), &size, reinterpret_cast<const Bytef*>(text.data()), text.size());
  result.resize(size);
  return result;
}

int inflate_status(const std::string& text, size_t max_bytes) {
  try {
    inflated(text, max_bytes);
    return 200;
  } catch (const InferError& error) {
    return error.failure().status;
  }
}

TEST(ContentCoding, InflatesWithinABound) {
  const std::string text(200'000, 'x');
  const std::string small = compressed(text);
  EXPECT_EQ(inflated(small, 200'000), text);
  EXPECT_EQ(inflated(compressed(""), 0), "");
  EXPECT_EQ(inflate_status(small, 199'999), 413);
  EXPECT_EQ(inflate_status(compressed(std::string(50'000'000, '\0')), 1'000), 413);
  EXPECT_EQ(inflate_status(small.substr(0, small.size() - 1), 300'000), 400);
  EXPECT_EQ(inflate_status(small + "x", 300'000), 400);
  EXPECT_EQ(inflate_status("", 10), 400);
  EXPECT_EQ(inflate_status("plain", 10), 400);
  EXPECT_EQ(content_coding_of("gzip"), ContentCoding::kDeflated);
  EXPECT_EQ(content_coding_of(""), ContentCoding::kIdentity);
  EXPECT_THROW(content_coding_of("br"), InferError);
}

TEST(Multipart, FindsParts) {
  const std::string body =
      "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"api_key\"\r\n\r\n\r\n--b  \r\n"
      "content-type: image/jpeg\r\nCONTENT-DISPOSITION: form-data; filename=\"a;b\\\"=.jpg\"; name=image\r\n\r\n"
      "\xff\xd8\r\n--a\r\n\r\n--b--\r\nepilogue";
  const std::vector<FormPart> parts = form_parts(body, "b");
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].name, "api_key");
  EXPECT_EQ(parts[0].body, "");
  EXPECT_EQ(parts[1].name, "image");
  EXPECT_EQ(parts[1].body, "\xff\xd8\r\n--a\r\n");
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=\"a b\""), "a b");
  EXPECT_EQ(form_boundary("Multipart/Form-Data;charset=utf-8;boundary=xyz"), "xyz");
  for (const char* other : {"", "text/plain", "multipart/form-data", "multipart/mixed; boundary=a",
                            "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a"}) {
    EXPECT_FALSE(form_boundary(other)) << other;
  }
}

TEST(Multipart, SaysWhatIsWrong) {
  const std::string part = "\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b";
  const std::pair<std::string, const char*> kWrongForms[] = {
      {"", "the form has no part: its boundary is not there"},
      {"--c\r\n", "the form has no part: its boundary is not there"},
      {"--b", "the form ends too early"},
      {"--bb\r\n", "the form's boundary is followed by other text"},
      {"--b\r\n", "the form ends too early"},
      {"--b\r\n\r\nx\r\n--b--", "the form has a part without a name"},
      {"--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--b--", "the form has a part without a name"},
      {"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx", "the form ends too early"},
      {"--b" + part, "the form ends too early"},
  };
  for (const auto& [body, message] : kWrongForms) {
    try {
      form_parts(body, "b");
      ADD_FAILURE() << body;
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), message) << body;
    }
  }
  std::string many = "--b";
  for (int i = 0; i < 65; ++i) many += part;
  EXPECT_THROW(form_parts(many + "--", "b"), Error);
}

}  // namespace
}  // namespace zoo::serve
