// The code of docs/extending.md is code that the tests compile: every block stands in a source, line by line.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace zoo {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = ZOO_SOURCE_DIR;

/// The lines without what they begin with: a block of the page is indented otherwise than in its function.
std::vector<std::string> stripped_lines(const fs::path& file) {
  std::ifstream stream(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line.substr(std::min(line.find_first_not_of(' '), line.size())));
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text = "\n";
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string sources() {
  std::string text = joined(stripped_lines(kRoot / "backbones/registry.cpp")) +
                     joined(stripped_lines(kRoot / "tests/package/subproject/CMakeLists.txt"));
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "docs/examples")) {
    if (entry.is_regular_file()) text += joined(stripped_lines(entry.path()));
  }
  return text;
}

TEST(Documentation, IncludesHeadersAsTheyAreInstalled) {
  size_t checked = 0;
  for (const auto& entry : fs::directory_iterator(kRoot / "docs")) {
    if (entry.path().extension() != ".md") continue;
    for (const std::string& line : stripped_lines(entry.path())) {
      if (!line.starts_with("#include ")) continue;
      ++checked;
      const size_t open = line.find('<');
      ASSERT_NE(open, std::string::npos) << entry.path() << ": " << line;
      const std::string header = line.substr(open + 1, line.find('>') - open - 1);
      constexpr std::string_view kFolder = "backbone_zoo/";
      if (!header.starts_with(kFolder) || header == "backbone_zoo/zoo.h") continue;
      EXPECT_TRUE(fs::is_regular_file(kRoot / header.substr(kFolder.size()))) << entry.path() << ": " << line;
    }
  }
  EXPECT_GE(checked, 3U);
}

TEST(ExtendingPage, ShowsOnlyCodeThatIsCompiled) {
  const std::string compiled = sources();
  std::vector<std::string> block;
  bool inside = false;
  int blocks = 0;
  for (const std::string& line : stripped_lines(kRoot / "docs/extending.md")) {
    if (!line.starts_with("```")) {
      if (inside) block.push_back(line);
      continue;
    }
    if (inside) {
      ++blocks;
      EXPECT_NE(compiled.find(joined(block)), std::string::npos) << "in no source:" << joined(block);
    }
    inside = line == "```cpp" || line == "```yaml" || line == "```cmake";
    block.clear();
  }
  EXPECT_GE(blocks, 12);
}

}  // namespace
}  // namespace zoo
