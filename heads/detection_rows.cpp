#include <cstddef>

#include <fmt/format.h>

#include "heads/detection.h"
#include "nn/core/error.h"

namespace zoo::heads {

void rows_from_map(std::span<const float> map, graph::Size2d size, int64_t columns, std::span<float> rows) {
  const auto area = static_cast<size_t>(size.h * size.w);
  const auto width = static_cast<size_t>(columns);
  if (area == 0 || width == 0 || map.size() % (area * width) != 0 || rows.size() != map.size()) {
    throw Error(fmt::format("{} values of a map {}x{} do not make {} values in rows of {}", map.size(), size.h, size.w,
                            rows.size(), columns));
  }
  const size_t anchors = map.size() / (area * width);
  for (size_t anchor = 0; anchor < anchors; ++anchor) {
    for (size_t column = 0; column < width; ++column) {
      const float* plane = map.data() + (anchor * width + column) * area;
      float* row = rows.data() + anchor * width + column;
      for (size_t position = 0; position < area; ++position) row[position * anchors * width] = plane[position];
    }
  }
}

}  // namespace zoo::heads
