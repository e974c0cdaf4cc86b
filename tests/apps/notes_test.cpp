// What the program says of a network though nothing failed: every subcommand that runs one, once.
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"
#include "tests/apps/program_runner.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

struct Command {
  std::string name;
  std::vector<std::string> arguments;
};

/// A folder with what the commands read.
class Notes : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "pictures/dog");
    fs::copy_file(demo_sample("dog.jpg"), folder_ / "pictures/dog/1.jpg");
    weights::write_safetensors(folder_ / "in.safetensors",
                               {{"input", weights::formula_input({1, 3, 112, 112}, "zoo")}});
    write_text(folder_ / "file", "no folder");
  }

  std::vector<Command> commands() const {
    return {{"predict", {"--source", demo_sample("dog.jpg")}},
            {"eval", {"--data", folder_ / "pictures"}},
            {"run", {"--input", folder_ / "in.safetensors", "--output", folder_ / "out.safetensors"}},
            {"bench", {"--seconds", "0.1"}},
            {"profile", {"--seconds", "0.1"}}};
  }

  ProgramResult run(const Command& command, const std::vector<std::string>& flags) const {
    std::vector<std::string> arguments = {command.name, demo_model()};
    arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return run_program(arguments, environment_);
  }

  TempFolder folder_;
  std::vector<std::string> environment_;
};

TEST_F(Notes, EverySubcommandSaysOnceThatKernelTimesCannotBeKept) {
  environment_ = {"XDG_CACHE_HOME=" + (folder_ / "file/inside")};
  for (const Command& command : commands()) {
    const ProgramResult result = run(command, {});
    EXPECT_EQ(result.exit_code, 0) << command.name;
    EXPECT_THAT(lines_of(result.err),
                ::testing::ElementsAre(AllOf(StartsWith("backbone-zoo: "), HasSubstr("kernel times cannot be kept: "))))
        << command.name;
  }
}

TEST_F(Notes, SeveralModelsSayTheSameOnce) {
  environment_ = {"XDG_CACHE_HOME=" + (folder_ / "file/inside")};
  const ProgramResult result = run({"bench", {demo_model(), "--seconds", "0.1"}}, {});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(lines_of(result.err).size(), 1U) << result.err;
}

TEST_F(Notes, AutoSaysOnceWhatItChoseAndWhyTheOthersAreLeftOut) {
  for (const Command& command : commands()) {
    const ProgramResult result = run(command, {"--precision", "auto"});
    EXPECT_EQ(result.exit_code, 0) << command.name;
    EXPECT_THAT(lines_of(result.err), ::testing::ElementsAre(MatchesRegex("backbone-zoo: precision [a-z0-9]+ .*; no "
                                                                          "int8: .*")))
        << command.name;
  }
}

TEST_F(Notes, AutoHonoursTheInstructionSet) {
  for (const Command& command : commands()) {
    const ProgramResult result = run(command, {"--precision", "auto", "--isa", "sse"});
    EXPECT_EQ(result.exit_code, 0) << command.name << ": " << result.err;
    EXPECT_THAT(result.err, AllOf(StartsWith("backbone-zoo: precision f32 is the only one that can run; no bf16: "),
                                  HasSubstr("; no int8: "), EndsWith("\n")))
        << command.name;
  }
}

TEST_F(Notes, AutoLeavesOutPrecisionsWithoutTheKernelAskedFor) {
  for (const Command& command : commands()) {
    const ProgramResult result = run(command, {"--precision", "auto", "--kernels", "own:direct_conv"});
    EXPECT_EQ(result.exit_code, 0) << command.name << ": " << result.err;
    EXPECT_THAT(result.err, AllOf(StartsWith("backbone-zoo: precision f32 is the only one that can run; no bf16: "),
                                  EndsWith("\n")))
        << command.name;
  }
}

TEST_F(Notes, AutoKnowsNoKernelThatNoPrecisionHas) {
  for (const Command& command : commands()) {
    const ProgramResult result = run(command, {"--precision", "auto", "--kernels", "none_such"});
    EXPECT_EQ(result.exit_code, 1) << command.name;
    EXPECT_THAT(result.err, StartsWith("backbone-zoo: no convolution of this network has a kernel \"none_such\"; "))
        << command.name;
  }
}

TEST_F(Notes, APrecisionThatTheInstructionSetRulesOutIsAnError) {
  const ProgramResult result = run(commands().front(), {"--precision", "bf16", "--isa", "sse"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, StartsWith("backbone-zoo: precision bf16: "));
}

}  // namespace
}  // namespace zoo::test
