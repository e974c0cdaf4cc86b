// The cache that the Hugging Face libraries and PyTorch share: where it is, and what names it takes.
#include "hub/hub_cache.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/support/environment.h"
#include "tests/support/temp_folder.h"

namespace zoo::hub {
namespace {

namespace fs = std::filesystem;

const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";

TEST(HubSettingsTest, ReadsTheVariablesThatPythonReads) {
  test::Environment environment;
  const std::vector<const char*> names = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME",        "TORCH_HOME",
                                          "HF_ENDPOINT",  "XDG_CACHE_HOME",        "HF_HUB_OFFLINE", "HF_TOKEN"};
  for (const char* name : names) environment.unset(name);
  environment.set("HOME", "/h");
  EXPECT_EQ(HubSettings::from_environment().hub, "/h/.cache/huggingface/hub");
  EXPECT_EQ(HubSettings::from_environment().torch, "/h/.cache/torch/hub/checkpoints");
  EXPECT_EQ(HubSettings::from_environment().endpoint, "https://huggingface.co");
  environment.set("XDG_CACHE_HOME", "/x");
  EXPECT_EQ(HubSettings::from_environment().hub, "/x/huggingface/hub");
  environment.set("HF_HOME", "~/hf");
  environment.set("TORCH_HOME", "/t");
  EXPECT_EQ(HubSettings::from_environment().hub, "/h/hf/hub");
  EXPECT_EQ(HubSettings::from_environment().torch, "/t/hub/checkpoints");
  environment.set("HF_HUB_CACHE", "/c");
  environment.set("HF_ENDPOINT", "http://mirror/");
  environment.set("HF_HUB_OFFLINE", "True");
  environment.set("HF_TOKEN", "hf_x\n");
  const HubSettings settings = HubSettings::from_environment();
  EXPECT_EQ(settings.hub, "/c");
  EXPECT_EQ(settings.endpoint, "http://mirror");
  EXPECT_EQ(settings.token, "hf_x");
  EXPECT_TRUE(settings.offline);
  environment.set("HF_TOKEN", "a\r\nInjected: b");
  EXPECT_THROW(HubSettings::from_environment(), IoError);
}

TEST(HubRepositoryTest, AcceptsNoPathAsRevision) {
  for (const char* good : {"main", "v1.0", "refs/pr/1", "feature_x-2"}) EXPECT_TRUE(is_revision(good)) << good;
  for (const char* bad : {"", "..", "a/../b", "/a", "a/", "a//b", "a b", "a?b", "a\nb", "."}) {
    EXPECT_FALSE(is_revision(bad)) << bad;
  }
  HubSettings settings;
  settings.endpoint = "http://h";
  EXPECT_EQ(hub_url(settings, "timm/x", "refs/pr/1", "f"), "http://h/timm/x/resolve/refs%2Fpr%2F1/f");
}

TEST(HubRepositoryTest, IgnoresABrokenReference) {
  const test::TempFolder temp;
  const fs::path& folder = temp.path();
  const HubRepository repository(folder, "timm/x");
  fs::create_directories(folder / "models--timm--x/refs");
  for (const char* text : {"", "../../..", "abc"}) {
    std::ofstream(folder / "models--timm--x/refs/main") << text;
    EXPECT_EQ(repository.commit_of("main"), "main");
  }
  repository.note_revision("main", kCommit);
  EXPECT_EQ(repository.commit_of("main"), kCommit);
  EXPECT_EQ(repository.snapshot("main", "f"), folder / "models--timm--x/snapshots" / kCommit / "f");
  EXPECT_FALSE(repository.find("main", "f"));
}

}  // namespace
}  // namespace zoo::hub
