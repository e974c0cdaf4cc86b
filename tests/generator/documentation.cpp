#include "tests/generator/documentation.h"

#include <fstream>
#include <regex>

#include <gtest/gtest.h>

namespace zoo::test {
namespace {

constexpr const char* kHeader = "| Key | Type | Default | Source | Meaning |";

std::vector<std::string> cells_of(const std::string& row) {
  std::vector<std::string> cells;
  size_t begin = 1;
  for (size_t end = row.find('|', begin); end != std::string::npos; end = row.find('|', begin)) {
    const std::string cell = row.substr(begin, end - begin);
    const size_t first = cell.find_first_not_of(' ');
    cells.push_back(first == std::string::npos ? "" : cell.substr(first, cell.find_last_not_of(' ') - first + 1));
    begin = end + 1;
  }
  return cells;
}

std::vector<std::string> names_in(const std::string& cell) {
  static const std::regex kName("`([^`]+)`");
  std::vector<std::string> names;
  for (std::sregex_iterator match(cell.begin(), cell.end(), kName), end; match != end; ++match) {
    names.push_back((*match)[1]);
  }
  return names;
}

}  // namespace

bool DocumentedKey::has_literal_default() const {
  static const std::regex kValue("`[a-z0-9_]+`|`\\[[^`]*\\]`|-?[0-9][0-9.e-]*|True|False|null");
  return std::regex_match(default_text, kValue);
}

std::string DocumentedKey::literal_default() const {
  return default_text.front() == '`' ? default_text.substr(1, default_text.size() - 2) : default_text;
}

std::vector<DocumentedKey> documented_keys() {
  std::ifstream stream(std::string(ZOO_SOURCE_DIR) + "/docs/configuration.md");
  std::vector<DocumentedKey> keys;
  std::string heading;
  bool in_table = false;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with('#')) heading = line.substr(line.find_first_not_of("# "));
    if (!line.starts_with('|')) in_table = false;
    if (in_table && !line.starts_with("| ---")) {
      const std::vector<std::string> cells = cells_of(line);
      EXPECT_EQ(cells.size(), 5U) << line;
      if (cells.size() == 5) keys.push_back({heading, names_in(cells[0]), cells[1], cells[2], cells[3]});
    }
    if (line.starts_with("| Key")) {
      EXPECT_EQ(line, kHeader) << heading;
      in_table = true;
    }
  }
  return keys;
}

}  // namespace zoo::test
