// Small networks in bf16 and int8 on small pictures: near the reference engine, and the same for every picture of a
// batch and for every number of threads.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "nn/engine/compile/calibrator.h"
#include "nn/engine/executable.h"
#include "nn/weights/synthetic.h"
#include "tests/support/zoo_networks.h"

namespace zoo {
namespace {

using engine::Precision;

constexpr int64_t kPictures = 3;
const Shape kPicture = {1, 3, 64, 96};

/// Rounding of every map on the way to 8 significant bits, or to 256 steps, of formula weights that no training has
/// made robust: cosines of logits and features, at least. A wrong channel, tap or zero point leaves less than half.
constexpr double kBf16Cosine = 0.999;
constexpr double kInt8Cosine = 0.97;

class LowPrecision : public ::testing::TestWithParam<std::tuple<std::string, Precision>> {};

std::vector<std::vector<float>> run(const graph::BoundGraph& network, const Tensor& pictures,
                                    const engine::CompileOptions& options) {
  const auto executable = engine::Executable::compile(network, pictures.shape, options);
  const auto runner = executable->new_runner(options.tuned_threads);
  std::copy(pictures.data.begin(), pictures.data.end(), runner->input().begin());
  runner->run();
  std::vector<std::vector<float>> outputs;
  for (size_t i = 0; i < executable->outputs().size(); ++i) {
    outputs.emplace_back(runner->output(i).begin(), runner->output(i).end());
  }
  return outputs;
}

Tensor picture_of(int64_t index) { return weights::formula_input(kPicture, fmt::format("low {}", index)); }

std::shared_ptr<const engine::Calibration> calibrated(const graph::BoundGraph& network) {
  engine::Calibrator calibrator(network, kPicture);
  for (int64_t i = 0; i < kPictures; ++i) {
    std::ranges::copy(picture_of(i).data, calibrator.input().begin());
    calibrator.observe();
  }
  return std::make_shared<const engine::Calibration>(calibrator.finish(engine::RangeMethod::kMinMax));
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0.0;
  double a_square = 0.0;
  double b_square = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += static_cast<double>(a[i]) * b[i];
    a_square += static_cast<double>(a[i]) * a[i];
    b_square += static_cast<double>(b[i]) * b[i];
  }
  return product / std::sqrt(a_square * b_square);
}

TEST_P(LowPrecision, IsNearTheReferenceAndTheSameForEveryBatchAndThread) {
  const auto& [file, precision] = GetParam();
  if (const auto reason = engine::why_unavailable(precision); !reason.empty()) GTEST_SKIP() << reason;
  const graph::BoundGraph network = test::formula_network(file, "low precision");
  engine::CompileOptions reference;
  reference.engine = engine::EngineKind::kReference;
  engine::CompileOptions low;
  low.precision = precision;
  // Kernels in software are no use to measure.
  low.kernels.timing = engine::KernelTiming::kKnownOnly;
  if (precision == Precision::kInt8) low.calibration = calibrated(network);

  Tensor batch;
  batch.shape = kPicture;
  batch.shape[0] = kPictures;
  std::vector<std::vector<std::vector<float>>> alone;
  for (int64_t i = 0; i < kPictures; ++i) {
    const Tensor picture = picture_of(i);
    alone.push_back(run(network, picture, low));
    batch.data.insert(batch.data.end(), picture.data.begin(), picture.data.end());
  }
  const auto expected = run(network, picture_of(0), reference);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_GE(cosine(alone[0].at(i), expected[i]), precision == Precision::kBf16 ? kBf16Cosine : kInt8Cosine)
        << "output " << i;
  }
  for (const int threads : {1, 2}) {
    low.tuned_threads = threads;
    const auto together = run(network, batch, low);
    for (size_t i = 0; i < together.size(); ++i) {
      for (size_t p = 0; p < static_cast<size_t>(kPictures); ++p) {
        const auto& single = alone[p].at(i);
        ASSERT_TRUE(std::equal(single.begin(), single.end(),
                               together[i].begin() + static_cast<std::ptrdiff_t>(p * single.size())))
            << "output " << i << " of picture " << p << ", " << threads << " threads";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, LowPrecision,
                         ::testing::Combine(::testing::Values("timm/mobilenetv3_small_050.yaml",
                                                              "timm/mobilenetv4_conv_small_035.yaml",
                                                              "timm/mobilenetv1_100.yaml"),
                                            ::testing::Values(Precision::kBf16, Precision::kInt8)),
                         [](const auto& c) {
                           return test::test_name(std::get<0>(c.param)) + "_" +
                                  std::string(engine::to_string(std::get<1>(c.param)));
                         });

}  // namespace
}  // namespace zoo
