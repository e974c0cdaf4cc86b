// Unknown pictures, steady names and multi-label models from end to end: the demo classifier on its samples, on
// backgrounds without an emoji and on a clip in which emoji come and go.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/apps/program_runner.h"
#include "tests/support/temp_folder.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using Json = nlohmann::json;

const std::vector<std::string> kKnown = {"apple",  "butterfly", "car",     "dog",
                                         "guitar", "ice_cream", "penguin", "sunflower"};
const std::vector<std::string> kUnknown = {"bricks", "desk", "leaves"};

std::string backgrounds() { return demo_sample("backgrounds"); }

std::vector<Json> json_lines(const std::string& text) {
  std::vector<Json> lines;
  for (const std::string& line : lines_of(text)) lines.push_back(Json::parse(line));
  return lines;
}

/// What a run of `predict` says, and with these settings of the demo model.
ProgramResult predict(const std::vector<std::string>& sources, const std::vector<std::string>& flags,
                      const std::vector<std::string>& settings = {}) {
  std::vector<std::string> arguments = {"predict", demo_model()};
  for (const std::string& source : sources) arguments.insert(arguments.end(), {"-s", source});
  for (const std::string& setting : settings) arguments.insert(arguments.end(), {"--set", setting});
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  ProgramResult result = run_program(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result;
}

TEST(UnknownPictures, AreNamedSoAndEmojiAreNot) {
  const auto unknown = json_lines(predict({backgrounds()}, {"--json"}).out);
  ASSERT_THAT(unknown, SizeIs(kUnknown.size()));
  for (const Json& line : unknown) {
    EXPECT_EQ(line.at("known"), false) << line;
    const double margin = line.at("top")[0].at("score").get<double>() - line.at("top")[1].at("score").get<double>();
    EXPECT_NEAR(line.at("known_score").get<double>(), margin, 2e-6) << "what the demo decides by";
    EXPECT_THAT(line.at("top"), SizeIs(5)) << "the guesses are what they are";
    EXPECT_FALSE(line.contains("steady")) << "pictures have no names of late";
  }
  for (const std::string& name : kKnown) {
    const auto known = json_lines(predict({demo_sample(name + ".jpg")}, {"--json"}).out);
    EXPECT_EQ(known.at(0).at("known"), true) << name;
  }
}

TEST(UnknownPictures, SaySoInTextAndTables) {
  EXPECT_THAT(lines_of(predict({backgrounds()}, {}).out), AllOf(Contains(HasSubstr("bricks.jpg         -  unknown")),
                                                                Contains(HasSubstr("desk.jpg           -  unknown"))));
  const std::vector<std::string> table = lines_of(predict({backgrounds() + "/desk.jpg"}, {}).out);
  ASSERT_GE(table.size(), 4U);
  EXPECT_EQ(table[1], "rank    score  label");
  EXPECT_EQ(table[2], "   -        -  unknown");
  EXPECT_THAT(table[3], StartsWith("   1 ")) << "the guesses follow";
  const std::vector<std::string> rows =
      lines_of(predict({backgrounds() + "/desk.jpg", demo_sample("dog.jpg")}, {"--csv", "-", "--topk", "1"}).out);
  ASSERT_THAT(rows, SizeIs(3));
  EXPECT_THAT(rows[0], testing::EndsWith(",error,known,steady"));
  EXPECT_THAT(rows[1], testing::EndsWith(",,false,"));
  EXPECT_THAT(rows[2], testing::EndsWith(",,true,"));
}

TEST(UnknownPictures, WithoutTheKeyResultsAreWhatTheyWere) {
  const std::vector<std::string> off = {"model.unknown=~", "model.smoothing=~"};
  const auto lines = json_lines(predict({backgrounds() + "/desk.jpg"}, {"--json"}, off).out);
  std::vector<std::string> keys;
  for (const auto& [key, value] : lines.at(0).items()) keys.push_back(key);
  EXPECT_THAT(keys, testing::UnorderedElementsAre("source", "frame", "time_s", "size", "top", "ms"));
  EXPECT_THAT(predict({backgrounds() + "/desk.jpg"}, {}, off).out, Not(HasSubstr("unknown")));
  EXPECT_THAT(predict({backgrounds() + "/desk.jpg"}, {"--csv", "-"}, off).out,
              StartsWith("source,frame,time_s,rank,index,label,score,error\n"));
}

/// Names in a row, each once.
std::vector<std::string> changes(const std::vector<std::string>& names) {
  std::vector<std::string> kept = names;
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  return kept;
}

TEST(SteadyNames, ChangeExactlyWhenThePicturesDo) {
  const auto frames = json_lines(predict({demo_sample("clip_gaps.mp4")}, {"--json"}).out);
  ASSERT_THAT(frames, SizeIs(126));
  std::vector<std::string> raw;
  std::vector<std::string> steady;
  for (const Json& frame : frames) {
    raw.push_back(frame.at("known") == true ? frame.at("top")[0].at("label").get<std::string>() : "unknown");
    steady.push_back(frame.at("steady").at("label"));
    EXPECT_EQ(frame.at("steady").at("index").is_null(), steady.back() == "unknown");
  }
  EXPECT_THAT(changes(steady), ElementsAre("unknown", "banana", "unknown", "penguin", "unknown", "car", "unknown"));
  EXPECT_GT(changes(raw).size(), changes(steady).size()) << "single frames flicker, else this shows nothing";
}

TEST(SteadyNames, StandOnLiveStreamsToo) {
  const ProgramResult result = run_program({"live", demo_model(), "--source", demo_sample("clip_gaps.mp4"), "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::vector<std::string> steady;
  for (const Json& line : json_lines(result.out)) {
    if (line.contains("steady")) steady.push_back(line.at("steady").at("label"));
  }
  EXPECT_THAT(steady, SizeIs(126));
  EXPECT_THAT(changes(steady), ElementsAre("unknown", "banana", "unknown", "penguin", "unknown", "car", "unknown"));
}

TEST(SteadyNames, AreTheLinesOfTheText) {
  const std::vector<std::string> lines = lines_of(predict({demo_sample("clip_gaps.mp4")}, {}).out);
  ASSERT_THAT(lines, SizeIs(8));
  const std::vector<std::string> names = {"unknown", "banana", "unknown", "penguin", "unknown", "car", "unknown"};
  for (size_t i = 0; i < names.size(); ++i) EXPECT_THAT(lines[i], testing::EndsWith("  " + names[i]));
}

TEST(SteadyNames, DoNotDependOnTheNumberOfThreads) {
  const auto steady_of = [](const std::string& threads) {
    std::vector<Json> names;
    for (const Json& frame :
         json_lines(predict({demo_sample("clip_gaps.mp4")}, {"--json", "--threads", threads}).out)) {
      names.push_back(frame.at("steady"));
    }
    return names;
  };
  EXPECT_EQ(steady_of("1"), steady_of("4"));
}

TEST(SteadyNames, OfASecondVideoBeginAnew) {
  const std::string clip = demo_sample("clip.mp4");
  const auto frames = json_lines(predict({clip, clip}, {"--json"}).out);
  ASSERT_THAT(frames, SizeIs(140));
  EXPECT_EQ(frames[70].at("steady"), frames[0].at("steady"));
}

/// Data sets, and a model file to change.
class Thresholds : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const std::string& name : kKnown) {
      fs::create_directories(folder_.path() / "known" / name);
      fs::copy_file(demo_sample(name + ".jpg"), folder_.path() / "known" / name / "a.jpg");
    }
    for (const char* name : {"emoji.safetensors", "emoji_labels.txt"}) {
      fs::copy_file(fs::path(demo_model()).parent_path() / name, folder_ / name);
    }
    write_text(model(), read_text(demo_model()));
  }

  ProgramResult run(const std::string& command, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {command, model(), "--data", folder_ / "known"});
    return run_program(arguments);
  }
  std::string model() const { return folder_ / "emoji.yaml"; }

  TempFolder folder_;
};

TEST_F(Thresholds, AreMeasuredByEval) {
  const ProgramResult result = run("eval", {"--unknown", backgrounds(), "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json unknown = Json::parse(result.out).at("unknown");
  EXPECT_EQ(unknown.at("pictures"), 3);
  EXPECT_THAT(unknown.at("failed"), IsEmpty());
  for (const char* score : {"max_probability", "margin", "energy"}) {
    EXPECT_EQ(unknown.at("scores").at(score).at("auroc"), 1.0) << score;
    EXPECT_EQ(unknown.at("scores").at(score).at("fpr95"), 0.0) << score;
  }
  EXPECT_EQ(unknown.at("score"), "margin");
  EXPECT_EQ(unknown.at("kept"), 1.0);
  EXPECT_EQ(unknown.at("refused"), 1.0);
  EXPECT_THAT(
      run("eval", {"--unknown", backgrounds()}).out,
      AllOf(HasSubstr("8 pictures against 3 pictures of nothing known\n"), HasSubstr("100.00 %      0.00 %  energy\n"),
            HasSubstr("kept             100.00 %"), HasSubstr("refused          100.00 %")));
  EXPECT_EQ(Json::parse(run("eval", {"--json"}).out).at("unknown").size(), 3U) << "score, threshold, kept";
  EXPECT_THAT(run("eval", {"--unknown", backgrounds(), "--set", "model.unknown=~"}).out,
              HasSubstr("the model file has no model.unknown; `backbone-zoo calibrate"));
}

TEST_F(Thresholds, PicturesThatCannotBeReadCountInNoFigure) {
  fs::create_directory(folder_ / "unknown");
  write_text(folder_ / "unknown/a.jpg", "no picture");
  fs::copy_file(backgrounds() + "/desk.jpg", folder_ / "unknown/b.jpg");
  const ProgramResult result = run("eval", {"--unknown", folder_ / "unknown", "--json"});
  EXPECT_EQ(result.exit_code, 3);
  const Json unknown = Json::parse(result.out).at("unknown");
  EXPECT_EQ(unknown.at("pictures"), 1);
  EXPECT_THAT(unknown.at("failed"), SizeIs(1));
  EXPECT_EQ(run("calibrate", {"--unknown", folder_ / "unknown"}).exit_code, 3);
}

TEST_F(Thresholds, AreChosenAndSaid) {
  const std::string before = read_text(model());
  const ProgramResult result = run("calibrate", {"--unknown", backgrounds(), "--unknown-score", "energy"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(StartsWith("energy below "),
                    HasSubstr("keeps 100.00 % of 8 known pictures and refuses "
                              "100.00 % of 3 unknown ones (AUROC 100.00 %)\n"),
                    HasSubstr("for " + model() +
                              " (--write-threshold puts it there):\nmodel:\n  unknown: {score: energy, threshold: ")));
  EXPECT_EQ(read_text(model()), before);
  const Json kept = Json::parse(run("calibrate", {"--keep", "0.5", "--json"}).out);
  EXPECT_EQ(kept.at("known").at("kept"), 0.5);
  EXPECT_EQ(kept.at("score"), "margin") << "the model file's";
  EXPECT_EQ(kept.at("written"), false);
  EXPECT_FALSE(kept.contains("unknown"));
  EXPECT_FALSE(fs::exists(folder_ / "emoji.safetensors.calibration.yaml")) << "no table of ranges";
}

TEST_F(Thresholds, AreWrittenIntoTheModelFile) {
  const std::string before = read_text(model());
  const ProgramResult result =
      run("calibrate", {"--unknown", backgrounds(), "--unknown-score", "energy", "--write-threshold", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json chosen = Json::parse(result.out);
  const std::string after = read_text(model());
  EXPECT_THAT(after, HasSubstr("score: energy"));
  EXPECT_EQ(lines_of(after).size(), lines_of(before).size());
  EXPECT_THAT(after, HasSubstr("# one label per line, path relative to this file")) << "comments stay";
  const Json figures = Json::parse(run("eval", {"--unknown", backgrounds(), "--json"}).out).at("unknown");
  EXPECT_EQ(figures.at("threshold"), chosen.at("threshold"));
  EXPECT_EQ(figures.at("kept"), chosen.at("known").at("kept"));
  EXPECT_EQ(figures.at("refused"), chosen.at("unknown").at("refused"));
}

TEST_F(Thresholds, ThatCannotBePlacedLeaveTheFileAlone) {
  std::string text = read_text(model());
  const size_t at = text.find("  unknown:");
  ASSERT_NE(at, std::string::npos);
  text = text.substr(0, at) + "  unknown: ~\n" + text.substr(text.find('\n', at) + 1);
  write_text(model(), text);
  const ProgramResult result = run("calibrate", {"--keep", "0.9", "--write-threshold"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("laid out so that only a person can put this in its place"));
  EXPECT_EQ(read_text(model()), text);
}

TEST_F(Thresholds, FlagsThatDoNotGoTogetherAreRefused) {
  const auto refused = [&](const std::vector<std::string>& flags, const std::string& why) {
    const ProgramResult result = run("calibrate", flags);
    EXPECT_EQ(result.exit_code, 2) << why;
    EXPECT_THAT(result.err, HasSubstr(why));
  };
  refused({"--unknown", folder_ / "known"}, "name folders that share no picture");
  refused({"--keep", "0.5", "--random-weights"}, "a threshold belongs to trained weights");
  refused({"--write-threshold"}, "--write-threshold goes with a threshold for model.unknown: give --unknown DIR or");
  refused({"--unknown-score", "margin"}, "--unknown-score goes with a threshold");
  refused({"--keep", "0.9", "--method", "mse"}, "--method is for the table of ranges");
  refused({"--keep", "0.9", "-o", folder_ / "x"}, "--output is for the table of ranges");
  refused({"--keep", "1.5"}, "--keep");
  refused({"--unknown", folder_ / "nowhere"}, "nowhere: there is no such folder");
  refused({"--keep", "0.9", "--set", "model.unknown=~", "--set", "model.smoothing=~", "--set", "model.multi_label={}"},
          "a multi-label model has no model.unknown");
}

TEST(AnswerKeys, AreShownByValidateAndSummary) {
  EXPECT_THAT(run_program({"validate", demo_model()}).out,
              AllOf(HasSubstr("; unknown: margin below 0."), HasSubstr("; smoothing: over 1 s, hysteresis 0.1")));
  EXPECT_THAT(run_program({"summary", demo_model()}).out, HasSubstr("\nunknown     margin below 0."));
  EXPECT_THAT(Json::parse(run_program({"summary", demo_model(), "--json"}).out).at("smoothing"), HasSubstr("over 1 s"));
}

/// The demo network taken for a multi-label one: its logits of what a picture shows are far above 0.
class MultiLabel : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_.path() / "data/images");
    std::string table = "file,labels\n";
    for (const std::string& name : kKnown) {
      fs::copy_file(demo_sample(name + ".jpg"), folder_.path() / "data/images" / (name + ".jpg"));
      table += name + ".jpg," + name + "\n";
    }
    fs::copy_file(backgrounds() + "/leaves.jpg", folder_.path() / "data/images/leaves.jpg");
    write_text(folder_ / "data/labels.csv", table + "leaves.jpg,\n");
  }

  std::vector<std::string> settings(const std::string& multi_label) const {
    return {"model.unknown=~", "model.smoothing=~", "model.multi_label=" + multi_label};
  }
  ProgramResult eval(const std::vector<std::string>& flags) const {
    std::vector<std::string> arguments = {"eval", demo_model(), "--data", folder_ / "data"};
    for (const std::string& setting : settings(kHigh)) arguments.insert(arguments.end(), {"--set", setting});
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return run_program(arguments);
  }

  static constexpr const char* kHigh = "{threshold: 0.98}";
  TempFolder folder_;
};

TEST_F(MultiLabel, EveryClassFromItsThresholdIsAResult) {
  const auto one = json_lines(predict({demo_sample("dog.jpg")}, {"--json"}, settings(kHigh)).out);
  ASSERT_THAT(one.at(0).at("top"), SizeIs(1));
  EXPECT_EQ(one.at(0).at("top")[0].at("label"), "dog");
  EXPECT_FALSE(one.at(0).contains("known"));
  const auto none = json_lines(
      predict({demo_sample("dog.jpg")}, {"--json"}, settings("{threshold: 0.98, thresholds: {dog: 1}}")).out);
  EXPECT_THAT(none.at(0).at("top"), IsEmpty());
  const auto all = json_lines(predict({demo_sample("dog.jpg")}, {"--json"}, settings("{threshold: 0}")).out);
  EXPECT_THAT(all.at(0).at("top"), SizeIs(64)) << "more than --topk's five";
  EXPECT_THAT(predict({demo_sample("dog.jpg"), backgrounds() + "/leaves.jpg"}, {}, settings(kHigh)).out,
              AllOf(HasSubstr(" % dog\n"), HasSubstr("leaves.jpg  nothing\n")));
}

TEST_F(MultiLabel, HasNoNumberOfGuesses) {
  const ProgramResult result =
      run_program({"predict", demo_model(), "-s", demo_sample("dog.jpg"), "--topk", "3", "--set", "model.unknown=~",
                   "--set", "model.smoothing=~", "--set", "model.multi_label={}"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--topk: a multi-label model yields every class that reaches its threshold"));
}

TEST_F(MultiLabel, IsDrawnAndTabulated) {
  const std::vector<std::string> rows = lines_of(predict({demo_sample("dog.jpg"), backgrounds() + "/leaves.jpg"},
                                                         {"--csv", "-", "--save", folder_ / "out"}, settings(kHigh))
                                                     .out);
  ASSERT_THAT(rows, SizeIs(3));
  EXPECT_THAT(rows[1], HasSubstr(",1,0,dog,0.99"));
  EXPECT_THAT(rows[2], testing::EndsWith(",,,,,"));
  EXPECT_TRUE(fs::exists(folder_ / "out/dog.jpg"));
}

TEST_F(MultiLabel, IsMeasuredOnATable) {
  const ProgramResult result = eval({"--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json document = Json::parse(result.out);
  EXPECT_EQ(document.at("pictures"), 9);
  EXPECT_EQ(document.at("metrics").at("mAP"), 1.0);
  EXPECT_EQ(document.at("metrics").at("macro_f1"), 1.0);
  EXPECT_EQ(document.at("metrics").at("exact"), 1.0);
  EXPECT_FALSE(document.contains("confusion"));
  EXPECT_THAT(document.at("classes"), SizeIs(64));
  EXPECT_THAT(eval({}).out, AllOf(StartsWith("9 pictures\n"), HasSubstr("mAP              100.00 %"),
                                  HasSubstr("exact            100.00 %")));
}

TEST_F(MultiLabel, WrongTablesAndFlagsAreRefused) {
  write_text(folder_ / "other.csv", "file,labels\ndog.jpg,dgo\n");
  const ProgramResult wrong = eval({"--annotations", folder_ / "other.csv"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("other.csv:2: "), HasSubstr("did you mean \"dog\"?")));
  for (const std::vector<std::string>& flags : std::vector<std::vector<std::string>>{
           {"--confusion", folder_ / "c.png"}, {"--class-order", "sorted"}, {"--unknown", backgrounds()}}) {
    const ProgramResult refused = eval(flags);
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, HasSubstr(flags.front() + ": "));
  }
}

}  // namespace
}  // namespace zoo::test
