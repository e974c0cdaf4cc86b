// The final detections of the reference records, from the model file to the boxes.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models/detections.h"
#include "models/model_config.h"
#include "nn/engine/executable.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"
#include "tests/golden/reference_records.h"

namespace zoo {
namespace {

using heads::Detection;
using test::ReferenceRecord;

std::vector<ReferenceRecord> detectors() {
  std::vector<ReferenceRecord> records = test::reference_records();
  std::erase_if(records, [](const ReferenceRecord& record) {
    return weights::SafetensorsFile::open(record.golden).find("det.0.boxes") == nullptr;
  });
  return records;
}

std::vector<Detection> expected_of(const ReferenceRecord& record) {
  const auto golden = weights::SafetensorsFile::open(record.golden);
  const std::vector<float> boxes = weights::to_float(*golden.find("det.0.boxes"));
  const std::vector<float> scores = weights::to_float(*golden.find("det.0.scores"));
  const weights::StoredTensor& stored = *golden.find("det.0.labels");
  std::vector<int64_t> labels(stored.data.size() / sizeof(int64_t));
  std::memcpy(labels.data(), stored.data.data(), stored.data.size());
  std::vector<Detection> expected;
  for (size_t i = 0; i < labels.size(); ++i) {
    const float* box = boxes.data() + 4 * i;
    expected.push_back({{box[0], box[1], box[2], box[3]}, scores[i], labels[i]});
  }
  return expected;
}

bool same(const Detection& a, const Detection& b) {
  constexpr float kPixels = 0.05F;
  return a.label == b.label && std::abs(a.score - b.score) <= 1e-4F && std::abs(a.box.x0 - b.box.x0) <= kPixels &&
         std::abs(a.box.y0 - b.box.y0) <= kPixels && std::abs(a.box.x1 - b.box.x1) <= kPixels &&
         std::abs(a.box.y1 - b.box.y1) <= kPixels;
}

class DetectionParity : public ::testing::TestWithParam<ReferenceRecord> {};

TEST_P(DetectionParity, HoldsAsSets) {
  const ReferenceRecord& record = GetParam();
  const models::ModelConfig config = models::load_model_config(record.config());
  ASSERT_TRUE(config.detection);
  graph::BoundGraph network;
  network.graph = models::build_graph(config);
  network.values = weights::formula_values(network.graph.parameters, record.ecosystem(), {record.seed, record.gain});
  const auto executable = engine::Executable::compile(network, record.input_shape, {});
  const auto runner = executable->new_runner();
  const Tensor image = weights::formula_input(record.input_shape, record.seed, record.input_scale);
  std::ranges::copy(image.data, runner->input().begin());
  runner->run();
  std::vector<Detection> found = models::DetectionReader(*config.detection, executable).read(*runner, 0);

  const std::vector<Detection> expected = expected_of(record);
  EXPECT_EQ(found.size(), expected.size());
  for (const Detection& wanted : expected) {
    const auto match = std::ranges::find_if(found, [&](const Detection& candidate) { return same(candidate, wanted); });
    if (match == found.end()) {
      ADD_FAILURE() << "missing: label " << wanted.label << ", score " << wanted.score << ", box " << wanted.box.x0
                    << ' ' << wanted.box.y0 << ' ' << wanted.box.x1 << ' ' << wanted.box.y1;
    } else {
      found.erase(match);
    }
  }
  for (const Detection& left : found) {
    ADD_FAILURE() << "too much: label " << left.label << ", score " << left.score << ", box " << left.box.x0 << ' '
                  << left.box.y0 << ' ' << left.box.x1 << ' ' << left.box.y1;
  }
}

INSTANTIATE_TEST_SUITE_P(References, DetectionParity, ::testing::ValuesIn(detectors()),
                         [](const auto& c) { return test::test_name(c.param.id); });

}  // namespace
}  // namespace zoo
