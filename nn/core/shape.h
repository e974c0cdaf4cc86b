// Extents of a dense tensor, outermost first: [N, C, H, W] for images, [N, C] for vectors.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace zoo {

/// Extents of a dense row-major tensor. An empty shape is a scalar with one element.
struct Shape {
  std::vector<int64_t> dims;

  Shape() = default;
  Shape(std::initializer_list<int64_t> extents) : dims(extents) {}
  explicit Shape(std::vector<int64_t> extents) : dims(std::move(extents)) {}

  size_t rank() const { return dims.size(); }
  int64_t operator[](size_t axis) const { return dims[axis]; }
  int64_t& operator[](size_t axis) { return dims[axis]; }

  /// Product of the extents. Precondition: it fits 63 bits (readers of untrusted files check before).
  int64_t elements() const;

  /// "1x3x224x224"; "scalar" without dimensions.
  std::string to_string() const;

  friend bool operator==(const Shape&, const Shape&) = default;
};

}  // namespace zoo
