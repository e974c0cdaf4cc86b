#include "tests/graph/evaluator.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <stdexcept>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace zoo::graph::testing {
namespace {

struct Value {
  Shape shape;
  std::vector<double> data;

  double& at(int64_t n, int64_t c, int64_t h, int64_t w) {
    return data[static_cast<size_t>(((n * shape[1] + c) * shape[2] + h) * shape[3] + w)];
  }
  double at(int64_t n, int64_t c, int64_t h, int64_t w) const {
    return data[static_cast<size_t>(((n * shape[1] + c) * shape[2] + h) * shape[3] + w)];
  }
};

class Evaluator {
 public:
  Evaluator(const BoundGraph& network, const Tensor& input)
      : network_(network), input_(input), shapes_(infer_shapes(network.graph, input.shape)) {}

  std::vector<std::vector<double>> run() {
    for (size_t id = 0; id < network_.graph.nodes.size(); ++id) {
      node_ = &network_.graph.nodes[id];
      dst_.shape = shapes_[id];
      dst_.data.assign(static_cast<size_t>(shapes_[id].elements()), 0.0);
      std::visit(*this, node_->op);
      values_.push_back(dst_);
    }
    std::vector<std::vector<double>> outputs;
    for (const Output& output : network_.graph.outputs) {
      outputs.push_back(values_[static_cast<size_t>(output.node)].data);
    }
    return outputs;
  }

  void operator()(const Input&) { dst_.data.assign(input_.data.begin(), input_.data.end()); }

  void operator()(const Conv2d& conv) {
    const Value& src = source(0);
    const ResolvedPadding pad = resolve_padding(conv, {src.shape[2], src.shape[3]});
    const int64_t inputs = conv.in_channels / conv.groups;
    const int64_t outputs = conv.out_channels / conv.groups;
    for_each([&](int64_t n, int64_t o, int64_t y, int64_t x) {
      double sum = conv.bias == kNone ? 0.0 : parameter(conv.bias, o);
      for (int64_t i = 0; i < inputs; ++i) {
        for (int64_t ky = 0; ky < conv.kernel.h; ++ky) {
          for (int64_t kx = 0; kx < conv.kernel.w; ++kx) {
            const int64_t h = y * conv.stride.h + ky * conv.dilation.h - pad.begin.h;
            const int64_t w = x * conv.stride.w + kx * conv.dilation.w - pad.begin.w;
            if (h < 0 || w < 0 || h >= src.shape[2] || w >= src.shape[3]) continue;
            sum += src.at(n, o / outputs * inputs + i, h, w) *
                   parameter(conv.weight, ((o * inputs + i) * conv.kernel.h + ky) * conv.kernel.w + kx);
          }
        }
      }
      if (node_->inputs.size() == 2) sum += source(1).at(n, o, y, x);
      dst_.at(n, o, y, x) = apply(conv.activation, sum);
    });
  }

  void operator()(const BatchNorm& norm) {
    dst_.data = source(0).data;
    const size_t map = dst_.data.size() / static_cast<size_t>(dst_.shape[0] * dst_.shape[1]);
    for (size_t i = 0; i < dst_.data.size(); ++i) {
      const auto c = static_cast<int64_t>(i / map) % norm.channels;
      dst_.data[i] = (dst_.data[i] - parameter(norm.mean, c)) / std::sqrt(parameter(norm.var, c) + norm.eps) *
                         parameter(norm.weight, c) +
                     parameter(norm.bias, c);
    }
  }

  void operator()(const ScaleChannels& scale) {
    for_each([&](int64_t n, int64_t c, int64_t y, int64_t x) {
      dst_.at(n, c, y, x) = source(0).at(n, c, y, x) * parameter(scale.weight, c);
    });
  }

  void operator()(const BlurPool2d& blur) {
    const Value& src = source(0);
    for_each([&](int64_t n, int64_t c, int64_t y, int64_t x) {
      for (int64_t tap = 0; tap < 9; ++tap) {
        const int64_t h = y * blur.stride.h + tap / 3 - 1;
        const int64_t w = x * blur.stride.w + tap % 3 - 1;
        if (h < 0 || w < 0 || h >= src.shape[2] || w >= src.shape[3]) continue;
        dst_.at(n, c, y, x) += src.at(n, c, h, w) * (tap / 3 == 1 ? 2 : 1) * (tap % 3 == 1 ? 2 : 1) / 16.0;
      }
    });
  }

  void operator()(const Concat&) {
    for_each([&](int64_t n, int64_t c, int64_t y, int64_t x) {
      size_t i = 0;
      int64_t inside = c;
      for (; inside >= source(i).shape[1]; ++i) inside -= source(i).shape[1];
      dst_.at(n, c, y, x) = source(i).at(n, inside, y, x);
    });
  }

  void operator()(const Resize& resize) {
    const Value& src = source(0);
    const std::vector<ResizeTap> rows = resize_taps(resize.mode, src.shape[2], dst_.shape[2]);
    const std::vector<ResizeTap> columns = resize_taps(resize.mode, src.shape[3], dst_.shape[3]);
    for_each([&](int64_t n, int64_t c, int64_t y, int64_t x) {
      const ResizeTap& row = rows[static_cast<size_t>(y)];
      const ResizeTap& column = columns[static_cast<size_t>(x)];
      const auto along = [&](int64_t h) {
        return (1.0 - column.weight) * src.at(n, c, h, column.first) + column.weight * src.at(n, c, h, column.second);
      };
      dst_.at(n, c, y, x) = (1.0 - row.weight) * along(row.first) + row.weight * along(row.second);
    });
  }

  void operator()(const MaxPool2d&) { throw std::logic_error("no pass rewrites MaxPool2d"); }
  void operator()(const AvgPool2d&) { throw std::logic_error("no pass rewrites AvgPool2d"); }
  void operator()(const MultiQueryAttention&) { throw std::logic_error("no pass rewrites MultiQueryAttention"); }
  void operator()(const InstanceNorm&) { throw std::logic_error("no pass rewrites InstanceNorm"); }

  void operator()(const Activation& activation) {
    dst_.data = source(0).data;
    for (double& value : dst_.data) value = apply(activation.function, value);
  }

  void operator()(const Add&) {
    for (size_t i = 0; i < dst_.data.size(); ++i) dst_.data[i] = source(0).data[i] + source(1).data[i];
  }

  void operator()(const Mul&) {
    for_each([&](int64_t n, int64_t c, int64_t y, int64_t x) {
      dst_.at(n, c, y, x) = source(0).at(n, c, y, x) * source(1).at(n, c, 0, 0);
    });
  }

  void operator()(const SliceChannels& slice) {
    for_each([&](int64_t n, int64_t c, int64_t y, int64_t x) {
      dst_.at(n, c, y, x) = source(0).at(n, slice.begin + c, y, x);
    });
  }

  void operator()(const ShuffleChannels& shuffle) {
    const int64_t in_group = shuffle.channels / shuffle.groups;
    for_each([&](int64_t n, int64_t c, int64_t y, int64_t x) {
      dst_.at(n, c % in_group * shuffle.groups + c / in_group, y, x) = source(0).at(n, c, y, x);
    });
  }

  void operator()(const GlobalAvgPool&) {
    for_each([&](int64_t n, int64_t c, int64_t, int64_t) { dst_.at(n, c, 0, 0) = mean(n, c); });
  }

  void operator()(const Flatten&) { dst_.data = source(0).data; }

  void operator()(const Linear& linear) {
    for (int64_t n = 0; n < dst_.shape[0]; ++n) {
      for (int64_t o = 0; o < linear.out_features; ++o) {
        double sum = linear.bias == kNone ? 0.0 : parameter(linear.bias, o);
        for (int64_t i = 0; i < linear.in_features; ++i) {
          sum += source(0).data[static_cast<size_t>(n * linear.in_features + i)] *
                 parameter(linear.weight, o * linear.in_features + i);
        }
        dst_.data[static_cast<size_t>(n * linear.out_features + o)] = apply(linear.activation, sum);
      }
    }
  }

  void operator()(const SqueezeExcite& se) {
    for (int64_t n = 0; n < dst_.shape[0]; ++n) {
      std::vector<double> pooled;
      for (int64_t c = 0; c < se.channels; ++c) pooled.push_back(mean(n, c));
      const auto squeezed = layer(pooled, se.squeezed, se.reduce_weight, se.reduce_bias, se.inner);
      const auto gate = layer(squeezed, se.channels, se.expand_weight, se.expand_bias, se.gate);
      for (int64_t c = 0; c < se.channels; ++c) {
        for (int64_t y = 0; y < dst_.shape[2]; ++y) {
          for (int64_t x = 0; x < dst_.shape[3]; ++x) {
            dst_.at(n, c, y, x) = source(0).at(n, c, y, x) * gate[static_cast<size_t>(c)];
          }
        }
      }
    }
  }

 private:
  const Value& source(size_t index) const { return values_[static_cast<size_t>(node_->inputs[index])]; }

  double parameter(ParameterId id, int64_t element) const {
    return network_.values.views[static_cast<size_t>(id)][static_cast<size_t>(element)];
  }

  double mean(int64_t n, int64_t c) const {
    const Value& src = source(0);
    double sum = 0;
    for (int64_t y = 0; y < src.shape[2]; ++y) {
      for (int64_t x = 0; x < src.shape[3]; ++x) sum += src.at(n, c, y, x);
    }
    return sum / static_cast<double>(src.shape[2] * src.shape[3]);
  }

  std::vector<double> layer(const std::vector<double>& src, int64_t outputs, ParameterId weight, ParameterId bias,
                            const FusedActivation& function) const {
    std::vector<double> dst;
    for (int64_t o = 0; o < outputs; ++o) {
      double sum = bias == kNone ? 0.0 : parameter(bias, o);
      for (size_t i = 0; i < src.size(); ++i) {
        sum += src[i] * parameter(weight, o * static_cast<int64_t>(src.size()) + static_cast<int64_t>(i));
      }
      dst.push_back(apply(function, sum));
    }
    return dst;
  }

  double apply(const FusedActivation& function, double x) const {
    switch (function.kind) {
      case ActivationKind::kIdentity:
        return x;
      case ActivationKind::kRelu:
        return std::max(x, 0.0);
      case ActivationKind::kPrelu:
        return x > 0 ? x : parameter(function.slope, 0) * x;
      case ActivationKind::kHardSwish:
        return x * std::clamp(x + 3, 0.0, 6.0) / 6;
      case ActivationKind::kHardSigmoid:
        return std::clamp(x + 3, 0.0, 6.0) / 6;
      default:
        throw std::logic_error(fmt::format("no pass test uses {}", to_string(function.kind)));
    }
  }

  template <typename Function>
  void for_each(const Function& function) {
    for (int64_t n = 0; n < dst_.shape[0]; ++n) {
      for (int64_t c = 0; c < dst_.shape[1]; ++c) {
        for (int64_t y = 0; y < dst_.shape[2]; ++y) {
          for (int64_t x = 0; x < dst_.shape[3]; ++x) function(n, c, y, x);
        }
      }
    }
  }

  const BoundGraph& network_;
  const Tensor& input_;
  std::vector<Shape> shapes_;
  std::vector<Value> values_;
  const Node* node_ = nullptr;
  Value dst_;
};

std::vector<float> uniform(size_t count, float low, float high, std::mt19937& generator) {
  std::uniform_real_distribution<float> distribution(low, high);
  std::vector<float> values(count);
  for (float& value : values) value = distribution(generator);
  return values;
}

}  // namespace

BoundGraph with_random_values(Graph graph, uint32_t seed) {
  BoundGraph network{std::move(graph), {}};
  std::mt19937 generator(seed);
  for (const Parameter& parameter : network.graph.parameters) {
    const bool statistics = parameter.role.field == Field::kRunningMean || parameter.role.field == Field::kRunningVar;
    const std::vector<float> values = uniform(static_cast<size_t>(parameter.shape.elements()),
                                              statistics ? 0.5F : -1.0F, statistics ? 1.5F : 1.0F, generator);
    const auto owner = std::make_shared<const OwnedValues>(ValueVector(values.begin(), values.end()));
    network.values.views.emplace_back(owner->values);
    network.values.owners.push_back(owner);
  }
  return network;
}

Tensor random_tensor(const Shape& shape, uint32_t seed) {
  std::mt19937 generator(seed);
  return {shape, uniform(static_cast<size_t>(shape.elements()), -1.0F, 1.0F, generator)};
}

std::vector<std::vector<double>> evaluate(const BoundGraph& network, const Tensor& input) {
  return Evaluator(network, input).run();
}

void expect_same_outputs(const BoundGraph& expected, const BoundGraph& actual, const Tensor& input, double tolerance) {
  const auto want = evaluate(expected, input);
  const auto got = evaluate(actual, input);
  ASSERT_EQ(want.size(), got.size());
  for (size_t output = 0; output < want.size(); ++output) {
    ASSERT_EQ(want[output].size(), got[output].size());
    double largest = 0;
    for (const double value : want[output]) largest = std::max(largest, std::abs(value));
    ASSERT_GT(largest, 0) << "output " << output << " is all zeros and proves nothing";
    for (size_t i = 0; i < want[output].size(); ++i) {
      ASSERT_NEAR(want[output][i], got[output][i], tolerance * largest) << "output " << output << " index " << i;
    }
  }
}

const Node& find_node(const Graph& graph, std::string_view name) {
  for (const Node& node : graph.nodes) {
    if (node.name == name) return node;
  }
  throw std::out_of_range(fmt::format("no node \"{}\"", name));
}

std::vector<std::string> node_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.name);
  return names;
}

}  // namespace zoo::graph::testing
