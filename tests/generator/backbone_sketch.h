// What the generators of the backbone families share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
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
  std::vector<ExpectedLevel> returned;  ///< what necks and heads for several levels read; empty: all
  bool rounds_down = false;
  int64_t head_channels = 0;  ///< lucid's last_channels; 0: not given
};

/// What the heads of the file's task read.
enum class LevelsRead { kLast, kSeveral };

/// A value of the network that can be a level.
struct SketchedValue {
  std::string name;
  ExpectedLevel level;
  bool inside_block = false;
  bool ends_stage = false;
};

/// The network while it grows: what the next block reads, and the values that features are chosen from.
class NetworkSketch {
 public:
  /// `stride_limit`: the largest total stride, so that maps stay larger than windows.
  explicit NetworkSketch(int64_t stride_limit) : stride_limit_(stride_limit) {}

  int64_t channels() const { return last_.channels; }
  int64_t stride() const { return last_.stride; }
  /// A stride from 1 to 4 that the network still has room for.
  int64_t next_stride(Random& random) const;
  /// The stem or, after it, a block.
  void add(int64_t channels, int64_t stride);
  /// A value of this name between the stem and the blocks.
  void add_between(const std::string& name, int64_t stride);
  /// What the expand convolution of the next block yields, when the block has had this stride before it or in it.
  void add_expansion(int64_t channels, int64_t stride = 1);
  void add_last_conv(int64_t channels, int64_t stride = 1);
  /// What was added since the last call is a stage.
  void end_stage();
  const std::vector<SketchedValue>& values() const { return values_; }
  /// The levels that the word of `feature_levels` chooses.
  std::vector<ExpectedLevel> levels(const std::string& feature_levels) const;

 private:
  std::string block_name() const;

  int64_t stride_limit_;
  ExpectedLevel last_;
  std::vector<SketchedValue> values_;
  int stage_ = 0;
  int block_ = 0;
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
/// Adds `feature_levels` (or leaves it at `stages`) and yields the levels it chooses.
std::vector<ExpectedLevel> add_feature_levels(YamlValue& params, const NetworkSketch& network, Random& random);
/// The largest total stride. An instance norm over a handful of nearly equal values only amplifies rounding, with which
/// no two engines agree, so it gets larger maps.
int64_t stride_limit(YamlValue& params, int64_t otherwise);
/// Adds `params` to the backbone; without keys also as null or not at all.
void add_params(YamlValue& backbone, YamlValue params, Random& random);

/// A form of a family. What heads read matters to a backbone that can hand out some of its levels.
using SketchBackbone = BackboneSketch (*)(LevelsRead read, Random& random);

/// All forms by name. The files of this folder that sketch families add them: `const BackboneForm kForm("...",
/// sketch);`.
const std::map<std::string, SketchBackbone>& backbone_forms();
class BackboneForm {
 public:
  /// `name` begins with the family's.
  BackboneForm(const std::string& name, SketchBackbone sketch);
};

}  // namespace zoo::test
