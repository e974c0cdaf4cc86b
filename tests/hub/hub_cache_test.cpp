// The cache that the Hugging Face libraries and PyTorch share: where it is, and what names it takes.
#include "hub/hub_cache.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/support/temp_folder.h"

namespace zoo::hub {
namespace {

namespace fs = std::filesystem;

const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";

TEST(HubSettingsTest, ReadsTheVariablesThatPythonReads) {
  const std::vector<const char*> names = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME",        "TORCH_HOME",
                                          "HF_ENDPOINT",  "XDG_CACHE_HOME",        "HF_HUB_OFFLINE", "HF_TOKEN"};
  for (const char* name : names) ::unsetenv(name);
  const std::string home = std::getenv("HOME") == nullptr ? "" : std::getenv("HOME");
  ::setenv("HOME", "/h", 1);
  EXPECT_EQ(HubSettings::from_environment().hub, "/h/.cache/huggingface/hub");
  EXPECT_EQ(HubSettings::from_environment().torch, "/h/.cache/torch/hub/checkpoints");
  EXPECT_EQ(HubSettings::from_environment().endpoint, "https://huggingface.co");
  ::setenv("XDG_CACHE_HOME", "/x", 1);
  EXPECT_EQ(HubSettings::from_environment().hub, "/x/huggingface/hub");
  ::setenv("HF_HOME", "~/hf", 1);
  ::setenv("TORCH_HOME", "/t", 1);
  EXPECT_EQ(HubSettings::from_environment().hub, "/h/hf/hub");
  EXPECT_EQ(HubSettings::from_environment().torch, "/t/hub/checkpoints");
  ::setenv("HF_HUB_CACHE", "/c", 1);
  ::setenv("HF_ENDPOINT", "http://mirror/", 1);
  ::setenv("HF_HUB_OFFLINE", "True", 1);
  ::setenv("HF_TOKEN", "hf_x\n", 1);
  const HubSettings settings = HubSettings::from_environment();
  EXPECT_EQ(settings.hub, "/c");
  EXPECT_EQ(settings.endpoint, "http://mirror");
  EXPECT_EQ(settings.token, "hf_x");
  EXPECT_TRUE(settings.offline);
  ::setenv("HF_TOKEN", "a\r\nInjected: b", 1);
  EXPECT_THROW(HubSettings::from_environment(), IoError);
  for (const char* name : names) ::unsetenv(name);
  ::setenv("HOME", home.c_str(), 1);
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
