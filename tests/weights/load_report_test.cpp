// The text of a loading report.
#include <gtest/gtest.h>

#include "nn/weights/load.h"

namespace zoo::weights {
namespace {

LoadReport broken_report() {
  LoadReport report;
  report.ecosystem = Ecosystem::kTimm;
  report.matched = 238;
  report.total = 244;
  report.missing = {"conv_head.weight", "conv_head.bias", "classifier.bias"};
  report.unexpected = {"fc.weight"};
  report.misshaped = {{"classifier.weight", Shape{10, 1024}, Shape{1000, 1024}}, {"bn1.bias", Shape{16}, Shape{}}};
  report.wrong_type = {"bn1.weight"};
  report.non_finite = {"bn1.running_var"};
  return report;
}

TEST(LoadReport, ListsEveryKindOfDifference) {
  EXPECT_EQ(broken_report().to_string(),
            "timm names (nearest), 238 of 244 tensors match: 3 missing, 1 unexpected, 2 misshaped, 1 of wrong type, 1 "
            "non-finite\n"
            "  missing (3):\n"
            "    conv_head.weight\n"
            "    conv_head.bias\n"
            "    classifier.bias\n"
            "  unexpected (1):\n"
            "    fc.weight\n"
            "  misshaped (2):\n"
            "    classifier.weight: the network needs 10x1024, the file has 1000x1024\n"
            "    bn1.bias: the network needs 16, the file has scalar\n"
            "  wrong type (1):\n"
            "    bn1.weight\n"
            "  non-finite (1):\n"
            "    bn1.running_var");
}

TEST(LoadReport, LongListsAreCut) {
  LoadReport report;
  report.total = 7;
  for (int i = 0; i < 7; ++i) report.missing.push_back("block" + std::to_string(i));
  const std::string counts =
      "netspresso names (nearest), 0 of 7 tensors match: 7 missing, 0 unexpected, 0 misshaped, 0 of wrong type, 0 "
      "non-finite";
  EXPECT_EQ(report.to_string(2), counts + "\n  missing (7):\n    block0\n    block1\n    ... and 5 more");
  EXPECT_EQ(report.to_string(0), counts + "\n  missing (7):\n    ... and 7 more");
}

TEST(LoadReport, CompleteOneIsOneLine) {
  LoadReport report;
  report.ecosystem = Ecosystem::kTorchvision;
  report.detected = true;
  report.matched = report.total = 244;
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.to_string(),
            "torchvision names (detected), 244 of 244 tensors match: 0 missing, 0 unexpected, 0 misshaped, 0 of wrong "
            "type, 0 non-finite");
}

TEST(LoadReport, SaysWhatWasAskedForAndIgnored) {
  LoadReport report;
  report.requested = true;
  report.stripped_prefix = "module.";
  EXPECT_EQ(
      report.to_string(),
      "netspresso names (as asked), 0 of 0 tensors match: 0 missing, 0 unexpected, 0 misshaped, 0 of wrong type, 0 "
      "non-finite; names begin with \"module.\", which was ignored");
}

TEST(LoadReport, ListsWhatOnlyTrainingReads) {
  LoadReport report;
  report.ecosystem = Ecosystem::kTorchvision;
  report.detected = true;
  report.matched = report.total = 295;
  report.ignored = {"aux_classifier.0.weight", "aux_classifier.4.bias"};
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.to_string(),
            "torchvision names (detected), 295 of 295 tensors match: 0 missing, 0 unexpected, 0 misshaped, 0 of wrong "
            "type, 0 non-finite; 2 for training only ignored\n"
            "  ignored (2):\n"
            "    aux_classifier.0.weight\n"
            "    aux_classifier.4.bias");
}

TEST(LoadReport, NamesOfTheFileCannotControlTheTerminal) {
  LoadReport report;
  report.unexpected = {"a\x1b[2Jb\n" + std::string(200, 'n')};
  const std::string text = report.to_string();
  EXPECT_EQ(text.substr(text.find('\n')), "\n  unexpected (1):\n    a\\x1b[2Jb\\n" + std::string(113, 'n') + "...");
}

TEST(LoadReport, PrefixesOfTheFileCannotEither) {
  const std::string prefix = "\x1b[2J.";
  LoadReport report;
  report.stripped_prefix = prefix;
  report.missing = {prefix + "a"};
  report.misshaped = {{prefix + "b", Shape{1}, Shape{2}}};
  report.wrong_type = {prefix + "c"};
  report.non_finite = {prefix + "d"};
  report.outside_prefix = {"\n"};
  const std::string text = report.to_string();
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  EXPECT_NE(text.find("fit behind \"\\x1b[2J.\", 1 that does not begin with it left alone"), std::string::npos) << text;
  EXPECT_NE(text.find("\n    \\x1b[2J.a\n"), std::string::npos) << text;
  EXPECT_NE(text.find("left alone (1):\n    \\n"), std::string::npos) << text;
}

TEST(LoadReport, AnyDifferenceIsIncomplete) {
  LoadReport report;
  EXPECT_TRUE(report.complete());
  report.total = 1;
  EXPECT_FALSE(report.complete());
  for (std::vector<std::string> LoadReport::*list :
       {&LoadReport::missing, &LoadReport::unexpected, &LoadReport::wrong_type, &LoadReport::non_finite}) {
    LoadReport other;
    (other.*list).emplace_back("x");
    EXPECT_FALSE(other.complete());
  }
  LoadReport misshaped;
  misshaped.misshaped = {{"x", Shape{1}, Shape{2}}};
  EXPECT_FALSE(misshaped.complete());
}

TEST(LoadReport, AdviceNamesTheReason) {
  EXPECT_EQ(broken_report().advice(), "it holds NaN or infinity; the training diverged or the file is damaged");
  LoadReport report = broken_report();
  report.non_finite.clear();
  EXPECT_EQ(report.advice(), "tensors have integer types; save the weights as F32, F16 or BF16");
}

}  // namespace
}  // namespace zoo::weights
