// What the generators of the backbone families share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/generator/config_generator.h"
#include "tests/generator/random_source.h"
#include "tests/generator/yaml_value.h"

namespace zoo::test {

/// A backbone's node of the model file and what follows from it.
struct BackboneSketch {
  std::string form;
  YamlValue node = YamlValue::map();
  int64_t in_channels = 3;
  std::vector<ExpectedLevel> levels;
  bool rounds_down = false;
  int64_t head_channels = 0;  ///< lucid's last_channels; 0: not given
};

/// The network while it grows: what the next block reads, and the values that features are chosen from.
class NetworkSketch {
 public:
  /// `stride_limit`: the largest total stride, so that maps stay larger than windows.
  explicit NetworkSketch(int64_t stride_limit) : stride_limit_(stride_limit) {}

  int64_t channels() const { return values_.back().channels; }
  int64_t stride() const { return values_.empty() ? 1 : values_.back().stride; }
  /// A stride from 1 to 4 that the network still has room for.
  int64_t next_stride(Random& random) const;
  void add(int64_t channels, int64_t stride) { values_.push_back({channels, this->stride() * stride}); }
  /// What was added since the last call is a stage.
  void end_stage() { stage_ends_.push_back(values_.size() - 1); }
  /// The levels that `feature_levels` chooses.
  std::vector<ExpectedLevel> levels(const std::string& feature_levels) const;

 private:
  int64_t stride_limit_;
  std::vector<ExpectedLevel> values_;
  std::vector<size_t> stage_ends_;
};

int64_t some_channels(Random& random);
int64_t some_kernel(Random& random);
YamlValue some_activation(Random& random);
YamlValue some_bool(Random& random, bool value);
YamlValue some_null(Random& random);
std::string act_type_key(Random& random);

/// Total stride up to which there is an instance norm.
inline constexpr int64_t kStrideOfInstanceNorm = 8;

/// Adds `in_channels` (or leaves it at 3), `norm_type`, `norm_eps`, `padding`; yields the input channels.
int64_t add_common_params(YamlValue& params, Random& random);
/// Adds `feature_levels` (or leaves it at `stages`) and yields it.
std::string add_feature_levels(YamlValue& params, Random& random);
/// The largest total stride. An instance norm over a handful of nearly equal values only amplifies rounding, with which
/// no two engines agree, so it gets larger maps.
int64_t stride_limit(YamlValue& params, int64_t otherwise);
/// Adds `params` to the backbone; without keys also as null or not at all.
void add_params(YamlValue& backbone, YamlValue params, Random& random);

BackboneSketch sketch_mobilenetv1(Random& random);
BackboneSketch sketch_mobilenetv2(Random& random);
BackboneSketch sketch_mobilenetv3(Random& random);
BackboneSketch sketch_mobilenetv3_rows(Random& random);
BackboneSketch sketch_mobilenetv4(Random& random);
BackboneSketch sketch_mobilenetv4_cfg(Random& random);

}  // namespace zoo::test
