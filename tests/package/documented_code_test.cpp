// The code of README.md and docs/ is code that the tests compile: every block stands in a source, line by line.
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

/// What stands between empty lines in blocks of the languages that are compiled or configured.
std::vector<std::string> code_pieces(const fs::path& page) {
  std::vector<std::string> pieces;
  std::vector<std::string> block;
  bool inside = false;
  for (const std::string& line : stripped_lines(page)) {
    const bool is_fence = line.starts_with("```");
    if (inside && !is_fence && !line.empty()) {
      block.push_back(line);
      continue;
    }
    if (!block.empty()) pieces.push_back(joined(block));
    block.clear();
    if (!is_fence) continue;
    inside = line == "```cpp" || line == "```cmake" || (line == "```yaml" && page.filename() == "extending.md");
  }
  return pieces;
}

TEST(Documentation, ShowsOnlyCodeThatIsCompiled) {
  const std::string compiled = sources();
  std::vector<fs::path> pages = {kRoot / "README.md"};
  for (const auto& entry : fs::directory_iterator(kRoot / "docs")) {
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  }
  size_t pieces = 0;
  for (const fs::path& page : pages) {
    for (const std::string& piece : code_pieces(page)) {
      ++pieces;
      EXPECT_NE(compiled.find(piece), std::string::npos) << page.filename() << ": in no source:" << piece;
    }
  }
  EXPECT_GE(pieces, 25U);
}

}  // namespace
}  // namespace zoo
