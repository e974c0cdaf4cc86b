// Runs programs that install_and_build.cmake has made, and reads what they print.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <utility>
#include <vector>

namespace zoo::test {

/// Where the package was moved to after its installation.
inline std::filesystem::path package_prefix() { return std::filesystem::path(ZOO_PACKAGE_FOLDER) / "moved" / "here"; }

inline std::string read_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

struct CommandResult {
  int exit_code = -1;
  std::string out;
  std::string err;
};

/// Runs a shell command in `folder`, which gets the files `out` and `err`, and the cache: which kernels a test's
/// programs use, and so their last digits, are decided by none that runs beside it.
inline CommandResult run_command(const std::filesystem::path& folder, const std::string& command) {
  const std::string line =
      "cd '" + folder.string() + "' && export XDG_CACHE_HOME=\"$PWD/cache\" && " + command + " >out 2>err </dev/null";
  const int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(folder / "out"), read_text(folder / "err")};
}

/// "LABEL SCORE" lines.
inline std::vector<std::pair<std::string, double>> label_scores(const std::string& text, size_t count) {
  std::vector<std::pair<std::string, double>> scores;
  std::istringstream stream(text);
  for (std::string line; scores.size() < count && std::getline(stream, line);) {
    const size_t space = line.rfind(' ');
    if (space == std::string::npos) break;
    scores.emplace_back(line.substr(0, space), std::strtod(line.c_str() + space, nullptr));
  }
  return scores;
}

/// An empty folder below the test's build folder.
inline std::filesystem::path fresh_folder(const std::string& name) {
  std::filesystem::path folder = std::filesystem::path(ZOO_PACKAGE_FOLDER) / "runs" / name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

}  // namespace zoo::test
