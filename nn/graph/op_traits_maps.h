// Operations on whole feature maps: what resamples them, joins them or mixes their positions.
#pragma once

#include <fmt/format.h>

#include "nn/graph/op_traits.h"

namespace zoo::graph {

template <>
struct OpTraits<Input> : ReadsNoParameters, CountsNoMacs {
  static constexpr std::string_view kName = "Input";
  static constexpr InputCount kInputs = {0, 0};
  static constexpr Yields kYields = Yields::kMap;
  static constexpr Look kLook = Look::kTerminal;
  static constexpr bool kJoins = false;
  static auto fields(const Input& op) {
    const auto& [channels] = op;
    return std::tie(channels);
  }
  static std::string text(const Input&, const Node&) { return ""; }
  static void check(const Input& input, const AttributeCheck& check) { check.at_least_one("channels", input.channels); }
  static Shape shape(const Input& input, const SourceShapes& sources) {
    const Shape& image = sources.image();
    if (image.rank() != 4 || image[1] != input.channels) {
      throw node_error(sources.node(), fmt::format("expects [N, {}, H, W], got {}", input.channels, image.to_string()));
    }
    return image;
  }
};

template <>
struct OpTraits<GlobalAvgPool> : ReadsNoParameters, CountsNoMacs, HasNoAttributes {
  static constexpr std::string_view kName = "GlobalAvgPool";
  static constexpr InputCount kInputs = {1, 1};
  static constexpr Yields kYields = Yields::kMap;
  static constexpr Look kLook = Look::kGate;
  static constexpr bool kJoins = false;
  static Shape shape(const GlobalAvgPool&, const SourceShapes& sources) {
    const Shape& src = sources.feature_map();
    return {src[0], src[1], 1, 1};
  }
};

template <>
struct OpTraits<Flatten> : ReadsNoParameters, CountsNoMacs, HasNoAttributes {
  static constexpr std::string_view kName = "Flatten";
  static constexpr InputCount kInputs = {1, 1};
  static constexpr Yields kYields = Yields::kVector;
  static constexpr Look kLook = Look::kOther;
  static constexpr bool kJoins = false;
  static Shape shape(const Flatten&, const SourceShapes& sources) {
    const Shape& src = sources.feature_map();
    return {src[0], src[1] * src[2] * src[3]};
  }
};

template <>
struct OpTraits<AvgPool2d> : ReadsNoParameters, CountsNoMacs {
  static constexpr std::string_view kName = "AvgPool2d";
  static constexpr InputCount kInputs = {1, 1};
  static constexpr Yields kYields = Yields::kMap;
  static constexpr Look kLook = Look::kOther;
  static constexpr bool kJoins = false;
  static auto fields(const AvgPool2d& op) {
    const auto& [kernel, stride, pad, count_include_pad] = op;
    return std::tie(kernel, stride, pad, count_include_pad);
  }
  static std::string text(const AvgPool2d& pool, const Node&) {
    return window_text(pool.kernel, pool.stride, pool.pad) + (pool.count_include_pad ? "" : " zeros left out");
  }
  static void check(const AvgPool2d& pool, const AttributeCheck& check) {
    check.windows(pool.kernel, pool.stride, pool.pad);
  }
  static Shape shape(const AvgPool2d& pool, const SourceShapes& sources) {
    return sources.pooled(pool.kernel, pool.stride, pool.pad);
  }
};

template <>
struct OpTraits<MaxPool2d> : ReadsNoParameters, CountsNoMacs {
  static constexpr std::string_view kName = "MaxPool2d";
  static constexpr InputCount kInputs = {1, 1};
  static constexpr Yields kYields = Yields::kMap;
  static constexpr Look kLook = Look::kOther;
  static constexpr bool kJoins = false;
  static auto fields(const MaxPool2d& op) {
    const auto& [kernel, stride, pad] = op;
    return std::tie(kernel, stride, pad);
  }
  static std::string text(const MaxPool2d& pool, const Node&) {
    return window_text(pool.kernel, pool.stride, pool.pad);
  }
  static void check(const MaxPool2d& pool, const AttributeCheck& check) {
    check.windows(pool.kernel, pool.stride, pool.pad);
  }
  static Shape shape(const MaxPool2d& pool, const SourceShapes& sources) {
    return sources.pooled(pool.kernel, pool.stride, pool.pad);
  }
};

template <>
struct OpTraits<BlurPool2d> : ReadsNoParameters, CountsNoMacs {
  static constexpr std::string_view kName = "BlurPool2d";
  static constexpr InputCount kInputs = {1, 1};
  static constexpr Yields kYields = Yields::kMap;
  static constexpr Look kLook = Look::kOther;
  static constexpr bool kJoins = false;
  static auto fields(const BlurPool2d& op) {
    const auto& [channels, stride] = op;
    return std::tie(channels, stride);
  }
  static std::string text(const BlurPool2d& pool, const Node&) {
    constexpr auto kTaps = static_cast<int64_t>(kBlurFilter.size());
    return window_text({kTaps, kTaps}, pool.stride, {kTaps / 2, kTaps / 2});
  }
  static void check(const BlurPool2d& pool, const AttributeCheck& check) {
    check.at_least_one("channels", pool.channels);
    check.in_range("stride", pool.stride, 1);
  }
  static Shape shape(const BlurPool2d& pool, const SourceShapes& sources) {
    const Shape& src = sources.feature_map(pool.channels);
    return {src[0], src[1], (src[2] - 1) / pool.stride.h + 1, (src[3] - 1) / pool.stride.w + 1};
  }
};

template <>
struct OpTraits<Resize> : ReadsNoParameters, CountsNoMacs {
  static constexpr std::string_view kName = "Resize";
  static constexpr InputCount kInputs = {2, 2};
  static constexpr Yields kYields = Yields::kMap;
  static constexpr Look kLook = Look::kOther;
  static constexpr bool kJoins = false;
  static auto fields(const Resize& op) {
    const auto& [mode] = op;
    return std::tie(mode);
  }
  static std::string text(const Resize& resize, const Node&) { return std::string(to_string(resize.mode)); }
  static void check(const Resize&, const AttributeCheck&) {}
  static Shape shape(const Resize&, const SourceShapes& sources) {
    const Shape& src = sources.feature_map();
    const Shape& like = sources[1];
    if (like.rank() != 4) {
      throw node_error(sources.node(), fmt::format("expects the size of a [N, C, H, W], got {}", like.to_string()));
    }
    return {src[0], src[1], like[2], like[3]};
  }
};

template <>
struct OpTraits<Concat> : ReadsNoParameters, CountsNoMacs, HasNoAttributes {
  static constexpr std::string_view kName = "Concat";
  static constexpr InputCount kInputs = {1, InputCount::kAny};
  static constexpr Yields kYields = Yields::kMap;
  static constexpr Look kLook = Look::kOther;
  static constexpr bool kJoins = false;
  static Shape shape(const Concat&, const SourceShapes& sources) {
    Shape dst = sources.feature_map();
    for (size_t i = 1; i < sources.size(); ++i) {
      const Shape& other = sources[i];
      if (other.rank() != 4 || other[0] != dst[0] || other[2] != dst[2] || other[3] != dst[3]) {
        throw node_error(sources.node(), fmt::format("cannot put the channels of {} behind those of {}",
                                                     other.to_string(), sources[0].to_string()));
      }
      dst.dims[1] += other[1];
    }
    return dst;
  }
};

template <>
struct OpTraits<SliceChannels> : ReadsNoParameters, CountsNoMacs {
  static constexpr std::string_view kName = "SliceChannels";
  static constexpr InputCount kInputs = {1, 1};
  static constexpr Yields kYields = Yields::kMap;
  static constexpr Look kLook = Look::kOther;
  static constexpr bool kJoins = false;
  static auto fields(const SliceChannels& op) {
    const auto& [in, begin, channels] = op;
    return std::tie(in, begin, channels);
  }
  static std::string text(const SliceChannels& slice, const Node&) {
    return fmt::format("{} to {} of {}", slice.begin, slice.begin + slice.channels - 1, slice.in_channels);
  }
  static void check(const SliceChannels& slice, const AttributeCheck& check) {
    check.at_least_one("channels", slice.channels);
    if (slice.begin < 0 || slice.begin > slice.in_channels - slice.channels) {
      throw node_error(check.node(), fmt::format("{} channels from {} on are not among {}", slice.channels, slice.begin,
                                                 slice.in_channels));
    }
  }
  static Shape shape(const SliceChannels& slice, const SourceShapes& sources) {
    const Shape& src = sources.feature_map(slice.in_channels);
    return {src[0], slice.channels, src[2], src[3]};
  }
};

template <>
struct OpTraits<ShuffleChannels> : ReadsNoParameters, CountsNoMacs {
  static constexpr std::string_view kName = "ShuffleChannels";
  static constexpr InputCount kInputs = {1, 1};
  static constexpr Yields kYields = Yields::kMap;
  static constexpr Look kLook = Look::kOther;
  static constexpr bool kJoins = false;
  static auto fields(const ShuffleChannels& op) {
    const auto& [channels, groups] = op;
    return std::tie(channels, groups);
  }
  static std::string text(const ShuffleChannels& shuffle, const Node&) { return fmt::format("g{}", shuffle.groups); }
  static void check(const ShuffleChannels& shuffle, const AttributeCheck& check) {
    check.at_least_one("channels", shuffle.channels);
    check.at_least_one("groups", shuffle.groups);
    if (shuffle.channels % shuffle.groups != 0) {
      throw node_error(check.node(),
                       fmt::format("{} groups do not divide {} channels", shuffle.groups, shuffle.channels));
    }
  }
  static Shape shape(const ShuffleChannels& shuffle, const SourceShapes& sources) {
    return sources.feature_map(shuffle.channels);
  }
};

/// The products of the two matrices are counted apart (attention_multiply_accumulates).
template <>
struct OpTraits<MultiQueryAttention> : ReadsNoParameters, CountsNoMacs {
  static constexpr std::string_view kName = "MultiQueryAttention";
  static constexpr InputCount kInputs = {3, 3};
  static constexpr Yields kYields = Yields::kMap;
  static constexpr Look kLook = Look::kLayer;
  static constexpr bool kJoins = false;
  static auto fields(const MultiQueryAttention& op) {
    const auto& [heads, key_dim, value_dim] = op;
    return std::tie(heads, key_dim, value_dim);
  }
  static std::string text(const MultiQueryAttention& attention, const Node&) {
    return fmt::format("{}->{} h{}", attention.key_dim, attention.value_dim, attention.heads);
  }
  static void check(const MultiQueryAttention& attention, const AttributeCheck& check) {
    check.at_least_one("heads", attention.heads);
    check.at_least_one("key_dim", attention.key_dim);
    check.at_least_one("value_dim", attention.value_dim);
    check_extents(check.node(), "query", {attention.heads, attention.key_dim});
    check_extents(check.node(), "output", {attention.heads, attention.value_dim});
  }
  static Shape shape(const MultiQueryAttention& attention, const SourceShapes& sources) {
    const Shape& query = sources.feature_map(attention.heads * attention.key_dim);
    const Shape& key = sources[1];
    const Shape& value = sources[2];
    if (key.rank() != 4 || key[0] != query[0] || key[1] != attention.key_dim ||
        value != Shape{key[0], attention.value_dim, key[2], key[3]}) {
      throw node_error(
          sources.node(),
          fmt::format("expects keys [{}, {}, Hk, Wk] and values [{}, {}, Hk, Wk], got {} and {}", query[0],
                      attention.key_dim, query[0], attention.value_dim, key.to_string(), value.to_string()));
    }
    return {query[0], attention.heads * attention.value_dim, query[2], query[3]};
  }
};

}  // namespace zoo::graph
