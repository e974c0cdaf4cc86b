// `pull` and what uses the cache afterwards, through the real program and a hub of the test's own.
#include <atomic>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "hub/digest.h"
#include "models/model_config.h"
#include "models/pretrained.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"
#include "tests/apps/program_runner.h"
#include "tests/support/fake_hub.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kCommit = "89abcdef0123456789abcdef0123456789abcdef";
constexpr const char* kName = "mobilenetv3_small_100.lamb_in1k";
constexpr const char* kConfigJson = R"({"pretrained_cfg": {"input_size": [3, 224, 224], "crop_pct": 0.875,
  "interpolation": "bicubic", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}})";

class PullProgram : public ::testing::Test {
 protected:
  void SetUp() override {
    put("config.json", kConfigJson, false);
    environment_ = {"HF_ENDPOINT=" + hub_.server().url(),
                    "ZOO_TORCHVISION_ENDPOINT=" + hub_.server().url(),
                    "HF_HUB_CACHE=" + folder_ / "hub",
                    "TORCH_HOME=" + folder_ / "torch",
                    "NO_PROXY=127.0.0.1,localhost",
                    "HF_HUB_OFFLINE=",
                    "HF_TOKEN=hf_secret"};
  }
  // The checkpoint of a timm model with weights from the formula.
  std::string formula_checkpoint() const {
    const auto config = models::load_model_config(source_path("configs/timm/mobilenetv3_small_100.yaml"));
    std::vector<std::pair<std::string, Tensor>> tensors;
    for (const Parameter& parameter : models::build_graph(config).parameters) {
      const auto tensor = weights::expected_tensor(weights::Ecosystem::kTimm, parameter);
      tensors.emplace_back(tensor->name, weights::formula_tensor(tensor->name, tensor->shape, {}));
    }
    weights::write_safetensors(folder_ / "formula.safetensors", tensors);
    return read_text(folder_ / "formula.safetensors");
  }
  void put(const std::string& name, const std::string& content, bool large) {
    write_text(folder_ / "bytes", content);
    const auto kind = large ? hub::HashKind::kSha256 : hub::HashKind::kGitBlob;
    hub_.put(name, {.content = content, .hash = hub::hash_file(folder_ / "bytes", kind), .large = large});
  }
  ProgramResult run(const std::vector<std::string>& arguments) const { return run_program(arguments, environment_); }
  std::string repository() const { return folder_ / ("hub/models--timm--" + std::string(kName)); }

  TempFolder folder_;
  FakeHub hub_{"timm/" + std::string(kName), kCommit};
  std::vector<std::string> environment_;
};

TEST_F(PullProgram, FetchesWhatAModelFileThenUses) {
  const std::string model = source_path("configs/timm/mobilenetv3_small_100.yaml");
  const std::vector<std::string> predict = {
      "predict", model, "--set", "model.checkpoint.use_pretrained=True", "--source", demo_sample("dog.jpg")};
  const ProgramResult before = run(predict);
  EXPECT_EQ(before.exit_code, 2);
  EXPECT_THAT(before.err, HasSubstr("model.checkpoint.use_pretrained: mobilenetv3_small_100.lamb_in1k is not in the "
                                    "cache; get it with `backbone-zoo pull mobilenetv3_small_100.lamb_in1k`, or by "
                                    "hand: "));
  EXPECT_THAT(hub_.server().requests(), ::testing::IsEmpty()) << "loading a model never uses the network";

  put("model.safetensors", formula_checkpoint(), true);
  const ProgramResult pulled = run({"pull", "timm/mobilenetv3_small_100"});
  EXPECT_EQ(pulled.exit_code, 0) << pulled.err;
  EXPECT_EQ(pulled.out, repository() + "/snapshots/" + kCommit + "/model.safetensors\n");
  EXPECT_THAT(pulled.err, HasSubstr("is remembered, and other weights will be refused"));
  const ProgramResult after = run(predict);
  EXPECT_EQ(after.exit_code, 0) << after.err;

  const auto json = nlohmann::json::parse(run({"pull", "mobilenetv3_small_100", "--json"}).out);
  EXPECT_EQ(json.at("name"), kName);
  EXPECT_EQ(json.at("commit"), kCommit);
  EXPECT_EQ(json.at("fetched"), false);
  EXPECT_EQ(json.at("preprocess").at("resize"), nlohmann::json({256}));
  EXPECT_EQ(json.at("differences"), nlohmann::json::array());
}

TEST_F(PullProgram, TakesTheNameFromAModelFile) {
  put("model.safetensors", "not weights", true);
  std::string text = read_text(source_path("configs/timm/mobilenetv3_small_100.yaml"));
  text = text.substr(0, text.find("preprocess:"));
  write_text(folder_ / "plain.yaml", text);
  const ProgramResult plain = run({"pull", folder_ / "plain.yaml"});
  EXPECT_EQ(plain.exit_code, 2);
  EXPECT_THAT(plain.err, HasSubstr("plain.yaml asks for no known checkpoint: model.checkpoint.use_pretrained is not "
                                   "True"));
  text.insert(text.find("  num_classes"), "  checkpoint: {use_pretrained: True}\n");
  write_text(folder_ / "asks.yaml", text);
  EXPECT_THAT(run({"summary", folder_ / "asks.yaml"}).out,
              HasSubstr("from the table of known checkpoints (mobilenetv3_small_100.lamb_in1k)\n"));
  EXPECT_EQ(run({"pull", folder_ / "asks.yaml"}).exit_code, 0);
  EXPECT_THAT(run({"summary", folder_ / "asks.yaml"}).out, HasSubstr("/config.json (pretrained_cfg)\n"));
  EXPECT_THAT(run({"validate", "-v", folder_ / "asks.yaml"}).err, HasSubstr("/config.json (pretrained_cfg)"));
}

TEST_F(PullProgram, SaysWhatItDoesNotKnow) {
  const ProgramResult unknown = run({"pull", "mobilenetv3_smal_100"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_EQ(unknown.err,
            "backbone-zoo: pull: no checkpoint is known as \"mobilenetv3_smal_100\"; did you mean "
            "\"mobilenetv3_small_100\"?; `backbone-zoo list --pretrained` shows all (see --help)\n");
  EXPECT_EQ(run({"pull", kName, "--revision", "../x"}).err,
            "backbone-zoo: pull: --revision ../x: expected a branch, a tag or a commit (see --help)\n");
  EXPECT_EQ(run({"pull", "mobilenet_v3_small", "--revision", "main"}).exit_code, 2);
  const ProgramResult missing = run({"pull", kName});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_EQ(missing.err, "backbone-zoo: " + hub_.server().url("/timm/") + kName +
                             "/resolve/main/model.safetensors: the server answered 404 (not there)\n");
}

TEST_F(PullProgram, StopsOnASignalAndGoesOnLater) {
  const std::string content = read_text(source_path("configs/demo/emoji.safetensors"));
  put("model.safetensors", content, true);
  hub_.intercept([&](const HttpRequest& request) -> std::optional<HttpReply> {
    if (!request.path.starts_with("/cdn/")) return std::nullopt;
    HttpReply reply = file_reply(request, content, "\"x\"");
    reply.send = 100'000;
    reply.stall = true;
    return reply;
  });
  RunningProgram program({"pull", kName}, environment_);
  const auto arrived = [&] {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(repository() + "/blobs", error)) {
      if (entry.path().extension() == ".incomplete" && fs::file_size(entry.path(), error) == 100'000) return true;
    }
    return false;
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!arrived() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  program.send(SIGINT);
  const ProgramResult stopped = program.wait();
  EXPECT_EQ(stopped.exit_code, 130);
  EXPECT_EQ(stopped.out, "");
  EXPECT_EQ(stopped.err, "backbone-zoo: pull: stopped; what has arrived is kept under " + folder_ / "hub" +
                             ", and the next pull goes on from there\n");
  hub_.intercept(nullptr);
  hub_.server().forget_requests();
  const ProgramResult resumed = run({"pull", kName});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(read_text(repository() + "/snapshots/" + kCommit + "/model.safetensors"), content);
  bool went_on = false;
  for (const HttpRequest& request : hub_.server().requests()) {
    went_on = went_on || request.header("range") == "bytes=100000-";
  }
  EXPECT_TRUE(went_on);
}

TEST_F(PullProgram, OfflineSaysWhatIsMissing) {
  environment_.emplace_back("HF_HUB_OFFLINE=1");
  std::erase(environment_, "HF_HUB_OFFLINE=");
  const ProgramResult result = run({"pull", "MobileNet_V3_Small_Weights.IMAGENET1K_V1"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.err,
            "backbone-zoo: HF_HUB_OFFLINE is set; MobileNet_V3_Small_Weights.IMAGENET1K_V1 is not in the cache; by "
            "hand: " +
                hub_.server().url("/models/mobilenet_v3_small-047dcff4.pth") + " as " +
                folder_ / "torch/hub/checkpoints/mobilenet_v3_small-047dcff4.pth" + "\n");
}

TEST_F(PullProgram, ListShowsWhatIsKnownAndCached) {
  put("model.safetensors", "not weights", true);
  ASSERT_EQ(run({"pull", kName}).exit_code, 0);
  const auto json = nlohmann::json::parse(run({"list", "--pretrained", "--json"}).out);
  EXPECT_EQ(json.size(), models::pretrained_checkpoints().size());
  size_t cached = 0;
  for (const auto& entry : json) {
    if (entry.at("cached").is_null()) continue;
    ++cached;
    EXPECT_EQ(entry.at("name"), kName);
    EXPECT_EQ(entry.at("model_file"), "timm/mobilenetv3_small_100");
    EXPECT_EQ(entry.at("input"), 224);
  }
  EXPECT_EQ(cached, 1U);
  const std::vector<std::string> lines = lines_of(run({"list", "--pretrained"}).out);
  ASSERT_EQ(lines.size(), json.size() + 1);
  EXPECT_THAT(lines[0], StartsWith("name  "));
  EXPECT_EQ(run({"list", "--pretrained", "configs"}).exit_code, 2);
}

}  // namespace
}  // namespace zoo::test
