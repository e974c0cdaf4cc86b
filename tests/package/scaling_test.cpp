// What docs/scaling.md says of its tools.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/config_node.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;

const std::string kRoot = ZOO_SOURCE_DIR;

std::string text_of(const std::string& file) {
  std::ifstream stream(kRoot + "/" + file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  for (int c = std::fgetc(pipe.get()); c != EOF; c = std::fgetc(pipe.get())) text += static_cast<char>(c);
  return text;
}

/// What a page shows of a command: the rest of its prompt's line, and the lines behind it up to the end of the block.
std::pair<std::string, std::string> shown_run(const std::string& page, const std::string& tool) {
  const std::string text = text_of(page);
  const size_t begin = text.find("$ " + tool);
  if (begin == std::string::npos) return {};
  const size_t end_of_line = text.find('\n', begin);
  return {text.substr(begin + 2, end_of_line - begin - 2),
          text.substr(end_of_line + 1, text.find("```", end_of_line) - end_of_line - 1)};
}

TEST(Scaling, TheModelOfAThousandNodesSaysWhatThePageQuotes) {
  const auto [command, shown] = shown_run("docs/scaling.md", "tools/scale_model.py");
  ASSERT_NE(command, "");
  EXPECT_EQ(output_of("cd '" + kRoot + "' && python3 " + command), shown);
}

TEST(Scaling, TheIndexedJobHandlesEveryExitCodeAndHasOneNumberOfShards) {
  const ConfigDocument document = ConfigDocument::load(kRoot + "/tools/kubernetes/predict_job.yaml", {});
  const ConfigNode spec = document.root().find("spec");
  const int64_t shards = spec.find("completions").as_int();
  EXPECT_EQ(spec.find("completionMode").as_string(), "Indexed");
  EXPECT_GT(spec.find("backoffLimitPerIndex").as_int(), 0);
  std::set<int64_t> codes = {0, 3};  // those that the pod ends with 0 for
  for (const ConfigNode& rule : spec.find("podFailurePolicy").find("rules").items()) {
    const ConfigNode exit_codes = rule.find("onExitCodes");
    if (!exit_codes.exists()) continue;
    for (const ConfigNode& code : exit_codes.find("values").items()) codes.insert(code.as_int());
  }
  EXPECT_THAT(codes, ::testing::IsSupersetOf({1, 2, 143}));
  const ConfigNode pod = spec.find("template").find("spec");
  EXPECT_EQ(pod.find("restartPolicy").as_string(), "Never");
  const ConfigNode container = pod.find("containers").items().at(0);
  EXPECT_EQ(container.find("env").items().at(0).find("value").as_string(), std::to_string(shards));
  EXPECT_THAT(container.find("command").items().at(2).as_string(), HasSubstr("--shard \"auto/$SHARDS\""));
}

}  // namespace
}  // namespace zoo
