#include <ostream>

#include <gtest/gtest.h>

#include "tests/core/config_test_support.h"

namespace zoo {
namespace {

using Lines = std::vector<std::string>;

constexpr const char* kFile =
    "model:\n"
    "  name: small\n"
    "  num_classes: 10\n"
    "  params: ~\n"
    "  stages:\n"
    "    - &s {stride: [1, 2]}\n"
    "    - *s\n";

void read_model(const ConfigNode& root) {
  const ConfigNode model = root.at("model");
  model.at("name").as_string();
  model.at("num_classes").as_int();
  model.find("params").find("dropout").as_double();
  for (const ConfigNode& stage : model.at("stages").items()) stage.at("stride").as_int_list();
  root.find("runtime").find("threads").as_int();
}

ConfigDocument with(const std::string& setting) {
  const ConfigOverride parsed = ConfigOverride::parse(setting);
  return ConfigDocument::parse(kFile, "x.yaml", std::span(&parsed, 1));
}

TEST(ConfigOverride, SplitsAtTheFirstEqualsSign) {
  const ConfigOverride setting = ConfigOverride::parse("a.b=c=d");
  EXPECT_EQ(setting.path, "a.b");
  EXPECT_EQ(setting.value, "c=d");
  EXPECT_EQ(ConfigOverride::parse("a=").value, "");
}

TEST(ConfigOverride, ReplacesAScalar) {
  const ConfigDocument document = with("model.num_classes=7");
  EXPECT_EQ(document.root().at("model").at("num_classes").as_int(), 7);
  read_model(document.root());
  EXPECT_NO_THROW(document.finish());
}

TEST(ConfigOverride, TakesListsMapsAndNull) {
  EXPECT_EQ(with("model.num_classes=[1, 2]").root().at("model").at("num_classes").as_int_list(),
            (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(with("model.name={a: {b: 3}}").root().at("model").at("name").at("a").at("b").as_int(), 3);
  EXPECT_TRUE(with("model.name=~").root().at("model").at("name").is_null());
  EXPECT_TRUE(with("model.name=").root().at("model").at("name").is_null());
}

TEST(ConfigOverride, AddsKeys) {
  const ConfigDocument document = with("model.extra=yes");
  EXPECT_TRUE(document.root().at("model").at("extra").as_bool());
}

TEST(ConfigOverride, CreatesMapsOnTheWay) {
  EXPECT_EQ(with("runtime.threads=4").root().at("runtime").at("threads").as_int(), 4);
  EXPECT_EQ(with("model.params.dropout=0.5").root().at("model").at("params").at("dropout").as_double(), 0.5);
}

TEST(ConfigOverride, IndexesListsWithBracketsOrDots) {
  for (const char* setting : {"model.stages[0].stride[1]=9", "model.stages.0.stride.1=9"}) {
    const ConfigNode stages = with(setting).root().at("model").at("stages");
    EXPECT_EQ(stages.items()[0].at("stride").as_int_list(), (std::vector<int64_t>{1, 9})) << setting;
  }
}

TEST(ConfigOverride, ChangesOnlyOnePlaceOfAnAliasedValue) {
  const ConfigNode first = with("model.stages[0].stride=[5]").root().at("model").at("stages").items()[1];
  EXPECT_EQ(first.at("stride").as_int_list(), (std::vector<int64_t>{1, 2}));
  const ConfigNode second = with("model.stages[1].stride=[5]").root().at("model").at("stages").items()[0];
  EXPECT_EQ(second.at("stride").as_int_list(), (std::vector<int64_t>{1, 2}));
}

TEST(ConfigOverride, ChangesOnlyOnePlaceOfAMergedMap) {
  const ConfigOverride setting = ConfigOverride::parse("b.p.x=2");
  const ConfigNode root =
      ConfigDocument::parse("a: &a {p: {x: 1}}\nb: {<<: *a}\n", "x.yaml", std::span(&setting, 1)).root();
  EXPECT_EQ(root.at("a").at("p").at("x").as_int(), 1);
  EXPECT_EQ(root.at("b").at("p").at("x").as_int(), 2);
}

TEST(ConfigOverride, LetsTheLastOneWin) {
  const std::vector<ConfigOverride> settings = {{"model.name", "x"}, {"model.name", "y"}};
  EXPECT_EQ(ConfigDocument::parse(kFile, "x.yaml", settings).root().at("model").at("name").as_string(), "y");
}

TEST(ConfigOverride, NamesItselfAsThePlaceOfItsValues) {
  const ConfigNode model = with("model.num_classes=[1, 2]").root().at("model");
  EXPECT_EQ(model.at("num_classes").where(), "--set model.num_classes=[1, 2]");
  EXPECT_EQ(model.at("num_classes").items()[1].where(), "--set model.num_classes=[1, 2]");
  EXPECT_EQ(model.at("name").where(), "x.yaml:2:9");
}

TEST(ConfigOverride, IsReportedAfterTheFile) {
  EXPECT_EQ(problems_of("b: x\na: 1\n",
                        [](const ConfigNode& root) {
                          root.at("a").as_int();
                          root.at("b").as_int();
                        },
                        {{"a", "y"}}),
            (Lines{"x.yaml:1:4: b: expected a whole number, found \"x\"",
                   "--set a=y: expected a whole number, found \"y\""}));
}

struct BadOverride {
  const char* name;
  std::string setting;
  std::string problem;
};

void PrintTo(const BadOverride& c, std::ostream* stream) { *stream << c.name; }

class BadConfigOverride : public testing::TestWithParam<BadOverride> {};

TEST_P(BadConfigOverride, IsReportedInOneLine) {
  const BadOverride& c = GetParam();
  const Lines problems = problems_of([&] {
    const ConfigDocument document = with(c.setting);
    read_model(document.root());
    document.finish();
  });
  EXPECT_EQ(problems, Lines{c.problem});
}

const BadOverride kBadOverrides[] = {
    {"NoEqualsSign", "model.name", "--set model.name: expected key.path=value"},
    {"NoPath", "=3", "--set =3: expected key.path=value"},
    {"WrongType", "model.num_classes=x", "--set model.num_classes=x: expected a whole number, found \"x\""},
    {"WrongTypeInside", "model.stages[1].stride=[1, x]",
     "--set model.stages[1].stride=[1, x]: model.stages[1].stride[1]: expected a whole number, found \"x\""},
    {"Null", "model.num_classes=", "--set model.num_classes=: expected a whole number, found nothing"},
    {"MisspeltKey", "model.num_clases=3", "--set model.num_clases=3: unknown key; did you mean \"num_classes\"?"},
    {"MisspeltKeyOnTheWay", "runtme.threads=3",
     "--set runtme.threads=3: runtme: unknown key; did you mean \"runtime\"?"},
    {"MissingKeyInNewMap", "model.stages[0]={}", "--set model.stages[0]={}: missing key \"stride\""},
    {"ThroughAScalar", "model.name.x=3", "--set model.name.x=3: model.name is \"small\", no map"},
    {"IndexOutOfRange", "model.stages[2]=3",
     "--set model.stages[2]=3: model.stages has 2 elements, counted from 0; there is no [2]"},
    {"NegativeIndex", "model.stages.-1=3",
     "--set model.stages.-1=3: model.stages is a list; its elements are model.stages[0], model.stages[1], ..."},
    {"NameInAList", "model.stages.stride=3",
     "--set model.stages.stride=3: model.stages is a list; its elements are model.stages[0], model.stages[1], ..."},
    {"IndexInAMap", "model[0]=3", "--set model[0]=3: model is a map, no list"},
    {"IndexInTheFile", "[0]=3", "--set [0]=3: the file is a map, no list"},
    {"HugeIndex", "model.stages.99999999999999999999=3",
     "--set model.stages.99999999999999999999=3: model.stages is a list; its elements are model.stages[0], "
     "model.stages[1], ..."},
    {"EmptyPart", "model..name=3", "--set model..name=3: the path is no key.path like a.b[0].c"},
    {"LeadingDot", ".model=3", "--set .model=3: the path is no key.path like a.b[0].c"},
    {"TrailingDot", "model.=3", "--set model.=3: the path is no key.path like a.b[0].c"},
    {"OpenBracket", "model.stages[0=3", "--set model.stages[0=3: the path is no key.path like a.b[0].c"},
    {"ClosingBracket", "model.stages]=3", "--set model.stages]=3: the path is no key.path like a.b[0].c"},
    {"TextInBrackets", "model.stages[x]=3", "--set model.stages[x]=3: the path is no key.path like a.b[0].c"},
    {"TextAfterBrackets", "model.stages[0]x=3", "--set model.stages[0]x=3: the path is no key.path like a.b[0].c"},
    {"PathTooLong", repeat("a.", 64) + "a=1",
     "--set a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a....=1: the path has more than 64 parts"},
    {"SyntaxError", "model.name=[1, 2", "--set model.name=[1, 2: the bracket is never closed"},
    {"DuplicateKey", "model.name={a: 1, a: 2}", "--set model.name={a: 1, a: 2}: duplicate key \"a\""},
    {"UnknownTag", "model.name=!x 1", "--set model.name=!x 1: tag !x is not supported"},
    {"AliasOfTheFile", "model.name=*s", "--set model.name=*s: alias *s: no such anchor before it"},
    {"SecondDocument", "model.name=1\n---\n2",
     "--set model.name=1\\n---\\n2: a second document begins here; a model file holds one"},
    {"PercentLine", "model.name=%x", "--set model.name=%x: a line cannot begin with \"%\" here; quote the text"},
    {"ControlCharacter", "model.name=\x01", "--set model.name=\\x01: control character 0x01"},
};

INSTANTIATE_TEST_SUITE_P(Overrides, BadConfigOverride, testing::ValuesIn(kBadOverrides),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace zoo
