// Reading ground truth: class folders and masks; and what is said when they are wrong.
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
#include "tests/pipeline/eval/eval_data_fixture.h"

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

}  // namespace
}  // namespace zoo::eval
