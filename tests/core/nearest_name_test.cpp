#include <algorithm>
#include <cctype>
#include <ostream>

#include <gtest/gtest.h>

#include "nn/core/config_node.h"

namespace zoo {
namespace {

struct NearestCase {
  const char* name;
  std::string word;
  std::vector<std::string> candidates;
  std::string nearest;
};

void PrintTo(const NearestCase& c, std::ostream* stream) { *stream << c.name; }

class NearestName : public testing::TestWithParam<NearestCase> {};

TEST_P(NearestName, IsWithinAThirdOfTheLength) {
  const NearestCase& c = GetParam();
  EXPECT_EQ(nearest_name(c.word, c.candidates), c.nearest);
}

const NearestCase kCases[] = {
    {"Replacement", "kernal_sizes", {"stride", "kernel_sizes"}, "kernel_sizes"},
    {"Deletion", "kernel_size", {"kernel_sizes", "stride"}, "kernel_sizes"},
    {"Insertion", "strides", {"stride"}, "stride"},
    {"SwappedNeighbours", "nmae", {"task", "name"}, "name"},
    {"ThreeSwapsOfNineCharacters", "tsirdeabc", {"strideabc", "x"}, "strideabc"},
    {"ExactName", "a", {"b", "a"}, "a"},
    {"NearestOfSeveral", "in_channel", {"out_channels", "in_channels"}, "in_channels"},
    {"FirstOfEquallyNear", "act", {"fact", "pact"}, "fact"},
    {"TooFar", "padding", {"stride", "params"}, ""},
    {"OneCharacterAway", "ab", {"xb"}, "xb"},
    {"NothingInCommon", "x", {"y"}, ""},
    {"TwoEditsOfFiveCharactersAreTooMany", "abxyz", {"abc"}, ""},
    {"EmptyWord", "", {"a"}, ""},
    {"NoCandidates", "a", {}, ""},
    {"CaseDoesNotCount", "NAME", {"nome", "name"}, "name"},
    {"LongWord", std::string(65, 'a'), {std::string(65, 'a')}, ""},
};

INSTANTIATE_TEST_SUITE_P(Words, NearestName, testing::ValuesIn(kCases),
                         [](const auto& instance) { return std::string(instance.param.name); });

struct AliasCase {
  std::string word;
  std::string meant;
};

void PrintTo(const AliasCase& c, std::ostream* stream) { *stream << c.word; }

// Each list as model files and the command line have it; the meant name is never the first one.
const std::vector<std::vector<std::string>> kLists = {
    {"identity", "relu", "relu6", "prelu", "leaky_relu", "gelu", "silu", "swish", "hard_swish", "hard_sigmoid",
     "sigmoid"},
    {"instance_norm", "batch_norm"},
    {"pose_estimation", "classification", "detection", "segmentation"},
    {"rgb", "bgr", "gray"},
    {"auto", "f32", "bf16", "int8"},
    {"nearest", "bilinear", "bicubic", "lanczos", "torch_bilinear"},
    {"mobilenetv1", "mobilenetv2", "mobilenetv3", "mobilenetv4"},
    {"anchor_decoupled_head", "ssdlite", "all_mlp_decoder", "lraspp", "deeplabv3", "fc", "fc_conv"},
    {"--size", "--source", "--checkpoint", "--score-thresh", "--topk", "--random-weights", "--precision"},
};

class NearestAlias : public testing::TestWithParam<AliasCase> {};

TEST_P(NearestAlias, WinsOverTheFewestEdits) {
  const AliasCase& c = GetParam();
  for (const std::vector<std::string>& names : kLists) {
    if (std::find(names.begin(), names.end(), c.meant) == names.end()) continue;
    EXPECT_EQ(nearest_name(c.word, names), c.meant);
  }
}

TEST(NearestName, IsNoVariantOfAPartWhereLettersSayMore) {
  EXPECT_EQ(nearest_name("stagex_params", std::vector<std::string>{"params", "stage_params"}), "stage_params");
}

const AliasCase kAliases[] = {
    {"hswish", "hard_swish"},
    {"HSwish", "hard_swish"},
    {"h_swish", "hard_swish"},
    {"h-swish", "hard_swish"},
    {"hardswish", "hard_swish"},
    {"Hardswish", "hard_swish"},
    {"HardSwish", "hard_swish"},
    {"hsigmoid", "hard_sigmoid"},
    {"h_sigmoid", "hard_sigmoid"},
    {"Hardsigmoid", "hard_sigmoid"},
    {"relu_6", "relu6"},
    {"ReLU6", "relu6"},
    {"ReLU-6", "relu6"},
    {"SiLU", "silu"},
    {"LeakyReLU", "leaky_relu"},
    {"lrelu", "leaky_relu"},
    {"none", "identity"},
    {"bn", "batch_norm"},
    {"BatchNorm2d", "batch_norm"},
    {"InstanceNorm2d", "instance_norm"},
    {"classify", "classification"},
    {"object_detection", "detection"},
    {"semantic_segmentation", "segmentation"},
    {"seg", "segmentation"},
    {"RGB", "rgb"},
    {"grey", "gray"},
    {"grayscale", "gray"},
    {"fp32", "f32"},
    {"float32", "f32"},
    {"FP32", "f32"},
    {"bfloat16", "bf16"},
    {"i8", "int8"},
    {"linear", "bilinear"},
    {"cubic", "bicubic"},
    {"mobilenet_v3", "mobilenetv3"},
    {"MobileNetV3Small", "mobilenetv3"},
    {"mobilenet_v3_large", "mobilenetv3"},
    {"tf_mobilenetv3_small_075", "mobilenetv3"},
    {"timm/mobilenetv4_conv_small", "mobilenetv4"},
    {"mobilenet_v2", "mobilenetv2"},
    {"mobilenet", "mobilenetv1"},
    {"ssdlite320_mobilenet_v3_large", "ssdlite"},
    {"lraspp_mobilenet_v3_large", "lraspp"},
    {"DeepLabV3Plus", "deeplabv3"},
    {"AllMLPDecoder", "all_mlp_decoder"},
    {"--weights", "--checkpoint"},
    {"--score_thresh", "--score-thresh"},
    {"--conf", "--score-thresh"},
    {"--input", "--source"},
    {"--top-k", "--topk"},
    {"--dtype", "--precision"},
};

std::string alias_case_name(const testing::TestParamInfo<AliasCase>& info) {
  std::string name = std::to_string(info.index) + "_" + info.param.word;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Words, NearestAlias, testing::ValuesIn(kAliases), alias_case_name);

}  // namespace
}  // namespace zoo
