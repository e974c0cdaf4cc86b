// `worker` through the real program, on a real server.
#include <csignal>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "brokers/redis_client.h"
#include "tests/apps/program_runner.h"
#include "tests/serve/client.h"
#include "tests/serve/metrics_text_checker.h"
#include "tests/support/demo_model.h"
#include "tests/support/redis_server.h"

namespace zoo::test {
namespace {

using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::SizeIs;

const std::vector<std::string> kSamples = {"apple.jpg", "butterfly.jpg", "car.jpg", "dog.jpg"};

class Worker : public ::testing::Test {
 protected:
  std::vector<std::string> arguments(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = {"worker",  demo_model(), "--queue",   server_.url("jobs"),
                                    "--group", "g",          "--results", "out"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  void add(const std::string& key, const std::string& field, const std::string& value) {
    redis_.command({"XADD", "jobs", "*", "key", key, field, value});
  }
  void add_samples() {
    for (const std::string& name : kSamples) add(name, "image", read_text(demo_sample(name)));
  }
  int64_t length(const std::string& stream) { return redis_.command({"XLEN", stream}).as_integer(); }
  /// The field `name` of each entry, by its key.
  std::map<std::string, std::string> field_of(const std::string& stream, const std::string& name) {
    std::map<std::string, std::string> found;
    const brokers::RedisReply entries = redis_.command({"XRANGE", stream, "-", "+"});
    for (const brokers::RedisReply& entry : entries.as_list()) {
      const brokers::RedisReply& fields = entry.at(1);
      found[fields.find("key")->as_text()] = fields.find(name)->as_text();
    }
    return found;
  }

  RedisServer server_;
  brokers::RedisClient redis_{brokers::parse_redis_address(server_.url()), {}};
};

TEST_F(Worker, AnswersAsPredictDoes) {
  add_samples();
  add("bad", "image", "junk");
  add("named", "path", "dog.jpg");
  add("elsewhere", "path", "/etc/passwd");
  const ProgramResult result = run_program(arguments(
      {"--until-empty", "--json", "-v", "--allow-root", std::filesystem::path(demo_sample("dog.jpg")).parent_path()}));
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("jobs: 5 answered, 2 dead letters, 0 stale"),
                                HasSubstr("bad: a dead letter: cannot read image 'bad': not an image")));
  const auto answers = field_of("out", "json");
  ASSERT_THAT(answers, SizeIs(5));
  for (const std::string& name : kSamples) {
    Json expected = Json::parse(run_program({"predict", demo_model(), "--source", demo_sample(name), "--json"}).out);
    for (const char* of_predict : {"ms", "frame", "time_s"}) expected.erase(of_predict);
    expected["source"] = name;
    EXPECT_EQ(Json::parse(answers.at(name)), expected) << name;
    if (name != "dog.jpg") continue;
    expected["source"] = "named";
    EXPECT_EQ(Json::parse(answers.at("named")), expected);
  }
  EXPECT_THAT(field_of("out", "worker").at("dog.jpg"), MatchesRegex(".+-[0-9]+-[0-9a-f]{8}")) << "nobody else's name";
  EXPECT_EQ(field_of("jobs.dead", "dead-group").at("bad"), "g");
  const auto reasons = field_of("jobs.dead", "dead-reason");
  EXPECT_THAT(reasons.at("bad"), HasSubstr("not an image"));
  EXPECT_THAT(reasons.at("elsewhere"), HasSubstr("--allow-root"));

  std::map<std::string, int> kinds;
  for (const std::string& line : lines_of(result.out)) ++kinds[Json::parse(line).at("kind")];
  EXPECT_EQ(kinds, (std::map<std::string, int>{{"ready", 1}, {"answer", 5}, {"dead", 2}, {"counts", 1}}));
  const Json counts = Json::parse(lines_of(result.out).back());
  EXPECT_EQ(counts.at("answered"), 5);
  EXPECT_EQ(counts.at("pending"), 0);
}

TEST_F(Worker, WorksUntilItIsStopped) {
  RunningProgram program(arguments({"--listen", "127.0.0.1:0", "--threads", "2"}));
  ASSERT_TRUE(wait_until([&] { return program.err_so_far().find("/metrics") != std::string::npos; }));
  const std::string said = program.err_so_far();
  const size_t at = said.find("http://127.0.0.1:") + 17;
  const int port = std::stoi(said.substr(at));
  EXPECT_EQ(get(port, "/v2/health/live").status, 200);
  add_samples();
  ASSERT_TRUE(wait_until([&] { return length("out") == 4; }));
  ASSERT_TRUE(wait_until([&] { return get(port, "/v2/health/ready").status == 200; }));
  ASSERT_TRUE(wait_until([&] { return get(port, "/metrics").body.find("zoo_queue_results 4") != std::string::npos; }));
  const CheckedMetrics metrics = check_metrics_text(get(port, "/metrics").body);
  EXPECT_THAT(metrics.problems, IsEmpty());
  EXPECT_EQ(metrics.samples.at(R"(zoo_worker_entries_total{outcome="answered"})"), 4.0);
  EXPECT_EQ(metrics.samples.at("zoo_queue_waiting"), 0.0);
  EXPECT_EQ(metrics.samples.at("zoo_queue_pending"), 0.0);
  EXPECT_EQ(metrics.samples.at("zoo_worker_broker_up"), 1.0);
  EXPECT_EQ(metrics.samples.at("zoo_worker_age_seconds_count"), 4.0);
  server_.kill();
  ASSERT_TRUE(wait_until([&] { return get(port, "/v2/health/ready").status == 503; }));
  server_.start();
  redis_.close();
  add_samples();
  ASSERT_TRUE(wait_until([&] { return length("out") == 8; }));
  ASSERT_TRUE(wait_until([&] { return program.err_so_far().find("works again after") != std::string::npos; }));
  program.send(SIGTERM);
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.exit_code, 143) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("trying again until it works"), HasSubstr("works again after"),
                                HasSubstr("jobs: 8 answered")));
  EXPECT_THAT(redis_.command({"XINFO", "CONSUMERS", "jobs", "g"}).as_list(), IsEmpty());
}

TEST_F(Worker, ResultsThatAreNoStreamAreRefusedAtTheStart) {
  redis_.command({"SET", "out", "x"});
  const ProgramResult result = run_program(arguments({"--until-empty"}));
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("XLEN out: WRONGTYPE"), HasSubstr("name another one")));
}

TEST_F(Worker, EndsSoonWhereTheServerHangsAndSaysWhatItLeaves) {
  RunningProgram program(arguments({"--consumer", "c"}));
  add_samples();
  ASSERT_TRUE(wait_until([&] { return length("out") == 4; }));
  server_.pause();
  program.send(SIGTERM);
  const ProgramResult result = program.wait();
  server_.go_on();
  EXPECT_EQ(result.exit_code, 143) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("ending: waiting for"), HasSubstr("at most 5 s"), HasSubstr("4 answered")));
}

TEST_F(Worker, SwapsItsModel) {
  const TempFolder folder;
  const std::string file = copy_demo_classifier(folder.path());
  RunningProgram program(
      {"worker", file, "--queue", server_.url("jobs"), "--group", "g", "--results", "out", "--json"});
  add("before", "image", read_text(demo_sample("dog.jpg")));
  ASSERT_TRUE(wait_until([&] { return length("out") == 1; }));
  save_text(file, read_text(file) + "# saved\n");
  ASSERT_TRUE(program.wait_for_output("\"version\":2"));
  add("after", "image", read_text(demo_sample("dog.jpg")));
  ASSERT_TRUE(wait_until([&] { return length("out") == 2; }));
  EXPECT_EQ(field_of("out", "version"), (std::map<std::string, std::string>{{"before", "1"}, {"after", "2"}}));
  program.send(SIGINT);
  EXPECT_EQ(program.wait().exit_code, 130);
}

TEST(WorkerPassword, ComesFromAddressFileOrEnvironmentAndIsNeverShown) {
  const RedisServer server({"requirepass hunter2"});
  const TempFolder folder;
  write_text(folder / "password", "hunter2\n");
  const auto run = [&](const std::string& user_info, const std::vector<std::string>& more,
                       const std::vector<std::string>& environment) {
    std::vector<std::string> all = {"worker",        demo_model(), "--queue",   server.url("jobs", user_info),
                                    "--group",       "g",          "--results", "out",
                                    "--until-empty", "--json",     "-v"};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = run_program(all, environment);
    EXPECT_THAT(result.err + result.out, Not(HasSubstr("hunter2")));
    return result;
  };
  EXPECT_EQ(run(":hunter2", {}, {}).exit_code, 0);
  EXPECT_EQ(run("", {"--password-file", folder / "password"}, {}).exit_code, 0);
  EXPECT_EQ(run("", {}, {"REDIS_PASSWORD=hunter2"}).exit_code, 0);
  const ProgramResult none = run("", {}, {});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, AllOf(HasSubstr("NOAUTH"), HasSubstr("REDIS_PASSWORD")));
  const ProgramResult wrong = run(":hunter22", {}, {});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("WRONGPASS"));
}

TEST(WorkerMistakes, SayWhatHelps) {
  const TempFolder folder;
  write_text(folder / "empty", "");
  const auto says = [&](const std::string& queue, const std::vector<std::string>& more) {
    std::vector<std::string> all = {"worker", demo_model(), "--queue", queue, "--group", "g"};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = run_program(all);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, Not(HasSubstr("hunter2")));
    return result.err;
  };
  const std::vector<std::string> out = {"--results", "out"};
  EXPECT_THAT(says("redis://:hunter2@127.0.0.1/jobs", {"--results", "out", "--password-file", folder / "empty"}),
              HasSubstr("--password-file: the address redis://:***@127.0.0.1"));
  EXPECT_THAT(says("host/jobs", out), HasSubstr("write redis://"));
  EXPECT_THAT(says("redis://u:hunter2@host", out), HasSubstr("the stream is missing: redis://u:***@host:6379/STREAM"));
  EXPECT_THAT(says("redis://u:hunter2@host:x/jobs", out), HasSubstr("the port is no number"));
  for (const char* mistyped : {":hunter2@127.0.0.1:17391/jobs", "redis:/:hunter2@h/jobs", "hunter2@h/jobs"}) {
    EXPECT_THAT(says(mistyped, out), AllOf(HasSubstr("***@"), HasSubstr("write redis://")));
  }
  for (const char* flag : {"--results", "--dead", "--group", "--consumer"}) {
    for (const char* address : {"redis://:hunter2@h/a", "redis://h/a", ":hunter2@h/a"}) {
      std::map<std::string, std::string> flags = {{"--group", "g"}, {"--results", "out"}};
      flags[flag] = address;
      std::vector<std::string> all = {"worker", demo_model(), "--queue", "redis://host/jobs"};
      for (const auto& [name, value] : flags) all.insert(all.end(), {name, value});
      const ProgramResult result = run_program(all);
      EXPECT_EQ(result.exit_code, 2) << result.err;
      EXPECT_THAT(result.err, AllOf(HasSubstr(std::string(flag) + " "), Not(HasSubstr("hunter2")),
                                    HasSubstr("is an address; give the name of a")));
    }
  }
  EXPECT_THAT(says("redis://host/jobs", {}), HasSubstr("--results is required"));
  EXPECT_THAT(says("redis://host/jobs", {"--results", "jobs"}), HasSubstr("streams of their own"));
  EXPECT_THAT(says("redis://host/jobs", {"--results", "out", "--dead", "out"}), HasSubstr("streams of their own"));
  EXPECT_THAT(says("redis://host/jobs", {"--results", "out", "--allow-root", folder / "none"}),
              HasSubstr("--allow-root"));
  EXPECT_THAT(says("redis://host/jobs", {"--results", "out", "--allow-url", "host"}), HasSubstr("--allow-url"));
  EXPECT_THAT(says("redis://host/jobs", {"--results", "out", "--password-file", folder / "empty"}),
              HasSubstr("one line with the password"));
  EXPECT_THAT(says("redis://host/jobs", {"--results", "out", "--max-age", "nan"}), HasSubstr("--max-age"));
  EXPECT_THAT(says("redis://host/jobs", {"--results", "out", "--token", "x"}), HasSubstr("--listen"));
}

// The short form of what CONTRIBUTING and docs/scaling.md let anybody run for ten minutes.
TEST(WorkerFaults, NothingIsLostWhereWorkersAndServerAreKilled) {
  const TempFolder folder;
  const std::string said = folder / "said";
  const std::string command = fmt::format("/usr/bin/python3 '{}' 8 100 2 '{}' >'{}' 2>&1",
                                          source_path("tools/queue_faults.py"), ZOO_PROGRAM, said);
  EXPECT_EQ(std::system(command.c_str()), 0) << read_text(said);
  EXPECT_THAT(read_text(said), HasSubstr("nothing lost"));
}

}  // namespace
}  // namespace zoo::test
