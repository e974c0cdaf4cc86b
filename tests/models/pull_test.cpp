// Fetching known checkpoints from a hub of the test's own into the layout of the Hugging Face and PyTorch caches.
#include "models/pull.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/digest.h"
#include "models/pretrained_files.h"
#include "tests/support/fake_hub.h"
#include "tests/support/temp_folder.h"

namespace zoo::models {
namespace {

namespace fs = std::filesystem;
using hub::DownloadError;
using hub::HashKind;
using test::FakeHub;
using test::HttpReply;
using test::HttpRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";
constexpr const char* kConfigJson = R"({"pretrained_cfg": {"input_size": [3, 224, 224], "crop_pct": 0.875,
  "interpolation": "bicubic", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}})";

class PullTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("NO_PROXY", "127.0.0.1,localhost", 1);
    content_ = test::noise(50'000);
    put("model.safetensors", content_, true);
    put("config.json", kConfigJson, false);
    options_.settings = {.hub = folder_ / "hub",
                         .torch = folder_ / "torch",
                         .endpoint = hub_.server().url(),
                         .torchvision_endpoint = hub_.server().url(),
                         .token = "hf_secret",
                         .offline = false};
    options_.download.attempts = 2;
    options_.download.first_pause = std::chrono::milliseconds(1);
    options_.download.notice = [this](const std::string& text) { notices_.push_back(text); };
  }

  void put(const std::string& name, const std::string& content, bool large) {
    hub_.put(name, {.content = content, .hash = hash_of(content, large), .large = large});
  }
  std::string hash_of(const std::string& content, bool large) const {
    std::ofstream(folder_ / "bytes", std::ios::binary) << content;
    return hub::hash_file(folder_ / "bytes", large ? HashKind::kSha256 : HashKind::kGitBlob);
  }
  static std::string read(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  std::string problem() {
    try {
      pull(known_, options_);
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  }

  const PretrainedCheckpoint& known_ = *find_pretrained("mobilenetv3_small_100");
  FakeHub hub_{known_.repository, kCommit};
  test::TempFolder temp_;
  fs::path folder_ = temp_.path();
  std::string content_;
  PullOptions options_;
  std::vector<std::string> notices_;
};

TEST_F(PullTest, FillsTheCacheAsPythonDoes) {
  const PulledCheckpoint pulled = pull(known_, options_);
  const fs::path repository = folder_ / "hub/models--timm--mobilenetv3_small_100.lamb_in1k";
  EXPECT_TRUE(pulled.fetched);
  EXPECT_EQ(pulled.commit, kCommit);
  EXPECT_EQ(pulled.weights, repository / "snapshots" / kCommit / "model.safetensors");
  EXPECT_EQ(read(pulled.weights), content_);
  EXPECT_EQ(fs::read_symlink(pulled.weights), fs::path("../../blobs") / hash_of(content_, true));
  EXPECT_EQ(read(repository / "refs/main"), kCommit);
  ASSERT_TRUE(pulled.config);
  EXPECT_EQ(fs::read_symlink(*pulled.config), fs::path("../../blobs") / hash_of(kConfigJson, false));
  EXPECT_THAT(pulled.differences, IsEmpty());
  EXPECT_EQ(cached_weights(known_, options_.settings), pulled.weights);
  for (const auto& entry : fs::recursive_directory_iterator(repository)) {
    EXPECT_NE(entry.path().extension(), ".incomplete");
    EXPECT_NE(entry.path().extension(), ".tmp");
  }
  for (const HttpRequest& request : hub_.server().requests()) {
    EXPECT_EQ(request.header("authorization"), request.path.starts_with("/cdn/") ? "" : "Bearer hf_secret");
  }
  hub_.server().forget_requests();
  EXPECT_FALSE(pull(known_, options_).fetched);
  for (const HttpRequest& request : hub_.server().requests()) EXPECT_EQ(request.method, "HEAD");
}

TEST_F(PullTest, TakesTheNewCommitAndKeepsTheOld) {
  const fs::path old = pull(known_, options_).weights;
  const std::string commit(40, 'a');
  FakeHub newer(known_.repository, commit);
  newer.put("model.safetensors", {.content = "new", .hash = hash_of("new", true), .large = true});
  options_.settings.endpoint = newer.server().url();
  EXPECT_EQ(problem(),
            "mobilenetv3_small_100.lamb_in1k: the hub has other weights than those that were fetched first: "
            "SHA-256 " +
                hash_of("new", true) + " (commit " + commit + "), expected " + hash_of(content_, true) + " (commit " +
                kCommit + "); `--revision " + commit + "` takes them as they are");
  EXPECT_EQ(cached_weights(known_, options_.settings), old);
  options_.revision = "main";
  const PulledCheckpoint pulled = pull(known_, options_);
  EXPECT_EQ(read(pulled.weights), "new");
  EXPECT_FALSE(pulled.config) << "a repository may lack it";
  EXPECT_EQ(pulled.preprocess, known_.preprocess);
  EXPECT_EQ(read(old), content_);
  EXPECT_EQ(cached_weights(known_, options_.settings), pulled.weights);
  options_.revision = kCommit;
  options_.settings.offline = true;
  EXPECT_EQ(pull(known_, options_).weights, old);
}

TEST_F(PullTest, RemembersWhatTheTableDoesNotKnow) {
  ASSERT_EQ(known_.sha256, "") << "take a checkpoint that is not pinned";
  EXPECT_EQ(problem(), "none");
  EXPECT_THAT(notices_,
              ElementsAre("mobilenetv3_small_100.lamb_in1k: the table of known checkpoints has no hash of it; "
                          "SHA-256 " +
                          hash_of(content_, true) + " (commit " + kCommit +
                          ") is remembered, and other weights will be refused"));
  EXPECT_EQ(problem(), "none");
  EXPECT_EQ(notices_.size(), 1U) << "said once";
  put("model.safetensors", "other", true);
  options_.force = true;
  EXPECT_THAT(problem(), HasSubstr("the hub has other weights than those that were fetched first"));
}

TEST_F(PullTest, TakesARevisionAsItIsAndRemembersNothing) {
  options_.revision = "main";
  EXPECT_EQ(problem(), "none");
  EXPECT_THAT(notices_, IsEmpty());
  put("model.safetensors", "other", true);
  EXPECT_EQ(problem(), "none");
}

TEST_F(PullTest, FetchesThePinnedCommitAndChecksItsHash) {
  PretrainedCheckpoint pinned = known_;
  pinned.commit = kCommit;
  pinned.sha256 = hash_of(content_, true);
  const PulledCheckpoint pulled = pull(pinned, options_);
  EXPECT_EQ(read(pulled.weights), content_);
  EXPECT_THAT(notices_, IsEmpty());
  for (const HttpRequest& request : hub_.server().requests()) {
    EXPECT_EQ(request.path.find("/main/"), std::string::npos) << request.path;
  }
  EXPECT_EQ(cached_weights(pinned, options_.settings), pulled.weights);
  pinned.sha256 = std::string(64, 'a');
  const auto fetch = [&] { pull(pinned, options_); };
  EXPECT_THAT(
      fetch, ::testing::ThrowsMessage<DownloadError>(HasSubstr(
                 "the hub has other weights than the table of known checkpoints: SHA-256 " + hash_of(content_, true))));
  options_.revision = kCommit;
  EXPECT_NO_THROW(fetch());
}

TEST_F(PullTest, TakesThePinnedWeightsThatPythonFetched) {
  const fs::path weights = pull(known_, options_).weights;  // main, as Python does
  PretrainedCheckpoint pinned = known_;
  pinned.commit = std::string(40, 'b');
  pinned.sha256 = hash_of(content_, true);
  EXPECT_EQ(cached_weights(pinned, options_.settings), weights);
  pinned.sha256 = std::string(64, 'a');
  EXPECT_EQ(cached_weights(pinned, options_.settings), std::nullopt);
}

TEST_F(PullTest, SaysHowThePreprocessingDiffers) {
  std::string other = kConfigJson;
  other.replace(other.find("0.875"), 5, "0.95");
  put("config.json", other, false);
  EXPECT_THAT(pull(known_, options_).differences, ElementsAre("resize 235 instead of 256"));
  put("config.json", "{}", false);
  EXPECT_THAT(pull(known_, options_).differences,
              ElementsAre(HasSubstr("config.json: has no object \"pretrained_cfg\"; ")));
}

TEST_F(PullTest, SaysWhatIsMissingOffline) {
  options_.settings.offline = true;
  EXPECT_EQ(problem(), "HF_HUB_OFFLINE is set; mobilenetv3_small_100.lamb_in1k is not in the cache; by hand: " +
                           hub_.server().url("/timm/mobilenetv3_small_100.lamb_in1k/resolve/main/model.safetensors") +
                           " as " +
                           (folder_ / "hub/models--timm--mobilenetv3_small_100.lamb_in1k/snapshots/main/"
                                      "model.safetensors")
                               .string());
  EXPECT_THAT(hub_.server().requests(), IsEmpty());
}

TEST_F(PullTest, UsesTheCacheWhereTheHubCannotServe) {
  const fs::path weights = pull(known_, options_).weights;
  hub_.intercept([](const HttpRequest&) { return HttpReply{.status = 503}; });
  notices_.clear();
  EXPECT_EQ(pull(known_, options_).weights, weights);
  EXPECT_THAT(notices_, ::testing::Contains(
                            ::testing::EndsWith("the server answered 503 (2 attempts); using what the cache has")));
  options_.force = true;
  EXPECT_THAT(problem(), HasSubstr("503"));
}

TEST_F(PullTest, RefusesServersThatAreNoHub) {
  hub_.intercept([](const HttpRequest&) { return HttpReply{.body = "welcome"}; });
  const std::string url = hub_.server().url("/" + known_.repository + "/resolve/main/model.safetensors");
  EXPECT_EQ(problem(), url + ": the server is no Hugging Face hub (no X-Repo-Commit)");
  for (const std::string& etag : {std::string(), std::string("\"../../evil\""), std::string("\"1234\"")}) {
    hub_.intercept([&](const HttpRequest&) {
      return HttpReply{.headers = {{"X-Repo-Commit", kCommit}, {"ETag", etag}}};
    });
    EXPECT_EQ(problem(), url + ": the server states no hash that the file could be checked with");
  }
  hub_.intercept([&](const HttpRequest&) { return HttpReply{.headers = {{"X-Repo-Commit", "../../../../evil"}}}; });
  EXPECT_EQ(problem(), url + ": the server is no Hugging Face hub (no X-Repo-Commit)");
  hub_.intercept([](const HttpRequest&) { return HttpReply{.status = 404}; });
  EXPECT_EQ(problem(), url + ": the server answered 404 (not there)");
}

TEST_F(PullTest, ChecksWhatTheContentServerSends) {
  hub_.intercept([&](const HttpRequest& request) -> std::optional<HttpReply> {
    if (!request.path.starts_with("/cdn/")) return std::nullopt;
    std::string wrong = content_;
    wrong[7] = static_cast<char>(wrong[7] + 1);
    return test::file_reply(request, wrong, "\"x\"");
  });
  EXPECT_THAT(problem(), HasSubstr("expected " + hash_of(content_, true) + "; the file has been removed"));
  EXPECT_FALSE(cached_weights(known_, options_.settings));
  hub_.intercept(nullptr);
  EXPECT_EQ(problem(), "none");
}

TEST_F(PullTest, FollowsARenamedRepository) {
  hub_.intercept([&](const HttpRequest& request) -> std::optional<HttpReply> {
    const std::string old = "/" + known_.repository;
    if (request.path.starts_with("/moved")) {
      FakeHub* hub = &hub_;
      return HttpReply{.status = 302,
                       .headers = {{"X-Repo-Commit", kCommit},
                                   {"X-Linked-Etag", hash_of(content_, true)},
                                   {"Location", hub->server().localhost_url("/cdn/" + hash_of(content_, true))}}};
    }
    if (!request.path.starts_with(old) || request.path.find("config") != std::string::npos) return std::nullopt;
    return HttpReply{.status = 307, .headers = {{"Location", "/moved" + request.path.substr(old.size())}}};
  });
  EXPECT_EQ(read(pull(known_, options_).weights), content_);
}

TEST_F(PullTest, TorchvisionGoesIntoTheTorchCache) {
  PretrainedCheckpoint known = *find_pretrained("MobileNet_V3_Small_Weights.IMAGENET1K_V1");
  hub_.intercept([&](const HttpRequest& request) -> std::optional<HttpReply> {
    if (request.path != "/models/mobilenet_v3_small-047dcff4.pth") return std::nullopt;
    EXPECT_EQ(request.header("authorization"), "");
    return test::file_reply(request, content_, "\"t\"");
  });
  const std::string hash = hash_of(content_, true);
  EXPECT_THAT(
      [&] { pull(known, options_); },
      ::testing::ThrowsMessage<DownloadError>(HasSubstr(
          "SHA-256 is " + hash +
          ", expected 047dcff4addef86ea5bc2eff13c9614dc11f47ab1160d0a71a25e7db994f4e1f; the file has been removed")));
  known.sha256 = hash;
  const PulledCheckpoint pulled = pull(known, options_);
  EXPECT_EQ(pulled.weights, folder_ / "torch/mobilenet_v3_small-047dcff4.pth");
  EXPECT_EQ(read(pulled.weights), content_);
  options_.settings.offline = true;
  EXPECT_FALSE(pull(known, options_).fetched);
  fs::remove(pulled.weights);
  EXPECT_THAT([&] { pull(known, options_); },
              ::testing::ThrowsMessage<DownloadError>(
                  "HF_HUB_OFFLINE is set; MobileNet_V3_Small_Weights.IMAGENET1K_V1 is not in the cache; by hand: " +
                  hub_.server().url("/models/mobilenet_v3_small-047dcff4.pth") + " as " + pulled.weights.string()));
}

}  // namespace
}  // namespace zoo::models
