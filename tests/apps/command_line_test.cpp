// The command line as a whole: help, mistakes, exit codes, broken outputs.
#include <csignal>
#include <cstdlib>
#include <string>
#include <sys/wait.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/program_runner.h"

namespace zoo::test {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

struct Mistake {
  const char* name;
  std::vector<std::string> arguments;
  const char* message;
};

class CommandLineMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(CommandLineMistake, IsNamedAndExitsWithTwo) {
  const ProgramResult result = run_program(GetParam().arguments);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, CommandLineMistake,
    ::testing::Values(
        Mistake{"nothing",
                {},
                "a subcommand is missing, one of: predict, live, serve, worker, eval, manifest, merge, run, "
                "preprocess, validate"},
        Mistake{"misspelt_subcommand", {"predcit"}, "unknown subcommand predcit; did you mean predict?"},
        Mistake{"strange_subcommand", {"qwertyuiop"}, "unknown subcommand qwertyuiop (see --help)"},
        Mistake{"empty_value",
                {"predict", "m.yaml", "x", "--save", ""},
                "the value of --save is empty: name one, or leave the flag out; was a variable of the shell not set?"},
        Mistake{"empty_json", {"predict", "m.yaml", "x", "--json", ""}, "the value of --json is empty"},
        Mistake{"empty_csv", {"predict", "m.yaml", "x", "--csv", ""}, "the value of --csv is empty"},
        Mistake{"empty_masks", {"predict", "m.yaml", "x", "--masks="}, "the value of --masks is empty"},
        Mistake{"empty_coco", {"predict", "m.yaml", "x", "--coco="}, "the value of --coco is empty"},
        Mistake{"empty_output", {"run", "m.yaml", "-o", ""}, "the value of -o is empty"},
        Mistake{"empty_source", {"predict", "m.yaml", ""}, "argument 3 is empty: name one, or leave it out"},
        Mistake{"no_frames",
                {"predict", "m.yaml", "x", "--max-frames", "0"},
                "predict: --max-frames: expected a whole number of at least 1, found 0 (see --help)"},
        Mistake{"broken_count",
                {"eval", "m.yaml", "x", "--limit", "1e3"},
                "eval: --limit: expected a whole number of at least 1, found 1e3"},
        Mistake{"huge_count",
                {"predict", "m.yaml", "x", "--max-frames", "99999999999999999999"},
                "--max-frames: expected a whole number of at least 1, found 99999999999999999999"},
        Mistake{"rate_that_is_none",
                {"predict", "m.yaml", "x", "--save", "y", "--fps", "nan"},
                "predict: --fps: expected a number from 0.1 to 1000, found nan"},
        Mistake{"open_timeout_that_is_none",
                {"predict", "m.yaml", "x", "--open-timeout", "nan"},
                "--open-timeout: expected a number from 0.001 to 86400, found nan"},
        Mistake{"stall_timeout_that_is_none",
                {"predict", "m.yaml", "x", "--stall-timeout", "-nan"},
                "--stall-timeout: expected a number from 0.001 to 86400, found -nan"},
        Mistake{"score_that_is_none",
                {"predict", "m.yaml", "x", "--score-thresh", "nan"},
                "--score-thresh: expected a number from 0 to 1, found nan"},
        Mistake{"seconds_that_are_none",
                {"bench", "m.yaml", "--seconds", "nan"},
                "--seconds: expected a number from 0 to 3600, found nan"},
        Mistake{"gibibytes_that_are_none",
                {"eval", "m.yaml", "x", "--max-activations", "nan"},
                "--max-activations: expected a number from 0.001 to 1000000, found nan"},
        Mistake{"misspelt_flag",
                {"predict", "m.yaml", "--sorce", "x"},
                "predict: unknown option --sorce; did you mean --source?"},
        Mistake{"misspelt_flag_with_value",
                {"predict", "m.yaml", "-s", "x", "--topkk=3"},
                "predict: unknown option --topkk; did you mean --topk?"},
        Mistake{"missing_model", {"predict"}, "predict: MODEL is required"},
        Mistake{"missing_source", {"predict", "m.yaml"}, "predict: nothing to work on: name pictures"},
        Mistake{"surplus_argument",
                {"summary", "m.yaml", "n.yaml"},
                "summary: unexpected argument n.yaml: summary takes MODEL"},
        Mistake{"flag_without_subcommand",
                {"-v"},
                "a subcommand is missing before -v, one of: predict, live, serve, worker, eval"},
        Mistake{"flag_before_subcommand",
                {"-v", "predict", "m.yaml"},
                "-v stands before the subcommand: write `backbone-zoo predict -v`"},
        Mistake{"help_for_nothing_known", {"help", "predcit"}, "unknown subcommand predcit; did you mean predict?"},
        Mistake{"flag_of_others", {"predict", "m.yaml", "x", "--weights", "w"}, "did you mean --checkpoint?"},
        Mistake{
            "topk_of_zero", {"predict", "m.yaml", "-s", "x", "--topk", "0"}, "predict: --topk: Value 0 not in range"},
        Mistake{"precision_unknown", {"predict", "m.yaml", "-s", "x", "--precision", "f64"}, "--precision"},
        Mistake{"threads_no_number",
                {"predict", "m.yaml", "-s", "x", "--threads", "many"},
                "--threads: expected 1 to 1024 or all"},
        Mistake{"checkpoint_and_random",
                {"predict", "m.yaml", "-s", "x", "--checkpoint", "c", "--random-weights"},
                "excludes"},
        Mistake{"bench_without_model", {"bench"}, "bench: MODEL is required"},
        Mistake{"streams_no_number", {"bench", "m.yaml", "--streams", "few"}, "--streams: expected 1 to 1024 or all"},
        Mistake{"streams_zero", {"bench", "m.yaml", "--streams", "0"}, "--streams: expected 1 to 1024 or all"},
        Mistake{"batch_zero", {"bench", "m.yaml", "--batch", "0"}, "--batch: Value 0 not in range"},
        Mistake{"unknown_precision",
                {"bench", "m.yaml", "--precision", "f8"},
                "--precision: f8 is none of f32, bf16, int8, auto"},
        Mistake{"unknown_isa", {"profile", "m.yaml", "--isa", "mmx"}, "--isa: mmx not in"},
        Mistake{"unknown_order", {"profile", "m.yaml", "--sort", "name"}, "--sort: name not in"},
        Mistake{"unknown_engine", {"run", "m.yaml", "-i", "x", "-o", "y", "--engine", "gpu"}, "--engine: gpu not in"},
        Mistake{"depth_zero", {"summary", demo_model(), "--depth", "0"}, "--depth: expected 1 to 9 or all"},
        Mistake{"unknown_format", {"graph", "m.yaml", "--format", "png"}, "--format: png not in"},
        Mistake{"bad_size",
                {"summary", demo_model(), "--size", "12y34"},
                "--size 12y34: expected H or HxW with sides of 1 to 16384 pixels"},
        Mistake{"size_zero", {"summary", demo_model(), "--size", "0"}, "--size 0: expected H or HxW"},
        Mistake{"size_below_zero", {"summary", demo_model(), "--size=-5"}, "--size -5: expected H or HxW"},
        Mistake{"size_huge", {"summary", demo_model(), "--size", "99999999999999999999"}, "expected H or HxW"},
        Mistake{"model_not_there", {"summary", "nowhere/m.yaml"}, "nowhere/m.yaml"},
        Mistake{"bad_override", {"summary", demo_model(), "--set", "model.num_classes"}, "model.num_classes"},
        Mistake{"checkpoint_not_there",
                {"predict", demo_model(), "-s", demo_sample("dog.jpg"), "--checkpoint", "nowhere.safetensors"},
                "nowhere.safetensors"},
        Mistake{"preprocess_without_output",
                {"preprocess", demo_model(), "-s", demo_sample("dog.jpg")},
                "preprocess: nothing to do: give --output, --compare or both"}),
    [](const auto& test) { return test.param.name; });

TEST(CommandLine, EveryErrorIsOneLineThatNamesTheProgram) {
  const ProgramResult result = run_program({"predict", "m.yaml", "--sorce", "x"});
  EXPECT_EQ(result.err, "backbone-zoo: predict: unknown option --sorce; did you mean --source? (see --help)\n");
}

class Help : public ::testing::TestWithParam<const char*> {};

TEST_P(Help, GoesToStandardOutputAndExitsWithZero) {
  const ProgramResult result = run_program({GetParam(), "--help"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr(std::string("Usage: backbone-zoo ") + GetParam()));
  EXPECT_THAT(result.out, HasSubstr("Exit codes: 0 done"));
  EXPECT_EQ(result.err, "");
}

TEST_P(Help, FitsTheWidthOfTheTerminal) {
  for (const size_t width : {size_t{80}, size_t{60}, size_t{120}}) {
    std::vector<std::string> environment;
    environment.push_back(width == 80 ? "COLUMNS=" : "COLUMNS=" + std::to_string(width));
    const ProgramResult result = run_program({GetParam(), "--help"}, environment);
    for (const std::string& line : lines_of(result.out)) EXPECT_LE(line.size(), width) << line;
  }
}

TEST_P(Help, IsWhatTheWordHelpShows) {
  EXPECT_EQ(run_program({"help", GetParam()}).out, run_program({GetParam(), "--help"}).out);
}

INSTANTIATE_TEST_SUITE_P(All, Help,
                         ::testing::Values("predict", "eval", "run", "preprocess", "validate", "summary", "graph",
                                           "export", "bench", "profile", "list", "pull", "calibrate", "worker",
                                           "manifest", "merge"),
                         [](const auto& test) { return std::string(test.param); });

TEST(CommandLine, HelpNamesEverySubcommand) {
  const ProgramResult result = run_program({"--help"});
  EXPECT_EQ(result.exit_code, 0);
  for (const char* name :
       {"predict", "run", "preprocess", "validate", "summary", "graph", "list", "bench", "profile"}) {
    EXPECT_THAT(result.out, HasSubstr(std::string("\n  ") + name + " "));
  }
  for (const std::string& line : lines_of(result.out)) EXPECT_LE(line.size(), 80U) << line;
  EXPECT_EQ(run_program({"help"}).out, result.out);
}

TEST(CommandLine, TwoDashesEndTheOptions) {
  const ProgramResult result = run_program({"predict", demo_model(), "--", demo_sample("dog.jpg")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("dog"));
}

TEST(CommandLine, HelpRequiresOnceWhatMayBeGivenEitherWay) {
  const std::string help = run_program({"preprocess", "--help"}).out;
  EXPECT_THAT(help, HasSubstr("IMAGE IMAGE REQUIRED"));
  EXPECT_THAT(help, HasSubstr("--source IMAGE "));
  EXPECT_THAT(help, Not(HasSubstr("--source IMAGE REQUIRED")));
}

TEST(CommandLine, PrintsItsVersion) {
  const ProgramResult result = run_program({"--version"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, AllOf(StartsWith("backbone-zoo "), EndsWith("\n")));
  EXPECT_EQ(run_program({"-V"}).out, result.out);
}

TEST(CommandLine, ReportsEveryProblemOfAModelFile) {
  TempFolder folder;
  std::string text = read_text(demo_model());
  text.replace(text.find("num_classes: 64"), 15, "num_classes: -1");
  text.replace(text.find("kernel_sizes: [3]"), 17, "kernel_size: [3]");
  write_text(folder / "m.yaml", text);
  const ProgramResult result = run_program({"summary", folder / "m.yaml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("m.yaml:5:16: model.num_classes: "));
  EXPECT_THAT(result.err, HasSubstr("did you mean \"kernel_sizes\"?"));
}

TEST(CommandLine, FullDiskUnderStandardOutputIsAnError) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--help"},
                                             {"summary", demo_model()},
                                             {"graph", demo_model()},
                                             {"validate", demo_model()},
                                             {"predict", demo_model(), "-s", demo_sample("dog.jpg")}}) {
    const ProgramResult result = run_program(arguments, {}, "/dev/full");
    EXPECT_EQ(result.exit_code, 1) << arguments.front();
    EXPECT_EQ(result.err, "backbone-zoo: standard output: writing failed: No space left on device\n")
        << arguments.front();
  }
}

TEST(CommandLine, ClosedPipeEndsQuietlyAsItsSignalWould) {
  TempFolder folder;
  const std::string pipe = folder / "pipe";
  const std::string command = "mkfifo " + pipe + "; head -c 1 < " + pipe + " > /dev/null &";
  const std::string quoted = "bash -c '" + command + " " + ZOO_PROGRAM + " predict " + demo_model() + " --json -s " +
                             demo_sample("clip.mp4") + " > " + pipe + " 2> " + (folder / "err") + "'";
  const int status = std::system(quoted.c_str());
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 128 + SIGPIPE);
  EXPECT_EQ(read_text(folder / "err"), "");
}

}  // namespace
}  // namespace zoo::test
