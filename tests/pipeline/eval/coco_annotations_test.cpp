// Reading COCO annotations, and what is said when they are wrong.
#include "pipeline/eval/coco_annotations.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/labels.h"
#include "nn/core/error.h"
#include "tests/pipeline/eval/eval_data_fixture.h"

namespace zoo::eval {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kGood = R"({
  "info": {"id": 5, "list": [1, {"id": 7}]},
  "annotations": [
    {"id": 1, "image_id": 2, "category_id": 9, "bbox": [1, 2.5, 30, 40], "area": 600.5, "iscrowd": 1,
     "segmentation": {"counts": [1, 2, 3], "size": [4, 5], "bbox": [7]}},
    {"image_id": 2, "category_id": 4, "segmentation": [[1, 2, 3, 4]], "bbox": [0, 0, 10, 20]}
  ],
  "categories": [{"id": 9, "name": "ice cream"}, {"id": 4, "name": "cat"}, {"id": 5, "name": "unknown, unused"}],
  "images": [{"id": 2, "file_name": "b.png", "width": 64, "height": 48}, {"id": 1, "file_name": "sub/a.png"}]
})";

class CocoData : public EvalData {
 protected:
  CocoAnnotations read_coco(const std::string& text, const std::vector<std::string>& labels = kLabels) const {
    write("annotations.json", text);
    return read_coco_annotations(folder_ / "annotations.json", folder_, labels, 3);
  }
};

TEST_F(CocoData, ReadsCocoAnnotations) {
  const CocoAnnotations truth = read_coco(kGood);
  EXPECT_EQ(truth.match, CategoryMatch::kByName);
  ASSERT_THAT(truth.items, SizeIs(2));
  EXPECT_EQ(truth.items[0].image_id, 1);
  EXPECT_EQ(truth.items[0].picture, folder_ / "sub/a.png");
  EXPECT_THAT(truth.items[0].truths, IsEmpty());
  EXPECT_FALSE(truth.items[0].size);
  const BoxItem& item = truth.items[1];
  EXPECT_EQ(*item.size, (std::array<int64_t, 2>{48, 64}));
  ASSERT_THAT(item.truths, SizeIs(2));
  EXPECT_EQ(item.truths[0].class_index, 2);
  EXPECT_EQ(item.truths[0].box.y, 2.5);
  EXPECT_EQ(item.truths[0].box.height, 40.0);
  EXPECT_EQ(item.truths[0].area, 600.5);
  EXPECT_TRUE(item.truths[0].crowd);
  EXPECT_EQ(item.truths[1].class_index, 1);
  EXPECT_EQ(item.truths[1].area, 200.0) << "the box's";
  EXPECT_FALSE(item.truths[1].crowd);
}

TEST_F(CocoData, PicturesLieInTheFolderImagesIfThereIsOne) {
  fs::create_directory(folder_ / "images");
  EXPECT_EQ(read_coco(kGood).items[1].picture, folder_ / "images/b.png");
}

TEST_F(CocoData, CategoryIdsAreClassesOfAModelWithoutLabels) {
  constexpr const char* kText = R"({"images": [{"id": 1, "file_name": "a.png"}],
    "categories": [{"id": 2, "name": "x"}, {"id": 3, "name": "y"}],
    "annotations": [{"image_id": 1, "category_id": 2, "bbox": [0, 0, 1, 1]}
    %])";
  std::string text = kText;
  text.replace(text.find('%'), 2, "]}");
  const CocoAnnotations truth = read_coco(text, {});
  EXPECT_EQ(truth.match, CategoryMatch::kById);
  EXPECT_EQ(truth.items.at(0).truths.at(0).class_index, 2);
  text = kText;
  text.replace(text.find('%'), 2, R"(, {"image_id": 1, "category_id": 3, "bbox": [0, 0, 1, 1]}]})");
  EXPECT_THAT(
      problems([&] { read_coco(text, {}); }),
      ElementsAre("annotations.json:2: categories[1]: the model has no labels, so ids are its classes; expected 0 "
                  "to 2, found 3"));
}

TEST_F(CocoData, EveryProblemOfACocoFileIsFoundWithItsLine) {
  const std::string text = R"({"images": [
    {"id": 1, "file_name": "a.png"},
    {"id": 1, "file_name": "b.png"},
    {"id": 1.5, "file_name": "c.png"},
    {"id": 4}],
  "categories": [{"id": 1, "name": "cta"}, {"id": 2, "name": "cat"}],
  "annotations": [
    {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3]},
    {"image_id": 1, "category_id": 2, "bbox": [1, 2, -3, 4]},
    {"image_id": 1, "category_id": "cat", "bbox": [1, 2, 3, 4]}]})";
  EXPECT_THAT(
      problems([&] { read_coco(text); }),
      ElementsAre("annotations.json:3: images[1]: the id 1 came before",
                  "annotations.json:4: images[2]: id: expected a whole number, found 1.5",
                  "annotations.json:5: images[3]: the text \"file_name\" is missing",
                  "annotations.json:8: annotations[0]: bbox: 3 numbers, expected x, y, width, height",
                  "annotations.json:9: annotations[1]: bbox: negative size -3x4",
                  "annotations.json:10: annotations[2]: category_id: expected a whole number, found the text \"cat\""));
}

/// A row's fields, each as JSON text.
using Fields = std::map<std::string, std::string>;

std::string row_of(const Fields& fields) {
  std::string text;
  for (const auto& [name, value] : fields) text += fmt::format("{}\"{}\": {}", text.empty() ? "" : ", ", name, value);
  return "{" + text + "}";
}

struct CocoFieldCase {
  const char* list;
  const char* field;
  const char* expected;
  std::vector<const char*> wrong;  ///< values that it may not have
  std::vector<const char*> right;
};

TEST_F(CocoData, FieldsOfACocoFileHaveTheirType) {
  const std::vector<const char*> no_numbers = {"\"1\"", "true", "null", "[1]", "{\"id\": 1}"};
  const std::vector<const char*> no_texts = {"1", "true", "null", "[\"a\"]", "{}"};
  const CocoFieldCase cases[] = {
      {"images", "id", "a whole number", no_numbers, {"1", "1.0"}},
      {"images", "file_name", "a text", no_texts, {"\"a.png\""}},
      {"images", "width", "a whole number", no_numbers, {"4"}},
      {"images", "height", "a whole number", no_numbers, {"4"}},
      {"categories", "id", "a whole number", no_numbers, {"1"}},
      {"categories", "name", "a text", no_texts, {"\"cat\""}},
      {"annotations", "image_id", "a whole number", no_numbers, {"1"}},
      {"annotations", "category_id", "a whole number", no_numbers, {"1"}},
      {"annotations", "area", "a number", no_numbers, {"2.5", "0"}},
      {"annotations",
       "iscrowd",
       "0 or 1",
       {"\"1\"", "null", "[1]", "{}", "2", "0.5", "-1"},
       {"0", "1", "true", "false"}},
      {"annotations",
       "bbox",
       "a list of x, y, width, height",
       {"\"1,2,3,4\"", "1", "true", "null", "{}"},
       {"[1, 2, 3, 4]"}},
  };
  for (const CocoFieldCase& test : cases) {
    const auto found = [&](const char* value) {
      std::map<std::string, Fields> rows = {
          {"images", {{"id", "1"}, {"file_name", "\"a.png\""}, {"width", "4"}, {"height", "3"}}},
          {"categories", {{"id", "1"}, {"name", "\"cat\""}}},
          {"annotations",
           {{"image_id", "1"}, {"category_id", "1"}, {"bbox", "[0, 0, 1, 1]"}, {"area", "1"}, {"iscrowd", "0"}}}};
      rows[test.list][test.field] = value;
      std::string text;
      for (const auto& [list, fields] : rows) {
        text += fmt::format("{}\"{}\": [\n{}]", text.empty() ? "{" : ", ", list, row_of(fields));
      }
      return problems([&] { read_coco(text + "}"); });
    };
    for (const char* value : test.wrong) {
      EXPECT_THAT(
          found(value),
          Contains(HasSubstr(fmt::format("{}[0]: {}: expected {}, found ", test.list, test.field, test.expected))))
          << value;
    }
    for (const char* value : test.right) EXPECT_THAT(found(value), IsEmpty()) << test.field << " " << value;
  }
}

TEST_F(CocoData, BoxesOfACocoFileAreFourNumbers) {
  const auto found = [&](const std::string& box) {
    return problems([&] {
      read_coco(
          fmt::format(R"({{"images": [{{"id": 1, "file_name": "a.png"}}], "categories": [{{"id": 1, "name": "cat"}}],
        "annotations": [{{"image_id": 1, "category_id": 1, {}}}]}})",
                      box));
    });
  };
  const auto one = [](const std::string& problem) {
    return ElementsAre("annotations.json:2: annotations[0]: " + problem);
  };
  EXPECT_THAT(found(R"("bbox": ["1", 2, 3, 4])"), one("bbox[0]: expected a number, found the text \"1\""));
  EXPECT_THAT(found(R"("bbox": [1, 2, null, 4])"), one("bbox[2]: expected a number, found null"));
  EXPECT_THAT(found(R"("bbox": [[1, 2, 3, 4]])"), one("bbox[0]: expected a number, found a list"));
  EXPECT_THAT(found(R"("bbox": [1, 2, 3, 4, 5])"), one("bbox: 5 numbers, expected x, y, width, height"));
  EXPECT_THAT(found(R"("bbox": [])"), one("bbox: 0 numbers, expected x, y, width, height"));
  EXPECT_THAT(found(R"("x": 1)"), one("bbox: is missing, expected x, y, width, height"));
  EXPECT_THAT(found(R"("bbox": [9], "bbox": [1, 2, 3, 4])"), IsEmpty()) << "of two the last, as every JSON reader";
}

TEST_F(CocoData, RowsOfACocoFileAreObjects) {
  const std::string text = R"({"images": [1, "a", null, true, [2], {"id": 1, "file_name": "a.png"}],
    "categories": [], "annotations": []})";
  EXPECT_THAT(problems([&] { read_coco(text); }),
              ElementsAre("annotations.json:1: images[0]: expected an object, found 1",
                          "annotations.json:1: images[1]: expected an object, found the text \"a\"",
                          "annotations.json:1: images[2]: expected an object, found null",
                          "annotations.json:1: images[3]: expected an object, found true",
                          "annotations.json:1: images[4]: expected an object, found a list"));
}

TEST_F(CocoData, PicturesOfACocoFileLieInTheirFolder) {
  const auto read = [&](const std::string& name) {
    return read_coco(
        fmt::format(R"({{"images": [{{"id": 1, "file_name": "{}"}}], "categories": [], "annotations": []}})", name));
  };
  for (const char* name : {"a.png", "sub/a.png", "./a.png", "sub/../a.png", "..a.png", ".../a.png"}) {
    EXPECT_THAT(problems([&] { read(name); }), IsEmpty()) << name;
  }
  EXPECT_EQ(read("sub/.././a.png").items.at(0).picture, folder_ / "a.png");
  EXPECT_EQ(read((folder_ / "b.png").string()).items.at(0).picture, folder_ / "b.png") << "whole, but inside";
  for (const char* name : {"../a.png", "/etc/passwd", "sub/../../a.png", "..", ".", "sub/..", "a/../../x/../../b.png",
                           R"(a.png\u0000.jpg)", "//etc/passwd"}) {
    EXPECT_THAT(problems([&] { read(name); }), ElementsAre(HasSubstr("is not in the folder of the pictures"))) << name;
  }
}

TEST_F(CocoData, NamesOfACocoFileAreShownWithoutTheirControlCharacters) {
  const auto found = problems([&] {
    read_coco(R"({"images": [{"id": 1, "file_name": "../\n\u001b[31mx"}],
      "categories": [{"id": 0, "name": "x\n\u001b[31my"}], "annotations": [{"image_id": 1, "category_id": 0, "bbox": [0, 0, 1, 1]}]})");
  });
  ASSERT_THAT(found, SizeIs(2));
  for (const std::string& line : found) {
    EXPECT_TRUE(std::ranges::none_of(line, [](unsigned char c) { return c < 0x20; })) << line;
    EXPECT_THAT(line, HasSubstr("\\n\\x1b[31m"));
  }
}

TEST_F(CocoData, ReferencesOfACocoFileMustExist) {
  const std::string text = R"({"images": [{"id": 1, "file_name": "a.png"}],
  "categories": [{"id": 1, "name": "ice craem"}],
  "annotations": [
    {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]},
    {"image_id": 2, "category_id": 7, "bbox": [1, 2, 3, 4]}]})";
  EXPECT_THAT(
      problems([&] { read_coco(text); }),
      ElementsAre(
          "annotations.json:2: categories[0]: the model has no class \"ice craem\"; did you mean \"ice cream\"?",
          "annotations.json:5: annotations[1]: no image has the id 2",
          "annotations.json:5: annotations[1]: no category has the id 7"));
}

TEST_F(CocoData, FilesThatAreNoCocoAnnotationsSayWhy) {
  EXPECT_THAT(problems([&] { read_coco("{\"images\": [\n{\"id\": 1,}\n]}"); }),
              ElementsAre(AllOf(HasSubstr("annotations.json:2: parse error at line 2"))));
  EXPECT_THAT(problems([&] { read_coco(""); }), SizeIs(1));
  EXPECT_THAT(problems([&] { read_coco("[1, 2]"); }), SizeIs(3)) << "three lists are missing";
  EXPECT_THAT(problems([&] { read_coco(R"({"images": [], "categories": [], "annotations": []})"); }),
              ElementsAre("annotations.json: the list \"images\" is empty"));
  EXPECT_THAT(problems([&] { read_coco(R"({"images": [], "categories": {}})"); }),
              ElementsAre(HasSubstr("no list \"categories\""), HasSubstr("no list \"annotations\"")));
  std::string many = R"({"images": [)";
  for (int i = 0; i < 1000; ++i) many += "{},";
  EXPECT_LE(problems([&] { read_coco(many); }).size(), 25U) << "it stops reading where nothing is right";
  EXPECT_THAT(problems([&] { read_coco(std::string(100'000, '[')); }), SizeIs(1)) << "no recursion";
}

TEST_F(CocoData, SizesAndAreasAreNotNegative) {
  const auto found = [&](const std::string& picture, const std::string& annotation) {
    return problems([&] {
      read_coco(fmt::format(R"({{"images": [{{"id": 1, "file_name": "a.png"{}}}],
        "categories": [{{"id": 1, "name": "cat"}}],
        "annotations": [{{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]{}}}]}})",
                            picture, annotation));
    });
  };
  EXPECT_THAT(found(R"(, "width": -1, "height": 5)", ""),
              ElementsAre("annotations.json:1: images[0]: width: expected at least 1, found -1"));
  EXPECT_THAT(found(R"(, "width": 5, "height": 0)", ""),
              ElementsAre("annotations.json:1: images[0]: height: expected at least 1, found 0"));
  EXPECT_THAT(found("", R"(, "area": -0.5)"),
              ElementsAre("annotations.json:3: annotations[0]: area: expected 0 or more, found -0.5"));
  EXPECT_THAT(found(R"(, "width": 1, "height": 1)", R"(, "area": 0)"), IsEmpty());
}

/// COCO text with these categories, an annotation of each.
std::string coco_with_categories(const std::vector<std::string>& names) {
  std::string categories;
  std::string annotations;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string comma = i == 0 ? "" : ",";
    const std::string id = std::to_string(i + 1);
    categories += comma + "{\"id\":" + id + ",\"name\":\"" + names[i] + "\"}";
    annotations += comma + "{\"id\":" + id + ",\"image_id\":1,\"category_id\":" + id + ",\"bbox\":[0,0,1,1]}";
  }
  return R"({"images":[{"id":1,"file_name":"a.png"}],"categories":[)" + categories + R"(],"annotations":[)" +
         annotations + "]}";
}

TEST_F(CocoData, NamesOfACocoFileAreShownHarmless) {
  const std::vector<std::string> found = problems([&] {
    read_coco(coco_with_categories({R"(\u001b[31mdog\nx)", "cat", R"(\u202eexe)", std::string(1000, 'x')}));
  });
  EXPECT_THAT(found, ElementsAre("annotations.json:1: categories[0]: the model has no class \"\\x1b[31mdog\\nx\"",
                                 "annotations.json:1: categories[2]: the model has no class \"\\u202eexe\"",
                                 "annotations.json:1: categories[3]: the model has no class \"" +
                                     std::string(120, 'x') + "...\""));
}

TEST_F(CocoData, WhatTheParserRepeatsIsShownHarmless) {
  const std::vector<std::string> found =
      problems([&] { read_coco("{\"images\": \"\xe2\x80\xae" + std::string(5000, 'x') + "\x1b[2J\n\"}"); });
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_LT(found[0].size(), 400U);
  EXPECT_THAT(found[0], HasSubstr("\\u202e"));
  EXPECT_EQ(found[0].find_first_of("\x1b\n\r"), std::string::npos) << found[0];
}

TEST_F(CocoData, NestedListsOfACocoFileAreBounded) {
  EXPECT_THAT(problems([&] { read_coco("{\"info\": " + std::string(1'000'000, '[')); }),
              ElementsAre("annotations.json:1: lists and objects are nested more than 64 deep"));
}

TEST_F(CocoData, ThousandsOfUnknownCategoriesAreSaidAtOnce) {
  std::vector<std::string> labels;
  std::vector<std::string> names;
  for (int i = 0; i < 20'000; ++i) {
    labels.push_back("label of the model, number " + std::to_string(i));
    names.push_back("label of the other model, number " + std::to_string(i));
  }
  const std::vector<std::string> found = problems([&] { read_coco(coco_with_categories(names), labels); });
  ASSERT_THAT(found, SizeIs(21));
  EXPECT_EQ(found.back(), "and 19980 more problems");
}

}  // namespace
}  // namespace zoo::eval
