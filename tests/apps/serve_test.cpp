// `serve` through the real program: ready, asked, swapped, overloaded, stopped.
#include <csignal>
#include <regex>
#include <string>
#include <system_error>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/apps/program_runner.h"
#include "tests/serve/client.h"
#include "tests/serve/metrics_text_checker.h"
#include "tests/support/demo_model.h"

namespace zoo::test {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// `serve --json` on any free port, once it is ready.
class Served {
 public:
  explicit Served(std::vector<std::string> arguments)
      : program_([&] {
          arguments.insert(arguments.begin(), "serve");
          arguments.insert(arguments.end(), {"--listen", "127.0.0.1:0", "--json"});
          return arguments;
        }()) {
    if (!program_.wait_for_output("\n")) throw std::runtime_error(program_.err_so_far());
    ready_ = Json::parse(program_.out_so_far());
    const std::string url = ready_.at("url");
    port_ = std::stoi(url.substr(url.rfind(':') + 1));
  }

  const Json& ready() const { return ready_; }
  int port() const { return port_; }
  RunningProgram& program() { return program_; }
  Json index() const { return Json::parse(ask(port_, "POST", "/v2/repository/index").body); }

 private:
  RunningProgram program_;
  Json ready_;
  int port_ = 0;
};

TEST(Serve, AnswersPicturesAsPredictDoes) {
  Served served({"emoji=" + demo_model()});
  EXPECT_EQ(served.ready().at("models").at(0).at("name"), "emoji");
  EXPECT_EQ(get(served.port(), "/v2/health/ready").status, 200);
  const std::string picture = demo_sample("dog.jpg");
  const Answer answer = ask(served.port(), "POST", "/predict/emoji", read_text(picture));
  ASSERT_EQ(answer.status, 200) << answer.body;
  const ProgramResult predicted = run_program({"predict", demo_model(), "--source", picture, "--json"});
  const Json expected = Json::parse(predicted.out).at("top");
  const Json top = Json::parse(answer.body).at("top");
  ASSERT_EQ(top.size(), expected.size());
  for (size_t i = 0; i < top.size(); ++i) {
    EXPECT_EQ(top[i].at("label"), expected[i].at("label"));
    EXPECT_FLOAT_EQ(top[i].at("score").get<float>(), expected[i].at("score").get<float>());
  }
  const CheckedMetrics metrics = check_metrics_text(get(served.port(), "/metrics").body);
  EXPECT_THAT(metrics.problems, IsEmpty());
  EXPECT_EQ(metrics.samples.at(R"(nv_inference_request_success{model="emoji"})"), 1.0);
  served.program().send(SIGINT);
  EXPECT_EQ(served.program().wait().exit_code, 130);
}

TEST(Serve, SwapsAModelWhoseFileIsSaved) {
  const TempFolder folder;
  const std::string file = copy_demo_classifier(folder.path());
  const std::string text = read_text(file);
  Served served({file, "watched=" + file});
  EXPECT_EQ(served.ready().at("models").at(0).at("name"), "mobilenet_v3_demo_emoji");
  save_text(file, replaced(text, "resize", "resice"));
  ASSERT_TRUE(wait_until([&] { return served.index().dump().find("resice") != std::string::npos; }));
  EXPECT_EQ(served.index().at(0).at("state"), "READY");
  EXPECT_EQ(ask(served.port(), "POST", "/predict/watched", read_text(demo_sample("dog.jpg"))).status, 200);
  save_text(file, text + "# saved\n");
  ASSERT_TRUE(wait_until([&] { return get(served.port(), "/v2/models/watched/versions/2").status == 200; }));
  ASSERT_TRUE(wait_until([&] { return served.index().dump().find("resice") == std::string::npos; })) << "both names";
  served.program().send(SIGHUP);
  ASSERT_TRUE(wait_until([&] { return get(served.port(), "/v2/models/watched/versions/3").status == 200; }));
  served.program().send(SIGTERM);
  EXPECT_EQ(served.program().wait().exit_code, 143);
}

TEST(Serve, OverloadIsRefusedAndWhatWasTakenIsAnsweredBeforeTheEnd) {
  Served served({"emoji=" + demo_model(), "--threads", "1", "--queue", "1"});
  const std::string picture = read_text(demo_sample("dog.jpg"));
  const std::string request =
      "POST /predict/emoji HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + std::to_string(picture.size()) +
      "\r\n\r\n" + picture;
  constexpr int kClients = 24;
  std::vector<RawClient> clients;
  for (int i = 0; i < kClients; ++i) clients.emplace_back(served.port());
  for (const RawClient& client : clients) ASSERT_TRUE(client.send(request));
  int answered = 0;
  int refused = 0;
  for (RawClient& client : clients) {
    const Answer answer = read_answer(client);
    if (answer.status == 200) ++answered;
    if (answer.status == 503) ++refused;
  }
  EXPECT_EQ(answered + refused, kClients);
  EXPECT_GE(answered, 1);
  const CheckedMetrics metrics = check_metrics_text(get(served.port(), "/metrics").body);
  EXPECT_EQ(metrics.samples.at(R"(nv_inference_request_success{model="emoji"})"), answered);
  EXPECT_EQ(metrics.samples.at(R"(nv_inference_request_failure{model="emoji",reason="REJECTED"})"), refused);
  served.program().send(SIGTERM);
  const ProgramResult result = served.program().wait();
  EXPECT_EQ(result.exit_code, 143) << result.err;
}

TEST(Serve, ATokenFromAFileWorksWithItsLineEnd) {
  Served served({"emoji=" + demo_model(), "--token", "secret\r\n", "-v"});
  const auto status = [&](const std::string& token) {
    return ask(served.port(), "GET", "/v2", "", "Host: 127.0.0.1\r\nAuthorization: Bearer " + token + "\r\n").status;
  };
  EXPECT_EQ(status("secret"), 200);
  EXPECT_EQ(status("other"), 401);
  served.program().send(SIGTERM);
  const ProgramResult result = served.program().wait();
  EXPECT_EQ(result.exit_code, 143);
  EXPECT_THAT(result.err, HasSubstr(demo_model() + ": preprocess: "));
}

TEST(Serve, EndsInOrderWhereNobodyReadsThatItIsReady) {
  RunningProgram program({"serve", "emoji=" + demo_model(), "--listen", "127.0.0.1:0", "--json"}, {}, "/dev/full");
  const std::regex ready("ready at http://127.0.0.1:([0-9]+)");
  std::smatch found;
  std::string said;
  ASSERT_TRUE(wait_until([&] {
    said = program.err_so_far();
    return std::regex_search(said, found, ready);
  }));
  const int port = std::stoi(found[1]);
  while (!program.has_ended()) {
    try {
      get(port, "/metrics");  // while it goes away
    } catch (const std::system_error&) {
      continue;  // refused: it listens no more
    }
  }
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.signal, 0) << result.err;
  EXPECT_NE(result.exit_code, 0);
}

TEST(Serve, MistakesAreLocated) {
  const auto refused = [](std::vector<std::string> arguments, const std::string& why) {
    arguments.insert(arguments.begin(), "serve");
    const ProgramResult result = run_program(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr(why));
  };
  refused({}, "MODEL");
  refused({"a/b=" + demo_model()}, "a/b=");
  refused({"x y=" + demo_model()}, "cannot stand in an address");
  refused({"a=" + demo_model(), "a=" + demo_model()}, "another name");
  refused({"a="}, "no model file after the equals sign");
  refused({demo_model(), "--listen", "0.0.0.0:0"}, "a token is required");
  refused({demo_model(), "--listen", "0.0.0.0:0"}, "BACKBONE_ZOO_TOKEN");
  refused({demo_model(), "--token", "\n"}, "is empty but for line ends");
  refused({demo_model(), "--token", " secret"}, "has a blank");
  refused({demo_model(), "--token", "a\nb"}, "has a control character");
  refused({demo_model(), "--max-pictures", "0"}, "--max-pictures");
  refused({demo_model(), "--listen", "nowhere"}, "nowhere");
  refused({demo_model(), "--queue", "0"}, "--queue");
  refused({"a=" + demo_model(), "--detector", "b"}, "no model is served under this name");
  refused({"a=" + demo_model(), "b=" + demo_model(), "--checkpoint", "x"}, "checkpoint.path");
  const ProgramResult both = run_program({"serve", "a=/nowhere/a.yaml", "b=/nowhere/b.yaml"});
  EXPECT_EQ(both.exit_code, 2);
  EXPECT_THAT(both.err, HasSubstr("/nowhere/a.yaml"));
  EXPECT_THAT(both.err, HasSubstr("/nowhere/b.yaml"));
}

}  // namespace
}  // namespace zoo::test
