#include "nn/engine/calibration.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <variant>

#include <fmt/format.h>

#include "nn/core/checked_values.h"

namespace zoo::engine {
namespace {

/// A fast 64-bit mix of a stream of bytes; good enough to tell networks apart, no defence against an adversary.
class Digest {
 public:
  void add(const void* data, size_t bytes) {
    const auto* next = static_cast<const unsigned char*>(data);
    for (; bytes >= sizeof(uint64_t); bytes -= sizeof(uint64_t), next += sizeof(uint64_t)) add_word(next);
    unsigned char tail[sizeof(uint64_t)] = {};
    std::copy_n(next, bytes, tail);  // memcpy takes no null pointer, not even for no bytes
    tail[sizeof(uint64_t) - 1] = static_cast<unsigned char>(bytes + 1);
    add_word(tail);
  }
  void add(std::string_view text) { add(text.data(), text.size()); }
  void add(int64_t number) { add(&number, sizeof(number)); }
  void add(double number) { add(&number, sizeof(number)); }
  void add(graph::Size2d size) {
    add(size.h);
    add(size.w);
  }
  void add(const graph::FusedActivation& function) {
    add(to_string(function.kind));
    add(int64_t{function.slope});
  }
  uint64_t value() const { return state_ ^ state_ >> 32; }

 private:
  void add_word(const unsigned char* bytes) {
    uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof(word));
    // Multiplier of Knuth's MMIX generator: odd, so that every step can be undone and no state is lost.
    state_ = (state_ ^ word) * 6364136223846793005U;
    state_ ^= state_ >> 29;
  }

  uint64_t state_ = 1442695040888963407U;
};

/// Everything of an operation that changes what it yields. No operation and no field can be forgotten: a visitor that
/// lacks one, or a name for each of its fields, does not compile.
class AddAttributes {
 public:
  explicit AddAttributes(Digest& digest) : digest_(digest) {}

  void operator()(const graph::Input& op) const {
    const auto& [channels] = op;
    add(channels);
  }
  void operator()(const graph::Conv2d& op) const {
    const auto& [in, out, kernel, stride, pad, dilation, groups, padding, weight, bias, activation] = op;
    add(in, out, kernel, stride, pad, dilation, groups, static_cast<int64_t>(padding), weight, bias, activation);
  }
  void operator()(const graph::BatchNorm& op) const {
    const auto& [channels, eps, weight, bias, mean, var] = op;
    add(channels, eps, weight, bias, mean, var);
  }
  void operator()(const graph::InstanceNorm& op) const {
    const auto& [channels, eps] = op;
    add(channels, eps);
  }
  void operator()(const graph::Activation& op) const {
    const auto& [function] = op;
    add(function);
  }
  void operator()(const graph::Linear& op) const {
    const auto& [in, out, weight, bias, activation] = op;
    add(in, out, weight, bias, activation);
  }
  void operator()(const graph::SqueezeExcite& op) const {
    const auto& [channels, squeezed, reduce_weight, reduce_bias, expand_weight, expand_bias, inner, gate] = op;
    add(channels, squeezed, reduce_weight, reduce_bias, expand_weight, expand_bias, inner, gate);
  }
  void operator()(const graph::ScaleChannels& op) const {
    const auto& [channels, weight] = op;
    add(channels, weight);
  }
  void operator()(const graph::AvgPool2d& op) const {
    const auto& [kernel, stride, pad, count_include_pad] = op;
    add(kernel, stride, pad, static_cast<int64_t>(count_include_pad));
  }
  void operator()(const graph::MaxPool2d& op) const {
    const auto& [kernel, stride, pad] = op;
    add(kernel, stride, pad);
  }
  void operator()(const graph::BlurPool2d& op) const {
    const auto& [channels, stride] = op;
    add(channels, stride);
  }
  void operator()(const graph::Resize& op) const {
    const auto& [mode] = op;
    add(static_cast<int64_t>(mode));
  }
  void operator()(const graph::SliceChannels& op) const {
    const auto& [in, begin, channels] = op;
    add(in, begin, channels);
  }
  void operator()(const graph::ShuffleChannels& op) const {
    const auto& [channels, groups] = op;
    add(channels, groups);
  }
  void operator()(const graph::MultiQueryAttention& op) const {
    const auto& [heads, key_dim, value_dim] = op;
    add(heads, key_dim, value_dim);
  }
  void operator()(const graph::Add& op) const { add_nothing_of(op); }
  void operator()(const graph::Mul& op) const { add_nothing_of(op); }
  void operator()(const graph::GlobalAvgPool& op) const { add_nothing_of(op); }
  void operator()(const graph::Flatten& op) const { add_nothing_of(op); }
  void operator()(const graph::Concat& op) const { add_nothing_of(op); }

 private:
  template <typename... Values>
  void add(const Values&... values) const {
    (add_one(values), ...);
  }
  template <typename Value>
  void add_one(const Value& value) const {
    if constexpr (std::is_integral_v<Value>) {
      digest_.add(static_cast<int64_t>(value));
    } else {
      digest_.add(value);
    }
  }
  template <typename Op>
  static void add_nothing_of(const Op& /*op*/) {
    static_assert(std::is_empty_v<Op>);
  }

  Digest& digest_;
};

}  // namespace

std::string fingerprint(const graph::BoundGraph& network) {
  check_unchanged(network.values);
  Digest digest;
  for (const graph::Node& node : network.graph.nodes) {
    digest.add(node.name);
    digest.add(graph::op_name(node.op));
    std::visit(AddAttributes(digest), node.op);
    digest.add(node.inputs.data(), node.inputs.size() * sizeof(graph::NodeId));
  }
  for (const std::span<const float> view : network.values.views) digest.add(view.data(), view.size_bytes());
  return fmt::format("{:016x}", digest.value());
}

std::string_view to_string(RangeMethod method) {
  switch (method) {
    case RangeMethod::kMinMax:
      return "minmax";
    case RangeMethod::kPercentile:
      return "percentile";
    case RangeMethod::kMse:
      return "mse";
  }
  return "unknown";
}

}  // namespace zoo::engine
