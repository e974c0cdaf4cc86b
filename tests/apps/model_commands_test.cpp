// `validate`, `summary`, `graph` and `list`.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/apps/program_runner.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

std::string small_model() { return source_path("configs/torchvision/mobilenet_v3_small.yaml"); }

TEST(Validate, SaysOkPerFile) {
  const ProgramResult result = run_program({"validate", demo_model(), small_model()});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, demo_model() + ": ok; weights: " + source_path("configs/demo/emoji.safetensors") +
                            " fits; unknown: margin below 0.659602; smoothing: over 1 s, hysteresis 0.1\n" +
                            small_model() + ": ok\n");
  EXPECT_EQ(result.err, "");
}

TEST(Validate, PrintsEveryProblemOfEveryFile) {
  TempFolder folder;
  std::string text = read_text(demo_model());
  text.replace(text.find("stride: [2]"), 11, "stride: [9]");
  text.replace(text.find("num_layers: 2"), 13, "num_layer: 2");
  write_text(folder / "bad.yaml", text);
  const ProgramResult result = run_program({"validate", folder / "bad.yaml", demo_model(), "/nowhere/m.yaml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.out, HasSubstr("stage_params[0].stride[0]"));
  EXPECT_THAT(result.out, HasSubstr("did you mean \"num_layers\"?"));
  EXPECT_THAT(result.out, HasSubstr(demo_model() + ": ok; weights: "));
  EXPECT_THAT(result.out, HasSubstr("/nowhere/m.yaml"));
}

TEST(Validate, ChecksWeightsAgainstTheNetwork) {
  const std::string checkpoint = source_path("configs/demo/emoji.safetensors");
  EXPECT_EQ(run_program({"validate", demo_model(), "--checkpoint", checkpoint}).exit_code, 0);
  const ProgramResult other = run_program({"validate", small_model(), "--checkpoint", checkpoint, "--json"});
  EXPECT_EQ(other.exit_code, 2);
  const Json results = Json::parse(other.out);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].at("file"), small_model());
  EXPECT_EQ(results[0].at("ok"), false);
  EXPECT_FALSE(results[0].at("problems").empty());
}

TEST(Summary, JsonHasTheDocumentedKeysAndNumbers) {
  const ProgramResult result = run_program({"summary", small_model(), "--json"});
  EXPECT_EQ(result.exit_code, 0);
  const Json summary = Json::parse(result.out);
  EXPECT_EQ(summary.at("input"), Json({1, 3, 224, 224}));
  EXPECT_EQ(summary.at("parameters"), 2542856);  // torchvision's documentation of MobileNet_V3_Small_Weights
  EXPECT_NEAR(summary.at("macs").get<double>(), 56.5e6, 0.1e6);  // "GFLOPS 0.06" there
  int64_t parameters = 0;
  int64_t macs = 0;
  for (const Json& layer : summary.at("layers")) {
    parameters += layer.at("parameters").get<int64_t>();
    macs += layer.at("macs").get<int64_t>();
  }
  EXPECT_EQ(parameters, summary.at("parameters"));
  EXPECT_EQ(macs, summary.at("macs"));
  ASSERT_FALSE(summary.at("features").empty());
  const Json& last = summary.at("features").back();
  EXPECT_EQ(last.at("stride"), 32);
  EXPECT_EQ(last.at("shape"), Json({1, last.at("channels"), 7, 7}));
}

TEST(Summary, ListsTheLevelsOfTheNeck) {
  const std::string model = source_path("configs/netspresso/mobilenetv3-small-detection.yaml");
  const ProgramResult json = run_program({"summary", model, "--size", "224", "--json"});
  EXPECT_EQ(json.exit_code, 0) << json.err;
  const Json summary = Json::parse(json.out);
  EXPECT_EQ(summary.at("parameters"), 20538908);
  EXPECT_EQ(summary.at("macs"), 42867204800);
  ASSERT_EQ(summary.at("neck").size(), 4U);
  EXPECT_EQ(summary.at("neck")[1],
            Json({{"name", "neck.1"}, {"channels", 576}, {"stride", 8}, {"shape", {1, 576, 28, 28}}}));
  const ProgramResult text = run_program({"summary", model, "--size", "64"});
  EXPECT_THAT(text.out, HasSubstr("\nneck.3      1x576x2x2 (stride 32)\n"));
}

TEST(Graph, DrawsDetectorsAndSegmenters) {
  for (const char* task : {"detection", "segmentation"}) {
    const std::string model = source_path("configs/netspresso/mobilenetv3-small-") + task + ".yaml";
    const ProgramResult result = run_program({"graph", model});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr(std::string(task) == "detection" ? "level3" : "join"));
    EXPECT_EQ(run_program({"validate", model}).exit_code, 0);
  }
}

TEST(Summary, TextHasLayersPyramidAndTotalsAtTheSizeAskedFor) {
  const ProgramResult result = run_program({"summary", demo_model(), "--size", "64x96"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, StartsWith("name "));
  EXPECT_THAT(result.out, HasSubstr("input 1x3x64x96\n"));
  EXPECT_THAT(result.out, HasSubstr("\nfeature.0   1x"));
  EXPECT_THAT(result.out, HasSubstr("\nparameters  "));
}

TEST(Summary, TheLargestNetworkFitsAScreenByBlocks) {
  const std::string model = source_path("configs/timm/mobilenetv4_hybrid_large.yaml");
  const auto table = [&](const std::vector<std::string>& depth) {
    std::vector<std::string> arguments = {"summary", model};
    arguments.insert(arguments.end(), depth.begin(), depth.end());
    const ProgramResult result = run_program(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  };
  const std::string blocks = table({});
  EXPECT_LT(lines_of(blocks).size(), 60U);
  EXPECT_THAT(blocks, AllOf(HasSubstr("\nbackbone.stage2.block7 "), HasSubstr("6 Conv2d, MultiQueryAttention"),
                            HasSubstr("\n395 operations in 43 parts; --depth all shows each\n")));
  EXPECT_LT(lines_of(table({"--depth", "2"})).size(), 30U);
  EXPECT_THAT(table({"--depth", "all"}),
              AllOf(HasSubstr("\nbackbone.stage2.block1.start.conv "), Not(HasSubstr("--depth"))));
  const Json json = Json::parse(table({"--depth", "1", "--json"}));
  EXPECT_EQ(json.at("blocks").size(), 3U) << "input, backbone, head";
  EXPECT_EQ(json.at("blocks")[1].at("name"), "backbone");
  EXPECT_EQ(json.at("layers").size(), 395U);
}

TEST(Graph, DrawsTheLargestNetworkByBlocks) {
  const std::string model = source_path("configs/timm/mobilenetv4_hybrid_large.yaml");
  const auto boxes = [&](const std::string& depth) {
    const ProgramResult result = run_program({"graph", model, "--depth", depth, "--direction", "right"});
    EXPECT_THAT(result.out, StartsWith("flowchart LR\n"));
    return std::ranges::count_if(lines_of(result.out),
                                 [](const std::string& line) { return line.find(":::") != std::string::npos; });
  };
  EXPECT_LT(boxes("2"), 20);
  EXPECT_LT(boxes("3"), 60);
  EXPECT_GT(boxes("all"), 100);
}

TEST(Graph, SpeaksMermaidAndDot) {
  const ProgramResult mermaid = run_program({"graph", demo_model()});
  EXPECT_EQ(mermaid.exit_code, 0);
  EXPECT_THAT(mermaid.out, HasSubstr("flowchart TD"));
  TempFolder folder;
  const ProgramResult dot = run_program({"graph", demo_model(), "--format", "dot", "--output", folder / "net.dot"});
  EXPECT_EQ(dot.exit_code, 0);
  EXPECT_EQ(dot.out, "wrote " + (folder / "net.dot") + ": mobilenet_v3_demo_emoji as dot\n");
  EXPECT_THAT(read_text(folder / "net.dot"), StartsWith("digraph"));
}

TEST(List, ShowsEveryModelOfAFolder) {
  const ProgramResult result = run_program({"list", source_path("configs"), "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const Json models = Json::parse(result.out);
  size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(source_path("configs"))) {
    files += entry.path().extension() == ".yaml" ? 1 : 0;
  }
  EXPECT_EQ(models.size(), files);
  const auto demo = std::ranges::find_if(models, [](const Json& m) { return m.at("file") == demo_model(); });
  ASSERT_NE(demo, models.end());
  EXPECT_EQ(demo->at("name"), "mobilenet_v3_demo_emoji");
  EXPECT_EQ(demo->at("backbone"), "mobilenetv3");
  EXPECT_EQ(demo->at("classes"), 64);
  EXPECT_EQ(demo->at("input"), Json({112, 112}));
  EXPECT_GT(demo->at("macs").get<int64_t>(), 0);
}

TEST(List, FindsTheFolderThroughTheEnvironmentAndToleratesBrokenFiles) {
  TempFolder folder;
  write_text(folder / "broken.yaml", "model: [");
  fs::copy_file(small_model(), folder / "good.yaml");
  const ProgramResult result = run_program({"list"}, {"ZOO_CONFIGS=" + folder.path().string()});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.out, HasSubstr("\ngood "));
  EXPECT_THAT(result.err, HasSubstr("broken.yaml:1:"));
}

TEST(List, FolderThatIsNotThereIsAUsageError) {
  const ProgramResult result = run_program({"list", "/nowhere"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("list: /nowhere: no such folder"));
}

}  // namespace
}  // namespace zoo::test
