// Checks blocks against each other while they are read, in the order of the network, and reads the numbers that the
// families' model files have in common. Zero stands for a value that could not be read; a problem has been recorded
// then, and checks leave it alone.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "backbones/blocks.h"
#include "nn/core/config_node.h"

namespace zoo::backbones {

inline constexpr int64_t kMaxChannels = 16384;
inline constexpr int64_t kMaxStride = 4;

int64_t read_channels(const ConfigNode& node);  ///< 1 to kMaxChannels, else 0
int64_t read_kernel(const ConfigNode& node);    ///< odd, 1 to 31
int64_t read_stride(const ConfigNode& node);    ///< 1 to kMaxStride
int64_t read_dilation(const ConfigNode& node);  ///< 1 to 16
int64_t read_divisor(const ConfigNode& node);   ///< 1 to kMaxChannels
bool read_bool(const ConfigNode& node);
/// A boolean, also as the 0 and 1 of lucid's rows.
bool read_flag(const ConfigNode& node);
/// Records what is wrong with single values of a row that has the wrong number of them, so that their places are
/// unknown: each is a whole number, a boolean or null.
void check_row_values(std::span<const ConfigNode> values);
/// Channels, or `fallback` if the key is absent or null.
int64_t channels_or(const ConfigNode& node, int64_t fallback);

/// `norm_type` and `norm_eps` of `params`.
void decode_norm_options(const ConfigNode& params, NormOptions& norm);
/// `padding` of `params`: whether it is `same`.
bool decode_same_padding(const ConfigNode& params);

/// What a block reads, and the stride so far.
class BlockChain {
 public:
  /// `channels`: what the first block reads, 0 if unknown; `stride`: that of `first`, which it reads them from.
  BlockChain(int64_t channels, int64_t stride, std::string_view first = "stem")
      : before_(first), channels_(channels), total_stride_(stride) {}

  void check_in_channels(const ConfigNode& node, int64_t in_channels) const;
  /// The width inside a block is at least that of its input.
  void check_expanded(const ConfigNode& node, int64_t expanded_channels, int64_t in_channels) const;
  /// Yields the stride to go on with.
  int64_t check_stride(const ConfigNode& node, int64_t stride, int64_t dilation = 1);

  void advance(int64_t out_channels);
  int64_t channels() const { return channels_; }

 private:
  std::string_view before_;
  int64_t channels_;
  int64_t total_stride_;
};

}  // namespace zoo::backbones
