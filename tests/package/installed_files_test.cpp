// What the installation puts where, after it has been moved.
#include <algorithm>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/package/package_runner.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::vector<fs::path> installed_files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(test::package_prefix())) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  return files;
}

TEST(InstalledFiles, NameNoFolderOfTheBuild) {
  const std::vector<fs::path> files = installed_files();
  EXPECT_GT(files.size(), 50U);
  for (const fs::path& file : files) {
    const std::string text = test::read_text(file);
    for (const char* folder : {ZOO_SOURCE_DIR, ZOO_BINARY_DIR, ZOO_PACKAGE_FOLDER}) {
      EXPECT_EQ(text.find(folder), std::string::npos) << file << " names " << folder;
    }
  }
}

TEST(InstalledFiles, HeadersIncludeOnlyInstalledHeaders) {
  const fs::path include = test::package_prefix() / "include";
  const std::regex pattern(R"(#include "([^"]+)\")");
  size_t checked = 0;
  for (const auto& entry : fs::recursive_directory_iterator(include)) {
    if (!entry.is_regular_file()) continue;
    const std::string text = test::read_text(entry.path());
    for (auto match = std::sregex_iterator(text.begin(), text.end(), pattern); match != std::sregex_iterator();
         ++match) {
      ++checked;
      EXPECT_TRUE((*match)[1].str().starts_with("backbone_zoo/")) << entry.path() << ": " << match->str();
      EXPECT_TRUE(fs::is_regular_file(include / (*match)[1].str())) << entry.path() << ": " << match->str();
    }
  }
  EXPECT_GT(checked, 30U);
}

TEST(InstalledProgram, FindsTheZooByNameFromAnywhere) {
  const fs::path folder = test::fresh_folder("by_name");
  const std::string program = (test::package_prefix() / "bin/backbone-zoo").string();
  const test::CommandResult by_name = test::run_command(folder, program + " summary timm/mobilenetv4_conv_small");
  ASSERT_EQ(by_name.exit_code, 0) << by_name.err;
  const std::string file =
      (test::package_prefix() / "share/backbone_zoo/configs/timm/mobilenetv4_conv_small.yaml").string();
  EXPECT_EQ(by_name.out, test::run_command(folder, program + " summary " + file).out);
  const test::CommandResult misspelt = test::run_command(folder, program + " summary timm/mobilenetv4_conv_smal");
  EXPECT_EQ(misspelt.exit_code, 2);
  EXPECT_THAT(misspelt.err, HasSubstr("did you mean \"timm/mobilenetv4_conv_small\"?"));
}

TEST(InstalledFiles, PagesLinkToWhatIsInstalled) {
  const std::regex pattern(R"(\]\(([^)#: ]+)(#[^)]*)?\))");
  size_t checked = 0;
  for (const fs::path& file : installed_files()) {
    if (file.extension() != ".md" || file.string().find("/doc/") == std::string::npos) continue;
    const std::string text = test::read_text(file);
    for (auto match = std::sregex_iterator(text.begin(), text.end(), pattern); match != std::sregex_iterator();
         ++match) {
      ++checked;
      EXPECT_TRUE(fs::exists(file.parent_path() / (*match)[1].str())) << file << ": " << match->str();
    }
  }
  EXPECT_GT(checked, 10U);
}

TEST(InstalledFiles, KeepTheEnginesInsidePrivate) {
  for (const fs::path& file : installed_files()) {
    if (file.extension() != ".h") continue;
    EXPECT_THAT(file.filename().string(), ::testing::Not(::testing::AnyOf(HasSubstr("onednn"), HasSubstr("kernels"))));
    const std::string text = test::read_text(file);
    for (const char* header : {"<oneapi/", "<yaml-cpp/", "<zip.h>", "<fmt/", "<nlohmann/"}) {
      EXPECT_EQ(text.find(header), std::string::npos) << file << " includes " << header;
    }
  }
}

TEST(InstalledProgram, FindsTheInstalledZoo) {
  const fs::path folder = test::fresh_folder("program");
  const std::string program = (test::package_prefix() / "bin/backbone-zoo").string();
  const test::CommandResult list = test::run_command(folder, "env -u ZOO_CONFIGS " + program + " list");
  EXPECT_EQ(list.exit_code, 0) << list.err;
  EXPECT_THAT(list.out, HasSubstr("\ndemo/emoji "));
  const std::string demo = (test::package_prefix() / "share/backbone_zoo/configs/demo").string();
  const test::CommandResult predict =
      test::run_command(folder, program + " predict " + demo + "/emoji.yaml --source " + demo + "/samples/dog.jpg");
  EXPECT_EQ(predict.exit_code, 0) << predict.err;
  EXPECT_THAT(predict.out, HasSubstr("dog\n"));
}

}  // namespace
}  // namespace zoo
