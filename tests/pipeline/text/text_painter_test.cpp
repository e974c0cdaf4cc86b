// Letters of any script; the fonts are those of tools/packages.sh.
#include "pipeline/text/text_painter.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "pipeline/text/code_points.h"
#include "pipeline/text/font_packages.h"
#include "pipeline/text/hershey_painter.h"
#include "pipeline/text/label_check.h"

namespace zoo::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kHeight = 20;
constexpr int kNoLimit = 2000;

/// White text on black, its baseline at row 60.
cv::Mat drawn(TextPainter& painter, const std::string& text, int limit = kNoLimit, const Rgb& color = {255, 255, 255}) {
  cv::Mat image(100, 500, CV_8UC3, cv::Scalar::all(0));
  painter.draw(image, {text, kHeight, limit}, {10, 60}, color);
  return image;
}

cv::Rect ink_of(const cv::Mat& image) {
  cv::Mat points;
  cv::findNonZero(image.reshape(1), points);
  const cv::Rect bytes = cv::boundingRect(points);
  return {bytes.x / 3, bytes.y, (bytes.width + 2) / 3, bytes.height};
}

bool same(const cv::Mat& a, const cv::Mat& b) { return cv::norm(a, b, cv::NORM_INF) == 0.0; }

struct Script {
  std::string name;
  std::string text;
};

class Scripts : public ::testing::TestWithParam<Script> {};

TEST_P(Scripts, AreDrawnWhole) {
  TextPainter& painter = text_painter();
  const std::string& text = GetParam().text;
  EXPECT_EQ(painter.missing(text), 0U);
  const cv::Mat image = drawn(painter, text);
  const cv::Rect ink = ink_of(image);
  EXPECT_GT(ink.width, 5);
  EXPECT_LE(ink.br().x, 12 + painter.width({text, kHeight, kNoLimit}));
  EXPECT_GT(ink.y, 60 - 3 * kHeight);
  EXPECT_LT(ink.br().y, 60 + 2 * kHeight);
  EXPECT_FALSE(same(image, drawn(painter, std::string(code_points(text).size(), '?'))));
  EXPECT_TRUE(same(image, drawn(painter, text))) << "the second time it is kept";
}

INSTANTIATE_TEST_SUITE_P(All, Scripts,
                         ::testing::Values(Script{"Latin", "Füchse"}, Script{"Cyrillic", "собака"},
                                           Script{"Greek", "σκύλος"}, Script{"Han", "企鹅"}, Script{"Kana", "ペンギン"},
                                           Script{"Hangul", "펭귄"}, Script{"Arabic", "البطريق"},
                                           Script{"Hebrew", "פינגווין"}, Script{"Devanagari", "हिन्दी पेंगुइन"},
                                           Script{"Thai", "เพนกวิน"}, Script{"Emoji", "🐧🐱"}),
                         [](const auto& tested) { return tested.param.name; });

TEST(TextPainter, CapitalLettersHaveTheHeightThatWasAsked) {
  const cv::Rect ink = ink_of(drawn(text_painter(), "H"));
  EXPECT_NEAR(ink.height, kHeight, 2);
  EXPECT_NEAR(ink.br().y, 60, 1);
}

TEST(TextPainter, ShapesLetters) {
  TextPainter& painter = text_painter();
  const auto width = [&](const std::string& text) { return painter.width({text, kHeight, kNoLimit}); };
  EXPECT_LT(width("لا"), width("ل") + width("ا")) << "two Arabic letters become one";
  const cv::Mat hebrew = drawn(painter, "אב");
  EXPECT_FALSE(same(hebrew, drawn(painter, "בא")));
  // From right to left: the first letter stands where the second does in a text from left to right.
  const int first = width("א");
  const int second = width("ב");
  EXPECT_TRUE(same(hebrew(cv::Rect(10 + second, 0, first, 100)), drawn(painter, "א")(cv::Rect(10, 0, first, 100))));
}

TEST(TextPainter, ColoursTextAndLeavesEmojiTheirOwn) {
  TextPainter& painter = text_painter();
  cv::Mat red = drawn(painter, "I", kNoLimit, {255, 0, 0});
  EXPECT_EQ(cv::sum(red)[0] + cv::sum(red)[1], 0.0);
  EXPECT_GT(cv::sum(red)[2], 0.0);
  EXPECT_TRUE(same(drawn(painter, "🐧", kNoLimit, {255, 0, 0}), drawn(painter, "🐧", kNoLimit, {0, 0, 255})));
  EXPECT_FALSE(same(drawn(painter, "🐧 a", kNoLimit, {255, 0, 0}), drawn(painter, "🐧 a", kNoLimit, {0, 0, 255})));
}

TEST(TextPainter, IsCutAtTheImagesEdges) {
  const std::string text = "Wide 企鹅 🐧";
  cv::Mat whole(60, 300, CV_8UC3, cv::Scalar::all(50));
  text_painter().draw(whole, {text, kHeight, kNoLimit}, {20, 35}, {255, 255, 255});
  cv::Mat part(20, 60, CV_8UC3, cv::Scalar::all(50));
  text_painter().draw(part, {text, kHeight, kNoLimit}, {-10, 10}, {255, 255, 255});
  EXPECT_TRUE(same(part, whole(cv::Rect(30, 25, 60, 20))));
  text_painter().draw(part, {text, kHeight, kNoLimit}, {500, 10}, {255, 255, 255});
  text_painter().draw(part, {text, kHeight, kNoLimit}, {0, -500}, {255, 255, 255});
}

class Painters : public ::testing::TestWithParam<TextPainter*> {};

TEST_P(Painters, ShortenToTheLimit) {
  TextPainter& painter = *GetParam();
  const std::string text = "a label that is too long";
  const int whole = painter.width({text, kHeight, kNoLimit});
  EXPECT_EQ(painter.width({text, kHeight, whole}), whole);
  EXPECT_LE(painter.width({text, kHeight, whole / 2}), whole / 2);
  EXPECT_GT(painter.width({text, kHeight, whole / 2}), whole / 4);
  EXPECT_FALSE(same(drawn(painter, text), drawn(painter, text, whole / 2)));
  EXPECT_GE(painter.width({text, kHeight, 1}), 0);
  EXPECT_EQ(painter.width({"", kHeight, kNoLimit}), 0);
}

TEST_P(Painters, BreakBetweenWords) {
  TextPainter& painter = *GetParam();
  const int limit = painter.width({"American pit", kHeight, kNoLimit}) + 3;
  EXPECT_THAT(painter.broken({"American pit bull terrier", kHeight, limit}),
              ElementsAre("American pit", "bull terrier"));
  EXPECT_THAT(painter.broken({"cat", kHeight, limit}), ElementsAre("cat"));
  EXPECT_THAT(painter.broken({"", kHeight, limit}), ElementsAre(""));
  std::string joined;
  for (const std::string& line : painter.broken({"Donaudampfschiff", kHeight, limit / 3})) {
    EXPECT_LE(painter.width({line, kHeight, kNoLimit}), limit / 3) << line;
    joined += line;
  }
  EXPECT_EQ(joined, "Donaudampfschiff");
}

HersheyPainter hershey("install a font");
INSTANTIATE_TEST_SUITE_P(Both, Painters, ::testing::Values(&text_painter(), &hershey));

TEST(HersheyPainter, DrawsAsciiAndSaysWhatItLacks) {
  EXPECT_TRUE(same(drawn(hershey, "企鹅 a"), drawn(hershey, "?? a")));
  EXPECT_EQ(hershey.missing("plain"), 0U);
  EXPECT_EQ(hershey.missing("a企鹅"), U'企');
  EXPECT_EQ(hershey.remedy(U'企'), "install a font");
}

// Private characters of the last plane have no letter anywhere: icon fonts take those of the first.
TEST(LabelProblem, NamesTheFirstLabelAndWhatToInstall) {
  EXPECT_EQ(label_problem(std::vector<std::string>{"cat", "собака", "企鹅", "البطريق"}), "");
  const std::string problem = label_problem(std::vector<std::string>{"cat", "a\U00100801b", "\U00100802"});
  EXPECT_EQ(problem,
            "2 of 3 labels cannot be drawn whole, \"a\U00100801b\" (U+100801) the first: install the font that has it");
}

TEST(FontPackage, GoesByTheScript) {
  EXPECT_EQ(font_package(U'ä'), "fonts-dejavu-core");
  EXPECT_EQ(font_package(U'я'), "fonts-dejavu-core");
  EXPECT_EQ(font_package(U'企'), "fonts-noto-cjk");
  EXPECT_EQ(font_package(U'ペ'), "fonts-noto-cjk");
  EXPECT_EQ(font_package(U'펭'), "fonts-noto-cjk");
  EXPECT_EQ(font_package(U'ह'), "fonts-noto-core");
  EXPECT_EQ(font_package(U'ب'), "fonts-noto-core");
  EXPECT_EQ(font_package(U'🐧'), "fonts-noto-color-emoji");
  EXPECT_EQ(font_package(0xE000), "");
}

TEST(CodePoints, AreThoseOfUtf8) {
  EXPECT_EQ(code_points("aä企🐧"), U"aä企🐧");
  EXPECT_EQ(code_points("a\xFF"), U"a\uFFFD");
  for (const char32_t character : U"aä企🐧") {
    EXPECT_EQ(code_points(utf8_of(character)), std::u32string(1, character));
  }
}

}  // namespace
}  // namespace zoo::pipeline
