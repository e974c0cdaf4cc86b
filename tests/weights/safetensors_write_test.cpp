#include <algorithm>
#include <csignal>
#include <limits>
#include <span>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/weights/safetensors.h"
#include "tests/weights/test_files.h"

namespace zoo::weights {
namespace {

using testing::ElementsAre;
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

class SafetensorsWrite : public FileTest {
 protected:
  /// The message of the exception of that type; other types pass through.
  template <typename ErrorType>
  static std::string writing_error(const std::filesystem::path& file, const NamedTensors& tensors) {
    try {
      write_safetensors(file, tensors);
    } catch (const ErrorType& error) {
      return error.what();
    }
    return "written";
  }

  std::vector<std::string> names_in_folder() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) names.push_back(entry.path().filename());
    return names;
  }

  const NamedTensors tensors_ = {{"weight", {Shape{2, 2}, {1.0F, -2.0F, 0.5F, 0.0F}}}, {"bias", {Shape{1}, {4.0F}}}};
};

TEST_F(SafetensorsWrite, WhatIsWrittenIsRead) {
  const float inf = std::numeric_limits<float>::infinity();
  const NamedTensors tensors = {{"z", {Shape{3}, {-0.0F, inf, std::numeric_limits<float>::denorm_min()}}},
                                {"a \"quoted\" \n \xC3\xA4 name", {Shape{}, {7.0F}}},
                                {"none", {Shape{4, 0}, {}}}};
  write_safetensors(path("x"), tensors, {{"origin", "test \"x\""}});
  const SafetensorsFile file = SafetensorsFile::open(path("x"));
  ASSERT_EQ(file.tensors().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const StoredTensor* const stored = file.find(name);
    ASSERT_NE(stored, nullptr) << name;
    EXPECT_EQ(stored->shape, tensor.shape);
    EXPECT_TRUE(std::ranges::equal(stored->data, std::as_bytes(std::span(tensor.data)))) << name;
  }
  EXPECT_EQ(file.tensors()[0].name, "z");
  EXPECT_EQ(file.metadata().at("origin"), "test \"x\"");
}

TEST_F(SafetensorsWrite, LayoutIsTheDocumentedOne) {
  write_safetensors(path("x"), tensors_);
  const std::string header = R"({"weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
                             R"("bias":{"dtype":"F32","shape":[1],"data_offsets":[16,20]}})";
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(read_bytes(path("x")), file_bytes(header + padding, bytes_of(1.0F) + bytes_of(-2.0F) + bytes_of(0.5F) +
                                                                    bytes_of(0.0F) + bytes_of(4.0F)));
}

TEST_F(SafetensorsWrite, DataBeginAtAMultipleOfEight) {
  for (size_t length = 1; length <= 8; ++length) {
    write_safetensors(path("x"), {{std::string(length, 'n'), {Shape{1}, {1.0F}}}});
    EXPECT_EQ((std::filesystem::file_size(path("x")) - sizeof(float)) % 8, 0U) << length;
  }
}

TEST_F(SafetensorsWrite, NothingIsWrittenForNoTensors) {
  write_safetensors(path("x"), {});
  EXPECT_TRUE(SafetensorsFile::open(path("x")).tensors().empty());
}

TEST_F(SafetensorsWrite, ReplacesAFileWithoutTouchingOpenOnes) {
  write_safetensors(path("x"), tensors_);
  const SafetensorsFile before = SafetensorsFile::open(path("x"));
  write_safetensors(path("x"), {{"other", {Shape{1}, {9.0F}}}});
  EXPECT_THAT(to_float(*before.find("bias")), ElementsAre(4.0F));
  EXPECT_NE(SafetensorsFile::open(path("x")).find("other"), nullptr);
  EXPECT_THAT(names_in_folder(), ElementsAre("x"));
}

TEST_F(SafetensorsWrite, NewFileHasTheUsualPermissions) {
  const mode_t mask = ::umask(0022);
  write_safetensors(path("x"), tensors_);
  ::umask(mask);
  struct stat status = {};
  ASSERT_EQ(::stat(path("x").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0644U);
}

TEST_F(SafetensorsWrite, MissingFolderIsNamed) {
  const std::filesystem::path file = path("none") / "x.safetensors";
  EXPECT_EQ(writing_error<IoError>(file, tensors_), file.string() + ": cannot be written: No such file or directory");
}

TEST_F(SafetensorsWrite, FolderIsNotReplaced) {
  std::filesystem::create_directory(path("x"));
  EXPECT_EQ(writing_error<IoError>(path("x"), tensors_), path("x").string() + ": cannot be written: it is a folder");
}

TEST_F(SafetensorsWrite, DeviceIsWrittenTo) {
  EXPECT_EQ(writing_error<IoError>("/dev/full", tensors_), "/dev/full: writing failed: No space left on device");
}

/// Lets files grow only to a limit, as a full disk does, until destroyed.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &previous_);
    const rlimit limit = {bytes, previous_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &previous_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit previous_ = {};
  void (*handler_)(int);
};

TEST_F(SafetensorsWrite, FailureInTheMiddleKeepsTheOldFileAndLeavesNothing) {
  write("x", "old");
  const NamedTensors large = {{"large", {Shape{1 << 16}, std::vector<float>(1 << 16, 1.0F)}}};
  std::string message;
  {
    const FileSizeLimit limit(1 << 14);
    message = writing_error<IoError>(path("x"), large);
  }
  EXPECT_EQ(message, path("x").string() + ": writing failed: File too large");
  EXPECT_EQ(read_bytes(path("x")), "old");
  EXPECT_THAT(names_in_folder(), ElementsAre("x"));
}

struct ImpossibleTensors {
  std::string name;
  NamedTensors tensors;
  std::string message;
};

class SafetensorsWriteImpossible : public SafetensorsWrite, public testing::WithParamInterface<ImpossibleTensors> {};

TEST_P(SafetensorsWriteImpossible, IsRefusedBeforeAnythingIsWritten) {
  EXPECT_EQ(writing_error<WeightError>(path("x"), GetParam().tensors), path("x").string() + ": " + GetParam().message);
  EXPECT_THAT(names_in_folder(), ElementsAre());
}

const Tensor kOne{Shape{1}, {1.0F}};

INSTANTIATE_TEST_SUITE_P(
    Safetensors, SafetensorsWriteImpossible,
    testing::Values(
        ImpossibleTensors{"EmptyName", {{"", kOne}}, "tensor \"\": not a possible name"},
        ImpossibleTensors{"MetadataName", {{"__metadata__", kOne}}, "tensor \"__metadata__\": not a possible name"},
        ImpossibleTensors{"Twice", {{"a", kOne}, {"a", kOne}}, "tensor \"a\": is there twice"},
        ImpossibleTensors{
            "ShapeAndValues", {{"a", {Shape{2, 3}, {1.0F}}}}, "tensor \"a\": shape 2x3 does not fit 1 value"},
        ImpossibleTensors{"NoUtf8", {{"\xC3(", kOne}}, "a tensor name or metadata text is not valid UTF-8"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace zoo::weights
