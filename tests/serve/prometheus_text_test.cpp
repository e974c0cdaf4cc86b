#include "serve/metrics/prometheus_text.h"

#include <fstream>
#include <regex>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/inference/inference_metrics.h"
#include "tests/serve/client.h"
#include "tests/serve/fake_view.h"
#include "tests/serve/metrics_text_checker.h"

namespace zoo::serve {
namespace {

using test::check_metrics_text;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Type = MetricFamily::Type;

TEST(PrometheusText, HasEveryKindOfFamily) {
  Histogram times({0.1, 1.0});
  for (const double value : {0.05, 0.1, 0.5, 3.0}) times.observe(value);
  const std::string text = prometheus_text({
      {"zoo_things_total", "Things.", Type::kCounter, {{{{"kind", "a\"b\\c\nd"}}, 1'234'567.0}}},
      {"zoo_level", "Level.", Type::kGauge, {{{}, -0.5}}},
      {"zoo_nothing", "Nothing.", Type::kGauge, {}},
      {"zoo_seconds", "Time.", Type::kHistogram, {{{{"stage", "infer"}}, 0.0, times.snapshot()}}},
  });
  const test::CheckedMetrics checked = check_metrics_text(text);
  EXPECT_THAT(checked.problems, IsEmpty()) << text;
  EXPECT_THAT(text, HasSubstr("zoo_things_total{kind=\"a\\\"b\\\\c\\nd\"} 1234567\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE zoo_level gauge\nzoo_level -0.5\n"));
  EXPECT_THAT(text, Not(HasSubstr("zoo_nothing")));
  EXPECT_EQ(checked.samples.at("zoo_seconds_bucket{stage=\"infer\",le=\"0.1\"}"), 2.0);
  EXPECT_EQ(checked.samples.at("zoo_seconds_bucket{stage=\"infer\",le=\"+Inf\"}"), 4.0);
  EXPECT_EQ(checked.samples.at("zoo_seconds_count{stage=\"infer\"}"), 4.0);
  EXPECT_NEAR(checked.samples.at("zoo_seconds_sum{stage=\"infer\"}"), 3.65, 1e-12);
}

TEST(PrometheusText, IsCheckedStrictly) {
  const std::string head = "# HELP a A.\n# TYPE a gauge\n";
  EXPECT_THAT(check_metrics_text(head + "a 1\n").problems, IsEmpty());
  for (const std::string& wrong :
       {std::string("a 1\n"), head + "a 1", head + "b 1\n", head + "a 1\na 1\n", head + "a{x=\"1\",x=\"2\"} 1\n",
        head + "a{x=\"\\t\"} 1\n", head + "a{x='1'} 1\n", head + "a one\n", head + "a 1\n" + head, head + "\n",
        std::string("# HELP a A.\n# TYPE b gauge\n"), std::string("# HELP a A.\n# TYPE a counter\na -1\n"),
        std::string("# HELP a A.\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_count 1\na_sum 1\n")}) {
    EXPECT_THAT(check_metrics_text(wrong).problems, Not(IsEmpty())) << wrong;
  }
}

TEST(GrafanaBoard, AsksForWhatThereIs) {
  const test::FakeView view({test::running_stream(0, "door")});
  const test::CheckedMetrics live = check_metrics_text(test::get(view.port(), "/metrics").body);
  EXPECT_THAT(live.problems, IsEmpty());
  std::set<std::string> known;
  for (const auto& [sample, value] : live.samples) known.insert(sample.substr(0, sample.find('{')));
  for (const MetricFamily& family : inference_metrics({})) {
    known.insert(family.type == Type::kHistogram ? family.name + "_bucket" : family.name);
  }
  std::ifstream stream(std::string(ZOO_SOURCE_DIR) + "/docs/grafana.json");
  const nlohmann::json board = nlohmann::json::parse(stream);
  std::string queries;
  for (const auto& panel : board.at("panels")) {
    for (const auto& target : panel.value("targets", nlohmann::json::array())) {
      queries += target.at("expr").get<std::string>() + "\n";
    }
  }
  for (const auto& variable : board.at("templating").at("list"))
    queries += variable.at("query").get<std::string>() + "\n";
  const std::regex name("(nv|zoo)_[a-z0-9_]+");
  std::set<std::string> asked;
  for (std::sregex_iterator found(queries.begin(), queries.end(), name), none; found != none; ++found) {
    asked.insert(found->str());
    EXPECT_TRUE(known.contains(found->str())) << found->str();
  }
  EXPECT_GT(asked.size(), 12U);
}

}  // namespace
}  // namespace zoo::serve
