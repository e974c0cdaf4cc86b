// The scanner of the layer test on sources made for it: a rule that finds nothing must have been able to.
#include "tests/layers/source_scan.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo::layers {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> targets(const std::string& text) {
  std::vector<std::string> found;
  for (const Include& include : includes_of(text)) {
    found.push_back(std::to_string(include.line) + (include.quoted ? " quoted " : " ") + include.target);
  }
  return found;
}

std::vector<std::string> uses(const std::string& text) {
  std::vector<std::string> found;
  for (const Use& use : uses_of(text, {"exit", "abort", "fprintf"}, {"cout"})) {
    found.push_back(std::to_string(use.line) + " " + use.name);
  }
  return found;
}

TEST(SourceScan, FindsIncludesHoweverTheyAreWritten) {
  EXPECT_THAT(targets("#include <zip.h>\n  #  include\t\"hub/http.h\"  // why\n#include<a/b>\n"),
              ElementsAre("1 zip.h", "2 quoted hub/http.h", "3 a/b"));
  EXPECT_THAT(targets("/* a */ #include /* b */ <zip.h>\n"), ElementsAre("1 zip.h"));
  EXPECT_THAT(targets("#if 0\n#include <zip.h>\n#endif\n"), ElementsAre("2 zip.h"));
  EXPECT_THAT(targets("#include HEADER\n"), ElementsAre("1 "));
  EXPECT_THAT(targets("#include <zip.h>"), ElementsAre("1 zip.h"));
}

TEST(SourceScan, TakesNoCommentForAnInclude) {
  EXPECT_THAT(targets("// #include <zip.h>\n/*\n#include <zip.h>\n*/\n// \\\n#include <zip.h>\n"), IsEmpty());
}

TEST(SourceScan, FindsCallsHoweverTheyAreWritten) {
  EXPECT_THAT(uses("exit(1);"), ElementsAre("1 exit"));
  EXPECT_THAT(uses("\n::exit (1);\nstd::abort\n();"), ElementsAre("2 exit", "3 abort"));
  EXPECT_THAT(uses("return ::exit(1);"), ElementsAre("1 exit"));
  EXPECT_THAT(uses("char16_t c = u'\\''; exit(1); auto s = u8\"'\"; abort();"), ElementsAre("1 exit", "1 abort"));
  EXPECT_THAT(uses("#define MACRO_R\nauto s = MACRO_R\"(\"; exit(1);"), ElementsAre("2 exit"));
  EXPECT_THAT(uses("std :: exit(1);"), ElementsAre("1 exit"));
  EXPECT_THAT(uses("if (x) fprintf(stderr, \"%d\", x);"), ElementsAre("1 fprintf"));
  EXPECT_THAT(uses("return failed ? exit(1) : abort();"), ElementsAre("1 exit", "1 abort"));
  EXPECT_THAT(uses("f([] { std::cout << 1; });"), ElementsAre("1 cout"));
  EXPECT_THAT(uses("using std::cout;"), ElementsAre("1 cout"));
  EXPECT_THAT(uses("const int n = 1'000'000; exit(n); char c = '\"'; abort();"), ElementsAre("1 exit", "1 abort"));
  EXPECT_THAT(uses("auto s = R\"x(a \" )\" b)x\"; exit(1);"), ElementsAre("1 exit"));
}

TEST(SourceScan, TakesNothingElseForACall) {
  EXPECT_THAT(uses("pool.exit(1); pool->abort(); queue::exit(1); Thing::abort(); Of<int>::exit(1);"), IsEmpty());
  EXPECT_THAT(uses("// exit(1)\n/* abort() */ const char* s = \"exit(1) \\\" abort()\";"), IsEmpty());
  EXPECT_THAT(uses("auto s = R\"(exit(1))\";"), IsEmpty());
  EXPECT_THAT(uses("on_exit(1); exit_code = abort; cout << 1; my::cout << 1;"), IsEmpty());
}

}  // namespace
}  // namespace zoo::layers
