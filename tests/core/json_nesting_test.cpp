#include "nn/core/json_nesting.h"

#include <string>

#include <gtest/gtest.h>

namespace zoo {
namespace {

std::string repeated(const std::string& text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i) result += text;
  return result;
}

TEST(TooDeepJson, FindsTheBracketBeyondTheLimit) {
  EXPECT_EQ(too_deep_json(repeated("[", kMaxJsonNesting) + repeated("]", kMaxJsonNesting)), std::nullopt);
  EXPECT_EQ(too_deep_json(repeated("[", 400'000)), kMaxJsonNesting);
  EXPECT_EQ(too_deep_json(repeated("{\"a\":", 400'000)), 5 * kMaxJsonNesting);
}

TEST(TooDeepJson, CountsWhatIsOpen) { EXPECT_EQ(too_deep_json("[" + repeated("[],{},", 10'000) + "1]"), std::nullopt); }

TEST(TooDeepJson, SkipsTexts) {
  EXPECT_EQ(too_deep_json("[\"" + repeated("[\\\"", 1000) + "\"]"), std::nullopt);
  EXPECT_EQ(too_deep_json(R"(["\\",)" + repeated("[", 100)), std::string(R"(["\\",)").size() + kMaxJsonNesting - 1);
}

TEST(TooDeepJson, ReadsWhatIsNoJson) {
  EXPECT_EQ(too_deep_json(""), std::nullopt);
  EXPECT_EQ(too_deep_json("]]]}}}\"\\"), std::nullopt);
}

}  // namespace
}  // namespace zoo
