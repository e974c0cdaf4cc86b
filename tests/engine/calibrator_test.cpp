#include "nn/engine/compile/calibrator.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

constexpr int64_t kSide = 8;

/// stem (conv, norm, hard_swish) -> project (conv, norm) + stem -> pool -> logits.
graph::BoundGraph small_network(const std::string& logits = "logits") {
  graph::GraphBuilder builder(3);
  graph::NodeId stem = builder.conv(builder.input(), "stem.conv", {.out_channels = 8, .kernel = 3});
  stem = builder.batch_norm(stem, "stem.norm", 1e-3);
  stem = builder.activation(stem, "stem.act", ActivationKind::kHardSwish);
  const graph::NodeId conv = builder.conv(stem, "project.conv", {.out_channels = 8});
  const graph::NodeId sum = builder.add(builder.batch_norm(conv, "project.norm", 1e-3), stem, "sum");
  builder.output("feature.0", sum);
  const graph::NodeId flat = builder.flatten(builder.global_avg_pool(sum, "pool"), "flat");
  builder.output(logits, builder.linear(flat, logits, 4, true));
  return bind_formula(builder.take());
}

Calibration calibrate(const graph::BoundGraph& network, int images = 2) {
  Calibrator calibrator(network, {1, 3, kSide, kSide});
  for (int i = 0; i < images; ++i) {
    const Tensor image = weights::formula_input({1, 3, kSide, kSide}, std::to_string(i));
    std::ranges::copy(image.data, calibrator.input().begin());
    calibrator.observe();
  }
  return calibrator.finish(RangeMethod::kMinMax);
}

std::vector<std::string> names(const Calibration& calibration) {
  std::vector<std::string> result;
  for (const ValueRange& range : calibration.ranges) result.push_back(range.value);
  return result;
}

TEST(Calibrator, NamesValuesAsTheyAreCalledInTheNetworkAsBuilt) {
  // The convolutions have taken in their norms and yield what those yielded.
  EXPECT_THAT(names(calibrate(small_network())),
              ::testing::ElementsAre("stem.norm", "stem.act", "project.norm", "sum", "pool", "flat", "logits"));
}

TEST(Calibrator, RangesAreThoseOfTheValues) {
  const graph::BoundGraph network = small_network();
  const Calibration calibration = calibrate(network, 1);
  const auto outputs = run_network(network, {1, 3, kSide, kSide}, {.outputs = {"feature.0"}});
  // run_network's image has another seed; calibrate on it.
  Calibrator calibrator(network, {1, 3, kSide, kSide});
  const Tensor image = weights::formula_input({1, 3, kSide, kSide}, "test");
  std::ranges::copy(image.data, calibrator.input().begin());
  calibrator.observe();
  const Calibration same = calibrator.finish(RangeMethod::kMinMax);
  const auto [low, high] = std::ranges::minmax(outputs[0]);
  EXPECT_FLOAT_EQ(same.ranges[3].low, std::min(0.0F, low));
  EXPECT_FLOAT_EQ(same.ranges[3].high, std::max(0.0F, high));
  const auto red = std::span(image.data).first(kSide * kSide);
  EXPECT_EQ(same.input_low[0], std::min(0.0F, *std::ranges::min_element(red)));
  EXPECT_EQ(same.input_high.size(), 3U);
  EXPECT_EQ(same.fingerprint, calibration.fingerprint);
}

TEST(Calibrator, MoreImagesWidenTheRanges) {
  const graph::BoundGraph network = small_network();
  const Calibration one = calibrate(network, 1);
  const Calibration many = calibrate(network, 6);
  for (size_t i = 0; i < one.ranges.size(); ++i) {
    EXPECT_LE(many.ranges[i].low, one.ranges[i].low);
    EXPECT_GE(many.ranges[i].high, one.ranges[i].high);
  }
}

TEST(Calibrator, NamesAValueThatIsNoNumber) {
  Calibrator calibrator(small_network(), {1, 3, kSide, kSide});
  std::ranges::fill(calibrator.input(), std::numeric_limits<float>::infinity());
  calibrator.observe();
  try {
    calibrator.finish(RangeMethod::kMinMax);
    FAIL() << "expected EngineError";
  } catch (const EngineError& error) {
    EXPECT_STREQ(error.what(), "value \"stem.norm\": not a finite number for one of the images");
  }
}

TEST(Fingerprint, ChangesWithStructureNamesAndWeights) {
  const graph::BoundGraph network = small_network();
  const std::string print = fingerprint(network);
  EXPECT_EQ(print.size(), 16U);
  EXPECT_EQ(print, fingerprint(small_network()));
  EXPECT_NE(print, fingerprint(small_network("scores")));

  graph::BoundGraph other = network;
  std::vector<float> changed(other.values.views[0].begin(), other.values.views[0].end());
  changed.back() += 1e-3F;
  other.values.views[0] = changed;
  EXPECT_NE(print, fingerprint(other));
}

/// One operation of every kind that there is.
graph::Graph every_operation() {
  graph::GraphBuilder b(3);
  graph::NodeId x = b.conv(b.input(), "conv", {.out_channels = 8, .kernel = 3, .bias = true});
  x = b.activation(b.batch_norm(x, "norm", 1e-3), "act", ActivationKind::kRelu);
  b.output("y", x);
  graph::Graph graph = b.take();
  const auto add = [&](const graph::Op& op, std::vector<graph::NodeId> inputs) {
    graph.nodes.push_back({.name = std::string(graph::op_name(op)), .op = op, .inputs = std::move(inputs)});
  };
  const auto last = static_cast<graph::NodeId>(graph.nodes.size() - 1);
  add(graph::InstanceNorm{8, 1e-5}, {last});
  add(graph::Add{}, {last, last});
  add(graph::Mul{}, {last, last});
  add(graph::GlobalAvgPool{}, {last});
  add(graph::Flatten{}, {last});
  add(graph::Linear{8, 4, 0, graph::kNone, {}}, {last});
  add(graph::SqueezeExcite{.channels = 8, .squeezed = 2}, {last});
  add(graph::ScaleChannels{8, 1}, {last});
  add(graph::AvgPool2d{{2, 2}, {2, 2}, {0, 0}, true}, {last});
  add(graph::MaxPool2d{{2, 2}, {2, 2}, {0, 0}}, {last});
  add(graph::BlurPool2d{8, {2, 2}}, {last});
  add(graph::Resize{graph::ResizeMode::kNearest}, {last, last});
  add(graph::Concat{}, {last, last});
  add(graph::SliceChannels{8, 0, 4}, {last});
  add(graph::ShuffleChannels{8, 2}, {last});
  add(graph::MultiQueryAttention{2, 4, 4}, {last, last, last});
  return graph;
}

/// Every change of one field of `op`, as a copy each.
class Changes {
 public:
  explicit Changes(std::vector<graph::Op>& changed) : changed_(changed) {}

  void operator()(const graph::Input& op) { number(op, &graph::Input::channels); }
  void operator()(const graph::Conv2d& op) {
    using Op = graph::Conv2d;
    number(op, &Op::in_channels, &Op::out_channels, &Op::groups, &Op::weight, &Op::bias);
    size(op, &Op::kernel, &Op::stride, &Op::pad, &Op::dilation);
    change(op, [](Op& o) { o.padding = graph::PaddingMode::kSame; });
    function(op, &Op::activation);
  }
  void operator()(const graph::BatchNorm& op) {
    using Op = graph::BatchNorm;
    number(op, &Op::channels, &Op::eps, &Op::weight, &Op::bias, &Op::mean, &Op::var);
  }
  void operator()(const graph::InstanceNorm& op) {
    number(op, &graph::InstanceNorm::channels, &graph::InstanceNorm::eps);
  }
  void operator()(const graph::Activation& op) { function(op, &graph::Activation::function); }
  void operator()(const graph::Linear& op) {
    using Op = graph::Linear;
    number(op, &Op::in_features, &Op::out_features, &Op::weight, &Op::bias);
    function(op, &Op::activation);
  }
  void operator()(const graph::SqueezeExcite& op) {
    using Op = graph::SqueezeExcite;
    number(op, &Op::channels, &Op::squeezed, &Op::reduce_weight, &Op::reduce_bias, &Op::expand_weight,
           &Op::expand_bias);
    function(op, &Op::inner);
    function(op, &Op::gate);
  }
  void operator()(const graph::ScaleChannels& op) {
    number(op, &graph::ScaleChannels::channels, &graph::ScaleChannels::weight);
  }
  void operator()(const graph::AvgPool2d& op) {
    using Op = graph::AvgPool2d;
    size(op, &Op::kernel, &Op::stride, &Op::pad);
    change(op, [](Op& o) { o.count_include_pad = false; });
  }
  void operator()(const graph::MaxPool2d& op) {
    size(op, &graph::MaxPool2d::kernel, &graph::MaxPool2d::stride, &graph::MaxPool2d::pad);
  }
  void operator()(const graph::BlurPool2d& op) {
    number(op, &graph::BlurPool2d::channels);
    size(op, &graph::BlurPool2d::stride);
  }
  void operator()(const graph::Resize& op) {
    change(op, [](graph::Resize& o) { o.mode = graph::ResizeMode::kBilinear; });
  }
  void operator()(const graph::SliceChannels& op) {
    using Op = graph::SliceChannels;
    number(op, &Op::in_channels, &Op::begin, &Op::channels);
  }
  void operator()(const graph::ShuffleChannels& op) {
    number(op, &graph::ShuffleChannels::channels, &graph::ShuffleChannels::groups);
  }
  void operator()(const graph::MultiQueryAttention& op) {
    using Op = graph::MultiQueryAttention;
    number(op, &Op::heads, &Op::key_dim, &Op::value_dim);
  }
  void operator()(const graph::Add& /*op*/) {}
  void operator()(const graph::Mul& /*op*/) {}
  void operator()(const graph::GlobalAvgPool& /*op*/) {}
  void operator()(const graph::Flatten& /*op*/) {}
  void operator()(const graph::Concat& /*op*/) {}

 private:
  template <typename Op, typename Change>
  void change(Op op, Change apply) {
    apply(op);
    changed_.push_back(op);
  }
  template <typename Op, typename... Field>
  void number(const Op& op, Field... fields) {
    (change(op, [&](Op& o) { o.*fields += 1; }), ...);
  }
  template <typename Op, typename... Field>
  void size(const Op& op, Field... fields) {
    (change(op, [&](Op& o) { (o.*fields).h += 1; }), ...);
    (change(op, [&](Op& o) { (o.*fields).w += 1; }), ...);
  }
  template <typename Op>
  void function(const Op& op, graph::FusedActivation Op::*field) {
    change(op, [&](Op& o) { (o.*field).kind = ActivationKind::kSilu; });
    change(op, [&](Op& o) { (o.*field).slope += 1; });
  }

  std::vector<graph::Op>& changed_;
};

TEST(Fingerprint, ChangesWithEveryAttributeOfEveryOperation) {
  const graph::BoundGraph network = {every_operation(), {}};
  std::set<size_t> kinds;
  std::set<std::string> prints = {fingerprint(network)};
  size_t changes = 0;
  for (size_t node = 0; node < network.graph.nodes.size(); ++node) {
    kinds.insert(network.graph.nodes[node].op.index());
    std::vector<graph::Op> changed;
    std::visit(Changes(changed), network.graph.nodes[node].op);
    for (const graph::Op& op : changed) {
      graph::BoundGraph other = network;
      other.graph.nodes[node].op = op;
      EXPECT_TRUE(prints.insert(fingerprint(other)).second) << network.graph.nodes[node].name << ", change " << changes;
      ++changes;
    }
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<graph::Op>);
  EXPECT_GT(changes, 60U);
}

}  // namespace
}  // namespace zoo::engine
