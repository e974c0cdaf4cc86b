// What stands in the bodies of requests: good ones, wrong ones with their messages, hostile ones.
#include "serve/inference/oip_request.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "serve/inference/inference_service.h"
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

TEST(OipRequest, SaysWhereAPictureGoes) {
  for (const std::string& picture : {"\xff\xd8\xff\xe0 a JPEG"s, "\x89PNG\r\n\x1a\n"s, "II*\0"s}) {
    EXPECT_EQ(problem(picture),
              "the body is a picture, not JSON: with the header \"Inference-Header-Content-Length: 0\" it is taken as "
              "one, and by /predict/pets as it is");
  }
}

TEST(OipRequest, ClassifiesNoBoxes) {
  ServedModelInfo model = test::fake_detector("cars");
  model.outputs.push_back({"anchors", Datatype::kFp32, {-1, 4}});
  const std::string json = R"({"inputs":[{"name":"images","datatype":"BYTES","shape":[1],"data":["eA=="]}],)"
                           R"("outputs":[{"name":"anchors","parameters":{"classification":1}}]})";
  EXPECT_THROW(read_oip_request(json, std::nullopt, model), Error);
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
            "input \"images\": element 0 has 4294967295 bytes by its length, 4 are left; "
            "each element stands behind 4 bytes of its length, little-endian (a picture alone, as it is, is sent with "
            "\"Inference-Header-Content-Length: 0\")");
  EXPECT_EQ(problem(images("[1]", 6), with_length("") + "xy"),
            "input \"images\": 2 bytes are left over after element 1; "
            "each element stands behind 4 bytes of its length, little-endian (a picture alone, as it is, is sent with "
            "\"Inference-Header-Content-Length: 0\")");
  EXPECT_EQ(problem(images("[1]", 8), with_length("") + with_length("")),
            "input \"images\": more elements than the shape's 1");
  EXPECT_EQ(problem(images("[2]", 8), with_length("four")),
            "input \"images\": 1 element in its binary data, the shape has 2");
  EXPECT_EQ(problem(images("[2]", 4), with_length("")),
            "input \"images\": shape [2] has 2 elements, each behind 4 bytes of its length; \"binary_data_size\" is 4");
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

TEST(OipRequest, TakesNoMoreTextsThanARequestMayHave) {
  const auto files = [](const std::string& shape, const std::string& more) {
    return of_input(R"({"name":"images","datatype":"BYTES","shape":[)" + shape + "]," + more + "}");
  };
  const auto list = [](size_t count) {
    std::string data = R"("data":[""])";
    for (size_t i = 1; i < count; ++i) data.insert(data.size() - 1, R"(,"")");
    return data;
  };
  EXPECT_EQ(problem(files("4096", list(4096))), "no problem");
  EXPECT_EQ(problem(files("4097", list(4097))), "inputs[0].data[4096]: a request has at most 4096 texts");
  const std::string binary(4 * 4097, '\0');
  const std::string size = R"("parameters":{"binary_data_size":)" + std::to_string(binary.size()) + "}";
  for (const char* shape : {"4097", "9223372036854775807"}) {
    EXPECT_EQ(problem(files(shape, size), binary),
              "input \"images\": shape ["s + shape + "] has more elements than the 4096 that a request may have");
  }
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

}  // namespace
}  // namespace zoo::serve
