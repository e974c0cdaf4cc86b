// Every reference record as a bf16 network, against the reference implementation's f32 outputs.
//
// Each of the tens of maps on the way is rounded to 8 significant bits, an error of at most 2^-8 of every value, which
// the layers behind it amplify as they amplify everything else. The limits are those of the two deepest networks
// (mobilenetv2_110d and 120d: 0.9955 and 0.0994 at the last feature); all others stay above 0.999 and below 0.05, and
// logits above 0.9998.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "models/model_config.h"
#include "models/results.h"
#include "nn/engine/executable.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"
#include "tests/golden/reference_records.h"

namespace zoo {
namespace {

using test::ReferenceRecord;

/// Cosine of the angle between result and record, at least.
constexpr double kCosine = 0.995;
/// Largest difference, of the largest value.
constexpr double kLargestError = 0.12;

struct Distance {
  double cosine = 0.0;
  double largest_error = 0.0;  ///< absolute
  double largest_value = 0.0;
};

Distance distance(const std::vector<float>& actual, const std::vector<float>& expected) {
  Distance d;
  double product = 0.0;
  double actual_square = 0.0;
  double expected_square = 0.0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double a = actual[i];
    const double e = expected[i];
    product += a * e;
    actual_square += a * a;
    expected_square += e * e;
    // Not std::max: a NaN must stay.
    if (!(std::abs(a - e) <= d.largest_error)) d.largest_error = std::abs(a - e);
    d.largest_value = std::max(d.largest_value, std::abs(e));
  }
  d.cosine = product / std::sqrt(actual_square * expected_square);
  return d;
}

std::vector<int64_t> to_integers(const weights::StoredTensor& tensor) {
  std::vector<int64_t> values(tensor.data.size() / sizeof(int64_t));
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

/// The largest value and how far it is ahead of the next.
std::pair<size_t, double> winner(const std::vector<float>& values) {
  const auto top = std::ranges::max_element(values);
  double second = -INFINITY;
  for (auto it = values.begin(); it != values.end(); ++it) {
    if (it != top) second = std::max(second, static_cast<double>(*it));
  }
  return {static_cast<size_t>(top - values.begin()), *top - second};
}

class Bf16Parity : public ::testing::TestWithParam<ReferenceRecord> {};

TEST_P(Bf16Parity, HoldsForEveryOutput) {
  const std::string_view reason = engine::why_unavailable(engine::Precision::kBf16);
  if (!reason.empty()) GTEST_SKIP() << reason;
  const ReferenceRecord& record = GetParam();
  const models::ModelConfig config = models::load_model_config(record.config());
  graph::BoundGraph network;
  network.graph = models::build_graph(config);
  network.values = weights::formula_values(network.graph.parameters, record.ecosystem(), {record.seed, record.gain});
  engine::CompileOptions options;
  options.precision = engine::Precision::kBf16;
  // Kernels in software are no use to measure.
  options.kernels.timing = engine::KernelTiming::kKnownOnly;
  const auto executable = engine::Executable::compile(network, record.input_shape, options);
  const auto runner = executable->new_runner();
  const Tensor image = weights::formula_input(record.input_shape, record.seed, record.input_scale);
  std::copy(image.data.begin(), image.data.end(), runner->input().begin());
  runner->run();

  const auto golden = weights::SafetensorsFile::open(record.golden);
  const auto results = models::collect_results(config, *executable, *runner);
  for (const std::string& name : record.outputs) {
    SCOPED_TRACE(name);
    if (name == "anchors") continue;  // of the sizes alone, not of values
    const auto found = std::ranges::find(results, name, &std::pair<std::string, Tensor>::first);
    ASSERT_TRUE(found != results.end());
    std::vector<float> actual = found->second.data;
    if (const weights::StoredTensor* index = golden.find(name + ".index")) {
      actual.clear();
      for (int64_t at : to_integers(*index)) actual.push_back(found->second.data[static_cast<size_t>(at)]);
    }
    const std::vector<float> expected = weights::to_float(*golden.find(name));
    ASSERT_EQ(actual.size(), expected.size());
    const Distance d = distance(actual, expected);
    EXPECT_GE(d.cosine, kCosine);
    EXPECT_LE(d.largest_error, kLargestError * d.largest_value);
    if (name != "logits" || record.task != "classification") continue;
    const auto [first, margin] = winner(expected);
    if (margin > 2 * d.largest_error) {
      EXPECT_EQ(winner(actual).first, first);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(References, Bf16Parity, ::testing::ValuesIn(test::reference_records()),
                         [](const auto& c) { return test::test_name(c.param.id); });

}  // namespace
}  // namespace zoo
