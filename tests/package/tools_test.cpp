// The project's own tools on a machine that has next to nothing.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/wait.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;

TEST(BenchPeers, HelpNeedsNothingInstalled) {
  test::TempFolder folder;
  for (const char* program : {"bash", "cat", "dirname"}) {
    fs::create_symlink(fs::path("/bin") / program, folder / program);
  }
  const std::string tool = std::string(ZOO_SOURCE_DIR) + "/tools/bench_peers";
  const std::string out = folder / "out";
  const int status =
      std::system(("PATH='" + folder.path().string() + "' bash '" + tool + "' --help > '" + out + "' 2>&1").c_str());
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  std::ifstream stream(out);
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(stream), {}),
              ::testing::StartsWith("Usage: tools/bench_peers [options]\n"));
}

}  // namespace
}  // namespace zoo
