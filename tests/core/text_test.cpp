// Numbers and UTF-8 in text.
#include <cstdint>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "nn/core/parse_number.h"
#include "nn/core/utf8.h"

namespace zoo {
namespace {

TEST(ParseNumber, TakesTheWholeTextOrNothing) {
  EXPECT_EQ(parse_number<int64_t>("-12"), -12);
  EXPECT_EQ(parse_number<int64_t>("ff", 16), 255);
  EXPECT_EQ(parse_number<double>("2.5e-1"), 0.25);
  EXPECT_EQ(parse_number<int64_t>("9223372036854775807"), std::numeric_limits<int64_t>::max());
  for (const char* text : {"", " 1", "1 ", "+1", "1x", "0x1", "9223372036854775808", "1.0"}) {
    EXPECT_EQ(parse_number<int64_t>(text), std::nullopt) << '"' << text << '"';
  }
  EXPECT_EQ(parse_number<size_t>("-1"), std::nullopt);
}

TEST(ParseNumber, KeepsToItsRange) {
  EXPECT_EQ(parse_number_in(std::string("1"), 1, 4), 1);
  EXPECT_EQ(parse_number_in("4", 1, 4), 4);
  EXPECT_EQ(parse_number_in("0", 1, 4), std::nullopt);
  EXPECT_EQ(parse_number_in("5", 1, 4), std::nullopt);
  EXPECT_EQ(parse_number_in("nan", 0.0F, 1.0F), std::nullopt);
  EXPECT_EQ(parse_number_in("inf", 0.0, 1.0), std::nullopt);
}

// The bounds of RFC 3629, section 4.
TEST(Utf8, TellsWellFormedTextFromOther) {
  for (const std::string good : {"", "plain", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                                 "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const std::string bad : {"\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE1\x80",
                                "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF1\x80\x80", "\xFF"}) {
    EXPECT_FALSE(is_utf8(bad)) << ::testing::PrintToString(bad);
  }
  EXPECT_EQ(utf8_sequence_length("a\xE2\x82\xAC", 1), 3U);
}

}  // namespace
}  // namespace zoo
