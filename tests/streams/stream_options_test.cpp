#include "streams/stream_options.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"

namespace zoo::streams {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

TEST(FramePolicies, AreReadAsTheyAreWritten) {
  for (const std::string text : {"latest", "block", "every 5", "max-age 250"}) {
    EXPECT_EQ(to_string(frame_policy_from(text)), text);
  }
  EXPECT_EQ(frame_policy_from("  every \t 7 ").every, 7);
  EXPECT_EQ(frame_policy_from("max-age 250").max_age, 250ms);
  EXPECT_EQ(frame_policy_from("latest"), FramePolicy{});
}

struct BadPolicy {
  std::string name;
  std::string text;
  std::string problem;
};

class BadPolicies : public testing::TestWithParam<BadPolicy> {};

TEST_P(BadPolicies, AreRejectedWithWhatIsPossible) {
  try {
    frame_policy_from(GetParam().text);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), GetParam().problem);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Each, BadPolicies,
    testing::Values(
        BadPolicy{"Nothing", "", R"(policy "": expected latest, block, every N or max-age MS)"},
        BadPolicy{"Misspelt", "lates",
                  R"(policy "lates": expected latest, block, every N or max-age MS; did you mean latest?)"},
        BadPolicy{"NoNumber", "every",
                  R"(policy "every": expected every N, a whole number from 1 to 1000000, e.g. every 5)"},
        BadPolicy{"Zero", "every 0",
                  R"(policy "every 0": expected every N, a whole number from 1 to 1000000, e.g. every 5)"},
        BadPolicy{"Unit", "max-age 5s",
                  R"(policy "max-age 5s": expected max-age MS, a whole number from 1 to 3600000, e.g. max-age 500)"},
        BadPolicy{"TooMuch", "latest 5", R"(policy "latest 5": expected nothing after latest)"}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace zoo::streams
