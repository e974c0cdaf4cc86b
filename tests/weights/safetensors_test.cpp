#include "nn/weights/safetensors.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <optional>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/weights/test_files.h"

namespace zoo::weights {
namespace {

using Safetensors = FileTest;
using testing::ElementsAre;
using testing::Pair;

constexpr std::string_view kTwoTensors =
    R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]},)"
    R"("a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}   )";

std::string two_tensors() {
  return file_bytes(kTwoTensors,
                    bytes_of<uint16_t>(0x3C00) + bytes_of<uint16_t>(0xC000) + bytes_of(1.5F) + bytes_of(-2.25F));
}

TEST_F(Safetensors, ListsTensorsInOrderOfTheirData) {
  const SafetensorsFile file = SafetensorsFile::open(write("x", two_tensors()));
  ASSERT_EQ(file.tensors().size(), 2U);
  EXPECT_EQ(file.tensors()[0].name, "a");
  EXPECT_EQ(file.tensors()[0].dtype, DType::kF16);
  EXPECT_EQ(file.tensors()[0].shape, Shape{2});
  EXPECT_EQ(file.tensors()[1].name, "b");
  EXPECT_EQ(file.tensors()[1].shape, (Shape{2, 1}));
  EXPECT_THAT(to_float(file.tensors()[0]), ElementsAre(1.0F, -2.0F));
  EXPECT_THAT(to_float(file.tensors()[1]), ElementsAre(1.5F, -2.25F));
  EXPECT_THAT(file.metadata(), ElementsAre(Pair("format", "pt")));
  EXPECT_EQ(file.path(), path("x"));
}

TEST_F(Safetensors, FindsByName) {
  const SafetensorsFile file = SafetensorsFile::open(write("x", two_tensors()));
  EXPECT_EQ(file.find("b"), &file.tensors()[1]);
  EXPECT_EQ(file.find("c"), nullptr);
  EXPECT_EQ(file.find("__metadata__"), nullptr);
}

TEST_F(Safetensors, OwnerKeepsTheDataAlive) {
  std::optional<SafetensorsFile> file = SafetensorsFile::open(write("x", two_tensors()));
  const StoredTensor tensor = file->tensors()[1];
  const std::shared_ptr<const ValuesOwner> owner = file->owner();
  file.reset();
  std::filesystem::remove(path("x"));
  EXPECT_THAT(to_float(tensor), ElementsAre(1.5F, -2.25F));
}

/// Kilobytes of the mapping at `address` that are in memory, as /proc/self/smaps has them.
long resident_kb(const void* address) {
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  std::ifstream maps("/proc/self/smaps");
  bool found = false;
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) found = begin <= wanted && wanted < end;
    if (found && line.starts_with("Rss:")) return std::stol(line.substr(4));
  }
  return -1;
}

TEST_F(Safetensors, LeavesTheMemoryWhenSetAside) {
  constexpr int kValues = 1 << 20;
  const std::vector<float> ones(kValues, 1.0F);
  const std::string header =
      fmt::format(R"({{"a":{{"dtype":"F32","shape":[{}],"data_offsets":[0,{}]}}}})", kValues, kValues * sizeof(float));
  const auto path =
      write("x", file_bytes(header, {reinterpret_cast<const char*>(ones.data()), ones.size() * sizeof(float)}));
  const SafetensorsFile file = SafetensorsFile::open(path, FileUse::kInPlace);
  const StoredTensor& tensor = file.tensors()[0];
  EXPECT_EQ(to_float(tensor), ones);
  EXPECT_GE(resident_kb(tensor.data.data()), kValues * 4 / 1024);
  file.owner()->set_aside();
  EXPECT_EQ(resident_kb(tensor.data.data()), 0);
  EXPECT_EQ(to_float(tensor), ones);
}

TEST_F(Safetensors, CopiesShareTheMemory) {
  std::optional<SafetensorsFile> file = SafetensorsFile::open(write("x", two_tensors()));
  const SafetensorsFile copy = *file;
  EXPECT_EQ(copy.tensors()[0].data.data(), file->tensors()[0].data.data());
  file.reset();
  EXPECT_THAT(to_float(*copy.find("b")), ElementsAre(1.5F, -2.25F));
}

TEST_F(Safetensors, OpensFilesOfExtremes) {
  EXPECT_EQ(opening_error(write("none", file_bytes("{}", ""))), "opened");
  EXPECT_EQ(opening_error(write("only_metadata", file_bytes(R"({"__metadata__":{}})", ""))), "opened");
  // Empty tensors between others share an offset; eight dimensions and a name of 1024 bytes are the limits.
  const std::string name(1024, 'n');
  const std::string header = R"({"last":{"dtype":"U8","shape":[1],"data_offsets":[4,5]},)"
                             R"("none":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]},)"
                             R"("scalar":{"dtype":"F32","shape":[],"data_offsets":[0,4]},")" +
                             name + R"(":{"dtype":"I64","shape":[1,1,1,1,1,1,1,0],"data_offsets":[5,5]}})";
  const SafetensorsFile file = SafetensorsFile::open(write("x", file_bytes(header, bytes_of(0.5F) + "z")));
  EXPECT_THAT(to_float(*file.find("scalar")), ElementsAre(0.5F));
  EXPECT_EQ(file.find("scalar")->shape.rank(), 0U);
  EXPECT_THAT(to_float(*file.find("none")), ElementsAre());
  EXPECT_EQ(file.find("last")->data.front(), std::byte{'z'});
  EXPECT_EQ(file.find(name)->shape.rank(), 8U);
}

TEST_F(Safetensors, EveryTypeHasItsNameAndSize) {
  const std::vector<std::pair<std::string, size_t>> types = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2},
                                                             {"I64", 8}, {"I32", 4}, {"I16", 2}, {"I8", 1},
                                                             {"U8", 1},  {"BOOL", 1}};
  for (const auto& [name, size] : types) {
    const std::optional<DType> type = dtype_from_name(name);
    ASSERT_TRUE(type) << name;
    EXPECT_EQ(to_string(*type), name);
    EXPECT_EQ(size_of(*type), size) << name;
  }
  EXPECT_EQ(dtype_from_name("F8_E4M3"), std::nullopt);
}

TEST_F(Safetensors, WholeNumbersAreNotReadAsFloats) {
  const StoredTensor tensor{"bn.num_batches_tracked", DType::kI64, Shape{}, {}};
  try {
    to_float(tensor);
    FAIL() << "no exception";
  } catch (const WeightError& error) {
    EXPECT_STREQ(error.what(), "tensor \"bn.num_batches_tracked\": type I64 holds no floating-point numbers");
  }
}

TEST_F(Safetensors, ReadsFilesOfAnotherWriter) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(reference_data("golden"))) {
    const SafetensorsFile file = SafetensorsFile::open(entry.path());
    ++files;
    EXPECT_EQ(file.metadata().at("seed"), "dev") << entry.path();
    for (const StoredTensor& tensor : file.tensors()) {
      if (tensor.dtype != DType::kF32) continue;
      const std::vector<float> values = to_float(tensor);
      EXPECT_EQ(static_cast<int64_t>(values.size()), tensor.shape.elements()) << entry.path() << " " << tensor.name;
      EXPECT_TRUE(std::ranges::all_of(values, [](float v) { return std::isfinite(v); }))
          << entry.path() << " " << tensor.name;
    }
  }
  EXPECT_GT(files, 0U);
  const SafetensorsFile file = SafetensorsFile::open(reference_data("golden/timm__mobilenetv3_small_100.safetensors"));
  EXPECT_EQ(file.metadata().at("model"), "timm/mobilenetv3_small_100");
  ASSERT_NE(file.find("logits"), nullptr);
  EXPECT_EQ(file.find("logits")->shape, (Shape{1, 1000}));
}

}  // namespace
}  // namespace zoo::weights
