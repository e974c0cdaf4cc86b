// Operations with weights or of single values: layers, normalisations, activations, arithmetic.
#pragma once

#include <fmt/format.h>

#include "nn/graph/op_traits.h"

namespace zoo::graph {

template <>
struct OpTraits<Conv2d> {
  static constexpr std::string_view kName = "Conv2d";
  static constexpr InputCount kInputs = {1, 2};
  static constexpr Yields kYields = Yields::kMap;
  static constexpr Look kLook = Look::kLayer;
  static constexpr bool kJoins = false;
  static auto fields(const Conv2d& op) {
    const auto& [in, out, kernel, stride, pad, dilation, groups, padding, weight, bias, activation] = op;
    return std::tie(in, out, kernel, stride, pad, dilation, groups, padding, weight, bias, activation);
  }
  static std::vector<ParameterId> parameters(const Conv2d& conv) {
    return {conv.weight, conv.bias, conv.activation.slope};
  }
  static int64_t macs(const Conv2d& conv, const Shape& dst) {
    return conv.out_channels * dst[2] * dst[3] * (conv.in_channels / conv.groups) * conv.kernel.h * conv.kernel.w;
  }
  static std::string text(const Conv2d& conv, const Node& node);
  static void check(const Conv2d& conv, const AttributeCheck& check);
  static Shape shape(const Conv2d& conv, const SourceShapes& sources);
};

template <>
struct OpTraits<Linear> {
  static constexpr std::string_view kName = "Linear";
  static constexpr InputCount kInputs = {1, 1};
  static constexpr Yields kYields = Yields::kVector;
  static constexpr Look kLook = Look::kLayer;
  static constexpr bool kJoins = false;
  static auto fields(const Linear& op) {
    const auto& [in, out, weight, bias, activation] = op;
    return std::tie(in, out, weight, bias, activation);
  }
  static std::vector<ParameterId> parameters(const Linear& linear) {
    return {linear.weight, linear.bias, linear.activation.slope};
  }
  static int64_t macs(const Linear& linear, const Shape&) { return linear.in_features * linear.out_features; }
  static std::string text(const Linear& linear, const Node&) {
    return fmt::format("{}->{}", linear.in_features, linear.out_features) + fused_text(linear.activation);
  }
  static void check(const Linear& linear, const AttributeCheck& check) {
    check.at_least_one("in_features", linear.in_features);
    check.at_least_one("out_features", linear.out_features);
    check_extents(check.node(), "weight", {linear.out_features, linear.in_features});
  }
  static Shape shape(const Linear& linear, const SourceShapes& sources) {
    const Shape& src = sources[0];
    if (src.rank() != 2 || src[1] != linear.in_features) {
      throw node_error(sources.node(), fmt::format("expects [N, {}], got {}", linear.in_features, src.to_string()));
    }
    return {src[0], linear.out_features};
  }
};

template <>
struct OpTraits<BatchNorm> : CountsNoMacs {
  static constexpr std::string_view kName = "BatchNorm";
  static constexpr InputCount kInputs = {1, 1};
  static constexpr Yields kYields = Yields::kAsItsSource;
  static constexpr Look kLook = Look::kOther;
  static constexpr bool kJoins = true;
  static auto fields(const BatchNorm& op) {
    const auto& [channels, eps, weight, bias, mean, var] = op;
    return std::tie(channels, eps, weight, bias, mean, var);
  }
  static std::vector<ParameterId> parameters(const BatchNorm& norm) {
    return {norm.weight, norm.bias, norm.mean, norm.var};
  }
  static std::string text(const BatchNorm& norm, const Node&) { return fmt::format("eps {}", norm.eps); }
  static void check(const BatchNorm& norm, const AttributeCheck& check) { check.norm(norm.channels, norm.eps); }
  static Shape shape(const BatchNorm& norm, const SourceShapes& sources) {
    const Shape& src = sources[0];
    if ((src.rank() != 4 && src.rank() != 2) || src[1] != norm.channels) {
      throw node_error(sources.node(), fmt::format("expects {} channels, got {}", norm.channels, src.to_string()));
    }
    return src;
  }
};

template <>
struct OpTraits<InstanceNorm> : ReadsNoParameters, CountsNoMacs {
  static constexpr std::string_view kName = "InstanceNorm";
  static constexpr InputCount kInputs = {1, 1};
  static constexpr Yields kYields = Yields::kMap;
  static constexpr Look kLook = Look::kOther;
  static constexpr bool kJoins = true;
  static auto fields(const InstanceNorm& op) {
    const auto& [channels, eps] = op;
    return std::tie(channels, eps);
  }
  static std::string text(const InstanceNorm& norm, const Node&) { return fmt::format("eps {}", norm.eps); }
  static void check(const InstanceNorm& norm, const AttributeCheck& check) { check.norm(norm.channels, norm.eps); }
  static Shape shape(const InstanceNorm& norm, const SourceShapes& sources) {
    return sources.feature_map(norm.channels);
  }
};

template <>
struct OpTraits<Activation> : CountsNoMacs {
  static constexpr std::string_view kName = "Activation";
  static constexpr InputCount kInputs = {1, 1};
  static constexpr Yields kYields = Yields::kAsItsSource;
  static constexpr Look kLook = Look::kOther;
  static constexpr bool kJoins = true;
  static auto fields(const Activation& op) {
    const auto& [function] = op;
    return std::tie(function);
  }
  static std::vector<ParameterId> parameters(const Activation& activation) { return {activation.function.slope}; }
  static std::string text(const Activation& activation, const Node&) {
    return std::string(to_string(activation.function.kind));
  }
  static void check(const Activation&, const AttributeCheck&) {}
  static Shape shape(const Activation&, const SourceShapes& sources) { return sources[0]; }
};

template <>
struct OpTraits<Add> : ReadsNoParameters, CountsNoMacs, HasNoAttributes {
  static constexpr std::string_view kName = "Add";
  static constexpr InputCount kInputs = {2, 2};
  static constexpr Yields kYields = Yields::kAsItsSource;
  static constexpr Look kLook = Look::kOther;
  static constexpr bool kJoins = false;
  static Shape shape(const Add&, const SourceShapes& sources) {
    if (sources[0] != sources[1]) {
      throw node_error(sources.node(),
                       fmt::format("cannot add {} and {}", sources[0].to_string(), sources[1].to_string()));
    }
    return sources[0];
  }
};

template <>
struct OpTraits<Mul> : ReadsNoParameters, CountsNoMacs, HasNoAttributes {
  static constexpr std::string_view kName = "Mul";
  static constexpr InputCount kInputs = {2, 2};
  static constexpr Yields kYields = Yields::kMap;
  static constexpr Look kLook = Look::kGate;
  static constexpr bool kJoins = false;
  static Shape shape(const Mul&, const SourceShapes& sources) {
    const Shape& src = sources.feature_map();
    if (sources[1] != Shape{src[0], src[1], 1, 1}) {
      throw node_error(sources.node(), fmt::format("cannot scale {} by {}", src.to_string(), sources[1].to_string()));
    }
    return src;
  }
};

template <>
struct OpTraits<ScaleChannels> : CountsNoMacs {
  static constexpr std::string_view kName = "ScaleChannels";
  static constexpr InputCount kInputs = {1, 1};
  static constexpr Yields kYields = Yields::kMap;
  static constexpr Look kLook = Look::kOther;
  static constexpr bool kJoins = true;
  static auto fields(const ScaleChannels& op) {
    const auto& [channels, weight] = op;
    return std::tie(channels, weight);
  }
  static std::vector<ParameterId> parameters(const ScaleChannels& scale) { return {scale.weight}; }
  static std::string text(const ScaleChannels&, const Node&) { return ""; }
  static void check(const ScaleChannels& scale, const AttributeCheck& check) {
    check.at_least_one("channels", scale.channels);
  }
  static Shape shape(const ScaleChannels& scale, const SourceShapes& sources) {
    return sources.feature_map(scale.channels);
  }
};

template <>
struct OpTraits<SqueezeExcite> {
  static constexpr std::string_view kName = "SqueezeExcite";
  static constexpr InputCount kInputs = {1, 1};
  static constexpr Yields kYields = Yields::kMap;
  static constexpr Look kLook = Look::kGate;
  static constexpr bool kJoins = false;
  static auto fields(const SqueezeExcite& op) {
    const auto& [channels, squeezed, reduce_weight, reduce_bias, expand_weight, expand_bias, inner, gate] = op;
    return std::tie(channels, squeezed, reduce_weight, reduce_bias, expand_weight, expand_bias, inner, gate);
  }
  static std::vector<ParameterId> parameters(const SqueezeExcite& se) {
    return {se.reduce_weight, se.reduce_bias, se.expand_weight, se.expand_bias, se.inner.slope, se.gate.slope};
  }
  static int64_t macs(const SqueezeExcite& se, const Shape&) { return 2 * se.channels * se.squeezed; }
  static std::string text(const SqueezeExcite& se, const Node&) {
    return fmt::format("{}->{}->{}", se.channels, se.squeezed, se.channels) + fused_text(se.inner) +
           fused_text(se.gate);
  }
  static void check(const SqueezeExcite& se, const AttributeCheck& check) {
    check.at_least_one("channels", se.channels);
    check.at_least_one("squeezed", se.squeezed);
    check_extents(check.node(), "weight", {se.channels, se.squeezed, 1, 1});
  }
  static Shape shape(const SqueezeExcite& se, const SourceShapes& sources) { return sources.feature_map(se.channels); }
};

}  // namespace zoo::graph
