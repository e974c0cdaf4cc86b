// Reading ground truth: class folders, COCO files, masks; and what is said when they are wrong.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "models/labels.h"
#include "models/model_config.h"
#include "nn/core/error.h"
#include "pipeline/eval/class_folders.h"
#include "pipeline/eval/class_names.h"
#include "pipeline/eval/coco_annotations.h"
#include "pipeline/eval/folder_entries.h"
#include "pipeline/eval/mask_folders.h"
#include "pipeline/images/image_io.h"
#include "pipeline/images/mask_png.h"
#include "tests/support/temp_folder.h"

namespace zoo::eval {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::vector<std::string> kLabels = {"background", "cat", "ice cream"};

class EvalData : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text = "") const {
    const fs::path file = folder_ / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  CocoAnnotations read_coco(const std::string& text, const std::vector<std::string>& labels = kLabels) const {
    write("annotations.json", text);
    return read_coco_annotations(folder_ / "annotations.json", folder_, labels, 3);
  }

  /// What `read` finds wrong, each without the folder's name.
  template <typename Read>
  std::vector<std::string> problems(Read read) const {
    try {
      read();
    } catch (const ConfigError& error) {
      std::vector<std::string> texts;
      for (const std::string& text : error.problems()) {
        const std::string start = folder_.string() + "/";
        texts.push_back(text.starts_with(start) ? text.substr(start.size()) : text);
      }
      return texts;
    }
    return {};
  }

  test::TempFolder temp_;
  fs::path folder_ = temp_.path();
};

TEST_F(EvalData, ClassFoldersAreNamedByLabelOrIndex) {
  write("ice cream/b.png");
  write("ice cream/a.JPG");
  write("ice cream/notes.txt");
  write("ice cream/.hidden.png");
  write("1/c.webp");
  write(".cache/d.png");
  write("stray.png");
  const auto [items, left_out] = read_class_folders(folder_, kLabels, 3);
  EXPECT_EQ(left_out, 2) << "notes.txt and stray.png";
  ASSERT_THAT(items, SizeIs(3));
  EXPECT_EQ(items[0].picture, folder_ / "1/c.webp");
  EXPECT_EQ(items[0].class_index, 1);
  EXPECT_EQ(items[1].picture, folder_ / "ice cream/a.JPG");
  EXPECT_EQ(items[1].class_index, 2);
}

TEST_F(EvalData, ALabelThatReadsLikeANumberComesBeforeTheIndex) {
  write("1/a.png");
  const std::vector<std::string> digits = {"1", "0"};
  EXPECT_EQ(read_class_folders(folder_, digits, 2).items.at(0).class_index, 0);
}

TEST_F(EvalData, UnknownClassFoldersAreListedTogether) {
  write("ice_craem/a.png");
  write("3/a.png");
  write("cat/a.png");
  write("n02084071/a.png");
  write("n01440764/a.png");
  write("zebra/a.png");
  EXPECT_THAT(
      problems([&] { read_class_folders(folder_, kLabels, 3); }),
      ElementsAre("3: the model has no class \"3\"",
                  "ice_craem: the model has no class \"ice_craem\"; did you mean \"ice cream\"?",
                  "n01440764: the model has no class \"n01440764\", ImageNet's \"tench\"",
                  "n02084071: the model has no class \"n02084071\"", "zebra: the model has no class \"zebra\""));
}

TEST_F(EvalData, ClassFoldersMayBeNamedByWordNetIds) {
  const auto class_of = [](const char* name, const std::vector<std::string>& labels, int64_t classes) {
    return class_of_folder(name, labels, classes);
  };
  const std::vector<std::string>& imagenet = models::imagenet1k_labels();
  EXPECT_EQ(class_of("n01440764", imagenet, 1000), 0);
  EXPECT_EQ(class_of("n15075141", imagenet, 1000), 999);
  EXPECT_EQ(class_of("n15075141", {}, 1000), 999) << "without labels, in ImageNet's order";
  EXPECT_EQ(class_of("n15075141", {}, 1001), std::nullopt) << "of another order nothing is known";
  EXPECT_EQ(class_of("n01440764", {"goldfish", "tench"}, 2), 1) << "a part of ImageNet's classes";
  EXPECT_EQ(class_of("n01440764", {"goldfish"}, 1), std::nullopt);
  EXPECT_EQ(class_of("n01440764", {"x", "n01440764"}, 2), 1) << "the ids themselves as labels";
  EXPECT_EQ(class_of("n99999999", imagenet, 1000), std::nullopt);
  for (size_t i = 0; i < imagenet.size(); ++i) {
    ASSERT_EQ(class_of_folder(models::imagenet1k_wordnet_ids().at(i), imagenet, 1000), static_cast<int64_t>(i));
  }
}

TEST_F(EvalData, ClassFoldersMayBeNamedByIndexAndLabel) {
  const std::vector<std::string> labels = {"dog", "cat", "soccer ball", "9 lives", "a_b"};
  const auto class_of = [&](const char* name) { return class_of_folder(name, labels, 5); };
  EXPECT_EQ(class_of("00_dog"), 0);
  EXPECT_EQ(class_of("1_cat"), 1);
  EXPECT_EQ(class_of("02_soccer_ball"), 2);
  EXPECT_EQ(class_of("02_soccer ball"), 2);
  EXPECT_EQ(class_of("soccer_ball"), 2);
  EXPECT_EQ(class_of("9_lives"), 3);
  EXPECT_EQ(class_of("04_a_b"), 4);
  EXPECT_EQ(class_of("a b"), std::nullopt) << "an underscore may stand for a space, not a space for an underscore";
  for (const char* name :
       {"01_dog", "00_", "_dog", "5_dog", "-1_dog", "0_dog_", "00 dog", "99999999999999999999_dog"}) {
    EXPECT_EQ(class_of(name), std::nullopt) << name;
  }
  EXPECT_EQ(class_of_folder("0_dog", {}, 5), std::nullopt) << "no label to compare with";
}

TEST_F(EvalData, ClassFoldersMayCountInTheOrderOfTheirNames) {
  for (const char* name : {"b/x.png", "B/x.png", "10/x.png", "9/x.png", ".git/x.png"}) write(name);
  fs::create_directory(folder_ / "c");
  const auto classes = [&](int64_t num_classes) {
    std::vector<std::string> result;
    for (const ClassItem& item : read_class_folders(folder_, {}, num_classes, ClassOrder::kSorted).items) {
      result.push_back(fmt::format("{} {}", item.picture.parent_path().filename().string(), item.class_index));
    }
    return result;
  };
  EXPECT_THAT(classes(5), ElementsAre("10 0", "9 1", "B 2", "b 3"));
  EXPECT_THAT(problems([&] { classes(6); }),
              ElementsAre(HasSubstr("there are 5 folders, but the model has 6 classes")));
  EXPECT_THAT(problems([&] { read_class_folders(folder_, {}, 5); }),
              Contains(HasSubstr("there are as many folders as classes: --class-order sorted")));
}

TEST_F(EvalData, ClassFoldersAreSearchedWithTheirSubfolders) {
  for (const char* name : {"cat/a.png", "cat/sub/deep/b.PNG", "cat/sub/c.gif", "cat/.git/d.png", "cat/e.png/f.jpg"}) {
    write(name);
  }
  fs::create_directory_symlink("..", folder_ / "cat/sub/up");
  fs::create_symlink("gone.png", folder_ / "cat/z.png");
  const auto [items, left_out] = read_class_folders(folder_, kLabels, 3);
  std::vector<std::string> names;
  for (const ClassItem& item : items) names.push_back(item.picture.lexically_relative(folder_).string());
  EXPECT_THAT(names, ElementsAre("cat/a.png", "cat/e.png/f.jpg", "cat/sub/deep/b.PNG", "cat/z.png"));
  EXPECT_EQ(left_out, 1);
}

TEST_F(EvalData, AWrongLayoutSaysWhatIsExpected) {
  write("cat.png");
  EXPECT_THAT(problems([&] { read_class_folders(folder_, kLabels, 3); }),
              ElementsAre(AllOf(HasSubstr("no pictures"), HasSubstr("DIR/<label, index or WordNet id>/*.jpg"))));
  EXPECT_THAT(problems([&] { read_class_folders(folder_ / "none", kLabels, 3); }),
              ElementsAre(HasSubstr("none: no such folder; expected")));
  EXPECT_THAT(problems([&] { read_mask_folders(folder_); }),
              ElementsAre(HasSubstr("images: no such folder; expected pictures DIR/images/NAME.jpg"),
                          HasSubstr("masks: no such folder")));
  EXPECT_THAT(problems([&] { read_coco_annotations(folder_ / "annotations.json", folder_, kLabels, 3); }),
              ElementsAre(AllOf(HasSubstr("annotations.json: cannot be read: No such file"),
                                HasSubstr("expected COCO annotations: DIR/annotations.json"))));
}

/// While it lives folders can be seen but not be read, by root neither: no more files can be opened.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreFiles() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreFiles(const NoMoreFiles&) = delete;
  NoMoreFiles& operator=(const NoMoreFiles&) = delete;

 private:
  rlimit before_{};
};

TEST_F(EvalData, FoldersThatCannotBeReadAreProblems) {
  for (const char* name : {"cat/a.png", "images/a.png", "masks/a.png"}) write(name);
  std::vector<std::string> classes;
  std::vector<std::string> masks;
  {
    const NoMoreFiles none;
    classes = problems([&] { read_class_folders(folder_, kLabels, 3); });
    masks = problems([&] { read_mask_folders(folder_); });
  }
  EXPECT_THAT(classes, ElementsAre(folder_.string() + ": cannot be read: Too many open files"));
  EXPECT_THAT(masks,
              ElementsAre("images: cannot be read: Too many open files", "masks: cannot be read: Too many open files"));
}

TEST_F(EvalData, ClassFoldersThatLeadNowhereAreProblems) {
  write("1/a.png");
  fs::create_symlink("gone", folder_ / "cat");
  fs::create_symlink("ice cream", folder_ / "ice cream");
  EXPECT_THAT(problems([&] { read_class_folders(folder_, kLabels, 3); }),
              ElementsAre("cat: cannot be read: No such file or directory",
                          "ice cream: cannot be read: Too many levels of symbolic links"));
  EXPECT_THAT(problems([&] { read_class_folders(folder_ / "ice cream", kLabels, 3); }),
              ElementsAre("ice cream: cannot be read: Too many levels of symbolic links"));
  fs::create_symlink("masks", folder_ / "masks");
  EXPECT_THAT(
      problems([&] { read_mask_folders(folder_); }),
      ElementsAre(HasSubstr("images: no such folder"), "masks: cannot be read: Too many levels of symbolic links"));
}

TEST_F(EvalData, EntriesOfAFileAreAProblem) {
  write("cat.png");
  ProblemList found;
  EXPECT_THAT(entries_of(folder_ / "cat.png", found), IsEmpty());
  EXPECT_THAT(problems([&] { found.throw_if_any(); }), ElementsAre("cat.png: cannot be read: Not a directory"));
}

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

TEST_F(EvalData, ReadsCocoAnnotations) {
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

TEST_F(EvalData, PicturesLieInTheFolderImagesIfThereIsOne) {
  fs::create_directory(folder_ / "images");
  EXPECT_EQ(read_coco(kGood).items[1].picture, folder_ / "images/b.png");
}

TEST_F(EvalData, CategoryIdsAreClassesOfAModelWithoutLabels) {
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

TEST_F(EvalData, EveryProblemOfACocoFileIsFoundWithItsLine) {
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

TEST_F(EvalData, FieldsOfACocoFileHaveTheirType) {
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

TEST_F(EvalData, BoxesOfACocoFileAreFourNumbers) {
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

TEST_F(EvalData, RowsOfACocoFileAreObjects) {
  const std::string text = R"({"images": [1, "a", null, true, [2], {"id": 1, "file_name": "a.png"}],
    "categories": [], "annotations": []})";
  EXPECT_THAT(problems([&] { read_coco(text); }),
              ElementsAre("annotations.json:1: images[0]: expected an object, found 1",
                          "annotations.json:1: images[1]: expected an object, found the text \"a\"",
                          "annotations.json:1: images[2]: expected an object, found null",
                          "annotations.json:1: images[3]: expected an object, found true",
                          "annotations.json:1: images[4]: expected an object, found a list"));
}

TEST_F(EvalData, PicturesOfACocoFileLieInTheirFolder) {
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

TEST_F(EvalData, NamesOfACocoFileAreShownWithoutTheirControlCharacters) {
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

TEST_F(EvalData, ReferencesOfACocoFileMustExist) {
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

TEST_F(EvalData, FilesThatAreNoCocoAnnotationsSayWhy) {
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

TEST_F(EvalData, MasksBelongToPicturesOfTheSameName) {
  for (const char* name : {"images/b.jpg", "images/a.png", "masks/a.png", "masks/b.png", "masks/readme.txt"})
    write(name);
  const auto [items, left_out] = read_mask_folders(folder_);
  EXPECT_EQ(left_out, 1) << "readme.txt";
  ASSERT_THAT(items, SizeIs(2));
  EXPECT_EQ(items[1].picture, folder_ / "images/b.jpg");
  EXPECT_EQ(items[1].mask, folder_ / "masks/b.png");
  for (const char* name : {"images/c.jpg", "masks/d.png", "images/a.jpg"}) write(name);
  EXPECT_THAT(problems([&] { read_mask_folders(folder_); }),
              ::testing::UnorderedElementsAre(HasSubstr("there is also"), AllOf(HasSubstr("c.jpg"), EndsWith("c.png")),
                                              HasSubstr("d.png: there is no picture of this name")));
}

cv::Mat labels_of(int rows, int columns, std::vector<uint8_t> values) {
  return cv::Mat(rows, columns, CV_8UC1, values.data()).clone();
}

bool equal(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0.0;
}

TEST_F(EvalData, MasksAreIndicesNotColours) {
  cv::Mat labels(5, 300, CV_8UC1);
  for (int i = 0; i < 5 * 300; ++i) labels.data[i] = static_cast<uint8_t>(i * 7);
  EXPECT_TRUE(equal(pipeline::decode_mask_png(pipeline::encode_mask_png(labels), "mask"), labels)) << "palette";
  cv::imwrite(folder_ / "grey.png", labels);
  EXPECT_TRUE(equal(pipeline::read_mask_png(folder_ / "grey.png"), labels)) << "grey";
  const cv::Mat bits = labels_of(2, 3, {0, 1, 1, 1, 0, 1});
  cv::imwrite(folder_ / "bits.png", bits, {cv::IMWRITE_PNG_BILEVEL, 1});
  EXPECT_TRUE(equal(pipeline::read_mask_png(folder_ / "bits.png"), bits)) << "one bit is 0 or 1, not 0 or 255";
}

TEST_F(EvalData, OtherPicturesAreNoMasks) {
  const auto fault = [&](const std::string& name) {
    try {
      pipeline::read_mask_png(folder_ / name);
    } catch (const pipeline::ImageError& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  cv::imwrite(folder_ / "rgb.png", cv::Mat(4, 4, CV_8UC3, cv::Scalar(1, 2, 3)));
  EXPECT_THAT(fault("rgb.png"), HasSubstr("expected palette indices or grey values of at most 8 bits, found RGB of 8"));
  cv::imwrite(folder_ / "deep.png", cv::Mat(4, 4, CV_16UC1, cv::Scalar(1)));
  EXPECT_THAT(fault("deep.png"), HasSubstr("found grey of 16 bits"));
  cv::imwrite(folder_ / "mask.jpg", cv::Mat(4, 4, CV_8UC1, cv::Scalar(1)));
  EXPECT_THAT(fault("mask.jpg"), HasSubstr("expected a PNG"));
  EXPECT_THAT(fault("none.png"), HasSubstr("no such file"));
}

TEST_F(EvalData, DamagedMasksAreNoMasks) {
  const std::vector<uint8_t> good = pipeline::encode_mask_png(cv::Mat(20, 30, CV_8UC1, cv::Scalar(3)));
  for (size_t size = 0; size < good.size(); ++size) {
    const std::vector<uint8_t> part(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THROW(pipeline::decode_mask_png(part, "part"), pipeline::ImageError) << size;
  }
  for (size_t at = 0; at < good.size(); ++at) {
    std::vector<uint8_t> bytes = good;
    bytes[at] ^= 0x40U;
    try {
      EXPECT_EQ(pipeline::decode_mask_png(bytes, "flipped").type(), CV_8UC1);
    } catch (const pipeline::ImageError&) {  // either is fine, as long as it is one of them
    }
  }
  EXPECT_THROW(pipeline::decode_mask_png(good, "large", {.max_pixels = 599}), pipeline::ImageError);
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

TEST_F(EvalData, NamesOfACocoFileAreShownHarmless) {
  const std::vector<std::string> found = problems([&] {
    read_coco(coco_with_categories({R"(\u001b[31mdog\nx)", "cat", R"(\u202eexe)", std::string(1000, 'x')}));
  });
  EXPECT_THAT(found, ElementsAre("annotations.json:1: categories[0]: the model has no class \"\\x1b[31mdog\\nx\"",
                                 "annotations.json:1: categories[2]: the model has no class \"\\u202eexe\"",
                                 "annotations.json:1: categories[3]: the model has no class \"" +
                                     std::string(120, 'x') + "...\""));
}

TEST_F(EvalData, WhatTheParserRepeatsIsShownHarmless) {
  const std::vector<std::string> found =
      problems([&] { read_coco("{\"images\": \"\xe2\x80\xae" + std::string(5000, 'x') + "\x1b[2J\n\"}"); });
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_LT(found[0].size(), 400U);
  EXPECT_THAT(found[0], HasSubstr("\\u202e"));
  EXPECT_EQ(found[0].find_first_of("\x1b\n\r"), std::string::npos) << found[0];
}

TEST_F(EvalData, NestedListsOfACocoFileAreBounded) {
  EXPECT_THAT(problems([&] { read_coco("{\"info\": " + std::string(1'000'000, '[')); }),
              ElementsAre("annotations.json:1: lists and objects are nested more than 64 deep"));
}

TEST_F(EvalData, ThousandsOfUnknownCategoriesAreSaidAtOnce) {
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
