#include "nn/weights/convert.h"

#include <bit>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/weights/safetensors_header.h"

namespace zoo::weights {
namespace {

/// Element `index` of data that need not be aligned.
template <typename T>
T load_element(const std::byte* data, size_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));
  return value;
}

/// Whether any element has all bits of `exponent` set. Adding the lowest of these bits to the masked element carries
/// into the sign bit exactly then, which leaves the loop without a branch or comparison.
template <typename Bits>
bool any_full_exponent(std::span<const std::byte> bytes, Bits exponent) {
  const auto lowest = static_cast<Bits>(Bits{1} << std::countr_zero(exponent));
  Bits carries = 0;
  for (size_t i = 0; i < bytes.size() / sizeof(Bits); ++i) {
    const auto masked = static_cast<Bits>(load_element<Bits>(bytes.data(), i) & exponent);
    carries = static_cast<Bits>(carries | static_cast<Bits>(masked + lowest));
  }
  return (carries >> (sizeof(Bits) * 8 - 1)) != 0;
}

bool any_beyond_float(std::span<const std::byte> bytes) {
  bool beyond = false;
  for (size_t i = 0; i < bytes.size() / sizeof(double); ++i) {
    beyond |= !std::isfinite(static_cast<float>(load_element<double>(bytes.data(), i)));
  }
  return beyond;
}

constexpr uint32_t kRebias = (127U - 15U) << 23U;  // from the exponent bias of F16 to that of F32

float widen_half(uint16_t half) {
  const uint32_t sign = (half & 0x8000U) << 16U;
  const uint32_t magnitude = half & 0x7FFFU;
  const uint32_t normal = (magnitude << 13U) + kRebias;
  const uint32_t special = normal + kRebias;  // infinity and NaN: exponent 31 becomes 255
  const auto subnormal = std::bit_cast<uint32_t>(static_cast<float>(static_cast<int32_t>(magnitude)) * 0x1p-24F);
  const uint32_t finite = magnitude < 0x0400U ? subnormal : normal;
  return std::bit_cast<float>(sign | (magnitude >= 0x7C00U ? special : finite));
}

float widen_bfloat(uint16_t value) { return std::bit_cast<float>(static_cast<uint32_t>(value) << 16U); }

}  // namespace

bool is_floating(DType type) {
  return type == DType::kF64 || type == DType::kF32 || type == DType::kF16 || type == DType::kBF16;
}

bool all_finite(const StoredTensor& tensor) {
  switch (tensor.dtype) {
    case DType::kF32:
      return !any_full_exponent<uint32_t>(tensor.data, 0x7F800000U);
    case DType::kF16:
      return !any_full_exponent<uint16_t>(tensor.data, 0x7C00U);
    case DType::kBF16:
      return !any_full_exponent<uint16_t>(tensor.data, 0x7F80U);
    default:
      return !any_beyond_float(tensor.data);
  }
}

void widen(const StoredTensor& tensor, std::span<float> dst) {
  const std::byte* const src = tensor.data.data();
  switch (tensor.dtype) {
    case DType::kF32:
      if (!dst.empty()) std::memcpy(dst.data(), src, dst.size_bytes());
      break;
    case DType::kF16:
      for (size_t i = 0; i < dst.size(); ++i) dst[i] = widen_half(load_element<uint16_t>(src, i));
      break;
    case DType::kBF16:
      for (size_t i = 0; i < dst.size(); ++i) dst[i] = widen_bfloat(load_element<uint16_t>(src, i));
      break;
    default:
      for (size_t i = 0; i < dst.size(); ++i) dst[i] = static_cast<float>(load_element<double>(src, i));
      break;
  }
}

std::vector<float> to_float(const StoredTensor& tensor) {
  if (!is_floating(tensor.dtype)) {
    throw WeightError(fmt::format("tensor {}: type {} holds no floating-point numbers", quoted_name(tensor.name),
                                  to_string(tensor.dtype)));
  }
  std::vector<float> values(tensor.data.size() / size_of(tensor.dtype));
  widen(tensor, values);
  return values;
}

}  // namespace zoo::weights
