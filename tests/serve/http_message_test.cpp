// Paths, patterns, decoding.
#include "serve/http/http_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(PercentDecoded, UndoesEscapes) {
  EXPECT_EQ(percent_decoded("a%20b%2Fc"), "a b/c");
  EXPECT_EQ(percent_decoded("a+b"), "a+b");
  EXPECT_EQ(percent_decoded("a+b", true), "a b");
  EXPECT_EQ(percent_decoded("%C3%A4"), "ä");
  EXPECT_EQ(percent_decoded(""), "");
}

TEST(PercentDecoded, RefusesWhatIsNoText) {
  for (const char* text : {"%", "%4", "%zz", "%00", "a%0ab", "%7f", "%ff", "%c3", "\x01"}) {
    EXPECT_EQ(percent_decoded(text), std::nullopt) << text;
  }
}

TEST(Matches, TakesParametersOutOfSegments) {
  std::map<std::string, std::string> parameters;
  EXPECT_TRUE(matches("/", "/", parameters));
  EXPECT_THAT(parameters, IsEmpty());
  EXPECT_TRUE(matches("/streams/{name}.jpg", "/streams/a%20b.jpg", parameters));
  EXPECT_THAT(parameters, ElementsAre(Pair("name", "a b")));
  EXPECT_TRUE(matches("/v2/models/{model}/versions/{version}", "/v2/models/m/versions/3", parameters));
  EXPECT_THAT(parameters, ElementsAre(Pair("model", "m"), Pair("version", "3")));
}

TEST(Matches, TakesNothingElse) {
  std::map<std::string, std::string> parameters;
  for (const char* path : {"", "/", "/streams", "/streams/", "/streams/.jpg", "/streams/a.png", "/streams/a/b.jpg",
                           "/streams/a.jpg/", "//streams/a.jpg", "/streams/%00.jpg", "/streams/%zz.jpg"}) {
    EXPECT_FALSE(matches("/streams/{name}.jpg", path, parameters)) << path;
  }
  EXPECT_FALSE(matches("/", "/x", parameters));
  EXPECT_FALSE(matches("/a", "/", parameters));
}

TEST(JsonError, RepairsWhatIsNoUtf8) {
  EXPECT_EQ(json_error(400, "a \"b\"").body, "{\"error\":\"a \\\"b\\\"\"}\n");
  EXPECT_EQ(json_error(400, "\xff").body, "{\"error\":\"\xEF\xBF\xBD\"}\n");
}

}  // namespace
}  // namespace zoo::serve
