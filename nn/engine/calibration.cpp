#include "nn/engine/calibration.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "nn/core/checked_values.h"
#include "nn/graph/describe.h"

namespace zoo::engine {
namespace {

/// A fast 64-bit mix of a stream of bytes; good enough to tell networks apart, no defence against an adversary.
class Digest {
 public:
  void add(const void* data, size_t bytes) {
    const auto* next = static_cast<const unsigned char*>(data);
    for (; bytes >= sizeof(uint64_t); bytes -= sizeof(uint64_t), next += sizeof(uint64_t)) add_word(next);
    unsigned char tail[sizeof(uint64_t)] = {};
    std::copy_n(next, bytes, tail);  // memcpy takes no null pointer, not even for no bytes
    tail[sizeof(uint64_t) - 1] = static_cast<unsigned char>(bytes + 1);
    add_word(tail);
  }
  void add(std::string_view text) { add(text.data(), text.size()); }
  uint64_t value() const { return state_ ^ state_ >> 32; }

 private:
  void add_word(const unsigned char* bytes) {
    uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof(word));
    // Multiplier of Knuth's MMIX generator: odd, so that every step can be undone and no state is lost.
    state_ = (state_ ^ word) * 6364136223846793005U;
    state_ ^= state_ >> 29;
  }

  uint64_t state_ = 1442695040888963407U;
};

}  // namespace

std::string fingerprint(const graph::BoundGraph& network) {
  check_unchanged(network.values);
  Digest digest;
  for (const graph::Node& node : network.graph.nodes) {
    digest.add(node.name);
    digest.add(graph::op_name(node.op));
    digest.add(graph::every_attribute(node.op));
    digest.add(node.inputs.data(), node.inputs.size() * sizeof(graph::NodeId));
  }
  for (const std::span<const float> view : network.values.views) digest.add(view.data(), view.size_bytes());
  return fmt::format("{:016x}", digest.value());
}

std::string_view to_string(RangeMethod method) {
  switch (method) {
    case RangeMethod::kMinMax:
      return "minmax";
    case RangeMethod::kPercentile:
      return "percentile";
    case RangeMethod::kMse:
      return "mse";
  }
  return "unknown";
}

}  // namespace zoo::engine
