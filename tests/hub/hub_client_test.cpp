// Files of a hub of the test's own, fetched into a cache of the test's own.
#include "hub/hub_client.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/digest.h"
#include "tests/support/environment.h"
#include "tests/support/fake_hub.h"
#include "tests/support/temp_folder.h"

namespace zoo::hub {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const std::string kRepository = "org/net";
const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";
constexpr int64_t kMaxBytes = 1 << 20;

class HubClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    environment_.set("NO_PROXY", "127.0.0.1,localhost");
    std::ofstream(temp_.path() / "truth", std::ios::binary) << content_;
    hub_.put("weights.bin",
             {.content = content_, .hash = hash_file(temp_.path() / "truth", HashKind::kSha256), .large = true});
  }

  HubClient client() {
    const HubSettings settings = {.hub = temp_.path() / "hub",
                                  .torch = {},
                                  .endpoint = hub_.server().url(),
                                  .torchvision_endpoint = {},
                                  .token = "hf_secret",
                                  .offline = false};
    DownloadOptions options;
    options.attempts = 1;
    options.token = "another";
    return {settings, kRepository, options};
  }

  test::Environment environment_;
  test::TempFolder temp_;
  std::string content_ = test::noise(10'000);
  test::FakeHub hub_{kRepository, kCommit};
};

TEST_F(HubClientTest, FetchesAFileOfABranchOnce) {
  const HubClient hub = client();
  const HubFile file = hub.look_up("main", "weights.bin");
  EXPECT_EQ(file.name, "weights.bin");
  EXPECT_EQ(file.commit, kCommit);
  EXPECT_EQ(file.size, static_cast<int64_t>(content_.size()));
  const FetchedFile first = hub.fetch(file, kMaxBytes, false);
  EXPECT_TRUE(first.fetched);
  EXPECT_EQ(first.path, hub.cache().snapshot(kCommit, "weights.bin"));
  EXPECT_EQ(hash_file(first.path, HashKind::kSha256), file.etag);
  EXPECT_FALSE(hub.fetch(file, kMaxBytes, false).fetched);
  EXPECT_TRUE(hub.fetch(file, kMaxBytes, true).fetched);
  for (const test::HttpRequest& request : hub_.server().requests()) {
    EXPECT_EQ(request.header("authorization"), request.path.starts_with("/cdn/") ? "" : "Bearer hf_secret");
  }
}

TEST_F(HubClientTest, RefusesWhatIsLargerThanAllowed) {
  const HubClient hub = client();
  const HubFile file = hub.look_up("main", "weights.bin");
  EXPECT_THROW(hub.fetch(file, 100, false), DownloadError);
  EXPECT_FALSE(hub.cache().find(kCommit, "weights.bin"));
}

TEST_F(HubClientTest, SaysWhatTheServerLacks) {
  const HubClient hub = client();
  EXPECT_THAT([&] { hub.look_up("main", "none.bin"); }, ThrowsMessage<DownloadError>(HasSubstr("404 (not there)")));
  hub_.intercept([](const test::HttpRequest&) { return test::HttpReply{.status = 200, .headers = {}, .body = ""}; });
  EXPECT_THAT([&] { hub.look_up("main", "weights.bin"); },
              ThrowsMessage<DownloadError>(HasSubstr("the server is no Hugging Face hub")));
  hub_.intercept([](const test::HttpRequest&) {
    return test::HttpReply{.status = 200, .headers = {{"X-Repo-Commit", kCommit}, {"ETag", "\"x\""}}, .body = ""};
  });
  EXPECT_THAT([&] { hub.look_up("main", "weights.bin"); },
              ThrowsMessage<DownloadError>(HasSubstr("states no hash that the file could be checked with")));
}

}  // namespace
}  // namespace zoo::hub
