#include "nn/core/shape.h"

namespace zoo {

int64_t Shape::elements() const {
  int64_t product = 1;
  for (int64_t extent : dims) product *= extent;
  return product;
}

std::string Shape::to_string() const {
  if (dims.empty()) return "scalar";
  std::string text;
  for (int64_t extent : dims) {
    if (!text.empty()) text += 'x';
    text += std::to_string(extent);
  }
  return text;
}

}  // namespace zoo
