// What happens to loaded values when somebody writes to their file: nothing where they have memory of their own, and a
// WeightError, never SIGBUS or other numbers, where they are used in place.
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/checked_values.h"
#include "nn/weights/checkpoint_file.h"
#include "tests/weights/checkpoint_test.h"
#include "tests/weights/pth_files.h"

namespace zoo::weights {
namespace {

/// What a trainer does that saves to a file it has saved to before: the same inode, cut and written again.
void overwrite(const std::filesystem::path& file, size_t size) {
  const int descriptor = ::open(file.c_str(), O_WRONLY);
  ASSERT_GE(descriptor, 0);
  const std::string zeros(size, '\0');
  EXPECT_EQ(::write(descriptor, zeros.data(), zeros.size()), static_cast<ssize_t>(zeros.size()));
  ::close(descriptor);
}

using Change = void (*)(const std::filesystem::path&);

void write_zeros(const std::filesystem::path& file) { overwrite(file, std::filesystem::file_size(file)); }
void write_the_end(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_APPEND);
  EXPECT_EQ(::write(descriptor, "x", 1), 1);
  ::close(descriptor);
}
void cut(const std::filesystem::path& file) { std::filesystem::resize_file(file, 100); }
void empty(const std::filesystem::path& file) { std::filesystem::resize_file(file, 0); }

struct ChangeCase {
  std::string name;
  Change change;
};

std::ostream& operator<<(std::ostream& stream, const ChangeCase& change) { return stream << change.name; }

class ChangedFile : public CheckpointTest, public testing::WithParamInterface<ChangeCase> {
 protected:
  /// A checkpoint that was written an hour ago: the system's clock ticks slower than this test runs.
  std::filesystem::path saved() const {
    save(checkpoint(Ecosystem::kTimm, parameters_));
    const std::filesystem::path file = path("model.safetensors");
    std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) - std::chrono::hours(1));
    return file;
  }

  ParameterValues load(const std::filesystem::path& file, FileUse use) const {
    return load_checkpoint(parameters_, CheckpointFile::open(file, {.entry = {}, .file_use = use})).values;
  }

  void expect_values(const ParameterValues& values) const {
    const ParameterValues expected = formula_values(parameters_, Ecosystem::kTimm, {});
    for (size_t id = 0; id < parameters_.size(); ++id) {
      EXPECT_TRUE(std::ranges::equal(values.views[id], expected.views[id])) << parameters_[id].name;
    }
  }
};

TEST_P(ChangedFile, LeavesACopyAsItWas) {
  const std::filesystem::path file = saved();
  const ParameterValues values = load(file, FileUse::kCopy);
  GetParam().change(file);
  EXPECT_NO_THROW(check_unchanged(values));
  expect_values(values);
  for (const auto& owner : values.owners) owner->set_aside();
  expect_values(values);
}

TEST_P(ChangedFile, IsNoticedWhereItIsUsedInPlace) {
  const std::filesystem::path file = saved();
  const ParameterValues values = load(file, FileUse::kInPlace);
  EXPECT_NO_THROW(check_unchanged(values));
  expect_values(values);
  GetParam().change(file);
  EXPECT_THAT([&] { check_unchanged(values); },
              testing::ThrowsMessage<WeightError>(
                  file.string() + ": somebody has written to the file since it was loaded, and its values are used in "
                                  "place; load it anew, or load it with a copy of its own (FileUse::kCopy)"));
}

INSTANTIATE_TEST_SUITE_P(Files, ChangedFile,
                         testing::Values(ChangeCase{"overwritten", write_zeros}, ChangeCase{"longer", write_the_end},
                                         ChangeCase{"cut", cut}, ChangeCase{"emptied", empty}),
                         [](const auto& test) { return test.param.name; });

class UnchangedFile : public ChangedFile {};

TEST_F(UnchangedFile, MayBeReplacedOrRemovedInPlace) {
  const std::filesystem::path file = saved();
  const ParameterValues values = load(file, FileUse::kInPlace);
  save({{"other", Tensor{Shape{1}, {1.0F}}}});  // written beside and renamed
  EXPECT_NO_THROW(check_unchanged(values));
  expect_values(values);
  std::filesystem::remove(file);
  EXPECT_NO_THROW(check_unchanged(values));
  expect_values(values);
}

TEST_F(UnchangedFile, DefaultIsACopy) {
  const std::filesystem::path file = saved();
  const ParameterValues values = load_checkpoint(parameters_, CheckpointFile::open(file)).values;
  const ParameterValues direct = load_checkpoint(parameters_, SafetensorsFile::open(file)).values;
  write_zeros(file);
  expect_values(values);
  expect_values(direct);
}

TEST_F(UnchangedFile, StateDictOfAChangedFileIsNotRead) {
  const std::string tensor = pkl::tensor(pkl::storage("0", 4), 0, {4}, {1});
  const std::string other = pkl::tensor(pkl::storage("0", 4), 0, {2}, {1});
  const auto file = write(
      "x.pth",
      pth_bytes(pkl::pickle(pkl::dict({{"model", pkl::dict({{"a", tensor}})}, {"net", pkl::dict({{"b", other}})}}))));
  std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) - std::chrono::hours(1));
  const CheckpointFile opened = CheckpointFile::open(file);
  ASSERT_EQ(opened.entries().size(), 2U);
  EXPECT_EQ(opened.with_entry(*opened.entries()[1]).tensors().front().name, "b");
  write_the_end(file);
  EXPECT_THAT([&] { opened.with_entry(*opened.entries()[1]); },
              testing::ThrowsMessage<WeightError>(file.string() +
                                                  ": the file changes while it is read; is it still being written?"));
  EXPECT_EQ(to_float(opened.tensors().front()), (std::vector<float>{1.0F, 2.0F, 3.0F, 4.0F}));
}

}  // namespace
}  // namespace zoo::weights
