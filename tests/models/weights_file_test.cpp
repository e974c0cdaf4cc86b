// Models whose weights file changes between load and a later compilation: as whoever trains on does to a file that a
// program has open.
#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/model.h"
#include "nn/core/error.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"
#include "tests/support/temp_folder.h"

namespace zoo::models {
namespace {

namespace fs = std::filesystem;

const fs::path kModel = fs::path(ZOO_SOURCE_DIR) / "tests/reference_data/netspresso_parts/inverted_residuals.yaml";

std::vector<float> logits(const Model& model, int64_t size, engine::EngineKind kind) {
  engine::CompileOptions options;
  options.engine = kind;
  options.outputs = {"logits"};
  options.kernels.wanted = "onednn";  // the same in every compilation
  const auto executable = model.compile({1, 3, size, size}, options);
  const auto runner = executable->new_runner();
  const Tensor image = weights::formula_input({1, 3, size, size}, "file");
  std::ranges::copy(image.data, runner->input().begin());
  runner->run();
  return {runner->output(0).begin(), runner->output(0).end()};
}

class WeightsFile : public ::testing::TestWithParam<engine::EngineKind> {
 protected:
  WeightsFile() {
    std::vector<std::pair<std::string, Tensor>> tensors;
    for (const Parameter& parameter : build_graph(load_model_config(kModel)).parameters) {
      const auto expected = weights::expected_tensor(weights::Ecosystem::kNetsPresso, parameter).value();
      tensors.emplace_back(expected.name, weights::formula_tensor(expected.name, expected.shape, {}));
    }
    weights::write_safetensors(file_, tensors);
    // The clock that dates files ticks slower than a test runs.
    fs::last_write_time(file_, fs::last_write_time(file_) - std::chrono::hours(1));
  }

  Model load(weights::FileUse use) const {
    LoadModelOptions options;
    options.checkpoint = file_;
    options.file_use = use;
    return Model::load(kModel, options);
  }

  void overwrite_with_zeros() const {
    const std::string zeros(fs::file_size(file_), '\0');
    const int descriptor = ::open(file_.c_str(), O_WRONLY);
    EXPECT_EQ(::write(descriptor, zeros.data(), zeros.size()), static_cast<ssize_t>(zeros.size()));
    ::close(descriptor);
  }
  void cut() const { fs::resize_file(file_, 64); }

  test::TempFolder folder_;
  fs::path file_ = folder_.path() / "weights.safetensors";
};

TEST_P(WeightsFile, MayChangeWhereTheModelHasACopy) {
  const Model model = load(weights::FileUse::kCopy);
  const std::vector<float> expected = logits(load(weights::FileUse::kCopy), 96, GetParam());
  EXPECT_FALSE(logits(model, 64, GetParam()).empty());
  overwrite_with_zeros();
  EXPECT_EQ(logits(model, 96, GetParam()), expected);
  cut();
  EXPECT_EQ(logits(model, 96, GetParam()), expected);
}

TEST_P(WeightsFile, IsCheckedBeforeEveryCompilationInPlace) {
  const Model model = load(weights::FileUse::kInPlace);
  EXPECT_EQ(logits(model, 64, GetParam()), logits(load(weights::FileUse::kCopy), 64, GetParam()));
  for (const bool cuts : {false, true}) {
    cuts ? cut() : overwrite_with_zeros();
    EXPECT_THAT([&] { logits(model, 96, GetParam()); },
                ::testing::ThrowsMessage<WeightError>(
                    ::testing::StartsWith(file_.string() + ": somebody has written to the file since it was loaded")));
  }
}

TEST_P(WeightsFile, MayBeReplacedInPlace) {
  const Model model = load(weights::FileUse::kInPlace);
  const std::vector<float> expected = logits(model, 96, GetParam());
  weights::write_safetensors(file_, {{"other", Tensor{Shape{1}, {1.0F}}}});
  EXPECT_EQ(logits(model, 96, GetParam()), expected);
}

INSTANTIATE_TEST_SUITE_P(Engines, WeightsFile,
                         ::testing::Values(engine::EngineKind::kOneDnn, engine::EngineKind::kReference),
                         [](const auto& c) { return c.param == engine::EngineKind::kOneDnn ? "fast" : "reference"; });

using WeightsFileInUse = WeightsFile;

TEST_F(WeightsFileInUse, IsCheckedByTheReferenceEngineAtEveryRun) {
  const Model model = load(weights::FileUse::kInPlace);
  engine::CompileOptions options;
  options.engine = engine::EngineKind::kReference;
  const auto runner = model.compile({1, 3, 32, 32}, options)->new_runner();
  runner->run();
  cut();
  EXPECT_THROW(runner->run(), WeightError);
}

}  // namespace
}  // namespace zoo::models
