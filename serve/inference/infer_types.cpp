#include "serve/inference/infer_types.h"

#include <algorithm>

namespace zoo::serve {

std::string_view to_string(Datatype datatype) {
  switch (datatype) {
    case Datatype::kBool:
      return "BOOL";
    case Datatype::kUint8:
      return "UINT8";
    case Datatype::kInt64:
      return "INT64";
    case Datatype::kFp32:
      return "FP32";
    case Datatype::kBytes:
      return "BYTES";
  }
  return "";
}

bool fits_shape(std::span<const int64_t> shape, std::span<const int64_t> expected) {
  return std::ranges::equal(
      shape, expected, [](int64_t found, int64_t wanted) { return found >= 1 && (wanted < 0 || found == wanted); });
}

std::optional<int64_t> element_count(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(count, size, &count)) return std::nullopt;
  }
  return count;
}

}  // namespace zoo::serve
