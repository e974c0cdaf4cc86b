// Every wrong model file of tests/bad_configs, NAME.yaml, against its exact error text, NAME.txt (without the folder).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "backbones/registry.h"
#include "models/model_config.h"
#include "nn/core/error.h"

namespace zoo::models {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(ZOO_SOURCE_DIR) / "tests" / "bad_configs";

std::vector<std::string> names_with(std::string_view extension) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() == extension) names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string read(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// The texts are the same wherever the checkout lies.
std::string without_folder(std::string text) {
  const std::string folder = kFolder.string() + '/';
  for (size_t at = text.find(folder); at != std::string::npos; at = text.find(folder, at))
    text.erase(at, folder.size());
  return text;
}

// `{backbones}` stands for the names of all registered families.
std::string expected_text(const std::string& name) {
  constexpr std::string_view kBackbones = "{backbones}";
  std::string text = read(kFolder / (name + ".txt"));
  if (const size_t at = text.find(kBackbones); at != std::string::npos) {
    text.replace(at, kBackbones.size(),
                 fmt::format("{}", fmt::join(backbones::BackboneRegistry::global().names(), ", ")));
  }
  return text;
}

class BadConfig : public ::testing::TestWithParam<std::string> {};

TEST_P(BadConfig, IsRefusedWithExactlyThisText) {
  std::string text;
  try {
    load_model_config(kFolder / (GetParam() + ".yaml"));
  } catch (const ConfigError& error) {
    text = without_folder(error.what()) + '\n';
  }
  EXPECT_EQ(text, expected_text(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(All, BadConfig, ::testing::ValuesIn(names_with(".yaml")),
                         [](const auto& test) { return test.param; });

TEST(BadConfigs, ComeInPairs) {
  EXPECT_GE(names_with(".yaml").size(), 60U);
  EXPECT_EQ(names_with(".yaml"), names_with(".txt"));
}

}  // namespace
}  // namespace zoo::models
