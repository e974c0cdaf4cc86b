// Values of the wrong type, missing and unknown keys. Each with its exact message.
#include <limits>
#include <ostream>

#include <gtest/gtest.h>

#include "tests/core/config_test_support.h"

namespace zoo {
namespace {

using Lines = std::vector<std::string>;
using Read = void (*)(const ConfigNode&);

struct BadValue {
  const char* name;
  std::string text;
  Read read;
  Lines problems;
};

void PrintTo(const BadValue& c, std::ostream* stream) { *stream << c.name; }

class BadConfigValue : public testing::TestWithParam<BadValue> {};

TEST_P(BadConfigValue, IsReportedWithPositionAndPath) {
  const BadValue& c = GetParam();
  EXPECT_EQ(problems_of(c.text, c.read), c.problems);
}

const std::vector<std::string>& choices() {
  static const std::vector<std::string> names = {"relu", "gelu", "hard_swish"};
  return names;
}

void read_int(const ConfigNode& root) { EXPECT_EQ(root.at("a").as_int(42), 42); }
void read_size(const ConfigNode& root) { EXPECT_EQ(root.at("a").as_int_in(1, 65536, 42), 42); }
void read_count(const ConfigNode& root) {
  EXPECT_EQ(root.at("a").as_int_in(1, std::numeric_limits<int64_t>::max(), 42), 42);
}
void read_double(const ConfigNode& root) { EXPECT_EQ(root.at("a").as_double(0.25), 0.25); }
void read_bool(const ConfigNode& root) { EXPECT_TRUE(root.at("a").as_bool(true)); }
void read_string(const ConfigNode& root) { EXPECT_EQ(root.at("a").as_string("fallback"), "fallback"); }
void read_int_list(const ConfigNode& root) { root.at("a").as_int_list(); }
void read_bool_list(const ConfigNode& root) { root.at("a").as_bool_list(); }
void read_double_list(const ConfigNode& root) { root.at("a").as_double_list(); }
void read_string_list(const ConfigNode& root) { root.at("a").as_string_list(); }
void read_choice(const ConfigNode& root) { EXPECT_EQ(root.at("a").as_choice(choices(), "activation"), std::nullopt); }
void read_nested(const ConfigNode& root) { root.at("a").at("b").as_int(); }
void read_optional(const ConfigNode& root) { root.at("a").find("b").as_int(); }
void read_keys(const ConfigNode& root) { EXPECT_EQ(root.at("a").keys(), Lines{}); }
void read_block(const ConfigNode& root) {
  for (const ConfigNode& block : root.at("blocks").items()) {
    block.at("stride").as_int();
    block.at("kernel_sizes").as_int_list();
    block.find("act_type").as_string();
  }
}
void read_nothing(const ConfigNode&) {}
void read_map(const ConfigNode& root) { root.at("a"); }
void read_synonyms(const ConfigNode& root) {
  constexpr std::string_view kNames[] = {"act_type", "activation"};
  EXPECT_EQ(root.find_any(kNames).as_string(), "relu");
}

const BadValue kBadValues[] = {
    {"IntFromText", "a: abc\n", read_int, {"x.yaml:1:4: a: expected a whole number, found \"abc\""}},
    {"IntFromNothing",
     "b: 1\na:\nc: 2\n",
     [](const ConfigNode& root) {
       read_int(root);
       root.at("b");
       root.at("c");
     },
     {"x.yaml:2:1: a: expected a whole number, found nothing"}},
    {"IntFromNull", "a: ~\n", read_int, {"x.yaml:1:4: a: expected a whole number, found nothing"}},
    {"IntFromNullBelow", "a:\n  null\n", read_int, {"x.yaml:2:3: a: expected a whole number, found nothing"}},
    {"IntFromList", "a: [1]\n", read_int, {"x.yaml:1:4: a: expected a whole number, found a list"}},
    {"IntFromMap", "a: {b: 1}\n", read_int, {"x.yaml:1:4: a: expected a whole number, found a map"}},
    {"IntFromBool", "a: yes\n", read_int, {"x.yaml:1:4: a: expected a whole number, found yes"}},
    {"IntFromQuotedNumber",
     "a: \"3\"\n",
     read_int,
     {"x.yaml:1:4: a: expected a whole number, found \"3\"; remove the quotes"}},
    {"IntFromQuotedText", "a: '3x'\n", read_int, {"x.yaml:1:4: a: expected a whole number, found \"3x\""}},
    {"IntFromTaggedString", "a: !!str x\n", read_int, {"x.yaml:1:4: a: expected a whole number, found \"x\""}},
    {"IntFromFraction",
     "a: 3.0\n",
     read_int,
     {"x.yaml:1:4: a: expected a whole number, found 3.0, a number with a fraction part"}},
    {"IntFromExponent",
     "a: 1e3\n",
     read_int,
     {"x.yaml:1:4: a: expected a whole number, found 1e3, a number with an exponent"}},
    {"IntFromInfinity", "a: .inf\n", read_int, {"x.yaml:1:4: a: expected a whole number, found .inf"}},
    {"IntFromOctalLooking",
     "a: 010\n",
     read_int,
     {"x.yaml:1:4: a: expected a whole number, found 010: a leading zero can mean octal; write 10 or 0o10"}},
    {"IntFromLeadingZero",
     "a: 08\n",
     read_int,
     {"x.yaml:1:4: a: expected a whole number, found 08: a leading zero can mean octal; write 8"}},
    {"IntFromNegativeLeadingZero",
     "a: -010\n",
     read_int,
     {"x.yaml:1:4: a: expected a whole number, found -010: a leading zero can mean octal; write -10"}},
    {"IntFromZeros",
     "a: 00\n",
     read_int,
     {"x.yaml:1:4: a: expected a whole number, found 00: a leading zero can mean octal; write 0"}},
    {"IntFromUnderscores",
     "a: 1_000\n",
     read_int,
     {"x.yaml:1:4: a: expected a whole number, found 1_000; remove the underscores"}},
    {"IntFromBinary", "a: 0b101\n", read_int, {"x.yaml:1:4: a: expected a whole number, found \"0b101\""}},
    {"IntFromSexagesimal", "a: 1:30\n", read_int, {"x.yaml:1:4: a: expected a whole number, found \"1:30\""}},
    {"IntFromTwoWords", "a: 1 2\n", read_int, {"x.yaml:1:4: a: expected a whole number, found \"1 2\""}},
    {"IntFromTwoLines", "a: \"1\n\n  2\"\n", read_int, {"x.yaml:1:4: a: expected a whole number, found \"1\\n2\""}},
    {"IntFromLongText",
     "a: " + std::string(100, 'x') + "\n",
     read_int,
     {"x.yaml:1:4: a: expected a whole number, found \"" + std::string(60, 'x') + "...\""}},
    {"IntTooLarge",
     "a: 9223372036854775808\n",
     read_int,
     {"x.yaml:1:4: a: must be between -9223372036854775808 and 9223372036854775807, found 9223372036854775808"}},
    {"IntBelowRange", "a: 0\n", read_size, {"x.yaml:1:4: a: must be between 1 and 65536, found 0"}},
    {"IntAboveRange", "a: 0x10001\n", read_size, {"x.yaml:1:4: a: must be between 1 and 65536, found 0x10001"}},
    {"IntFarAboveRange",
     "a: 99999999999999999999\n",
     read_size,
     {"x.yaml:1:4: a: must be between 1 and 65536, found 99999999999999999999"}},
    {"IntBelowOpenRange", "a: -1\n", read_count, {"x.yaml:1:4: a: must be at least 1, found -1"}},

    {"DoubleFromText", "a: x\n", read_double, {"x.yaml:1:4: a: expected a number, found \"x\""}},
    {"DoubleFromQuotes",
     "a: '0.5'\n",
     read_double,
     {"x.yaml:1:4: a: expected a number, found \"0.5\"; remove the quotes"}},
    {"DoubleFromInfinity",
     "a: -.inf\n",
     read_double,
     {"x.yaml:1:4: a: expected a number, found -.inf, which is not finite"}},
    {"DoubleFromNan", "a: .nan\n", read_double, {"x.yaml:1:4: a: expected a number, found .nan, which is not finite"}},
    {"DoubleTooLarge",
     "a: 1e999\n",
     read_double,
     {"x.yaml:1:4: a: expected a number, found 1e999, which is out of range"}},
    {"DoubleFromOctalLooking",
     "a: 010\n",
     read_double,
     {"x.yaml:1:4: a: expected a number, found 010: a leading zero can mean octal; write 10"}},
    {"DoubleFromHex", "a: 0x10\n", read_double, {"x.yaml:1:4: a: expected a number, found 0x10; write it in decimal"}},
    {"DoubleFromPoint", "a: .\n", read_double, {"x.yaml:1:4: a: expected a number, found \".\""}},
    {"DoubleFromComma", "a: 0,5\n", read_double, {"x.yaml:1:4: a: expected a number, found \"0,5\""}},

    {"BoolFromNumber", "a: 0\n", read_bool, {"x.yaml:1:4: a: expected true or false, found 0"}},
    {"BoolFromQuotes",
     "a: \"false\"\n",
     read_bool,
     {"x.yaml:1:4: a: expected true or false, found \"false\"; remove the quotes"}},
    {"BoolFromOddCase", "a: fALSE\n", read_bool, {"x.yaml:1:4: a: expected true or false, found \"fALSE\""}},
    {"StringFromNull", "a: null\n", read_string, {"x.yaml:1:4: a: expected a string, found nothing"}},
    {"StringFromList", "a: [b]\n", read_string, {"x.yaml:1:4: a: expected a string, found a list"}},

    {"ListFromScalar", "a: 3\n", read_int_list, {"x.yaml:1:4: a: expected a list, found 3"}},
    {"ListFromMap", "a: {b: 3}\n", read_int_list, {"x.yaml:1:4: a: expected a list, found a map"}},
    {"ListFromNull", "a:\n", read_int_list, {"x.yaml:1:1: a: expected a list, found nothing"}},
    {"ListElements",
     "a: [1, x, 3, [4]]\n",
     read_int_list,
     {"x.yaml:1:8: a[1]: expected a whole number, found \"x\"",
      "x.yaml:1:14: a[3]: expected a whole number, found a list"}},
    {"BoolListElement",
     "a:\n  - True\n  - False\n  - maybe\n",
     read_bool_list,
     {"x.yaml:4:5: a[2]: expected true or false, found \"maybe\""}},
    {"DoubleListElement", "a: [0.5, ~]\n", read_double_list, {"x.yaml:1:10: a[1]: expected a number, found nothing"}},
    {"StringListElement", "a:\n  - b\n  -\n", read_string_list, {"x.yaml:2:3: a[1]: expected a string, found nothing"}},

    {"ChoiceMisspelt",
     "a: rellu\n",
     read_choice,
     {"x.yaml:1:4: a: unknown activation \"rellu\"; did you mean \"relu\"?"}},
    {"ChoiceUnknown",
     "a: tanh\n",
     read_choice,
     {"x.yaml:1:4: a: unknown activation \"tanh\"; known: relu, gelu, hard_swish"}},
    {"ChoiceFromList",
     "a: [relu]\n",
     read_choice,
     {"x.yaml:1:4: a: expected one of relu, gelu, hard_swish, found a list"}},

    {"MapFromScalar", "a: text\n", read_nested, {"x.yaml:1:4: a: expected a map, found \"text\""}},
    {"MapFromNull", "a:\n", read_nested, {"x.yaml:1:1: a: expected a map, found nothing"}},
    {"MapFromList", "a: [{b: 1}]\n", read_optional, {"x.yaml:1:4: a: expected a map, found a list"}},
    {"KeysOfAScalar", "a: 1\n", read_keys, {"x.yaml:1:4: a: expected a map, found 1"}},
    {"RootFromScalar", "hello\n", read_nested, {"x.yaml:1:1: expected a map, found \"hello\""}},
    {"RootFromList", "- a\n", read_nested, {"x.yaml:1:1: expected a map, found a list"}},

    {"MissingKey", "blocks:\n  - kernel_sizes: [3]\n", read_block, {"x.yaml:2:5: blocks[0]: missing key \"stride\""}},
    {"MissingKeyAtTheTop", "{}\n", read_nested, {"x.yaml:1:1: missing key \"a\""}},
    {"SeveralMissingKeys",
     "blocks: [{}, {stride: 1}]\n",
     read_block,
     {"x.yaml:1:10: blocks[0]: missing key \"stride\"", "x.yaml:1:10: blocks[0]: missing key \"kernel_sizes\"",
      "x.yaml:1:14: blocks[1]: missing key \"kernel_sizes\""}},
    {"MisspeltKey",
     "blocks:\n  - stride: 1\n    kernel_sizes: [3]\n    acttype: relu\n",
     read_block,
     {"x.yaml:4:5: blocks[0].acttype: unknown key; did you mean \"act_type\"?"}},
    {"UnknownKey",
     "blocks:\n  - stride: 1\n    kernel_sizes: [3]\n    extra: {deep: 1}\n",
     read_block,
     {"x.yaml:4:5: blocks[0].extra: unknown key; known here: stride, kernel_sizes, act_type"}},
    {"MisspeltRequiredKey",
     "blocks:\n  - kernal_sizes: [3]\n    stride: 1\n",
     read_block,
     {"x.yaml:2:5: blocks[0]: missing key \"kernel_sizes\"",
      "x.yaml:2:5: blocks[0].kernal_sizes: unknown key; did you mean \"kernel_sizes\"?"}},
    {"UnknownKeyWithOddName", "a: {\"b c\\n\": 1}\n", read_map, {"x.yaml:1:5: a.\"b c\\n\": unknown key"}},
    {"NothingRead", "a: 1\nb: {c: 2}\n", read_nothing, {"x.yaml:1:1: a: unknown key", "x.yaml:2:1: b: unknown key"}},
    {"UnreadInAList", "a: [{b: 1}]\n", read_map, {"x.yaml:1:6: a[0].b: unknown key"}},
    {"UnknownMergedKey",
     "blocks:\n  - &b {stride: 1, kernel_sizes: [3], x: 1}\n  - {<<: *b, stride: 2}\n",
     read_block,
     {"x.yaml:2:39: blocks[0].x: unknown key; known here: stride, kernel_sizes, act_type",
      "x.yaml:2:39: blocks[1].x: unknown key; known here: stride, kernel_sizes, act_type"}},
    {"TwoSynonyms",
     "activation: gelu\nact_type: relu\n",
     read_synonyms,
     {"x.yaml:1:13: activation: means the same as \"act_type\"; keep one of them"}},

    {"ColumnsCountCharacters",
     "{\"\xC3\xA4\xE2\x82\xAC\": 1, a: x}\n",
     [](const ConfigNode& root) {
       read_int(root);
       root.at("\xC3\xA4\xE2\x82\xAC").as_bool();
     },
     {"x.yaml:1:8: \xC3\xA4\xE2\x82\xAC: expected true or false, found 1",
      "x.yaml:1:14: a: expected a whole number, found \"x\""}},
    {"LinesEndWithCarriageReturn",
     "# c\r\na:\r\n  b: x\r\n",
     read_nested,
     {"x.yaml:3:6: a.b: expected a whole number, found \"x\""}},
    {"ByteOrderMarkHasNoColumn",
     "\xEF\xBB\xBF"
     "a: x\n",
     read_int,
     {"x.yaml:1:4: a: expected a whole number, found \"x\""}},
};

INSTANTIATE_TEST_SUITE_P(Values, BadConfigValue, testing::ValuesIn(kBadValues),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(ConfigProblems, AreRecordedOncePerValue) {
  EXPECT_EQ(problems_of("a: x\n",
                        [](const ConfigNode& root) {
                          read_int(root);
                          read_int(root);
                          read_bool(root);
                          root.at("a").problem("must be odd");
                          root.at("b");
                          root.at("b");
                        }),
            (Lines{"x.yaml:1:1: missing key \"b\"", "x.yaml:1:4: a: expected a whole number, found \"x\""}));
}

TEST(ConfigProblems, AreSortedByPosition) {
  EXPECT_EQ(problems_of("a: x\nb: y\nunread: 1\nc: z\n",
                        [](const ConfigNode& root) {
                          for (const char* key : {"c", "b", "a"}) root.at(key).problem("bad");
                        }),
            (Lines{"x.yaml:1:4: a: bad", "x.yaml:2:4: b: bad", "x.yaml:3:1: unread: unknown key; known here: c, b, a",
                   "x.yaml:4:4: c: bad"}));
}

TEST(ConfigProblems, OfAnOptionalKeyAreReportedAtItsMap) {
  EXPECT_EQ(problems_of("a:\n  b: 1\n",
                        [](const ConfigNode& root) {
                          root.at("a").at("b").as_int();
                          root.at("a").find("c").problem("must be given with b");
                        }),
            Lines{"x.yaml:2:3: a.c: must be given with b"});
}

TEST(ConfigProblems, OfAMissingKeyAreNotReportedAgain) {
  EXPECT_EQ(problems_of("a: 1\n",
                        [](const ConfigNode& root) {
                          root.at("a");
                          root.at("b").at("c").problem("follows from the missing key");
                        }),
            Lines{"x.yaml:1:1: missing key \"b\""});
}

TEST(ConfigProblems, CanBeAskedForBeforeFinishing) {
  const ConfigDocument document = ConfigDocument::parse("a: x\n", "x.yaml");
  EXPECT_FALSE(document.has_problems());
  document.root().at("a").as_int();
  EXPECT_TRUE(document.has_problems());
}

TEST(ConfigProblems, AreJoinedInTheMessage) {
  try {
    const ConfigDocument document = ConfigDocument::parse("a: 1\nb: 2\n", "x.yaml");
    document.finish();
    FAIL() << "no exception";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "x.yaml:1:1: a: unknown key\nx.yaml:2:1: b: unknown key");
  }
}

TEST(ConfigProblems, OfThousandsOfUnknownKeysAreAllThere) {
  std::string text = "known_and_long_enough: 1\n";
  for (int i = 0; i < 49'000; ++i) text += "known_and_long_enouhg_" + std::to_string(i) + ": 1\n";
  const Lines problems = problems_of(text, [](const ConfigNode& root) {
    for (int i = 0; i < 40; ++i) root.find("another_known_key_" + std::to_string(i));
    root.at("known_and_long_enough");
  });
  ASSERT_EQ(problems.size(), 49'000U);
  EXPECT_EQ(problems.front(),
            "x.yaml:2:1: known_and_long_enouhg_0: unknown key; did you mean \"known_and_long_enough\"?");
  EXPECT_EQ(problems.back(), "x.yaml:49001:1: known_and_long_enouhg_48999: unknown key");
}

}  // namespace
}  // namespace zoo
