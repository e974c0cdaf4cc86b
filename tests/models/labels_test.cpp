#include "models/labels.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/support/temp_folder.h"

namespace zoo::models {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Labels : public ::testing::Test {
 protected:
  // Decodes a file with this content, as model.yaml beside it would.
  std::vector<std::string> decode(const std::string& content) const {
    std::ofstream(folder_ / "labels.txt", std::ios::binary) << content;
    return decode_path("labels.txt");
  }

  std::vector<std::string> decode_path(const std::string& path) const {
    const ConfigDocument document = ConfigDocument::parse("labels: " + path + "\n", "m.yaml");
    std::vector<std::string> labels = decode_labels(document.root().find("labels"), folder_);
    document.finish();
    return labels;
  }

  std::vector<std::string> problems(const std::string& content) const {
    try {
      decode(content);
    } catch (const ConfigError& error) {
      return error.problems();
    }
    return {};
  }

  std::string problem_in(const std::string& where_and_what) const {
    return "m.yaml:1:9: labels: " + (folder_ / "labels.txt").string() + where_and_what;
  }

  test::TempFolder temp_;
  fs::path folder_ = temp_.path();
};

TEST_F(Labels, AreTheLinesOfAFile) { EXPECT_THAT(decode("cat\nbig dog\n"), ElementsAre("cat", "big dog")); }

TEST_F(Labels, NeedNoLastLineBreak) { EXPECT_THAT(decode("cat\ndog"), ElementsAre("cat", "dog")); }

TEST_F(Labels, MayHaveWindowsLineEndings) { EXPECT_THAT(decode("cat\r\ndog\r\n"), ElementsAre("cat", "dog")); }

TEST_F(Labels, MayBeAnyUnicodeText) {
  EXPECT_THAT(decode("caf\u00e9\n\u732b\n\U0001F431\n"), ElementsAre("caf\u00e9", "\u732b", "\U0001F431"));
}

TEST_F(Labels, MayLieAnywhere) {
  decode("cat\n");
  EXPECT_THAT(decode_path((folder_ / "labels.txt").string()), ElementsAre("cat"));
}

TEST_F(Labels, AreBuiltInForTorchvisionsDataSets) {
  const std::vector<std::string> coco = decode_path("coco91");
  ASSERT_EQ(coco.size(), 91U);
  EXPECT_EQ(coco[0], "__background__");
  EXPECT_EQ(coco[1], "person");
  EXPECT_EQ(coco[12], "N/A");
  EXPECT_EQ(coco[90], "toothbrush");
  const std::vector<std::string> voc = decode_path("voc21");
  ASSERT_EQ(voc.size(), 21U);
  EXPECT_EQ(voc[0], "__background__");
  EXPECT_EQ(voc[15], "person");
  EXPECT_EQ(voc[20], "tvmonitor");
}

TEST_F(Labels, AreAbsentWithoutKeyOrWithNull) {
  EXPECT_THAT(decode_path("~"), IsEmpty());
  const ConfigDocument document = ConfigDocument::parse("{}", "m.yaml");
  EXPECT_THAT(decode_labels(document.root().find("labels"), folder_), IsEmpty());
}

TEST_F(Labels, MustNotBeEmptyLines) {
  EXPECT_THAT(problems("cat\n\ndog\n \t\nbird\n"),
              ElementsAre(problem_in(":2: empty line"), problem_in(":4: empty line")));
}

TEST_F(Labels, MayHaveBlankLinesAtTheEnd) {
  for (const char* end : {"", "\n", "\n\n", "\r\n\r\n", "\n \t\n", "\n  "}) {
    EXPECT_THAT(decode(std::string("cat\nbig dog ") + end), ElementsAre("cat", "big dog ")) << end;
  }
}

TEST_F(Labels, MayFollowAByteOrderMark) {
  EXPECT_THAT(decode("\xEF\xBB\xBF"
                     "cat\r\ndog\r\n"),
              ElementsAre("cat", "dog"));
  EXPECT_THAT(problems("\xEF\xBB\xBF"), ElementsAre(problem_in(" is empty")));
  EXPECT_THAT(problems("\xEF\xBB\xBF"
                       "cat\ncat\n"),
              ElementsAre(problem_in(":2: \"cat\" is the label of line 1 already")));
}

TEST_F(Labels, MustNotHoldControlCharacters) {
  const auto problem = [&](const char* code) {
    return problem_in(fmt::format(":2: a control character (0x{})", code));
  };
  EXPECT_THAT(problems("cat\n\x1b[31mcat\n"), ElementsAre(problem("1B")));
  EXPECT_THAT(problems(std::string("cat\nd\0g\n", 8)), ElementsAre(problem("00")));
  EXPECT_THAT(problems("cat\ndog\x7f\n"), ElementsAre(problem("7F")));
  EXPECT_THAT(problems("cat\ndog\xc2\x9b\n"), ElementsAre(problem("9B")));
  EXPECT_THAT(problems("bird\ncat\rdog\n"), ElementsAre(problem("0D"))) << "a line break of old Macintoshes";
  EXPECT_THAT(decode("a\tb\n\xc2\xa0\n"), ElementsAre("a\tb", "\xc2\xa0"));
}

TEST_F(Labels, MustNotRepeat) {
  EXPECT_THAT(problems("cat\ndog\ncat\n"), ElementsAre(problem_in(":3: \"cat\" is the label of line 1 already")));
}

TEST_F(Labels, MustNotBeAnEmptyFile) {
  EXPECT_THAT(problems(""), ElementsAre(problem_in(" is empty")));
  EXPECT_THAT(problems("\n \r\n"), ElementsAre(problem_in(" is empty")));
}

TEST_F(Labels, MustBeUtf8) {
  const std::string expected = problem_in(":2: not UTF-8 text");
  EXPECT_THAT(problems("cat\ncaf\xe9\n"), ElementsAre(expected));
  EXPECT_THAT(problems("cat\n\xc0\xaf\n"), ElementsAre(expected));          // overlong
  EXPECT_THAT(problems("cat\n\xe0\x80\xaf\n"), ElementsAre(expected));      // overlong
  EXPECT_THAT(problems("cat\n\xed\xa0\x80\n"), ElementsAre(expected));      // surrogate
  EXPECT_THAT(problems("cat\n\xf4\x90\x80\x80\n"), ElementsAre(expected));  // beyond U+10FFFF
  EXPECT_THAT(problems("cat\n\xe2\x82\n"), ElementsAre(expected));          // cut off
}

TEST_F(Labels, StopAfterTenProblems) { EXPECT_THAT(problems(std::string(50, '\n') + "cat"), SizeIs(10)); }

TEST_F(Labels, MustBeAFile) {
  fs::create_directory(folder_ / "d");
  EXPECT_THAT([&] { decode_path("d"); }, ::testing::ThrowsMessage<ConfigError>(
                                             "m.yaml:1:9: labels: " + (folder_ / "d").string() + " is not a file"));
}

TEST_F(Labels, MustBeReadable) {
  // A regular file of which the first byte can never be read.
  EXPECT_THAT([&] { decode_path("/proc/self/mem"); },
              ::testing::ThrowsMessage<ConfigError>("m.yaml:1:9: labels: /proc/self/mem cannot be read"));
}

TEST_F(Labels, MustNotBeHuge) {
  std::ofstream(folder_ / "labels.txt") << 'x';
  fs::resize_file(folder_ / "labels.txt", (4U << 20U) + 1U);
  EXPECT_THAT([&] { decode_path("labels.txt"); },
              ::testing::ThrowsMessage<ConfigError>(problem_in(" is larger than 4 MiB")));
}

}  // namespace
}  // namespace zoo::models
