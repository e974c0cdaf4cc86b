// What an int8 network has to know beyond its weights: between which numbers each of its values lies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nn/graph/passes.h"

namespace zoo::engine {

/// The numbers from `low` to `high` are what 8 bits have to tell apart; others become the nearest end. low <= 0 <=
/// high, as zero (what convolutions pad with) must be one of the 256 numbers.
struct ValueRange {
  std::string value;  ///< graph::Node::value_name()
  float low = 0.0F;
  float high = 0.0F;
};

/// The ranges of one network. They hold for its weights and for pictures like those they were observed on.
struct Calibration {
  std::string fingerprint;         ///< of the network, see fingerprint()
  std::vector<float> input_low;    ///< per channel of the image
  std::vector<float> input_high;   ///< per channel of the image
  std::vector<ValueRange> ranges;  ///< of every value that is left once norms are folded
};

/// 16 hexadecimal digits that change with structure, names, weights and every attribute (stride, activation, epsilon
/// and so on) of a network as built (not optimised).
std::string fingerprint(const graph::BoundGraph& network);

/// How a range is chosen from what was observed.
enum class RangeMethod {
  kMinMax,      ///< everything that occurred
  kPercentile,  ///< all but one in 10,000 at either end
  kMse,         ///< the least mean squared error of rounding and clamping
};

/// "minmax", "percentile", "mse".
std::string_view to_string(RangeMethod method);

}  // namespace zoo::engine
