// tools/pin_checkpoints.py against a hub.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/wait.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_hub.h"
#include "tests/support/temp_folder.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;

const std::string kCommit(40, 'c');
const std::string kHash(64, 'a');

class PinCheckpoints : public ::testing::Test {
 protected:
  PinCheckpoints() { hub_.put("model.safetensors", {.content = "weights", .hash = kHash, .large = true}); }

  /// Its exit code.
  int pin(const std::string& rows) {
    std::ofstream(table_) << "name\thub_repository\tcommit\tsha256\n" << rows;
    const std::string tool = std::string(ZOO_SOURCE_DIR) + "/tools/pin_checkpoints.py";
    const int status = std::system(
        ("HF_ENDPOINT=" + hub_.server().url("") + " python3 '" + tool + "' '" + table_ + "' > '" + said_ + "' 2>&1")
            .c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  static std::string text_of(const std::string& path) {
    std::ifstream stream(path);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  std::string rows() const {
    const std::string text = text_of(table_);
    return text.substr(text.find('\n') + 1);
  }
  std::string said() const { return text_of(said_); }

 private:
  test::TempFolder folder_;
  test::FakeHub hub_{"timm/net", kCommit};
  std::string table_ = folder_ / "table.tsv";
  std::string said_ = folder_ / "said.txt";
};

TEST_F(PinCheckpoints, WritesWhatTheHubStates) {
  EXPECT_EQ(pin("net\ttimm/net\t\t\nnet.tag\ttimm/net\t\t\n"), 0) << said();
  EXPECT_EQ(rows(),
            "net\ttimm/net\t" + kCommit + "\t" + kHash + "\nnet.tag\ttimm/net\t" + kCommit + "\t" + kHash + "\n");
}

TEST_F(PinCheckpoints, KeepsAndNamesWhatIsOtherNow) {
  const std::string other(64, 'b');
  const std::string row = "net\ttimm/net\t\t" + other + "\n";
  EXPECT_EQ(pin(row), 1);
  EXPECT_EQ(rows(), row);
  EXPECT_THAT(said(), HasSubstr("timm/net: the table has " + other + ", the hub " + kHash));
}

TEST_F(PinCheckpoints, PinsTheRestWhereOneIsNotThere) {
  EXPECT_EQ(pin("gone\ttimm/gone\t\t\nnet\ttimm/net\t\t\n"), 1);
  EXPECT_EQ(rows(), "gone\ttimm/gone\t\t\nnet\ttimm/net\t" + kCommit + "\t" + kHash + "\n");
  EXPECT_THAT(said(), HasSubstr("timm/gone: HTTP Error 404"));
}

}  // namespace
}  // namespace zoo
