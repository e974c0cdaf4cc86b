// What comes out of the program never acts on a terminal and never holds a password, whatever comes in.
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/core/mat.hpp>
#include <opencv2/videoio.hpp>

#include "tests/apps/program_runner.h"
#include "tests/support/http_server.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

struct Address {
  const char* name;
  std::string text;  ///< PORT is the server's
  int exit_code;
};

void PrintTo(const Address& address, std::ostream* out) { *out << address.name; }

class Secrets : public ::testing::TestWithParam<Address> {
 protected:
  static std::string clip() {
    const TempFolder folder;
    {
      cv::VideoWriter writer(folder / "clip.avi", cv::CAP_FFMPEG, cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), 10.0,
                             {64, 48});
      for (int i = 0; i < 5; ++i) writer.write(cv::Mat(48, 64, CV_8UC3, cv::Scalar::all(9)));
    }
    return read_text(folder / "clip.avi");
  }

  std::string address() const {
    std::string text = GetParam().text;
    for (size_t at = 0; (at = text.find("PORT", at)) != std::string::npos;) {
      text.replace(at, 4, std::to_string(server_.port()));
    }
    return text;
  }

  const std::string clip_ = clip();
  HttpServer server_{[this](const HttpRequest& request) {
    if (request.path.starts_with("/clip.avi")) return file_reply(request, clip_, "\"1\"");
    return HttpReply{.status = 404};
  }};
};

TEST_P(Secrets, AreInNothingThatTheProgramWrites) {
  for (const bool alone : {true, false}) {
    const TempFolder folder;
    std::vector<std::string> arguments = {"predict",
                                          demo_model(),
                                          "--source",
                                          address(),
                                          alone ? "-vv" : "--verbose",
                                          "--save",
                                          folder / "saved",
                                          "--json",
                                          folder / "lines.jsonl"};
    if (!alone) arguments.insert(arguments.end(), {"--source", demo_sample("dog.jpg")});
    const ProgramResult result = run_program(arguments);
    EXPECT_EQ(result.exit_code, alone || GetParam().exit_code == 0 ? GetParam().exit_code : 3) << result.err;
    std::string written = result.out + result.err + read_text(folder / "lines.jsonl");
    for (const auto& entry : fs::recursive_directory_iterator(folder.path())) written += entry.path().string() + "\n";
    EXPECT_THAT(written, Not(HasSubstr("hunter2")));
    EXPECT_THAT(written, HasSubstr("***"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Secrets,
    ::testing::Values(Address{"password", "http://admin:hunter2@127.0.0.1:PORT/clip.avi", 0},
                      Address{"token_as_user", "http://hunter2@127.0.0.1:PORT/clip.avi", 0},
                      Address{"query", "http://127.0.0.1:PORT/clip.avi?user=admin&pwd=hunter2", 0},
                      Address{"token_in_query", "http://127.0.0.1:PORT/clip.avi?access_token=hunter2&x=1", 0},
                      Address{"not_found", "http://admin:hunter2@127.0.0.1:PORT/no_such_clip", 1},
                      Address{"refused", "rtsp://admin:hunter2@127.0.0.1:9/door", 1},
                      Address{"no_path", "rtsp://admin:hunter2@127.0.0.1:9", 1},
                      Address{"malformed", "rtsp://admin:a/hunter2@127.0.0.1/door", 1},
                      Address{"pipeline", "gst:videotestsrc pattern=user-pw=hunter2 ! nosuchelement", 1},
                      Address{"pipeline_location",
                              "gst:videotestsrc name=rtsp://admin:hunter2@127.0.0.1:9/door ! nosuchelement", 1}),
    [](const auto& test) { return test.param.name; });

/// Nothing but line feeds, and text that is shown as it is.
void expect_harmless(const std::string& text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    ASSERT_TRUE(byte == '\n' || (byte >= 0x20 && byte != 0x7F)) << static_cast<int>(byte) << " in " << text;
  }
  EXPECT_THAT(text, Not(HasSubstr("\u202e")));
}

constexpr const char* kEvil = "\x1b[31mx\u202ey";

// Control characters make a labels file wrong; what reorders a line is text, so it is let through and shown escaped.
constexpr const char* kTurning = "x\u202ey";

TEST(HostileText, OfLabelsIsEscapedInResults) {
  const TempFolder folder;
  std::string labels = std::string(kTurning) + "\n";
  for (int i = 1; i < 10; ++i) labels += "label " + std::to_string(i) + "\n";
  write_text(folder / "labels.txt", labels);
  const std::string model = source_path("configs/timm/mobilenetv3_small_050.yaml");
  const std::vector<std::string> predict = {"predict",
                                            model,
                                            "--random-weights",
                                            "--source",
                                            demo_sample("dog.jpg"),
                                            "--topk",
                                            "10",
                                            "--set",
                                            "model.labels=" + folder / "labels.txt",
                                            "--set",
                                            "model.num_classes=10"};
  const ProgramResult text = run_program(predict);
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("%  x\\u202ey\n"));
  expect_harmless(text.out);

  std::vector<std::string> as_json = predict;
  as_json.emplace_back("--json");
  const ProgramResult json = run_program(as_json);
  expect_harmless(json.out);
  const auto line = nlohmann::json::parse(json.out);
  bool found = false;
  for (const auto& guess : line.at("top")) found = found || guess.at("label") == kTurning;
  EXPECT_TRUE(found) << "JSON says what the label is";
}

TEST(HostileText, OfFileNamesIsEscapedWhereItIsSaidWhatWasSaved) {
  const TempFolder folder;
  const std::string name = folder / "r\na.jpg";
  fs::copy_file(demo_sample("dog.jpg"), name);
  const ProgramResult saved = run_program({"predict", demo_model(), "--source", name, "--save", folder / "out"});
  EXPECT_EQ(saved.exit_code, 0) << saved.err;
  EXPECT_THAT(saved.out, HasSubstr("saved " + (folder / "out") + "/r\\na.jpg\n"));
}

TEST(HostileText, OfFileNamesIsEscapedInMessages) {
  const TempFolder folder;
  const std::string name = folder / (std::string("a\n") + kEvil + ".png");
  write_text(name, "no picture");
  const ProgramResult failed = run_program({"predict", demo_model(), "--source", name, "--source", "-"});
  expect_harmless(failed.err);
  const ProgramResult read = run_program({"predict", demo_model(), "--source", name});
  EXPECT_EQ(read.exit_code, 3);
  expect_harmless(read.err);
  EXPECT_THAT(read.err, HasSubstr("a\\n\\x1b[31mx\\u202ey.png'"));
  const ProgramResult model = run_program({"validate", folder / (std::string(kEvil) + ".yaml")});
  EXPECT_EQ(model.exit_code, 2);
  expect_harmless(model.out + model.err);
}

TEST(HostileText, OfModelFilesIsEscapedInMessages) {
  const TempFolder folder;
  write_text(folder / "evil.yaml", "model:\n  \"\\e[31mkey\\u202e\\n\": \"\\e[2J\"\n  task: \"\\e[31m\\u202e\"\n");
  const ProgramResult result = run_program({"validate", folder / "evil.yaml"});
  EXPECT_EQ(result.exit_code, 2);
  expect_harmless(result.out + result.err);
}

TEST(HostileText, OfCategoriesIsEscapedInMessages) {
  const TempFolder folder;
  write_text(folder / "coco.json",
             R"({"images": [{"id": 1, "file_name": "a.jpg"}],
                 "categories": [{"id": 0, "name": "x\n\u001b[31my\u202e"}],
                 "annotations": [{"image_id": 1, "category_id": 0, "bbox": [0, 0, 1, 1]}]})");
  const ProgramResult result = run_program({"eval", source_path("configs/demo/emoji_detection.yaml"), "--data",
                                            folder.path().string(), "--annotations", folder / "coco.json"});
  EXPECT_EQ(result.exit_code, 2);
  expect_harmless(result.err);
  EXPECT_THAT(result.err, HasSubstr("the model has no class \"x\\n\\x1b[31my\\u202e\""));
  EXPECT_EQ(lines_of(result.err).size(), 1U) << result.err;
}

}  // namespace
}  // namespace zoo::test
