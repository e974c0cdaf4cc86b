// What docs/scaling.md says of its tools.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/config_node.h"

namespace zoo {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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

/// The keys of a mapping that are not among those of the documentation.
std::vector<std::string> unknown_fields(const ConfigNode& node, const std::set<std::string>& documented) {
  std::vector<std::string> unknown = node.keys();
  std::erase_if(unknown, [&](const std::string& key) { return documented.contains(key); });
  return unknown;
}

// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/ and pod-v1, Kubernetes 1.33; of a pod
// and a container only what is used here.
TEST(Scaling, TheIndexedJobIsWhatKubernetesDocuments) {
  const ConfigDocument document = ConfigDocument::load(kRoot + "/tools/kubernetes/predict_job.yaml", {});
  const ConfigNode job = document.root();
  EXPECT_THAT(unknown_fields(job, {"apiVersion", "kind", "metadata", "spec"}), IsEmpty());
  EXPECT_EQ(job.find("apiVersion").as_string(), "batch/v1");
  EXPECT_EQ(job.find("kind").as_string(), "Job");
  const ConfigNode spec = job.find("spec");
  EXPECT_THAT(unknown_fields(spec, {"activeDeadlineSeconds", "backoffLimit", "backoffLimitPerIndex", "completionMode",
                                    "completions", "managedBy", "manualSelector", "maxFailedIndexes", "parallelism",
                                    "podFailurePolicy", "podReplacementPolicy", "selector", "successPolicy", "suspend",
                                    "template", "ttlSecondsAfterFinished"}),
              IsEmpty());
  const int64_t completions = spec.find("completions").as_int();
  EXPECT_LE(completions, 100'000) << "more want smaller maxFailedIndexes and parallelism";
  EXPECT_LE(spec.find("parallelism").as_int(), completions);
  EXPECT_LE(spec.find("maxFailedIndexes").as_int(), completions);
  const ConfigNode pod = spec.find("template").find("spec");
  EXPECT_THAT(unknown_fields(spec.find("template"), {"metadata", "spec"}), IsEmpty());
  EXPECT_THAT(unknown_fields(pod, {"restartPolicy", "terminationGracePeriodSeconds", "containers", "volumes"}),
              IsEmpty());
  EXPECT_EQ(pod.find("restartPolicy").as_string(), "Never") << "backoffLimitPerIndex and podFailurePolicy want it";
  const std::vector<ConfigNode> containers = pod.find("containers").items();
  ASSERT_EQ(containers.size(), 1U);
  EXPECT_THAT(unknown_fields(containers[0], {"name", "image", "env", "command", "resources", "volumeMounts"}),
              IsEmpty());
  EXPECT_THAT(unknown_fields(containers[0].find("resources"), {"requests", "limits"}), IsEmpty());
  EXPECT_EQ(containers[0].find("volumeMounts").items().at(0).find("name").as_string(),
            pod.find("volumes").items().at(0).find("name").as_string());

  const std::vector<ConfigNode> rules = spec.find("podFailurePolicy").find("rules").items();
  EXPECT_LE(rules.size(), 20U);
  for (const ConfigNode& rule : rules) {
    EXPECT_THAT(unknown_fields(rule, {"action", "onExitCodes", "onPodConditions"}), IsEmpty());
    EXPECT_THAT(rule.find("action").as_string(), AnyOf("FailJob", "FailIndex", "Ignore", "Count"));
    const ConfigNode exit_codes = rule.find("onExitCodes");
    EXPECT_NE(exit_codes.exists(), rule.find("onPodConditions").exists()) << "one of them, not both";
    if (!exit_codes.exists()) continue;
    EXPECT_THAT(unknown_fields(exit_codes, {"containerName", "operator", "values"}), IsEmpty());
    EXPECT_EQ(exit_codes.find("containerName").as_string(), containers[0].find("name").as_string());
    EXPECT_THAT(exit_codes.find("operator").as_string(), AnyOf("In", "NotIn"));
    int64_t last = 0;  // which must not be there
    for (const ConfigNode& code : exit_codes.find("values").items()) {
      EXPECT_GT(code.as_int(), last) << "they are ordered, each is there once";
      last = code.as_int();
    }
    EXPECT_LE(last, 255);
  }
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
  EXPECT_THAT(codes, ::testing::IsSupersetOf({1, 2, 137, 143}));
  const ConfigNode pod = spec.find("template").find("spec");
  EXPECT_EQ(pod.find("restartPolicy").as_string(), "Never");
  const ConfigNode container = pod.find("containers").items().at(0);
  EXPECT_EQ(container.find("env").items().at(0).find("value").as_string(), std::to_string(shards));
  EXPECT_THAT(container.find("command").items().at(2).as_string(), HasSubstr("--shard \"auto/$SHARDS\""));
}

}  // namespace
}  // namespace zoo
