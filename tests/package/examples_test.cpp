// docs/examples, built against the installed package, give what the library's own reference engine gives, and what
// PyTorch gives.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"
#include "pipeline/zoo.h"
#include "tests/package/package_runner.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const fs::path kFolder = ZOO_PACKAGE_FOLDER;
const fs::path kExamples = test::package_prefix() / "share/doc/backbone_zoo/examples";
const std::string kPicture = (test::package_prefix() / "share/backbone_zoo/configs/demo/samples/apple.jpg").string();

void write_formula_checkpoint(const fs::path& file, const models::ModelConfig& config, weights::Ecosystem ecosystem) {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const Parameter& parameter : models::build_graph(config).parameters) {
    const weights::ExpectedTensor tensor = weights::expected_tensor(ecosystem, parameter).value();
    tensors.emplace_back(tensor.name, weights::formula_tensor(tensor.name, tensor.shape, {}));
  }
  weights::write_safetensors(file, tensors);
}

void expect_scores(const std::string& text, const std::vector<std::pair<std::string, double>>& expected) {
  const auto found = test::label_scores(text, expected.size());
  ASSERT_THAT(found, SizeIs(expected.size())) << text;
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(found[i].first, expected[i].first);
    // The engines' logits agree relative to their size, and a probability's logarithm is a difference of two of them.
    const double probability = std::max(expected[i].second, double{std::numeric_limits<float>::min()});
    const double relative = 1e-4 * std::max(1.0, -std::log(probability));
    EXPECT_NEAR(found[i].second, expected[i].second, relative * probability) << found[i].first;
  }
}

TEST(OwnHead, ReadsTheFeaturesOfAnyModelFile) {
  const fs::path folder = test::fresh_folder("own_head");
  const std::string model_file = (test::package_prefix() / "share/backbone_zoo/configs/demo/emoji.yaml").string();
  const fs::path other = fs::path(kPicture).parent_path() / "penguin.jpg";
  const std::string program = (kFolder / "own_head/own_head").string() + " " + model_file + " " + kPicture + " ";
  const test::CommandResult same = test::run_command(folder, program + kPicture + " heat.png");
  ASSERT_EQ(same.exit_code, 0) << same.err;
  EXPECT_THAT(same.out, HasSubstr("stride 8: "));
  EXPECT_THAT(same.out, HasSubstr("likeness 1.0000\n"));
  EXPECT_EQ(pipeline::read_image((folder / "heat.png").string()).size(), pipeline::read_image(kPicture).size());

  // The mean of every channel, by the reference engine.
  Backbone backbone = load_backbone(model_file, {}, {.engine = engine::EngineKind::kReference});
  const auto means = [&](const std::string& file) {
    const Features features = backbone(pipeline::read_image(file));
    const FeatureMap& level = features[features.size() - 1];
    cv::Mat row;
    cv::reduce(level.values.reshape(1, static_cast<int>(level.channels())), row, 1, cv::REDUCE_AVG);
    return row;
  };
  const cv::Mat one = means(kPicture);
  const cv::Mat two = means(other.string());
  const double expected = one.dot(two) / (cv::norm(one) * cv::norm(two));
  EXPECT_LT(expected, 0.9);
  const test::CommandResult different = test::run_command(folder, program + other.string() + " heat.png");
  EXPECT_THAT(different.out, HasSubstr(fmt::format("likeness {:.4f}\n", expected)));
}

TEST(TenLines, GiveWhatTheReferenceEngineGives) {
  const fs::path folder = test::fresh_folder("ten_lines");
  fs::create_directory_symlink(test::package_prefix() / "share/backbone_zoo/configs", folder / "configs");
  fs::copy(kExamples / "ten_lines/my_net.yaml", folder);
  const fs::path model_file = folder / "configs/timm/mobilenetv4_conv_small.yaml";
  const fs::path weights_file = folder / "model.safetensors";
  write_formula_checkpoint(weights_file, models::load_model_config(model_file), weights::Ecosystem::kTimm);
  write_formula_checkpoint(folder / "my_net.safetensors", models::load_backbone_config(folder / "my_net.yaml"),
                           weights::Ecosystem::kOwn);

  const test::CommandResult built_by_cmake =
      test::run_command(folder, (kFolder / "ten_lines/ten_lines").string() + " " + kPicture);
  ASSERT_EQ(built_by_cmake.exit_code, 0) << built_by_cmake.err;
  const test::CommandResult built_by_pkg_config =
      test::run_command(folder, (kFolder / "ten_lines_by_pkg_config").string() + " " + kPicture);
  EXPECT_EQ(built_by_pkg_config.exit_code, 0) << built_by_pkg_config.err;
  EXPECT_EQ(built_by_pkg_config.out, built_by_cmake.out);

  const cv::Mat frame = pipeline::read_image(kPicture);
  Classifier classify(load_model(model_file, {.checkpoint = weights_file}),
                      {.network = {.engine = engine::EngineKind::kReference}});
  std::vector<std::pair<std::string, double>> guesses;
  for (const auto& [label, score] : classify(frame, 5)) guesses.emplace_back(label, score);
  expect_scores(built_by_cmake.out, guesses);

  Backbone backbone = load_backbone(folder / "my_net.yaml", {}, {.engine = engine::EngineKind::kReference});
  std::vector<std::pair<std::string, double>> levels;
  for (const FeatureMap& level : backbone(frame)) {
    levels.emplace_back(
        fmt::format("stride {}: {}, mean of the first channel", level.stride, level.shape().to_string()),
        cv::mean(level.plane(0))[0]);
  }
  ASSERT_THAT(levels, SizeIs(4));
  EXPECT_THAT(levels[3].first, ::testing::StartsWith("stride 32: 1x64x2x2,"));
  size_t features_at = 0;
  for (int line = 0; line < 5; ++line) features_at = built_by_cmake.out.find('\n', features_at) + 1;
  expect_scores(built_by_cmake.out.substr(features_at), levels);
}

TEST(TenLines, SayWhatIsMissing) {
  const fs::path folder = test::fresh_folder("ten_lines_alone");
  const test::CommandResult result =
      test::run_command(folder, (kFolder / "ten_lines/ten_lines").string() + " " + kPicture);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("configs/timm/mobilenetv4_conv_small.yaml: "));
}

/// Runs the plugin on one of its model files with the demo's picture.
test::CommandResult run_plugin(const fs::path& folder, const std::string& model, const std::string& weights) {
  return test::run_command(folder, (kFolder / "plugin/plugin").string() + " " + model + " " + kPicture + " " + weights);
}

TEST(Plugin, GivesWhatPyTorchGives) {
  const fs::path folder = test::fresh_folder("plugin");
  fs::copy(kExamples / "plugin/my_net.yaml", folder);
  const test::CommandResult result = run_plugin(folder, "my_net.yaml", "--random-weights saved.safetensors");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  // tools/plugin_scores.py saved.safetensors configs/demo/samples/apple.jpg, PyTorch 1.13.
  expect_scores(result.out, {{"class 1", 0.55671},
                             {"class 2", 0.335828},
                             {"class 3", 0.0434655},
                             {"class 4", 0.032729},
                             {"class 0", 0.0151953}});
}

TEST(Plugin, LoadsCheckpointsOfItsOwnNames) {
  const fs::path folder = test::fresh_folder("plugin_checkpoint");
  fs::copy(kExamples / "plugin/my_net.yaml", folder);
  const test::CommandResult random = run_plugin(folder, "my_net.yaml", "--random-weights saved.safetensors");
  ASSERT_EQ(random.exit_code, 0) << random.err;

  const auto saved = weights::SafetensorsFile::open(folder / "saved.safetensors");
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const weights::StoredTensor& tensor : saved.tensors()) {
    tensors.emplace_back(tensor.name, Tensor{tensor.shape, weights::to_float(tensor)});
  }
  EXPECT_EQ(run_plugin(folder, "my_net.yaml", "saved.safetensors").out, random.out);

  for (auto& [name, tensor] : tensors) {
    if (name == "head.classifier.bias") tensor.data[7] += 50.0F;
  }
  weights::write_safetensors(folder / "biased.safetensors", tensors);
  const test::CommandResult biased = run_plugin(folder, "my_net.yaml", "biased.safetensors");
  expect_scores(biased.out, {{"class 7", 1.0}});

  tensors.pop_back();
  weights::write_safetensors(folder / "incomplete.safetensors", tensors);
  const test::CommandResult incomplete = run_plugin(folder, "my_net.yaml", "incomplete.safetensors");
  EXPECT_EQ(incomplete.exit_code, 1);
  EXPECT_THAT(incomplete.err, HasSubstr("own names (nearest)"));
  EXPECT_THAT(incomplete.err, HasSubstr("missing (1):\n    " + saved.tensors().back().name));
}

TEST(Plugin, ReportsWhatIsWrongWithItsModelFile) {
  const fs::path folder = test::fresh_folder("plugin_bad_file");
  std::ofstream(folder / "bad.yaml") << "model:\n"
                                        "  task: classification\n"
                                        "  name: bad\n"
                                        "  architecture:\n"
                                        "    backbone:\n"
                                        "      name: residual\n"
                                        "      params: {stem_chanels: 16}\n"
                                        "      stage_params:\n"
                                        "        - {channels: 16, blocks: 1, stride: 4}\n"
                                        "        - {channels: wide, blocks: 1, stride: 2}\n"
                                        "    head: {name: pointwize, params: {channels: 8}}\n";
  const test::CommandResult result = run_plugin(folder, "bad.yaml", "--random-weights");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(
      result.err,
      "bad.yaml:7:16: model.architecture.backbone.params.stem_chanels: unknown key; did you mean \"stem_channels\"?\n"
      "bad.yaml:9:45: model.architecture.backbone.stage_params[0].stride: must be between 1 and 2, found 4\n"
      "bad.yaml:10:22: model.architecture.backbone.stage_params[1].channels: expected a whole number, found \"wide\"\n"
      "bad.yaml:11:18: model.architecture.head.name: unknown head \"pointwize\"; did you mean \"pointwise\"?\n");
}

}  // namespace
}  // namespace zoo
