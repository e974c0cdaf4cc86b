#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/graph/graph_builder.h"
#include "nn/graph/passes.h"
#include "tests/graph/evaluator.h"

namespace zoo::graph {
namespace {

using ::testing::ElementsAre;
using testing::expect_same_outputs;
using testing::find_node;
using testing::node_names;
using testing::random_tensor;
using testing::with_random_values;

const Shape kInput = {2, 3, 8, 10};

/// Maps of 1/1, 1/2 and 1/4 of the image's size, all with 6 channels.
struct Levels {
  NodeId whole, half, quarter;
};

Levels levels(GraphBuilder& b) {
  const NodeId whole = b.conv(0, "whole", {.out_channels = 6});
  const NodeId half = b.conv(whole, "half", {.out_channels = 5, .kernel = 3, .stride = 2});
  return {whole, half, b.conv(half, "quarter", {.out_channels = 4, .kernel = 3, .stride = 2})};
}

NodeId enlarged(GraphBuilder& b, NodeId src, NodeId like, ResizeMode mode = ResizeMode::kBilinear) {
  return b.resize_like(src, like, "enlarged" + std::to_string(src), mode);
}

NodeId fuse(GraphBuilder& b, NodeId src) { return b.conv(src, "fuse", {.out_channels = 7, .bias = true}); }

int64_t all_macs(const BoundGraph& network) {
  int64_t sum = 0;
  for (const int64_t macs : multiply_accumulates(network.graph, infer_shapes(network.graph, kInput))) sum += macs;
  return sum;
}

struct SplitCase {
  std::string name;
  void (*build)(GraphBuilder&);
  std::vector<std::string> nodes;  ///< afterwards
};

std::string name_of_case(const ::testing::TestParamInfo<SplitCase>& info) { return info.param.name; }

class ConvolveBeforeResize : public ::testing::TestWithParam<SplitCase> {
 protected:
  static BoundGraph network() {
    GraphBuilder b(3);
    GetParam().build(b);
    return with_random_values(b.take(), 1);
  }
};

TEST_P(ConvolveBeforeResize, KeepsTheResultForLess) {
  const BoundGraph before = network();
  const BoundGraph after = convolve_before_resize(before, kInput);
  EXPECT_EQ(node_names(after.graph), GetParam().nodes);
  expect_same_outputs(before, after, random_tensor(kInput, 2), 1e-6);
  EXPECT_LT(all_macs(after), all_macs(before));

  const BoundGraph twice = convolve_before_resize(after, kInput);
  EXPECT_EQ(node_names(twice.graph), node_names(after.graph));
}

INSTANTIATE_TEST_SUITE_P(
    Found, ConvolveBeforeResize,
    ::testing::Values(
        SplitCase{"TwoLevels",
                  [](GraphBuilder& b) {
                    const Levels l = levels(b);
                    b.output("out", fuse(b, b.concat({l.whole, enlarged(b, l.half, l.whole)}, "join")));
                  },
                  {"input", "whole", "half", "quarter", "fuse.part6", "enlarged2", "fuse.part0", "fuse"}},
        SplitCase{"ThreeLevelsTheLargestInTheMiddle",
                  [](GraphBuilder& b) {
                    const Levels l = levels(b);
                    b.output("out", fuse(b, b.concat({enlarged(b, l.quarter, l.whole), l.whole,
                                                      enlarged(b, l.half, l.whole, ResizeMode::kNearest)},
                                                     "join")));
                  },
                  {"input", "whole", "half", "quarter", "fuse.part0", "enlarged3", "fuse.part10", "enlarged2",
                   "fuse.sum10", "fuse.part4", "fuse"}},
        SplitCase{"SeveralOfTheSameSize",
                  [](GraphBuilder& b) {
                    const Levels l = levels(b);
                    const NodeId other = b.conv(l.whole, "other", {.out_channels = 3});
                    b.output("out", fuse(b, b.concat({l.whole, enlarged(b, l.quarter, l.whole), other}, "join")));
                  },
                  {"input", "whole", "half", "quarter", "other", "fuse.part6", "enlarged3", "join.rest", "fuse.part0",
                   "fuse"}}),
    name_of_case);

class ConvolveBeforeResizeNot : public ConvolveBeforeResize {};

TEST_P(ConvolveBeforeResizeNot, LeavesTheGraphAlone) {
  const BoundGraph before = network();
  const BoundGraph after = convolve_before_resize(before, kInput);
  EXPECT_EQ(node_names(after.graph), node_names(before.graph));
  EXPECT_EQ(after.graph.parameters.size(), before.graph.parameters.size());
}

INSTANTIATE_TEST_SUITE_P(
    NotFound, ConvolveBeforeResizeNot,
    ::testing::Values(SplitCase{"JoinIsAnOutput",
                                [](GraphBuilder& b) {
                                  const Levels l = levels(b);
                                  const NodeId join = b.concat({l.whole, enlarged(b, l.half, l.whole)}, "join");
                                  b.output("join", join);
                                  b.output("out", fuse(b, join));
                                },
                                {}},
                      SplitCase{"EnlargedHasAnotherReader",
                                [](GraphBuilder& b) {
                                  const Levels l = levels(b);
                                  const NodeId large = enlarged(b, l.half, l.whole);
                                  b.output("large", large);
                                  b.output("out", fuse(b, b.concat({l.whole, large}, "join")));
                                },
                                {}},
                      SplitCase{"KernelOfThree",
                                [](GraphBuilder& b) {
                                  const Levels l = levels(b);
                                  b.output("out", b.conv(b.concat({l.whole, enlarged(b, l.half, l.whole)}, "join"),
                                                         "fuse", {.out_channels = 7, .kernel = 3}));
                                },
                                {}},
                      SplitCase{"MadeSmaller",
                                [](GraphBuilder& b) {
                                  const Levels l = levels(b);
                                  b.output("out", fuse(b, b.concat({l.half, enlarged(b, l.whole, l.half)}, "join")));
                                },
                                {}},
                      SplitCase{"OnlyEnlargedOnes",
                                [](GraphBuilder& b) {
                                  const Levels l = levels(b);
                                  b.output(
                                      "out",
                                      fuse(b, b.concat({enlarged(b, l.half, l.whole), enlarged(b, l.quarter, l.whole)},
                                                       "join")));
                                },
                                {}}),
    name_of_case);

TEST(ConvolveBeforeResize, LeavesTheValuesOfTheSplitWeightBehind) {
  GraphBuilder b(3);
  const Levels l = levels(b);
  b.output("out", fuse(b, b.concat({l.whole, enlarged(b, l.half, l.whole)}, "join")));
  const BoundGraph before = with_random_values(b.take(), 1);
  const auto whole = static_cast<size_t>(std::get<Conv2d>(find_node(before.graph, "fuse").op).weight);
  const BoundGraph after = convolve_before_resize(before, kInput);
  EXPECT_FALSE(before.values.views[whole].empty());
  EXPECT_TRUE(after.values.views[whole].empty());
}

TEST(Optimise, TakesTheSumOfEnlargedSharesAsAResidual) {
  GraphBuilder b(3);
  const Levels l = levels(b);
  const NodeId join = b.concat({l.whole, enlarged(b, l.half, l.whole), enlarged(b, l.quarter, l.whole)}, "join");
  b.output("out", b.activation(b.batch_norm(fuse(b, join), "norm", 1e-5), "act", ActivationKind::kRelu));
  const BoundGraph network = with_random_values(b.take(), 1);
  const BoundGraph optimised = optimise(network, kInput);
  EXPECT_THAT(node_names(optimised.graph), ElementsAre("input", "whole", "half", "quarter", "fuse.part6", "enlarged2",
                                                       "fuse.part11", "enlarged3", "fuse.sum11", "fuse.part0"));
  expect_same_outputs(network, optimised, random_tensor(kInput, 2), 1e-6);
}

}  // namespace
}  // namespace zoo::graph
