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
    {"CaseCounts", "NAME", {"name"}, ""},
    {"LongWord", std::string(65, 'a'), {std::string(65, 'a')}, ""},
};

INSTANTIATE_TEST_SUITE_P(Words, NearestName, testing::ValuesIn(kCases),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace zoo
