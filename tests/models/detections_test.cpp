#include "models/detections.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/model_config.h"
#include "models/results.h"
#include "nn/core/error.h"
#include "nn/weights/synthetic.h"

namespace zoo::models {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

/// The demo's detector, with made-up weights that find something, on the reference engine: a picture yields the same
/// numbers alone and in a batch.
class DetectionReaderTest : public ::testing::Test {
 protected:
  DetectionReaderTest() {
    config_.detection->postprocess.score_thresh = 0.1;
    network_.graph = build_graph(config_);
    network_.values = weights::formula_values(network_.graph.parameters, {"detections", 2.5});
  }

  std::shared_ptr<const engine::Executable> compile(int64_t images, std::vector<std::string> outputs = {}) const {
    return engine::Executable::compile(network_, {images, 3, 40, 56},
                                       {.engine = engine::EngineKind::kReference, .outputs = std::move(outputs)});
  }

  /// A runner that has run on these pictures, made up from names.
  static std::unique_ptr<engine::Runner> run(const engine::Executable& executable,
                                             const std::vector<std::string>& pictures) {
    auto runner = executable.new_runner();
    auto dst = runner->input().begin();
    for (const std::string& picture : pictures) {
      dst = std::ranges::copy(weights::formula_input({1, 3, 40, 56}, picture).data, dst).out;
    }
    runner->run();
    return runner;
  }

  std::vector<std::string> raw_outputs() const {
    std::vector<std::string> names = config_.detection->class_outputs;
    names.insert(names.end(), config_.detection->box_outputs.begin(), config_.detection->box_outputs.end());
    return names;
  }

  std::vector<std::string> names_of_results(const std::vector<std::string>& outputs) const {
    const auto executable = compile(2, outputs);
    std::vector<std::string> names;
    for (const auto& [name, tensor] : collect_results(config_, *executable, *run(*executable, {"a", "b"}))) {
      names.push_back(name);
    }
    return names;
  }

  ModelConfig config_ =
      load_model_config(std::filesystem::path(ZOO_SOURCE_DIR) / "configs/demo/emoji_detection.yaml", {});
  graph::BoundGraph network_;
};

void expect_same(const std::vector<heads::Detection>& found, const std::vector<heads::Detection>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].box, expected[i].box) << i;
    EXPECT_EQ(found[i].score, expected[i].score) << i;
    EXPECT_EQ(found[i].label, expected[i].label) << i;
  }
}

TEST_F(DetectionReaderTest, ReadsEveryPictureOfABatch) {
  const auto batch = compile(2);
  const DetectionReader reader(*config_.detection, batch);
  const auto both = run(*batch, {"a", "b"});
  const auto single = compile(1);
  const DetectionReader single_reader(*config_.detection, single);
  const auto first = single_reader.read(*run(*single, {"a"}), 0);
  const auto second = single_reader.read(*run(*single, {"b"}), 0);
  ASSERT_FALSE(first.empty());
  ASSERT_FALSE(second.empty());
  EXPECT_NE(first[0].score, second[0].score);
  expect_same(reader.read(*both, 0), first);
  expect_same(reader.read(*both, 1), second);
}

TEST_F(DetectionReaderTest, FindsTheMapsWhateverTheOrderOfTheOutputs) {
  const auto all = compile(1);
  const auto expected = DetectionReader(*config_.detection, all).read(*run(*all, {"a"}), 0);
  std::vector<std::string> names = raw_outputs();
  std::ranges::reverse(names);
  names.insert(names.begin() + 1, "feature.0");
  const auto some = compile(1, names);
  expect_same(DetectionReader(*config_.detection, some).read(*run(*some, {"a"}), 0), expected);
}

TEST_F(DetectionReaderTest, WorksOutTheAnchorsOnce) {
  int calls = 0;
  heads::DetectionDecoding decoding = *config_.detection;
  decoding.anchors = [&calls, anchors = config_.detection->anchors](std::span<const graph::Size2d> maps,
                                                                    graph::Size2d input) {
    ++calls;
    return anchors(maps, input);
  };
  const auto executable = compile(2);
  const DetectionReader reader(decoding, executable);
  const auto runner = run(*executable, {"a", "b"});
  for (const int64_t image : {0, 1, 0}) reader.read(*runner, image);
  EXPECT_EQ(calls, 1);
  int64_t rows = 0;
  for (size_t i = 0; i < decoding.class_outputs.size(); ++i) {
    const auto& outputs = executable->outputs();
    const auto map = std::ranges::find(outputs, decoding.class_outputs[i], &engine::IoInfo::name);
    rows += map->shape[2] * map->shape[3] * decoding.anchors_per_position[i];
  }
  EXPECT_EQ(static_cast<int64_t>(reader.anchors().size()), rows);
}

TEST_F(DetectionReaderTest, RefusesWhatCannotBeRead) {
  heads::DetectionDecoding without_anchors = *config_.detection;
  without_anchors.anchors = nullptr;
  EXPECT_THAT([&] { DetectionReader(without_anchors, compile(1)); },
              ThrowsMessage<Error>(HasSubstr("the head has no anchors")));
  std::vector<std::string> names = raw_outputs();
  names.pop_back();
  EXPECT_THAT([&] { DetectionReader(*config_.detection, compile(1, names)); },
              ThrowsMessage<Error>(HasSubstr("the network does not compute \"bbox_regression.3\"")));
}

TEST_F(DetectionReaderTest, ResultsHaveDetectionsWhereAllRawMapsWereComputed) {
  for (const std::vector<std::string>& outputs : {std::vector<std::string>{}, raw_outputs()}) {
    const std::vector<std::string> names = names_of_results(outputs);
    for (const char* name : {"anchors", "det.0.boxes", "det.0.scores", "det.0.labels", "det.1.boxes"}) {
      EXPECT_THAT(names, Contains(name));
    }
    EXPECT_THAT(names, Not(Contains("det.2.boxes")));
  }
  std::vector<std::string> some = raw_outputs();
  some.pop_back();
  EXPECT_THAT(names_of_results(some), Not(Contains(::testing::AnyOf("anchors", ::testing::StartsWith("det.")))));
}

TEST_F(DetectionReaderTest, ResultsHoldWhatItReads) {
  const auto executable = compile(2);
  const auto runner = run(*executable, {"a", "b"});
  const auto found = DetectionReader(*config_.detection, executable).read(*runner, 1);
  const auto results = collect_results(config_, *executable, *runner);
  const auto tensor = [&](const std::string& name) {
    return std::ranges::find(results, name, &std::pair<std::string, Tensor>::first)->second;
  };
  const auto count = static_cast<int64_t>(found.size());
  ASSERT_EQ(tensor("det.1.boxes").shape, (Shape{count, 4}));
  ASSERT_EQ(tensor("det.1.scores").shape, (Shape{count}));
  ASSERT_EQ(tensor("det.1.labels").shape, (Shape{count}));
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(tensor("det.1.boxes").data[4 * i + 2], found[i].box.x1);
    EXPECT_EQ(tensor("det.1.scores").data[i], found[i].score);
    EXPECT_EQ(tensor("det.1.labels").data[i], static_cast<float>(found[i].label));
  }
}

}  // namespace
}  // namespace zoo::models
