// `bench` and `profile`.
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/apps/program_runner.h"

namespace zoo::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

std::string small_model() { return source_path("configs/torchvision/mobilenet_v3_small.yaml"); }

TEST(BenchCommand, JsonHasTheDocumentedKeysOfEveryModelInOrder) {
  const ProgramResult result = run_program({"bench", demo_model(), small_model(), "--random-weights", "--size", "64",
                                            "--batch", "2", "--threads", "1", "--seconds", "0.1", "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  const Json rows = Json::parse(result.out);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].at("model"), demo_model());
  EXPECT_EQ(rows[1].at("model"), small_model());
  for (const Json& row : rows) {
    EXPECT_EQ(row.at("precision"), "f32");
    EXPECT_EQ(row.at("batch"), 2);
    EXPECT_EQ(row.at("threads"), 1);
    EXPECT_EQ(row.at("input"), Json({2, 3, 64, 64}));
    for (const char* key : {"median_ms", "p90_ms", "min_ms", "images_per_s", "load_ms", "first_ms", "memory_mb"}) {
      EXPECT_GT(row.at(key).get<double>(), 0.0) << key;
    }
  }
}

TEST(BenchCommand, TextNamesModelsAndSetting) {
  const ProgramResult result = run_program({"bench", demo_model(), "--seconds", "0.1", "--streams", "2"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(StartsWith("model "), HasSubstr("\n" + demo_model()), HasSubstr("1x3x112x112"),
                                HasSubstr("\nf32, batch 1, threads 1, streams 2\n")));
}

TEST(BenchCommand, EndsWithTheSignalsCode) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"bench", demo_model(), "--seconds", "3000"},
                                                                     {"profile", demo_model(), "--seconds", "3000"}}) {
    RunningProgram program(arguments);
    std::this_thread::sleep_for(std::chrono::seconds(2));  // until then it may not have asked for signals
    program.send(SIGINT);
    const ProgramResult result = program.wait();
    EXPECT_EQ(result.exit_code, 130);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err, "backbone-zoo: stopped before the figures were complete\n");
  }
}

TEST(BenchCommand, BadModelIsReportedBeforeAnythingIsMeasured) {
  const ProgramResult result = run_program({"bench", demo_model(), "nowhere.yaml", "--seconds", "3000"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("nowhere.yaml"));
}

TEST(ProfileCommand, JsonAddsUp) {
  const ProgramResult result = run_program({"profile", demo_model(), "--seconds", "0.1", "--json", "--sort", "time"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const Json profile = Json::parse(result.out);
  EXPECT_EQ(profile.at("model"), demo_model());
  EXPECT_EQ(profile.at("input"), Json({1, 3, 112, 112}));
  EXPECT_GT(profile.at("machine").at("gflops").get<double>(), 0.0);
  EXPECT_FALSE(profile.at("machine").at("read_gb_s").empty());
  double sum_ms = 0.0;
  double share = 0.0;
  double before_ms = profile.at("sum_ms");
  for (const Json& step : profile.at("steps")) {
    for (const char* key : {"node", "op", "implementation", "srcs", "dst", "macs", "gflops", "weight_bytes",
                            "activation_bytes", "limit_ms", "limited_by", "share_of_limit"}) {
      EXPECT_TRUE(step.contains(key)) << key;
    }
    const double ms = step.at("ms");
    EXPECT_LE(ms, before_ms);
    before_ms = ms;
    sum_ms += ms;
    share += step.at("share").get<double>();
  }
  EXPECT_NEAR(sum_ms, profile.at("sum_ms").get<double>(), 1e-9);
  EXPECT_NEAR(share, 1.0, 1e-9);
  double ops_ms = 0.0;
  int64_t steps = 0;
  for (const Json& op : profile.at("ops")) {
    ops_ms += op.at("ms").get<double>();
    steps += op.at("steps").get<int64_t>();
  }
  EXPECT_NEAR(ops_ms, sum_ms, 1e-9);
  EXPECT_EQ(steps, static_cast<int64_t>(profile.at("steps").size()));
}

TEST(ProfileCommand, TextHasStepsOperationsAndTotals) {
  const ProgramResult result = run_program({"profile", demo_model(), "--seconds", "0"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(StartsWith("node "), HasSubstr("\nbackbone.stem"), HasSubstr("\noperation "),
                                HasSubstr("f32, input 1x3x112x112, threads 1: medians of 3 runs\nsteps "),
                                HasSubstr("\none core: ")));
}

}  // namespace
}  // namespace zoo::test
