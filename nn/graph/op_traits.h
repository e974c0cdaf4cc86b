// What every operation says of itself, one struct each: OpTraits<Op>. There is no general case, so an operation that
// says too little does not compile. The structs stand in op_traits_layers.h and op_traits_maps.h. Internal to nn/graph.
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "nn/graph/node_check.h"
#include "nn/graph/picture.h"

namespace zoo::graph {

/// How many values an operation reads.
struct InputCount {
  static constexpr size_t kAny = static_cast<size_t>(-1);
  size_t least = 1;
  size_t most = 1;
};

/// Whether an operation yields a map [N, C, H, W] or a vector [N, C].
enum class Yields { kMap, kVector, kAsItsSource };

/// Checks attributes on behalf of a node; throws GraphError.
class AttributeCheck {
 public:
  explicit AttributeCheck(const Node& node) : node_(node) {}

  const Node& node() const { return node_; }
  void at_least_one(std::string_view what, int64_t value) const;
  /// Both extents are `least` or more.
  void in_range(std::string_view what, Size2d size, int64_t least) const;
  void windows(Size2d kernel, Size2d stride, Size2d pad) const;
  void norm(int64_t channels, double eps) const;

 private:
  const Node& node_;
};

/// The shapes that a node reads; throws GraphError.
class SourceShapes {
 public:
  SourceShapes(const Node& node, const Shape& image, const std::vector<Shape>& shapes)
      : node_(node), image_(image), shapes_(shapes) {}

  const Node& node() const { return node_; }
  /// Of the network's input.
  const Shape& image() const { return image_; }
  size_t size() const { return node_.inputs.size(); }
  const Shape& operator[](size_t index) const { return shapes_[static_cast<size_t>(node_.inputs[index])]; }
  /// The first source, which must be a feature map, of this many channels.
  const Shape& feature_map() const;
  const Shape& feature_map(int64_t channels) const;
  /// What windows make of the first source.
  Shape pooled(Size2d kernel, Size2d stride, Size2d pad) const;

 private:
  const Node& node_;
  const Shape& image_;
  const std::vector<Shape>& shapes_;
};

/// "3x3 s2 p1"; what is 1 or 0 is left out.
std::string window_text(Size2d kernel, Size2d stride, Size2d pad);
/// "2" or "2x1".
std::string size_text(Size2d size);
/// " +relu"; empty for the identity.
std::string fused_text(const FusedActivation& function);

/// Every struct has
///   kName, kInputs, kYields,
///   kLook       what its box in a picture is drawn like
///   kJoins      whether it is drawn in the box of the layer before it
///   parameters  the parameters it reads, kNone among them
///   macs        multiply-accumulates for one image of this result
///   fields      references to all of it (a structured binding, so that a new field does not compile until it is there)
///   text        its attributes in the table of layers
///   check       throws if an attribute makes no sense for any input
///   shape       of its result.
template <typename Op>
struct OpTraits;

/// For operations that have none of it.
struct ReadsNoParameters {
  template <typename Op>
  static std::vector<ParameterId> parameters(const Op&) {
    return {};
  }
};
struct CountsNoMacs {
  template <typename Op>
  static int64_t macs(const Op&, const Shape&) {
    return 0;
  }
};
struct HasNoAttributes {
  template <typename Op>
  static std::tuple<> fields(const Op&) {
    static_assert(std::is_empty_v<Op>);
    return {};
  }
  template <typename Op>
  static std::string text(const Op&, const Node&) {
    return "";
  }
  template <typename Op>
  static void check(const Op&, const AttributeCheck&) {}
};

}  // namespace zoo::graph
