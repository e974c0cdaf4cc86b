#include "pipeline/images/image_io.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "tests/pipeline/fixture_data.h"
#include "tests/support/temp_folder.h"

namespace zoo::pipeline {
namespace {

namespace fs = std::filesystem;
using testing::bytes_of;
using testing::checksum;
using testing::picture;
using ::testing::StartsWith;

using Bytes = std::vector<uint8_t>;

const fs::path kFixtures = fs::path(ZOO_SOURCE_DIR) / "tests/reference_data/image_io";

Bytes encoded(const std::string& extension, const std::vector<int>& options = {}) {
  Bytes bytes;
  cv::imencode(extension, picture(40, 30, 3, 2), bytes, options);
  return bytes;
}

/// Little- or big-endian number of a file made by hand.
void put(Bytes& bytes, uint64_t value, int count, bool big_endian = true) {
  for (int i = 0; i < count; ++i) {
    bytes.push_back(static_cast<uint8_t>(value >> (big_endian ? count - 1 - i : i) * 8));
  }
}

Bytes text(std::string_view characters) { return {characters.begin(), characters.end()}; }

struct Failure {
  ImageFault fault{};
  std::string message;
};

template <typename Function>
Failure failure_of(Function function) {
  try {
    function();
  } catch (const ImageError& e) {
    return {e.fault(), e.what()};
  }
  ADD_FAILURE() << "no ImageError";
  return {};
}

Failure decode_failure(const Bytes& bytes) {
  return failure_of([&] { decode_image(bytes, "x"); });
}

class ImageFile : public ::testing::Test {
 protected:
  fs::path write(const std::string& name, const Bytes& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return folder_ / name;
  }

  Failure read_failure(const fs::path& file) const {
    Failure failure = failure_of([&] { read_image(file); });
    const std::string prefix = fmt::format("cannot read image '{}': ", file.string());
    EXPECT_THAT(failure.message, StartsWith(prefix));
    failure.message.erase(0, prefix.size());
    return failure;
  }

  test::TempFolder temp_;
  fs::path folder_ = temp_.path();
};

TEST(ImageIo, DecodesEveryFormatAsPillowDoes) {
  const std::vector<std::vector<std::string>> table = testing::read_table("image_io/expected.tsv");
  ASSERT_GT(table.size(), 90U);
  for (const std::vector<std::string>& fields : table) {
    cv::Mat rgb;
    ASSERT_NO_THROW(cv::cvtColor(read_image(kFixtures / fields.at(0)), rgb, cv::COLOR_BGR2RGB)) << fields.at(0);
    EXPECT_EQ(rgb.type(), CV_8UC3);
    EXPECT_EQ(rgb.size(), cv::Size(std::stoi(fields.at(1)), std::stoi(fields.at(2)))) << fields.at(0);
    EXPECT_EQ(checksum(bytes_of(rgb)), fields.at(3)) << fields.at(0);
  }
}

TEST(ImageIo, AppliesAllEightOrientations) {
  const cv::Mat stored = read_image(kFixtures / "jpeg_orientation1.jpg");
  // Where the stored pixel (x, y) of a w x h picture belongs in the upright one, by EXIF's definition.
  const auto place = [&](int orientation, int x, int y) {
    const int right = stored.cols - 1 - x;
    const int below = stored.rows - 1 - y;
    const cv::Point places[] = {{x, y}, {right, y}, {right, below}, {x, below},
                                {y, x}, {below, x}, {below, right}, {y, right}};
    return places[orientation - 1];
  };
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const cv::Mat upright = read_image(kFixtures / fmt::format("jpeg_orientation{}.jpg", orientation));
    for (const auto& [x, y] : {std::pair{0, 0}, {36, 0}, {0, 22}, {36, 22}, {10, 5}}) {
      EXPECT_EQ(upright.at<cv::Vec3b>(place(orientation, x, y)), stored.at<cv::Vec3b>(y, x)) << orientation;
    }
  }
}

TEST_F(ImageFile, ReportsEachFaultWithItsOwnMessage) {
  const Failure missing = read_failure(folder_ / "none.jpg");
  EXPECT_EQ(missing.fault, ImageFault::kMissing);
  EXPECT_EQ(missing.message, "no such file");

  const Failure folder = read_failure(folder_);
  EXPECT_EQ(folder.fault, ImageFault::kMissing);
  EXPECT_EQ(folder.message, "it is a folder");

  const Failure device = read_failure("/dev/null");
  EXPECT_EQ(device.fault, ImageFault::kMissing);
  EXPECT_EQ(device.message, "it is not a regular file");

  const Failure empty = read_failure(write("empty.png", {}));
  EXPECT_EQ(empty.fault, ImageFault::kEmpty);
  EXPECT_EQ(empty.message, "the file is empty");

  const Failure other = read_failure(write("text.jpg", text("hello, world")));
  EXPECT_EQ(other.fault, ImageFault::kNotAnImage);
  EXPECT_EQ(other.message, "not an image (known formats: JPEG, PNG, BMP, WebP, TIFF, PNM)");

  Bytes cut = encoded(".jpg");
  cut.resize(cut.size() / 2);
  const Failure truncated = read_failure(write("cut.jpg", cut));
  EXPECT_EQ(truncated.fault, ImageFault::kTruncated);
  EXPECT_EQ(truncated.message, "JPEG data is truncated or damaged: Premature end of JPEG file");

  const Failure large = failure_of([&] { read_image(write("large.png", encoded(".png")), {.max_pixels = 1199}); });
  EXPECT_EQ(large.fault, ImageFault::kTooLarge);
  EXPECT_EQ(large.message, fmt::format("cannot read image '{}': 40x30 pixels, but a picture may have at most 1199",
                                       (folder_ / "large.png").string()));
  EXPECT_NO_THROW(read_image(folder_ / "large.png", {.max_pixels = 1200}));
}

TEST_F(ImageFile, ReportsMissingPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const fs::path file = write("secret.png", encoded(".png"));
  fs::permissions(file, fs::perms::none);
  const Failure failure = read_failure(file);
  EXPECT_EQ(failure.fault, ImageFault::kMissing);
  EXPECT_EQ(failure.message, "Permission denied");
}

TEST_F(ImageFile, RefusesFilesOverHalfAGibibyte) {
  const fs::path file = write("sparse.bmp", text("BM"));
  fs::resize_file(file, (uintmax_t{512} << 20) + 1);
  const Failure failure = read_failure(file);
  EXPECT_EQ(failure.fault, ImageFault::kTooLarge);
  EXPECT_EQ(failure.message, "the file has 536870913 bytes, but it may have at most 536870912");
}

TEST_F(ImageFile, GoesByTheContentAndNotByTheName) {
  EXPECT_EQ(read_image(write("really_a_png.jpg", encoded(".png"))).size(), cv::Size(40, 30));
}

struct BombCase {
  const char* name;
  Bytes bytes;
};

Bytes png_bomb() {
  Bytes bytes = text("\x89PNG\r\n\x1A\n");
  put(bytes, 13, 4);
  bytes.insert(bytes.end(), {'I', 'H', 'D', 'R'});
  put(bytes, 100'000, 4);
  put(bytes, 100'000, 4);
  bytes.insert(bytes.end(), {8, 2, 0, 0, 0});
  put(bytes, 0, 4);
  return bytes;
}

Bytes jpeg_bomb() {
  Bytes bytes = {0xFF, 0xD8, 0xFF, 0xC0, 0, 17, 8};
  put(bytes, 65'500, 2);
  put(bytes, 65'500, 2);
  bytes.insert(bytes.end(), {3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0});
  bytes.insert(bytes.end(), {0xFF, 0xDA, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0, 0xFF, 0xD9});
  return bytes;
}

Bytes bmp_bomb() {
  Bytes bytes = text("BM");
  put(bytes, 0, 8, false);
  put(bytes, 54, 4, false);
  put(bytes, 40, 4, false);
  put(bytes, 50'000, 4, false);
  put(bytes, 50'000, 4, false);
  put(bytes, 1 | 1U << 16, 4, false);
  bytes.resize(54);
  return bytes;
}

Bytes webp_bomb() {
  Bytes bytes = text("RIFF");
  put(bytes, 22, 4, false);
  for (char c : std::string("WEBPVP8X")) bytes.push_back(static_cast<uint8_t>(c));
  put(bytes, 10, 4, false);
  put(bytes, 0, 4, false);
  put(bytes, 16'383, 3, false);
  put(bytes, 16'383, 3, false);
  return bytes;
}

Bytes tiff_bomb() {
  Bytes bytes = text(std::string_view("II\x2A\0", 4));
  put(bytes, 8, 4, false);
  put(bytes, 2, 2, false);
  for (const uint32_t tag : {256U, 257U}) {
    put(bytes, tag, 2, false);
    put(bytes, 4, 2, false);
    put(bytes, 1, 4, false);
    put(bytes, 100'000, 4, false);
  }
  put(bytes, 0, 4, false);
  return bytes;
}

TEST(ImageIo, RefusesDecompressionBombsByTheirHeaders) {
  const BombCase cases[] = {{"100000x100000", png_bomb()},  {"65500x65500", jpeg_bomb()},
                            {"50000x50000", bmp_bomb()},    {"16384x16384", webp_bomb()},
                            {"100000x100000", tiff_bomb()}, {"99999x99999", text("P6\n99999 99999\n255\n")}};
  for (const BombCase& bomb : cases) {
    const Failure failure = decode_failure(bomb.bytes);
    EXPECT_EQ(failure.fault, ImageFault::kTooLarge) << bomb.name;
    EXPECT_EQ(failure.message,
              fmt::format("cannot read image 'x': {} pixels, but a picture may have at most 89478485", bomb.name));
  }
  EXPECT_EQ(decode_failure(text("P5 2000000 1 255\n")).message,
            "cannot read image 'x': 2000000x1 pixels, but a side may have at most 1048576");
}

TEST(ImageIo, NamesFormatsThatAreNotSupported) {
  const std::pair<std::string_view, const char*> cases[] = {
      {std::string_view("\0\0\0\x0CjP  \r\n\x87\n", 12), "JPEG 2000"},
      {std::string_view("\0\0\0\x1C"
                        "ftypavif",
                        12),
       "HEIF or AVIF"},
      {std::string_view("\0\0\0\x20"
                        "ftypheic",
                        12),
       "HEIF or AVIF"},
      {std::string_view("\0\0\0\x20"
                        "ftypisom",
                        12),
       "a video (MP4, MOV) as a picture"},
      {std::string_view("II\x2B\0\x08\0\0\0", 8), "BigTIFF"},
      {"P7\nWIDTH 1", "PAM"}};
  for (const auto& [bytes, name] : cases) {
    const Failure failure = decode_failure(text(bytes));
    EXPECT_EQ(failure.fault, ImageFault::kNotAnImage);
    EXPECT_EQ(failure.message, fmt::format("cannot read image 'x': {} is not supported", name));
  }
}

TEST(ImageIo, ExplainsDamage) {
  Bytes png = encoded(".png");
  png[60] ^= 1;
  EXPECT_EQ(decode_failure(png).message,
            "cannot read image 'x': PNG data is truncated or damaged: the checksum of a chunk IDAT is wrong");
  Bytes bmp = encoded(".bmp");
  bmp.pop_back();
  EXPECT_EQ(decode_failure(bmp).message,
            "cannot read image 'x': BMP data is truncated or damaged: 3600 bytes at 54 are wanted of 3653");
  EXPECT_EQ(decode_failure(text("P5 0 7 255\n")).message,
            "cannot read image 'x': PNM data is truncated or damaged: the size is 0x7");
  EXPECT_EQ(decode_failure(text("P3 2 1 255\n1 2 3 4 x")).message,
            "cannot read image 'x': PNM data is truncated or damaged: there is something else than numbers");
  EXPECT_EQ(decode_failure(text("P2 2 1 255\n1 ")).message,
            "cannot read image 'x': PNM data is truncated or damaged: it ends too early");
}

TEST(ImageIo, IgnoresBytesAfterThePicture) {
  for (const char* extension : {".jpg", ".png", ".bmp", ".webp", ".tif", ".ppm"}) {
    Bytes bytes = encoded(extension);
    const cv::Mat clean = decode_image(bytes, "clean");
    bytes.insert(bytes.end(), 1000, 0xA5);
    EXPECT_EQ(checksum(bytes_of(decode_image(bytes, "x"))), checksum(bytes_of(clean))) << extension;
  }
}

TEST(ImageIo, ReadsTextAndScaledPnm) {
  const cv::Mat gray = decode_image(text("P2 # comment\n3 1\n10\n0 5 10"), "x");
  EXPECT_EQ(gray.at<cv::Vec3b>(0, 0), cv::Vec3b(0, 0, 0));
  EXPECT_EQ(gray.at<cv::Vec3b>(0, 1), cv::Vec3b(128, 128, 128));  // 127.5, half to even
  EXPECT_EQ(gray.at<cv::Vec3b>(0, 2), cv::Vec3b(255, 255, 255));
  const cv::Mat bitmap = decode_image(text("P1\n2 2\n10\n0 1"), "x");
  EXPECT_EQ(bitmap.at<cv::Vec3b>(0, 0), cv::Vec3b(0, 0, 0));
  EXPECT_EQ(bitmap.at<cv::Vec3b>(0, 1), cv::Vec3b(255, 255, 255));
  EXPECT_EQ(bitmap.at<cv::Vec3b>(1, 1), cv::Vec3b(0, 0, 0));
}

TEST(ImageIo, KnowsTheExtensionsOfPictures) {
  for (const char* name : {"a.jpg", "b.JPEG", "c.Png", "d.bmp", "e.webp", "f.tif", "g.tiff", "h.ppm", "i.pgm"}) {
    EXPECT_TRUE(has_image_extension(name)) << name;
  }
  for (const char* name : {"a.gif", "jpg", ".jpg", "a.jpg.txt", "a", "", "a.mp4"}) {
    EXPECT_FALSE(has_image_extension(name)) << name;
  }
}

}  // namespace
}  // namespace zoo::pipeline
