#include "nn/core/config_node.h"

#include <limits>

#include <gtest/gtest.h>

#include "tests/core/config_test_support.h"

namespace zoo {
namespace {

using Lines = std::vector<std::string>;

ConfigNode parse(const std::string& text) { return ConfigDocument::parse(text, "x.yaml").root(); }
ConfigNode value_of(const std::string& text) { return parse("a: " + text + "\n").at("a"); }

TEST(ConfigNode, ReadsWholeNumbers) {
  EXPECT_EQ(value_of("0").as_int(), 0);
  EXPECT_EQ(value_of("-17").as_int(), -17);
  EXPECT_EQ(value_of("+17").as_int(), 17);
  EXPECT_EQ(value_of("0x1F").as_int(), 31);
  EXPECT_EQ(value_of("0o17").as_int(), 15);
  EXPECT_EQ(value_of("9223372036854775807").as_int(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(value_of("-9223372036854775808").as_int(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(value_of("!!int \"3\"").as_int(), 3);
  EXPECT_EQ(value_of("1").as_int_in(1, 1, 5), 1);
}

TEST(ConfigNode, ReadsNumbers) {
  EXPECT_EQ(value_of("0.").as_double(), 0.0);
  EXPECT_EQ(value_of(".5").as_double(), 0.5);
  EXPECT_EQ(value_of("-1.25e-3").as_double(), -1.25e-3);
  EXPECT_EQ(value_of("1e3").as_double(), 1000.0);
  EXPECT_EQ(value_of("+2.5E+2").as_double(), 250.0);
  EXPECT_EQ(value_of("3").as_double(), 3.0);
  EXPECT_EQ(value_of("0").as_double(), 0.0);
}

TEST(ConfigNode, ReadsTheBoolsOfYaml11) {
  for (const char* text : {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"}) {
    EXPECT_TRUE(value_of(text).as_bool(false)) << text;
  }
  for (const char* text : {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}) {
    EXPECT_FALSE(value_of(text).as_bool(true)) << text;
  }
}

TEST(ConfigNode, ReadsAnyScalarAsString) {
  EXPECT_EQ(value_of("relu").as_string(), "relu");
  EXPECT_EQ(value_of("\"a b\\t\\u00e4\"").as_string(), "a b\t\xC3\xA4");
  EXPECT_EQ(value_of("''").as_string(), "");
  EXPECT_EQ(value_of("010").as_string(), "010");
  EXPECT_EQ(value_of("!!str 3").as_string(), "3");
  EXPECT_EQ(value_of("! 3").as_string(), "3");
  EXPECT_EQ(value_of("no").as_string(), "no");
  EXPECT_EQ(value_of("|\n  two\n  lines").as_string(), "two\nlines\n");
}

TEST(ConfigNode, ReadsLists) {
  EXPECT_EQ(value_of("[1, 2, 3]").as_int_list(), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(value_of("[1, 2, ]").as_int_list(), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(value_of("[]").as_int_list(), std::vector<int64_t>{});
  EXPECT_EQ(value_of("[0.5, 1]").as_double_list(), (std::vector<double>{0.5, 1.0}));
  EXPECT_EQ(value_of("[True, False]").as_bool_list(), (std::vector<bool>{true, false}));
  EXPECT_EQ(value_of("[a, \"b\"]").as_string_list(), (Lines{"a", "b"}));
  EXPECT_EQ(parse("a:\n- 1\n- 2\n").at("a").as_int_list(), (std::vector<int64_t>{1, 2}));
}

TEST(ConfigNode, KeepsTheLengthOfListsWithWrongElements) {
  EXPECT_EQ(value_of("[1, x, 3]").as_int_list(), (std::vector<int64_t>{1, 0, 3}));
}

TEST(ConfigNode, FindsTheIndexOfAChoice) {
  const Lines choices = {"rgb", "bgr"};
  EXPECT_EQ(value_of("bgr").as_choice(choices, "colour order"), 1U);
}

TEST(ConfigNode, TellsKindsApart) {
  EXPECT_TRUE(value_of("{b: 1}").is_map());
  EXPECT_TRUE(value_of("[1]").is_list());
  EXPECT_TRUE(value_of("1").is_scalar());
  for (const char* text : {"~", "null", "Null", "NULL", "", "!!null ''"}) {
    EXPECT_TRUE(value_of(text).is_null()) << text;
    EXPECT_TRUE(value_of(text).exists()) << text;
  }
  EXPECT_FALSE(value_of("''").is_null());
  EXPECT_FALSE(value_of("\"null\"").is_null());
}

TEST(ConfigNode, IsAbsentForAnOptionalKey) {
  const ConfigNode node = parse("a: 1\n").find("b");
  EXPECT_FALSE(node);
  EXPECT_TRUE(node.is_null());
  EXPECT_FALSE(node.is_map() || node.is_list() || node.is_scalar());
  EXPECT_EQ(node.as_int(7), 7);
  EXPECT_EQ(node.as_double(0.5), 0.5);
  EXPECT_TRUE(node.as_bool(true));
  EXPECT_EQ(node.as_string("x"), "x");
  EXPECT_EQ(node.as_int_list(), std::vector<int64_t>{});
  EXPECT_EQ(node.as_choice(Lines{"x"}, "letter"), std::nullopt);
  EXPECT_TRUE(node.keys().empty());
  EXPECT_EQ(node.at("c").at("d").path(), "b.c.d");
  EXPECT_EQ(node.where(), "x.yaml:1:1");
}

TEST(ConfigNode, IsAbsentWithoutAProblem) {
  EXPECT_EQ(problems_of("a: 1\np: ~\n",
                        [](const ConfigNode& root) {
                          root.at("a");
                          root.find("b").at("c").as_int();
                          root.find("p").find("q").as_int();
                          root.find("b").items();
                          root.find("b").skip();
                        }),
            Lines{});
}

TEST(ConfigNode, FindsAnyOfItsNames) {
  constexpr std::string_view kNames[] = {"act_type", "activation"};
  EXPECT_EQ(parse("activation: relu\n").find_any(kNames).path(), "activation");
  EXPECT_EQ(parse("act_type: relu\n").find_any(kNames).path(), "act_type");
  EXPECT_FALSE(parse("x: relu\n").find_any(kNames));
  EXPECT_EQ(parse("x: relu\n").find_any(kNames).path(), "act_type");
}

TEST(ConfigNode, ListsKeysInFileOrder) { EXPECT_EQ(parse("{c: 1, a: 2, b: 3}").keys(), (Lines{"c", "a", "b"})); }

TEST(ConfigNode, KnowsItsPathAndPosition) {
  const ConfigNode stage = parse("model:\n  stages:\n    - {k: [3, 5]}\n").at("model").at("stages").items()[0];
  const ConfigNode kernel = stage.at("k").items()[1];
  EXPECT_EQ(kernel.path(), "model.stages[0].k[1]");
  EXPECT_EQ(kernel.where(), "x.yaml:3:15");
  EXPECT_EQ(parse("a: 1").path(), "");
}

TEST(ConfigNode, QuotesOddKeysInPaths) {
  EXPECT_EQ(parse("{a b: {c.d: 1}}").at("a b").at("c.d").path(), "\"a b\".\"c.d\"");
}

TEST(ConfigNode, OutlivesItsDocument) {
  std::optional<ConfigNode> node;
  {
    const ConfigDocument document = ConfigDocument::parse("a: " + std::string(100, 'x'), "x.yaml");
    node = document.root().at("a");
  }
  EXPECT_EQ(node->as_string(), std::string(100, 'x'));
}

TEST(ConfigNode, ReadsAliases) {
  const ConfigNode root = parse("a: &x [1, {b: 2}]\nc: *x\nd: &s text\ne: *s\n");
  EXPECT_EQ(root.at("c").items()[1].at("b").as_int(), 2);
  EXPECT_EQ(root.at("c").items()[1].at("b").path(), "c[1].b");
  EXPECT_EQ(root.at("e").as_string(), "text");
}

TEST(ConfigNode, TracksEachUseOfAnAliasByItself) {
  EXPECT_EQ(problems_of("a: &x {p: 1}\nb: *x\n",
                        [](const ConfigNode& root) {
                          root.at("a").at("p").as_int();
                          root.at("b").find("q");
                        }),
            Lines{"x.yaml:1:8: b.p: unknown key; known here: q"});
}

TEST(ConfigMerge, AddsTheKeysOfAnotherMap) {
  const ConfigNode b = parse("a: &a {x: 1, y: 2}\nb:\n  y: 3\n  <<: *a\n  z: 4\n").at("b");
  EXPECT_EQ(b.keys(), (Lines{"x", "y", "z"}));
  EXPECT_EQ(b.at("x").as_int(), 1);
  EXPECT_EQ(b.at("y").as_int(), 3);
  EXPECT_EQ(b.at("z").as_int(), 4);
}

TEST(ConfigMerge, TakesAMapWrittenInPlace) { EXPECT_EQ(parse("{<<: {x: 1}}").at("x").as_int(), 1); }

TEST(ConfigMerge, LetsEarlierMapsOfAListWin) {
  const ConfigNode c = parse("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b], z: 3}\n").at("c");
  EXPECT_EQ(c.at("x").as_int(), 1);
  EXPECT_EQ(c.at("y").as_int(), 2);
  EXPECT_EQ(c.at("z").as_int(), 3);
}

TEST(ConfigMerge, TakesTheListFromAnAlias) {
  EXPECT_EQ(parse("a: &a [{x: 1}]\nb: {<<: *a}\n").at("b").at("x").as_int(), 1);
}

TEST(ConfigMerge, IsInheritedByFurtherMerges) {
  const ConfigNode c = parse("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}\n").at("c");
  EXPECT_EQ(c.keys(), (Lines{"x", "y"}));
}

TEST(ConfigMerge, NeedsAPlainKey) { EXPECT_EQ(parse("{\"<<\": {x: 1}}").at("<<").at("x").as_int(), 1); }

TEST(ConfigDocument, AcceptsAMarkedDocument) { EXPECT_EQ(parse("%YAML 1.2\n---\na: 1\n...\n").at("a").as_int(), 1); }

TEST(ConfigDocument, AcceptsCoreTags) {
  const ConfigNode root = parse("!!map\na: !!seq [!!float 1]\nb: !!map {c: !!bool yes}\nd: ! [2]\n");
  EXPECT_EQ(root.at("a").as_double_list(), std::vector<double>{1.0});
  EXPECT_TRUE(root.at("b").at("c").as_bool());
  EXPECT_EQ(root.at("d").as_int_list(), std::vector<int64_t>{2});
}

TEST(ConfigDocument, AcceptsStringKeysFromAliases) {
  EXPECT_EQ(parse("a: &k key\n*k : 1\n").at("key").as_int(), 1);
  EXPECT_EQ(parse("&k a: *k\n").at("a").as_string(), "a");
}

TEST(ConfigDocument, AcceptsNestingUpToTheLimit) {
  ConfigNode node = parse(repeat("[", 64) + repeat("]", 64));
  for (int level = 0; level < 63; ++level) node = node.items().at(0);
  EXPECT_TRUE(node.is_list());
}

TEST(ConfigDocument, AcceptsValuesUpToTheLimit) {
  EXPECT_EQ(parse("[" + repeat("1,", 99'999) + "]").as_int_list().size(), 99'999U);
}

TEST(ConfigDocument, SharesLongTextsBetweenAliases) {
  const ConfigNode root = parse("- &a " + std::string(1 << 20, 'x') + "\n" + repeat("- *a\n", 90'000));
  EXPECT_EQ(root.items().size(), 90'001U);
}

TEST(ConfigDocument, FinishesWhenEverythingWasRead) {
  EXPECT_EQ(problems_of("a: {b: [1, {c: x}]}\n",
                        [](const ConfigNode& root) { root.at("a").at("b").items()[1].at("c").as_string(); }),
            Lines{});
}

TEST(ConfigDocument, ForgivesUnreadKeysOfSkippedValues) {
  EXPECT_EQ(problems_of("a: {b: [1, {c: x}]}\n", [](const ConfigNode& root) { root.at("a").skip(); }), Lines{});
}

TEST(ConfigDocument, ListsIgnoredKeys) {
  const ConfigDocument document = ConfigDocument::parse("losses: [{weight: ~}]\nmodel: {freeze: no}\n", "x.yaml");
  document.root().ignore("losses", "only for training");
  document.root().at("model").ignore("freeze", "only for training");
  document.root().ignore("not_there", "only for training");
  EXPECT_NO_THROW(document.finish());
  const std::vector<ConfigDocument::Ignored> ignored = document.ignored();
  ASSERT_EQ(ignored.size(), 2U);
  EXPECT_EQ(ignored[0].where, "x.yaml:1:9");
  EXPECT_EQ(ignored[0].path, "losses");
  EXPECT_EQ(ignored[1].path, "model.freeze");
  EXPECT_EQ(ignored[1].reason, "only for training");
}

TEST(AskedKeys, AreThoseOfEveryMapThereOrNot) {
  const ConfigDocument document =
      ConfigDocument::parse("a: {b: 1, unread: 2}\nc: [{d: 1}, {d: 2}]\nnothing: ~\n", "x.yaml");
  const ConfigNode root = document.root();
  root.at("a").find("b");
  root.at("a").find("absent").find("below");
  root.find("nothing").find("below");
  for (const ConfigNode& item : root.at("c").items()) item.find_any(std::vector<std::string_view>{"e", "d"});
  EXPECT_EQ(document.asked_keys(), (std::set<std::string>{"a", "a.absent", "a.b", "c", "c[].d", "c[].e", "nothing"}));
}

}  // namespace
}  // namespace zoo
