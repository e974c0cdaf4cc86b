#include "heads/level_choice.h"

#include <string>

#include <fmt/format.h>

namespace zoo::heads {
namespace {

constexpr int64_t kMaxStride = 1024;

// "strides 4, 16 and 32", each once.
std::string strides_of(const std::vector<FeatureLevel>& levels) {
  std::vector<int64_t> strides;
  for (const FeatureLevel& level : levels) {
    if (strides.empty() || strides.back() != level.stride) strides.push_back(level.stride);
  }
  if (strides.size() == 1) return fmt::format("stride {}", strides.front());
  const int64_t last = strides.back();
  strides.pop_back();
  return fmt::format("strides {} and {}", fmt::join(strides, ", "), last);
}

}  // namespace

std::optional<size_t> level_of_stride(const ConfigNode& where, const HeadContext& context, int64_t stride) {
  for (size_t i = context.features.size(); i-- > 0;) {
    if (context.features[i].stride == stride) return i;
  }
  if (!context.features.empty()) {
    where.problem(fmt::format("needs a level of stride {}, but the backbone hands out levels of {}", stride,
                              strides_of(context.features)));
  }
  return std::nullopt;
}

std::optional<size_t> decode_level(const ConfigNode& head, std::string_view key, const HeadContext& context,
                                   int64_t fallback) {
  if (const ConfigNode node = head.find("params").find(key)) {
    const int64_t stride = node.as_int_in(1, kMaxStride, 0);
    return stride == 0 ? std::nullopt : level_of_stride(node, context, stride);
  }
  if (fallback != 0) return level_of_stride(head, context, fallback);
  return context.features.empty() ? std::nullopt : std::optional(context.features.size() - 1);
}

}  // namespace zoo::heads
