// Resizing to the size of another value.
#include <cmath>

#include "nn/graph/onnx_export/node_writer.h"

namespace zoo::onnx_export {
namespace {

/// Whether ONNX's "asymmetric" places, rounded down, are torch's. Both compute in float, torch i * (src / dst) and
/// ONNX i / (dst / src), which for some sizes (2 to 82) falls on the other side of a whole number.
bool nearest_agrees(int64_t src, int64_t dst) {
  const std::vector<graph::ResizeTap> taps = graph::resize_taps(graph::ResizeMode::kNearest, src, dst);
  const float scale = static_cast<float>(dst) / static_cast<float>(src);
  for (int64_t i = 0; i < dst; ++i) {
    const auto place = static_cast<int64_t>(std::floor(static_cast<float>(i) / scale));
    if (std::min(place, src - 1) != taps[static_cast<size_t>(i)].first) return false;
  }
  return true;
}

}  // namespace

void NodeWriter::write_op(const graph::Resize& op) {
  const Shape& src = source_shape(0);
  const bool nearest = op.mode == graph::ResizeMode::kNearest;
  if (nearest && !(nearest_agrees(src[2], shape()[2]) && nearest_agrees(src[3], shape()[3]))) {
    gather_nearest("", gather_nearest("rows", source(0), 2, shape()[2]), 3, shape()[3]);
    return;
  }
  const std::vector<std::string> inputs = {source(0), "", "", integers("size", shape().dims)};
  if (nearest) {
    add("Resize", "", inputs,
        {{"mode", "nearest"}, {"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}});
  } else {
    // ONNX's pytorch_half_pixel differs where one pixel is left; torch's own places are these.
    add("Resize", "", inputs, {{"mode", "linear"}, {"coordinate_transformation_mode", "half_pixel"}});
  }
}

std::string NodeWriter::gather_nearest(std::string_view part, const std::string& src, int64_t axis, int64_t size) {
  std::vector<int64_t> places;
  for (const graph::ResizeTap& tap :
       graph::resize_taps(graph::ResizeMode::kNearest, source_shape(0)[static_cast<size_t>(axis)], size)) {
    places.push_back(tap.first);
  }
  return add("Gather", part, {src, integers(axis == 2 ? "row_places" : "column_places", places)}, {{"axis", axis}});
}

}  // namespace zoo::onnx_export
