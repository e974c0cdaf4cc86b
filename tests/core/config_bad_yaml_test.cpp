// Files that are refused as a whole: syntax, structure, limits. Each with its exact message.
#include <fstream>
#include <ostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/core/config_test_support.h"
#include "tests/support/temp_folder.h"

namespace zoo {
namespace {

using Lines = std::vector<std::string>;

struct BadYaml {
  const char* name;
  std::string text;
  Lines problems;
};

void PrintTo(const BadYaml& c, std::ostream* stream) { *stream << c.name; }

class BadConfigYaml : public testing::TestWithParam<BadYaml> {};

TEST_P(BadConfigYaml, IsRefusedWithPosition) {
  const BadYaml& c = GetParam();
  EXPECT_EQ(problems_of([&] { ConfigDocument::parse(c.text, "x.yaml"); }), c.problems);
}

std::string alias_bomb() {
  std::string text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string alias = fmt::format("*a{}", i - 1);
    text += fmt::format("a{0}: &a{0} [{1}{2}]\n", i, repeat(alias + ", ", 9), alias);
  }
  return text;
}

const BadYaml kBadYaml[] = {
    {"Empty", "", {"x.yaml:1:1: the file holds no values"}},
    {"OnlyComments", "# nothing\n\n", {"x.yaml:1:1: the file holds no values"}},
    {"OnlyNull", "~\n", {"x.yaml:1:1: the file holds no values"}},
    {"OnlyDocumentStart", "---\n", {"x.yaml:1:1: the file holds no values"}},

    {"UnclosedList", "a:\n  b: [1, 2\n", {"x.yaml:2:6: the bracket is never closed"}},
    {"UnclosedMap", "a: {b: 1\n", {"x.yaml:1:4: the bracket is never closed"}},
    {"UnclosedQuotes", "a: \"x\n", {"x.yaml:1:4: the quoted text never ends"}},
    {"UnclosedSingleQuotes", "a: &x 'it''s\nb: 1\n", {"x.yaml:1:4: the quoted text never ends"}},
    {"UnclosedQuotesWithoutNewline", "a: \"x", {"x.yaml:1:6: the quoted text never ends"}},
    {"UnclosedQuotesOfAKey", "a: 1\n\"b: 2\nc: 3\n", {"x.yaml:2:1: the quoted text never ends"}},
    {"UnclosedListAtTheTop", "[1, {a: ']'} # ]\n", {"x.yaml:1:1: the bracket is never closed"}},
    {"KeyWithoutColonBetweenOthers",
     "a: 1\nb\nc: 2\n",
     {"x.yaml:3:2: unexpected \":\"; check the indentation, or quote the text"}},
    {"StrayClosingBracket", "a: ]\n", {"x.yaml:1:4: unexpected closing bracket"}},
    {"MismatchedBrackets", "a: [1}\n", {"x.yaml:1:6: unexpected closing bracket"}},
    {"TwoColons", "a: b: c\n", {"x.yaml:1:5: unexpected \":\"; check the indentation, or quote the text"}},
    {"DeeperIndentation", "a: 1\n b: 2\n", {"x.yaml:2:3: unexpected \":\"; check the indentation, or quote the text"}},
    {"ListAfterMap", "a: 1\n- b\n", {"x.yaml:2:1: expected \"key: value\" or the end of the map"}},
    {"MapAfterList",
     "- a\nb: 1\n",
     {"x.yaml:2:1: unexpected text after the end of the document; check the indentation"}},
    {"TextAfterQuotes", "a: \"x\" y\n", {"x.yaml:1:8: expected \"key: value\" or the end of the map"}},
    {"MissingComma", "a: [[1] [2]]\n", {"x.yaml:1:9: expected \",\" or \"]\""}},
    {"MissingCommaInMap", "a: {b: \"1\" c: 2}\n", {"x.yaml:1:12: expected \",\" or \"}\""}},
    {"EmptyElement", "a: [1,, 2]\n", {"x.yaml:1:7: a[1]: nothing before the comma"}},
    {"ReservedCharacter", "a: @b\n", {"x.yaml:1:4: text cannot start with this character; quote it"}},
    {"TabAsIndentation", "a:\n\tb: 1\n", {"x.yaml:2:1: tab used as indentation; YAML is indented with spaces"}},
    {"TabInIndentation",
     "a:\n  b: 1\n \tc: 1\n",
     {"x.yaml:3:2: tab used as indentation; YAML is indented with spaces"}},
    {"UnknownEscape", "a: \"\\q\"\n", {"x.yaml:1:7: unknown escape character: q"}},
    {"KeyWithoutColon", "a: 1\nb\n", {"x.yaml:2:1: b: \":\" missing after the key"}},

    {"KeyLikeNullWithoutColon", "a: 1\n~ b\n", {"x.yaml:2:1: \"~ b\": \":\" missing after the key"}},
    {"ColonWithoutSpace", "a:\nb:1\n", {"x.yaml:2:1: \"b:1\": \":\" missing after the key"}},
    {"ValueLessIndented", "a:\nb:1\n? c\n: d\n", {"x.yaml:2:1: a: a value must be indented more than its key"}},
    {"ListLessIndented", "m:\n  a:\n - b\n", {"x.yaml:3:2: expected \"key: value\" or the end of the map"}},
    {"PercentInTheFirstLine", "%a: 1\nb: 2\n", {"x.yaml:1:1: a line cannot begin with \"%\" here; quote the text"}},
    {"PercentLine", "a: 1\n%b: 2\nc: 3\n", {"x.yaml:2:1: a line cannot begin with \"%\" here; quote the text"}},
    {"OddAnchorName",
     "a: &\"b\" 1\n",
     {"x.yaml:1:4: a: anchor &\"b\": a name has letters, digits, \"_\", \"-\" and \".\""}},

    {"DuplicateKey", "m:\n  a: 1\n  b: 2\n  a: 3\n", {"x.yaml:4:3: m: duplicate key \"a\", first in line 2, column 3"}},
    {"DuplicateKeyQuoted", "{a: 1, \"a\": 2}", {"x.yaml:1:8: duplicate key \"a\", first in line 1, column 2"}},
    {"DuplicateKeyAtTheTop", "a: 1\na: 2\n", {"x.yaml:2:1: duplicate key \"a\", first in line 1, column 1"}},
    {"DuplicateKeyInAList",
     "l:\n  - 0\n  - {a: 1, a: 2}\n",
     {"x.yaml:3:12: l[1]: duplicate key \"a\", first in line 3, column 6"}},
    {"SeveralDuplicateKeys",
     "a: 1\na: 2\nb: 1\nb: 2\n",
     {"x.yaml:2:1: duplicate key \"a\", first in line 1, column 1",
      "x.yaml:4:1: duplicate key \"b\", first in line 3, column 1"}},
    {"ListAsKey", "m:\n  ? [1, 2]\n  : 3\n", {"x.yaml:2:5: m: expected a string as key, found a list"}},
    {"MapAsKey", "{{a: 1}: 2}", {"x.yaml:1:2: expected a string as key, found a map"}},
    {"AliasOfAListAsKey", "a: &a [1]\n*a : 2\n", {"x.yaml:2:1: expected a string as key, found a list"}},
    {"NumberAsKey", "3: a\n", {"x.yaml:1:1: expected a string as key, found 3, which is a number; quote it"}},
    {"BoolAsKey", "on: a\n", {"x.yaml:1:1: expected a string as key, found on, which is a bool; quote it"}},
    {"NullAsKey", "m: {~: a}\n", {"x.yaml:1:5: m: expected a string as key, found nothing"}},
    {"NoKey", ": a\n", {"x.yaml:1:1: expected a string as key, found nothing"}},

    {"UnknownAlias", "a: [1, *b]\n", {"x.yaml:1:8: alias *b: no such anchor before it"}},
    {"AliasBeforeItsAnchor", "a: *b\nb: &b 1\n", {"x.yaml:1:4: alias *b: no such anchor before it"}},
    {"SelfReferenceInList", "a: &a [1, *a]\n", {"x.yaml:1:11: a[1]: alias *a refers to a value that contains it"}},
    {"SelfReferenceInMap", "a: &a {b: {c: *a}}\n", {"x.yaml:1:15: a.b.c: alias *a refers to a value that contains it"}},
    {"SelfReferenceInMerge",
     "a: &a\n  <<: *a\n",
     {"x.yaml:2:7: a.\"<<\": alias *a refers to a value that contains it"}},
    {"AliasBomb", alias_bomb(), {"x.yaml:5:45: a4[7]: more than 100000 values (aliases expanded)"}},
    {"TooManyValues",
     "a: [" + repeat("1, ", 100'000) + "1]",
     {"x.yaml:1:299999: a[99998]: more than 100000 values (aliases expanded)"}},
    {"TooManyBrackets", repeat("[", 200'001), {"x.yaml:1:200001: more than 200000 brackets and commas"}},
    {"TooDeepList",
     repeat("[", 65) + repeat("]", 65),
     {fmt::format("x.yaml:1:65: {}: nested more than 64 levels deep", repeat("[0]", 64))}},
    {"TooDeepMap",
     repeat("{a: ", 65) + repeat("}", 65),
     {fmt::format("x.yaml:1:257: a{}: nested more than 64 levels deep", repeat(".a", 63))}},
    {"TooDeepByAlias",
     "a: &a " + repeat("[", 40) + repeat("]", 40) + "\nb: " + repeat("[", 30) + "*a" + repeat("]", 30),
     {fmt::format("x.yaml:2:34: b{}: nested more than 64 levels deep", repeat("[0]", 30))}},
    {"FarTooDeep",
     repeat("- ", 100'000),
     {fmt::format("x.yaml:1:129: {}: nested more than 64 levels deep", repeat("[0]", 64))}},
    {"TooLarge", "a: " + std::string(size_t{4} << 20, 'x'), {"x.yaml:1:1: larger than 4 MiB"}},

    {"MergeOfAScalar",
     "m:\n  <<: 3\n",
     {"x.yaml:2:3: m.\"<<\": expected a map or a list of maps to merge, found \"3\""}},
    {"MergeOfNull", "m:\n  <<:\n", {"x.yaml:2:3: m.\"<<\": expected a map or a list of maps to merge, found nothing"}},
    {"MergeOfAListWithAScalar",
     "m: {<<: [{a: 1}, b]}\n",
     {"x.yaml:1:5: m.\"<<\": expected a map or a list of maps to merge, found \"b\""}},
    {"MergeOfAListOfLists",
     "m: {<<: [[]]}\n",
     {"x.yaml:1:5: m.\"<<\": expected a map or a list of maps to merge, found a list"}},
    {"TwoMerges",
     "{<<: {a: 1}, <<: {b: 1}}",
     {"x.yaml:1:14: duplicate key \"<<\", first in line 1, column 2; merge a list of maps instead"}},

    {"PythonTag",
     "a: !!python/object/apply:os.system [ls]\n",
     {"x.yaml:1:4: a: tag !!python/object/apply:os.system is not supported"}},
    {"LocalTag", "a: [!foo x]\n", {"x.yaml:1:5: a[0]: tag !foo is not supported"}},
    {"VerbatimTag", "a: !<x:y> {}\n", {"x.yaml:1:4: a: tag !<x:y> is not supported"}},
    {"BinaryTag", "a: !!binary aGk=\n", {"x.yaml:1:4: a: tag !!binary is not supported"}},
    {"ScalarTagOnAList", "a: !!str [1]\n", {"x.yaml:1:4: a: tag !!str on a list"}},
    {"ListTagOnAMap", "a: !!seq {b: 1}\n", {"x.yaml:1:4: a: tag !!seq on a map"}},
    {"MapTagOnAScalar", "a: !!map b\n", {"x.yaml:1:4: a: tag !!map on a scalar"}},
    {"NullTagOnText", "a: !!null b\n", {"x.yaml:1:4: a: tag !!null on \"b\""}},

    {"SecondDocument", "a: 1\n---\nb: 2\n", {"x.yaml:2:1: a second document begins here; a model file holds one"}},
    {"EmptySecondDocument", "---\na: 1\n---\n", {"x.yaml:3:1: a second document begins here; a model file holds one"}},
    {"TextAfterDocumentEnd",
     "a: 1\n...\nb\n",
     {"x.yaml:3:1: unexpected text after the end of the document; check the indentation"}},
    {"TextAfterMap",
     "{a: 1} b\n",
     {"x.yaml:1:8: unexpected text after the end of the document; check the indentation"}},

    {"NulByte", std::string("a: 1\nb: \0 2\n", 12), {"x.yaml:2:4: control character 0x00"}},
    {"EndOfTransmission", "a: 1\x04\nb: 2\n", {"x.yaml:1:5: control character 0x04"}},
    {"LoneCarriageReturn", "a: 1\rb: 2\n", {"x.yaml:1:5: carriage return without line feed"}},
    {"InvalidUtf8", "a: \xC3\xA4\xFF\n", {"x.yaml:1:5: not valid UTF-8"}},
    {"OverlongUtf8", "a: \xC0\xAF\n", {"x.yaml:1:4: not valid UTF-8"}},
    {"TruncatedUtf8", "a: \xE2\x82", {"x.yaml:1:4: not valid UTF-8"}},
    {"SurrogateUtf8", "a: \xED\xA0\x80\n", {"x.yaml:1:4: not valid UTF-8"}},
    {"Utf16",
     std::string("\xFF\xFE"
                 "a\0",
                 4),
     {"x.yaml:1:1: not valid UTF-8; a model file is YAML text in UTF-8"}},
    {"EscapedNul", "a: \"b\\0c\"\n", {"x.yaml:1:4: a: the text holds a NUL character"}},
    {"EscapeBeyondUtf8",
     "a: \"\\N\"\n",
     {"x.yaml:1:4: a: an escape sequence of the text does not yield UTF-8; write \\u0085 or \\u00a0"}},
};

INSTANTIATE_TEST_SUITE_P(Files, BadConfigYaml, testing::ValuesIn(kBadYaml),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(ConfigFile, IsReadFromDisk) {
  const test::TempFolder folder;
  const std::string file = folder / "config.yaml";
  std::ofstream(file) << "a: 1\n";
  EXPECT_EQ(ConfigDocument::load(file).root().at("a").as_int(), 1);
  EXPECT_EQ(ConfigDocument::load(file).root().at("a").where(), file + ":1:4");
}

TEST(ConfigFile, MustExist) {
  EXPECT_EQ(problems_of([] { ConfigDocument::load("no/such.yaml"); }),
            Lines{"no/such.yaml: cannot be read: No such file or directory"});
}

TEST(ConfigFile, MustNotBeAFolder) {
  EXPECT_EQ(problems_of([] { ConfigDocument::load("/"); }), Lines{"/: cannot be read: Is a directory"});
}

TEST(ConfigFile, MustBeReadable) {
  EXPECT_EQ(problems_of([] { ConfigDocument::load("/proc/self/mem"); }),
            Lines{"/proc/self/mem: cannot be read: Input/output error"});
}

TEST(ConfigFile, MustNotBeEndless) {
  EXPECT_EQ(problems_of([] { ConfigDocument::load("/dev/zero"); }), Lines{"/dev/zero:1:1: larger than 4 MiB"});
}

}  // namespace
}  // namespace zoo
